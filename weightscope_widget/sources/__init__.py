"""Inputs: models, state dicts, files, folders and addresses, opened as layers that load on demand."""

from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.sources._tensors.files import natural_key
from weightscope_widget.sources._tensors.loaders import CurrentVersions, Versions
from weightscope_widget.sources.registry import open_source

__all__ = ["CurrentVersions", "Layer", "Source", "Versions", "layer_name", "natural_key", "open_source"]
