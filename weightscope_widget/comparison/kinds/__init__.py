"""The kind of change between two models."""
