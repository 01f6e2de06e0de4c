"""Remote models: on the Hugging Face hub, or at any address that fsspec opens."""
