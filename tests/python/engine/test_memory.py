"""The memory budget: what is estimated covers what is used, and layers at hand share what there is."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import Reads, gate, matrices
from weightscope_widget.engine.job import Budget, bytes_needed
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Layer, Source, open_source

ALL = ("basic_stats", "spectral", "quantization", "sparsity")


def run_of(source: Source, memory: int, methods: tuple[str, ...] = ALL) -> ScanRun:
    return ScanRun(source, RunOptions(methods, workers=3, memory=memory))


def need(layer: Layer, methods: tuple[str, ...] = ALL) -> int:
    return bytes_needed(layer, methods)


def test_within_the_budget_there_is_room() -> None:
    budget = Budget(100)
    budget.take(60)
    assert budget.admits(40)
    assert not budget.admits(41)
    budget.take(40)
    assert not budget.admits(1)
    budget.give_back(60)
    assert budget.admits(60)


def test_one_layer_alone_is_always_admitted() -> None:
    budget = Budget(1)
    assert budget.admits(10**12)
    budget.take(10**12)
    assert not budget.admits(0)


def test_without_a_limit_there_is_always_room() -> None:
    budget = Budget(None)
    budget.take(10**15)
    assert budget.admits(10**15)


def test_with_memory_for_one_layer_there_is_one_at_a_time() -> None:
    reads = Reads(matrices(7, rows=40, columns=30))
    for done, _ in enumerate(run_of(reads.source, memory=1).steps(), 1):
        assert len(reads.names) == done
    assert reads.most_alive == 1
    assert len(reads.names) == 7


def test_a_smaller_layer_goes_first_where_the_next_one_has_to_wait() -> None:
    model = {
        "large.weight": torch.ones(900, 900),
        "second.weight": torch.ones(800, 800),
        "small.weight": torch.ones(20, 20),
    }
    with gate() as held:
        source = held.before(model, "large")
        large, second, small = source.layers
        run = run_of(source, memory=need(large) + need(small))
        assert need(second) > need(small)
        steps = run.steps()
        assert next(steps).name == "small"
        assert list(run.results) == ["small"]
        held.opened.set()
        assert [job.name for job in steps] == ["large", "second"]


def test_all_of_it_is_given_back() -> None:
    """Failed layers too: otherwise the layers after them would have no room."""
    model = matrices(4) | {"broken.weight": torch.full((3, 3), math.nan)}
    run = run_of(open_source(model), memory=2 * need(open_source(model).layers[0]))
    assert len(list(run.steps())) == 5
    assert run._budget.admits(2 * need(open_source(model).layers[0]))


@pytest.mark.parametrize("memory", [0, -1, math.nan, math.inf, True, "4 GB"])
@pytest.mark.parametrize("function", [wsw.scan, wsw.show])
def test_a_budget_that_is_none_is_refused(function: object, memory: object) -> None:
    with pytest.raises(InvalidArgumentError, match="give how many bytes"):
        function({"a.weight": torch.ones(2, 2)}, memory=memory)  # type: ignore[operator]


@pytest.mark.parametrize("memory", [1, 4e9, 1 << 40])
def test_the_numbers_do_not_depend_on_it(memory: float) -> None:
    model = matrices(3, rows=30, columns=20)
    assert wsw.scan(model, memory=memory, progress=False) == wsw.scan(model, progress=False)


# A process of its own, because a peak is of the whole process.
CHILD = """
import ctypes, gc, json, re, sys
import torch
from weightscope_widget.engine.job import bytes_needed
from weightscope_widget.engine.executor import perform
from weightscope_widget.scanning.job import ScanJob
from weightscope_widget.sources import open_source

def memory(key):
    return 1024 * int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

def ill(n):
    return torch.linspace(1, 0, n).double().diag().float().roll(1, 0) + 1e-12

cases = {
    "spectral, tall fp32": (torch.randn(9000, 1000), ["spectral"]),
    "spectral, square fp32": (torch.randn(2000, 2000), ["spectral"]),
    "spectral, wide bf16": (torch.randn(1200, 5000).bfloat16(), ["spectral"]),
    "spectral, ill-conditioned": (ill(1500), ["spectral"]),
    "spectral, fp8": (torch.randn(1500, 1500).to(torch.float8_e4m3fn), ["spectral"]),
    "elementwise, fp32": (torch.randn(5000, 4000), ["basic_stats", "quantization", "sparsity"]),
    "elementwise, pruned": (torch.randn(3000, 4000).relu().sub(1).relu(), ["basic_stats", "quantization", "sparsity"]),
    "elementwise, fp64": (torch.randn(3000, 3000).double(), ["basic_stats", "quantization", "sparsity"]),
    "elementwise, bf16": (torch.randn(5000, 4000).bfloat16(), ["basic_stats", "quantization", "sparsity"]),
}
found = {}
for name, (tensor, methods) in cases.items():
    layer = open_source({"a.weight": tensor}).layers[0]
    # As from a file: what is read is memory of the scan's own.
    object.__setattr__(layer, "load", tensor.clone)
    # What the case before left with the allocator would hide a part of this one's need, or add to it.
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = memory("VmRSS")
    assert "error" not in perform(ScanJob(layer, tuple(methods))).sections
    found[name] = (memory("VmHWM") - before, bytes_needed(layer, methods))
print(json.dumps(found))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak since a moment")
@pytest.mark.slow
def test_the_estimate_covers_what_is_used() -> None:
    done = subprocess.run([sys.executable, "-c", CHILD], check=True, capture_output=True, text=True)
    used = json.loads(done.stdout)
    assert len(used) == 9
    assert {name: pair for name, pair in used.items() if pair[0] > pair[1]} == {}
