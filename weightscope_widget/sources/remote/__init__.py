"""Models that are elsewhere: on the Hugging Face hub, or behind any address that fsspec opens."""
