"""How much memory a scan takes above the weights' own, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

SHARD_BYTES = 1 << 30
SHARDS = 6

# Peaks are of the whole process; what it held before the work is taken off.
CHILD = """
import re, sys
import torch
import weightscope_widget as wsw
from tests.benchmarks import textbook
from tests.benchmarks.models import MODELS

def memory(key):
    return 1024 * int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

def grown(work):
    # Not getrusage, whose peak cannot be set back to what is held now.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = memory("VmRSS")
    work()
    return memory("VmHWM") - before

what, model = sys.argv[1:]
wsw.scan({"warm.weight": torch.randn(300, 300)}, progress=False)
if what == "file":
    methods = ["basic_stats", "quantization", "sparsity"]
    print(grown(lambda: wsw.scan(model, methods, progress=False, cache=False)))
else:
    state = MODELS[model]()
    print(grown(lambda: textbook.everything(state) if what == "textbook" else wsw.scan(state, progress=False)))
"""


def peak(what: str, model: str) -> int:
    """Return the bytes by which the peak of a process grew."""
    done = subprocess.run([sys.executable, "-c", CHILD, what, model], check=True, capture_output=True, text=True)
    return int(done.stdout)


def measure(_runs: int = 1) -> Iterator[dict[str, object]]:
    """Yield a row per model, then one for a checkpoint of several gigabytes, read from its shards."""
    for model in ("GPT-2 shapes fp32", "GPT-2 shapes bf16"):
        theirs, ours = peak("textbook", model), peak("scan", model)
        yield {"model": model, "textbook MiB": theirs / 2**20, "scan MiB": ours / 2**20, "share": ours / theirs}
    with tempfile.TemporaryDirectory() as folder:
        write_sharded(Path(folder))
        grown = peak("file", folder)
    yield {"model": f"{SHARDS} GiB in {SHARDS} shards, elementwise", "scan MiB": grown / 2**20}


def write_sharded(folder: Path) -> None:
    """Write random bf16 matrices of 4096 columns, a shard at a time."""
    index = {}
    for shard in range(SHARDS):
        weights = {
            f"layers.{shard}.{part}.weight": (torch.randn(8192, 4096) * 0.02).bfloat16()
            for part in range(SHARD_BYTES // (8192 * 4096 * 2))
        }
        name = f"model-{shard + 1:05}-of-{SHARDS:05}.safetensors"
        save_file(weights, folder / name)
        index |= dict.fromkeys(weights, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
