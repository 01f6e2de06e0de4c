"""What a layer of a model is called and is."""
