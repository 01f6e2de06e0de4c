"""Shared by the formats: files, names, loaders, and the records of tensors that layers are made of."""
