"""Matrices made to order, the same on every run."""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch

from tests.python.support.oracle import Array


def generator(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def gaussian(
    *shape: int, seed: str = "gaussian", dtype: torch.dtype = torch.float32, std: float = 0.02
) -> torch.Tensor:
    return torch.from_numpy(generator(f"{seed} {shape}").standard_normal(shape) * std).to(dtype)


def orthonormal(rows: int, columns: int, rng: np.random.Generator) -> Array:
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def with_spectrum(rows: int, columns: int, sigma: Array, seed: str = "spectrum") -> Array:
    """Return U diag(σ) Vᵀ with random orthonormal U and V."""
    rng = generator(f"{seed} {rows} {columns}")
    return (orthonormal(rows, len(sigma), rng) * sigma) @ orthonormal(columns, len(sigma), rng).T


def geometric_spectrum(count: int, condition: float) -> Array:
    """Return σ falling evenly on a log axis from 1 to 1/condition."""
    return np.logspace(0, -math.log10(condition), count)


def ill_conditioned(condition: float, shape: tuple[int, int], dtype: torch.dtype = torch.float64) -> torch.Tensor:
    sigma = geometric_spectrum(min(shape), condition)
    return torch.from_numpy(with_spectrum(*shape, sigma, seed=f"ill {condition}")).to(dtype)
