"""Quantized checkpoints: one weight stored as several tensors (codes, scales, zero points) becomes one layer."""

from weightscope_widget.sources.packed.unpack import unpacked

__all__ = ["unpacked"]
