"""Codes of a few bits that lie one after the other in 32-bit words, the first in the lowest bits."""

from __future__ import annotations

import torch

__all__ = ["codes"]

_WORD = 32


def codes(words: torch.Tensor, bits: int, count: int) -> torch.Tensor:
    """Return the first codes of each row.

    Parameters
    ----------
    words : torch.Tensor
        int32, (rows, words); bit 0 of the first word comes first.
    bits : int
        Of each code, 1 to 8; one may lie across two words.
    count : int
        Codes in each row; the words hold at least so many.

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
    if _WORD % bits == 0:
        shifts = torch.arange(0, _WORD, bits, dtype=torch.int32, device=words.device)
        found: torch.Tensor = (words.unsqueeze(-1) >> shifts) & mask
        return found.flatten(1)[:, :count]
    starts = torch.arange(0, count * bits, bits, device=words.device)
    low, offset = starts // _WORD, (starts % _WORD).to(torch.int32)
    wide = words.long() & (2**_WORD - 1)
    high = torch.cat([wide, torch.zeros_like(wide[:, :1])], 1)[:, low + 1]
    straddling: torch.Tensor = ((wide[:, low] | (high << _WORD)) >> offset) & mask
    return straddling.int()
