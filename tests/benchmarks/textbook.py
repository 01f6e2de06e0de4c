"""The document's numbers the way a first version would compute them: full SVD with vectors, a pass per number."""

from __future__ import annotations

import numpy as np
import torch

from tests.benchmarks.models import StateDict

__all__ = ["elementwise", "everything", "spectral"]


def spectral(state: StateDict) -> None:
    """Compute condition numbers and ranks."""
    for tensor in state.values():
        u, sigma, v = torch.linalg.svd(tensor.float(), full_matrices=False)
        _ = sigma[0] / sigma[-1], (sigma**2).sum() / sigma[0] ** 2, (sigma > 0.01 * sigma[0]).sum(), sigma[:10].tolist()
        del u, v


def elementwise(state: StateDict) -> None:
    """Compute basic statistics, quantization and sparsity."""
    for tensor in state.values():
        w = tensor.float().numpy()
        _ = w.mean(), w.std(ddof=1), w.min(), w.max(), np.linalg.norm(w), (w == 0).mean()
        q1, q3 = np.percentile(w, 25), np.percentile(w, 75)
        for factor in (1.5, 3):
            _ = ((w < q1 - factor * (q3 - q1)) | (w > q3 + factor * (q3 - q1))).sum()
        scale = np.abs(w).max() / 127
        d = np.clip(np.round(w / scale), -127, 127) * scale
        _ = ((w - d) ** 2).mean(), np.abs(w - d).mean(), (w * d).sum() / np.linalg.norm(w) / np.linalg.norm(d)
        _ = [(np.abs(w) <= level).mean() for level in (0, 1e-6, 1e-4, 1e-2)]
        _ = [np.percentile(np.abs(w), p) for p in (10, 25, 50, 75, 90)], np.abs(w).mean(), np.median(np.abs(w))
        _ = (np.abs(w) <= 1e-6).all(axis=1).sum(), (np.abs(w) <= 1e-6).all(axis=0).sum()


def everything(state: StateDict) -> None:
    """Compute all of it."""
    elementwise(state)
    spectral(state)
