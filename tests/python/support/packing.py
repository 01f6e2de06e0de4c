"""Quantized weights written by elementary loops after the published layouts, and the numbers that they stand for."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from weightscope_widget.sources import open_source

Rows = list[list[float]]
Codes = list[list[int]]

E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)


def random_codes(rows: int, columns: int, bits: int, seed: int = 0) -> Codes:
    """Integers from 0 to 2^bits − 1."""
    source = random.Random(f"{rows} {columns} {bits} {seed}")
    return [[source.randrange(1 << bits) for _ in range(columns)] for _ in range(rows)]


def random_scales(rows: int, columns: int, seed: int = 0) -> Rows:
    """Positive numbers that float16 holds exactly."""
    source = random.Random(f"{rows} {columns} {seed}")
    return [[source.randrange(1, 1024) / 4096 for _ in range(columns)] for _ in range(rows)]


def turned(table: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as columns."""
    return [list(column) for column in zip(*table, strict=True)]


def stream(numbers: Sequence[int], bits: int) -> list[int]:
    """Pack numbers one after the other into 32-bit words, the first in the lowest bits; as int32 has them."""
    whole = 0
    for at, number in enumerate(numbers):
        whole |= number << (at * bits)
    count = -(-len(numbers) * bits // 32)
    words = [(whole >> (32 * at)) & 0xFFFFFFFF for at in range(count)]
    return [word - (1 << 32) if word >> 31 else word for word in words]


def int32(table: Sequence[Sequence[int]]) -> torch.Tensor:
    return torch.tensor(table, dtype=torch.int32)


def gptq(codes: Codes, zeros: Codes, scales: Rows, groups: Sequence[int], bits: int, less: int = 1) -> dict[str, Any]:
    """A layer as AutoGPTQ packs it: `codes` (in, out), `zeros` and `scales` (groups, out)."""
    stored = [[zero - less for zero in row] for row in zeros]
    return {
        "qweight": int32(turned([stream(column, bits) for column in turned(codes)])),
        "qzeros": int32([stream(row, bits) for row in stored]),
        "scales": torch.tensor(scales, dtype=torch.float16),
        "g_idx": torch.tensor(groups, dtype=torch.int32),
    }


def awq(codes: Codes, zeros: Codes, scales: Rows) -> dict[str, Any]:
    """A layer as AutoAWQ packs it for GEMM: eight neighbours to a word, in the order 0 2 4 6 1 3 5 7."""
    order = (0, 2, 4, 6, 1, 3, 5, 7)

    def words(row: list[int]) -> list[int]:
        eights = [row[at : at + 8] for at in range(0, len(row), 8)]
        return [stream([eight[place] for place in order], 4)[0] for eight in eights]

    return {
        "qweight": int32([words(row) for row in codes]),
        "qzeros": int32([words(row) for row in zeros]),
        "scales": torch.tensor(scales, dtype=torch.float16),
    }


def grouped(codes: Codes, zeros: Codes, scales: Rows, groups: Sequence[int]) -> torch.Tensor:
    """W[o][i] = (q[i][o] − z[g][o]) · s[g][o], float64, for codes (in, out)."""
    rows = range(len(codes[0]))
    return torch.tensor(
        [[(codes[i][o] - zeros[g][o]) * scales[g][o] for i, g in enumerate(groups)] for o in rows], dtype=torch.float64
    )


def four_bit(
    codes: Sequence[int],
    values: Sequence[float],
    absmax: Sequence[float],
    shape: Sequence[int],
    block: int,
    **more: Any,
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """A weight as bitsandbytes keeps it, without nesting, and its float64 numbers."""
    padded = [*codes, *([0] if len(codes) % 2 else [])]
    described = {"quant_type": "nf4", "blocksize": block, "dtype": "bfloat16", "shape": list(shape), **more}
    parts = {
        "weight": torch.tensor([[16 * high + low] for high, low in zip(padded[::2], padded[1::2], strict=True)]).byte(),
        "weight.absmax": torch.tensor(absmax),
        "weight.quant_map": torch.tensor(values),
        "weight.quant_state.bitsandbytes__nf4": text(described),
    }
    numbers = [values[code] * absmax[at // block] for at, code in enumerate(codes)]
    return parts, torch.tensor(numbers, dtype=torch.float64).reshape(tuple(shape))


def text(content: object) -> torch.Tensor:
    """JSON, or bytes as they are, in a uint8 tensor."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return torch.tensor(list(data), dtype=torch.uint8)


def below(prefix: str, parts: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}.{name}": part for name, part in parts.items()}


def opened(model: object) -> tuple[dict[str, tuple[str, tuple[int, ...]]], dict[str, str]]:
    """The layers' types and shapes by name, and what was skipped."""
    source = open_source(model)
    return {layer.name: (layer.dtype, layer.shape) for layer in source.layers}, dict(source.skipped)


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Float32 of the same shape, off by rounding only."""
    torch.testing.assert_close(ours.double(), theirs.double(), rtol=3e-7, atol=1e-12)
    return ours.dtype == torch.float32
