"""What all tests share."""

import os

# Tests measure; and nothing of theirs belongs in the cache of whoever runs them.
os.environ["WEIGHTSCOPE_CACHE"] = "off"
