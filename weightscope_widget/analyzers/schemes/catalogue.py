"""The simulated quantization schemes and their storage."""

from __future__ import annotations

from dataclasses import dataclass

from weightscope_widget.data import read

__all__ = ["SCHEMES", "Scheme", "stored_bits"]

_TITLES = {
    "int8_tensor": "INT8 per tensor",
    "int8_channel": "INT8 per channel",
    "int8_group128": "INT8, groups of 128",
    "int4_channel": "INT4 per channel",
    "int4_group128": "INT4, groups of 128",
    "nf4_block64": "NF4, blocks of 64",
    "fp8_e4m3": "FP8 E4M3 per tensor",
}


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
        Bits per scale; Dettmers et al. (2023) keep float32 scales for NF4, unless they are quantized in turn.
    gaussian_sqnr_db : float
        SQNR of a Gaussian matrix of 1024 × 4096, in dB: what weights without outliers can expect.
    """

    title: str
    bits: int
    shared_by: str
    size: int
    scale_bits: int
    gaussian_sqnr_db: float

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
    name: Scheme(title=_TITLES[name], **scheme) for name, scheme in read("rules")["schemes"].items()
}
"""The schemes by the name that their figures have in the results."""


def stored_bits(dtype: str) -> float | None:
    """Return the bits per weight of a layer's storage type (`Layer.dtype`); None for a type that is not known.

    Block formats count their scales. Integers with a note, such as ``"int4 (GPTQ)"``, do not say how large their groups
    are, so the scales are left out (an eighth of a bit in groups of 128).

    >>> stored_bits("Q4_K"), stored_bits("int4 (GPTQ)"), stored_bits("packed")
    (4.5, 4, None)
    """
    bits: dict[str, float] = read("rules")["stored_bits"]
    return bits.get(dtype.partition(" (")[0])
