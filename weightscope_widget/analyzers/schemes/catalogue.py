"""The simulated quantization schemes and their storage."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SCHEMES", "Scheme"]


@dataclass(frozen=True)
class Scheme:
    """One way of storing a weight matrix in few bits.

    Attributes
    ----------
    title : str
        What to call it in a table.
    bits : int
        Bits per weight, without the scales.
    shared_by : str
        What has a scale of its own: ``"tensor"``, ``"channel"`` (an output row), ``"group"`` (of consecutive inputs of
        a row) or ``"block"`` (of consecutive weights, row after row).
    size : int
        How many weights a group or block has; 0 for the others.
    scale_bits : int
        Bits per scale.
    """

    title: str
    bits: int
    shared_by: str
    size: int = 0
    scale_bits: int = 16

    def bits_per_weight(self, rows: int, columns: int) -> float:
        """Return the storage of a (rows, columns) matrix, scales included, in bits per weight.

        >>> SCHEMES["int4_group128"].bits_per_weight(4096, 4096)
        4.125
        """
        scales = {
            "tensor": 1,
            "channel": rows,
            "group": rows * -(-columns // max(self.size, 1)),
            "block": -(-rows * columns // max(self.size, 1)),
        }[self.shared_by]
        return self.bits + self.scale_bits * scales / (rows * columns)


SCHEMES: dict[str, Scheme] = {
    "int8_tensor": Scheme("INT8 per tensor", 8, "tensor"),
    "int8_channel": Scheme("INT8 per channel", 8, "channel"),
    "int8_group128": Scheme("INT8, groups of 128", 8, "group", 128),
    "int4_channel": Scheme("INT4 per channel", 4, "channel"),
    "int4_group128": Scheme("INT4, groups of 128", 4, "group", 128),
    # Dettmers et al. 2023 keep float32 scales, unless they are quantized in turn.
    "nf4_block64": Scheme("NF4, blocks of 64", 4, "block", 64, scale_bits=32),
    "fp8_e4m3": Scheme("FP8 E4M3 per tensor", 8, "tensor"),
}
"""The schemes by the name that their figures have in the results."""
