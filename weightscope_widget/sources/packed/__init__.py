"""Quantized checkpoints: one weight stored as several tensors (codes, scales, zero points), made one layer again."""

from weightscope_widget.sources.packed.unpack import BUFFERS, unpacked

__all__ = ["BUFFERS", "unpacked"]
