"""Layers of a model: their names, places and metadata."""
