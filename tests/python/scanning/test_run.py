"""One run of a scan: what is done in which order, how far it is, and that it leaves nothing behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import torch

from tests.python.support.watched import PATIENCE, Reads, altered, contents, matrices, matrix, our_threads, variety
from weightscope_widget.analyzers import ELEMENTWISE, METHODS
from weightscope_widget.engine.executor import default_workers, worker_pool
from weightscope_widget.engine.runner import Progress
from weightscope_widget.scanning.job import ScanJob
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Layer, open_source

ALL = ("basic_stats", "spectral", "quantization", "sparsity")
CHEAP = ("basic_stats", "quantization", "sparsity")


def run_of(
    model: object,
    methods: tuple[str, ...] = ALL,
    *,
    vectors: bool = False,
    cheap_first: bool = False,
    workers: int = 1,
) -> ScanRun:
    return ScanRun(model, RunOptions(methods, vectors=vectors, workers=workers), cheap_first=cheap_first)


def planned(jobs: Iterable[Any]) -> list[tuple[str, tuple[str, ...]]]:
    return [(job.name, job.methods) for job in jobs if isinstance(job, ScanJob)]


def names(jobs: Iterable[Any]) -> list[str]:
    return [job.name for job in jobs]


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Torch computes on three threads here, on whichever machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    asking = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    asking.start()
    asking.join()
    return seen[0]


# -- The plan ----------------------------------------------------------------------------------------------------------


def test_one_pass_does_all_of_a_layer_at_once() -> None:
    assert planned(run_of(matrices(2)).steps()) == [("l0", ALL), ("l1", ALL)]


def test_cheap_metrics_of_every_layer_come_before_any_spectrum() -> None:
    tasks = planned(run_of(matrices(2), cheap_first=True).steps())
    assert tasks == [("l0", CHEAP), ("l1", CHEAP), ("l0", ("spectral",)), ("l1", ("spectral",))]


@pytest.mark.parametrize(
    ("methods", "expected"),
    [(("spectral",), [("spectral",)]), (("sparsity",), [("sparsity",)]), (CHEAP, [CHEAP])],
    ids=str,
)
def test_a_pass_without_methods_is_left_out(methods: tuple[str, ...], expected: list[tuple[str, ...]]) -> None:
    run = run_of(matrices(1), methods, cheap_first=True)
    assert planned(run.steps()) == [("l0", one) for one in expected]


def test_vectors_have_basic_statistics_only() -> None:
    model = {"a": matrix(3, 2), "norm": torch.ones(3)}
    run = run_of(model, vectors=True, cheap_first=True)
    assert planned(run.steps()) == [("a", CHEAP), ("norm", ("basic_stats",)), ("a", ("spectral",))]
    assert planned(run_of(model, ("spectral",), vectors=True).steps()) == [("a", ("spectral",))]


def test_every_analyzer_is_in_one_of_the_passes() -> None:
    assert set(ELEMENTWISE) == set(CHEAP)
    assert tuple(METHODS) == (*ALL, "schemes")
    tasks = planned(run_of(matrices(1), tuple(METHODS), cheap_first=True).steps())
    assert tasks == [("l0", CHEAP), ("l0", ("spectral", "schemes"))]


def test_both_orders_give_the_same_to_the_bit() -> None:
    model, found = variety(), []
    for cheap_first in (False, True):
        run = run_of(model, cheap_first=cheap_first, workers=3)
        assert sum(1 for _ in run.steps()) == len(run.results.layers) * (1 + cheap_first)
        found.append(contents(run.results))
    assert found[0] == found[1]


# -- The queue ---------------------------------------------------------------------------------------------------------


def test_a_prioritized_layer_jumps_the_queue_with_all_it_lacks() -> None:
    run = run_of(matrices(5), cheap_first=True)
    steps = run.steps()
    assert names([next(steps)]) == ["l0"]
    run.prioritize("l3")
    assert planned([next(steps), next(steps)]) == [("l3", CHEAP), ("l3", ("spectral",))]
    run.prioritize("l0")  # its cheap metrics are there
    run.prioritize("l4")
    assert planned([next(steps), next(steps), next(steps)]) == [
        ("l4", CHEAP),
        ("l4", ("spectral",)),
        ("l0", ("spectral",)),
    ]
    assert names(steps) == ["l1", "l2", "l1", "l2"]


@pytest.mark.parametrize("name", ["l0", "nobody", ""])
def test_a_finished_or_unknown_layer_changes_nothing_when_prioritized(name: str) -> None:
    run = run_of(matrices(4))
    steps = run.steps()
    next(steps)
    run.prioritize(name)
    assert names(steps) == ["l1", "l2", "l3"]
    run.prioritize(name)
    assert list(run.results) == ["l0", "l1", "l2", "l3"]


def test_a_stack_prioritized_before_its_matrices_has_the_same_spectrum() -> None:
    model, name = variety(), "experts.gate_up_proj"
    run, jumped = run_of(model), run_of(model)
    jumped.prioritize(name)
    assert name in names(run.steps())[-2:]
    assert names(jumped.steps())[0] == name
    assert contents(run.results) == contents(jumped.results)


def test_the_largest_layers_come_first_and_stacks_last() -> None:
    weights = {f"w{side}": matrix(side, side) for side in (3, 40, 8, 25)}
    assert names(run_of(weights).steps()) == ["w40", "w25", "w8", "w3"]
    assert names(run_of(weights, cheap_first=True).steps())[:4] == ["w3", "w40", "w8", "w25"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_cancel_stops_after_the_tasks_at_hand(workers: int) -> None:
    run = run_of(matrices(9), workers=workers)
    steps = run.steps()
    first = next(steps)
    run.cancel()
    assert {first.name, *names(steps)} == {f"l{index}" for index in range(workers)}
    assert list(run.results) == [f"l{index}" for index in range(workers)]
    progress = run.progress
    assert (progress.state, progress.done, progress.total) == ("cancelled", workers, 9)
    assert progress.seconds_left is None
    assert 0 < progress.fraction < 1


def test_cancelling_what_is_done_leaves_it_done() -> None:
    run = run_of(matrices(2))
    list(run.steps())
    run.cancel()
    assert run.progress.state == "done"


# -- Progress ----------------------------------------------------------------------------------------------------------


def followed(run: ScanRun) -> list[Progress]:
    return [run.progress, *(run.progress for _ in run.steps())]


@pytest.mark.parametrize("cheap_first", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_progress_goes_from_nothing_to_all(cheap_first: bool, workers: int) -> None:
    seen = followed(run_of(variety(), vectors=True, cheap_first=cheap_first, workers=workers))
    total = len(open_source(variety()).layers)
    assert seen[0] == Progress("running", 0, total, 0.0, None)
    assert seen[-1] == Progress("done", total, total, 1.0, None)
    for one, next_one in pairwise(seen):
        assert one.state == "running"
        assert one.done <= next_one.done <= total
        assert one.fraction <= next_one.fraction
    assert all(one.seconds_left is not None and one.seconds_left >= 0 for one in seen[1:-1])


def test_the_fraction_ends_at_one_whatever_the_sizes() -> None:
    """The shares of the work are sums in floating point, which need not add up to their total."""
    for seed in range(40):
        model = {f"l{index}": matrix(1 + (seed * index) % 9, 1 + (seed + index) % 7) for index in range(12)}
        fractions = [one.fraction for one in followed(run_of(model, ("basic_stats", "spectral"), cheap_first=True))]
        assert fractions == sorted(fractions)
        assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_only_layers_with_all_their_tasks_done_count() -> None:
    done = [one.done for one in followed(run_of(matrices(2), cheap_first=True))]
    assert done == [0, 0, 0, 1, 2]


def test_a_layer_without_a_task_is_done_from_the_start() -> None:
    run = run_of({"a": matrix(2, 2), "norm": torch.ones(3)}, ("spectral",), vectors=True)
    assert (run.progress.done, run.progress.total) == (1, 2)
    nothing = run_of({"norm": torch.ones(3)}, ("spectral",), vectors=True)
    assert nothing.progress == Progress("done", 1, 1, 1.0, None)
    assert list(nothing.steps()) == []
    assert nothing.results.complete


def test_failed_layers_count_as_done() -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise OSError(f"disk of {layer.name}")

    run = run_of(altered(matrices(3), {"l1": fail}), cheap_first=True)
    assert followed(run)[-1] == Progress("done", 3, 3, 1.0, None)
    assert run.results["l1"] == {"error": "The analysis of 'l1' failed (OSError: disk of l1); the others go on."}


# -- When the run itself breaks ----------------------------------------------------------------------------------------


class BrokenError(Exception):
    """What no analyzer and no reader raises."""


@pytest.mark.parametrize("workers", [1, 3])
def test_an_unforeseen_failure_is_raised_and_keeps_what_was_computed(workers: int) -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise BrokenError(layer.name)

    run = run_of(altered(matrices(5), {"l3": fail}), workers=workers)
    with pytest.raises(BrokenError, match="l3"):
        list(run.steps())
    assert {"l0", "l1"} <= set(run.results) <= {"l0", "l1", "l2", "l4"}
    assert [list(run.results[name]) for name in run.results] == [list(ALL)] * len(run.results)
    assert not our_threads()


# -- Reads, memory, threads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cheap_first", "times"), [(False, 1), (True, 2)])
def test_each_tensor_is_read_once_a_pass(cheap_first: bool, times: int) -> None:
    reads = Reads(variety())
    run = run_of(reads.source, cheap_first=cheap_first, workers=2)
    list(run.steps())
    assert sorted(reads.names) == sorted(times * list(run.results))


def test_a_failed_layer_is_not_read_again() -> None:
    reads = []

    def fail(layer: Layer) -> torch.Tensor:
        reads.append(layer.name)
        raise ValueError("damaged")

    list(run_of(altered(matrices(2), {"l1": fail}), cheap_first=True).steps())
    assert reads == ["l1"]


@pytest.mark.parametrize("workers", [1, 3])
def test_as_many_tensors_are_in_memory_as_there_are_workers(workers: int) -> None:
    """The barrier lets none through before `workers` of them were read: fewer at a time would hang."""
    together = threading.Barrier(workers, timeout=PATIENCE)
    reads = Reads(matrices(9))

    def meet(layer: Layer) -> torch.Tensor:
        tensor = layer.load()
        together.wait()
        return tensor

    run = run_of(altered(reads.source, {f"l{index}": meet for index in range(9)}), workers=workers)
    for task in run.steps():
        assert "error" not in run.results[task.name]
    assert reads.most_alive == workers
    assert reads.alive == 0


def test_workers_compute_on_one_thread_and_nobody_else_does(three_threads: None) -> None:
    seen = []

    def look(layer: Layer) -> torch.Tensor:
        tensor = layer.load()
        seen.append((threading.current_thread(), torch.get_num_threads()))
        return tensor

    list(run_of(altered(matrices(6), {f"l{index}": look for index in range(6)}), workers=2).steps())
    assert {threads for _, threads in seen} == {1}
    assert threading.current_thread() not in {thread for thread, _ in seen}
    assert torch.get_num_threads() == 3
    assert threads_of_a_new_thread() == 3


def test_pools_side_by_side_leave_torch_as_it_was(three_threads: None) -> None:
    found = set()

    def work() -> None:
        for _ in range(50):
            with worker_pool(4) as pool:
                found.update(pool.map(lambda _: torch.get_num_threads(), range(8)))

    several = [threading.Thread(target=work) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert found == {1}
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (3, 3)


@pytest.mark.parametrize("steps", [1, 9])
def test_threads_are_gone_when_the_run_ends_or_is_abandoned(steps: int) -> None:
    before = threading.enumerate()
    running = run_of(matrices(9), workers=3).steps()
    for _ in range(steps):
        next(running)
    assert our_threads()
    running.close()  # type: ignore[attr-defined]
    assert threading.enumerate() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the platform does not bind a process to cores")
def test_there_are_as_many_workers_as_cores_to_use() -> None:
    cores = os.sched_getaffinity(0)
    assert 1 <= default_workers() <= min(len(cores), 8)
    try:
        os.sched_setaffinity(0, {min(cores)})
        assert default_workers() == 1
    finally:
        os.sched_setaffinity(0, cores)
