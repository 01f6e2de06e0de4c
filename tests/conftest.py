"""What all tests share."""

import os

# Tests measure; and nothing of theirs belongs in the cache of whoever runs them.
os.environ["WEIGHTSCOPE_CACHE"] = "off"

# Several processes share the cores: threads that have nothing to do sleep rather than spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
