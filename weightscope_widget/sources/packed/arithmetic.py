"""Codes of a few bits in 32-bit words, and scales: which entries share one, and applying them in little memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

__all__ = ["CHUNK", "FLOATS", "WORD", "Blocks", "Scaled", "as_scales", "block_size", "codes"]

CHUNK = 2**20
"""Entries processed at a time, which bounds the memory needed besides the result."""

WORD = 32
FLOATS = ("float16", "bfloat16", "float32", "float64")
"""Types of scales that are plain numbers."""

_USUAL_BLOCK = 128
_EXPONENTS = ("uint8", "float8_e8m0fnu")
_BIAS = 127


def codes(words: torch.Tensor, bits: int, count: int) -> torch.Tensor:
    """Return the first codes of each row.

    Parameters
    ----------
    words : torch.Tensor
        int32, (rows, words); bit 0 of the first word comes first.
    bits : int
        Bits per code, 1 to 8; a code may lie across two words.
    count : int
        Codes in each row; the words hold at least this many.

    Returns
    -------
    torch.Tensor
        int32, (rows, count), each from 0 to 2^bits − 1.

    Examples
    --------
    >>> codes(torch.tensor([[0x7654321]], dtype=torch.int32), 4, 3).tolist()
    [[1, 2, 3]]
    """
    mask = (1 << bits) - 1
    if WORD % bits == 0:
        shifts = torch.arange(0, WORD, bits, dtype=torch.int32, device=words.device)
        found: torch.Tensor = (words.unsqueeze(-1) >> shifts) & mask
        return found.flatten(1)[:, :count]
    starts = torch.arange(0, count * bits, bits, device=words.device)
    low, offset = starts // WORD, (starts % WORD).to(torch.int32)
    wide = words.long() & (2**WORD - 1)
    high = torch.cat([wide, torch.zeros_like(wide[:, :1])], 1)[:, low + 1]
    straddling: torch.Tensor = ((wide[:, low] | (high << WORD)) >> offset) & mask
    return straddling.int()


@dataclass(frozen=True)
class Blocks:
    """Blocks of a matrix that share one number each: this many rows and columns, fewer at the edges."""

    rows: int
    columns: int

    def spread(self, numbers: torch.Tensor, first: int, last: int, width: int) -> torch.Tensor:
        """Return the number of each entry of the rows from `first` to before `last`; it broadcasts to them."""
        which = torch.arange(first, last, device=numbers.device) // self.rows
        taken = numbers[which]
        return taken if taken.shape[1] == 1 else taken.repeat_interleave(self.columns, 1)[:, :width]


@dataclass(frozen=True)
class Scaled:
    """W = (q − zero) · scale / divisor, each scale for a block of entries.

    `matrix` is the shape of one matrix, of which a stack has several; `count` the number of scales along its rows and
    columns.
    """

    matrix: tuple[int, int]
    count: tuple[int, int]
    blocks: Blocks
    divisor: float = 1.0

    def __call__(self, parts: Mapping[str, torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        """Return the weight from ``weight``, ``scale`` and, where there is one, ``zero``."""
        values = parts["weight"].to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        matrices = values.view(-1, *self.matrix)
        scales = self._each(as_scales(parts["scale"]) / self.divisor, len(matrices))
        zeros = self._each(parts["zero"].float(), len(matrices)) if "zero" in parts else None
        for index, matrix in enumerate(matrices):
            step = max(1, CHUNK // matrix.shape[1])
            for first in range(0, len(matrix), step):
                rows = matrix[first : first + step]
                place = (first, first + len(rows), matrix.shape[1])
                if zeros is not None:
                    rows -= self.blocks.spread(zeros[index], *place)
                rows *= self.blocks.spread(scales[index], *place)
        return values.view(shape)

    def _each(self, numbers: torch.Tensor, matrices: int) -> torch.Tensor:
        """Return the numbers of each matrix; all may share one set."""
        return numbers.reshape(-1, *self.count).expand(matrices, -1, -1)


def as_scales(stored: torch.Tensor) -> torch.Tensor:
    """Return scales as float32; bytes are exponents (E8M0: 2^(byte − 127), 255 is NaN).

    Raises ValueError where one of them is not finite.
    """
    if str(stored.dtype).removeprefix("torch.") in _EXPONENTS:
        codes = stored.view(torch.uint8)
        scales = torch.ldexp(torch.ones_like(codes, dtype=torch.float32), codes.int() - _BIAS)
        scales = torch.where(codes == 255, torch.nan, scales)
    else:
        scales = stored.float()
    broken = int(scales.numel() - torch.isfinite(scales).sum())
    if broken:
        raise ValueError(f"{broken} of its {scales.numel()} scales are not finite numbers")
    return scales


def block_size(length: int, count: int, told: int | None = None) -> int | None:
    """Return how many entries of an axis share a scale, given the number of scales; None where none fits.

    The size in the configuration goes first, then the usual 128, then the even division, then powers of two.

    >>> block_size(300, 3), block_size(300, 300), block_size(300, 7)
    (128, 1, None)
    >>> block_size(300, 5, told=64), block_size(300, 5)
    (64, 60)
    """
    if not 0 < count <= length:
        return None
    even = length // count if length % count == 0 else None
    sizes = (told, _USUAL_BLOCK, even, *(2**power for power in range(13)))
    return next((size for size in sizes if size is not None and -(-length // size) == count), None)
