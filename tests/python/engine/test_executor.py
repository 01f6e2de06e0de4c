"""A scan done by others: the same to the bit, files opened where the work is done, and a lost worker costs a retry."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.lossy import Held, KillsItsWorker, Lossy, TellsItsThreads
from tests.python.support.watched import (
    PATIENCE,
    Show,
    Table,
    altered,
    contents,
    finished,
    matrices,
    matrix,
    our_threads,
)
from weightscope_widget.errors import ExecutorLostWarning, InvalidArgumentError
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import Layer, Source, open_source

pytestmark = pytest.mark.slow

ALL = ("basic_stats", "spectral", "quantization", "sparsity")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of several MB on disk, with a bfloat16 layer, one that is not finite, vectors and a stack of experts."""
    broken = matrix(20, 30)
    broken[2, 3] = torch.nan
    tensors = {
        **matrices(6, 90, 60),
        "large.weight": matrix(1100, 900),
        "half.weight": matrix(64, 48).bfloat16(),
        "broken.weight": broken,
        "norm.weight": torch.ones(40),
        "mlp.experts.gate_up_proj": torch.stack([matrix(16, 24, seed=seed) for seed in range(3)]),
    }
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def expected(file: Path) -> dict[str, str]:
    return contents(wsw.scan(file, vectors=True, workers=1, progress=False))


def process_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with process_pool() as pool:
        yield pool


@contextmanager
def dask_cluster(**settings: object) -> Iterator[Executor]:
    """Two worker processes on this machine's loopback, and no web page (also of the nannies and the scheduler)."""
    distributed = pytest.importorskip("distributed")
    with (
        pytest.importorskip("dask").config.set(settings),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@pytest.fixture(scope="module")
def dask() -> Iterator[Executor]:
    with dask_cluster() as executor:
        yield executor


@pytest.fixture(params=["processes", "dask"])
def executor(request: pytest.FixtureRequest) -> Executor:
    found: Executor = request.getfixturevalue(request.param)
    return found


def killing(path: Path, marks: Path, name: str, times: int = 1) -> Source:
    """Open a file, one of whose layers kills the workers that read it."""
    marks.mkdir()
    source = open_source(path)
    layers = [
        replace(layer, load=KillsItsWorker(layer.load, marks, times)) if layer.name == name else layer
        for layer in source.layers
    ]
    return replace(source, layers=tuple(layers))


def job_of(source: Source, name: str) -> object:
    (job,) = (job for job in ScanRun(source, RunOptions(ALL))._jobs if job.name == name)
    return job


# -- The same numbers --------------------------------------------------------------------------------------------------


def test_every_bit_is_that_of_a_sequential_scan(executor: Executor, file: Path, expected: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExecutorLostWarning)
        results = wsw.scan(file, vectors=True, executor=executor, progress=False)
    assert contents(results) == expected
    assert not our_threads()
    assert len(expected) == 14


def test_a_killed_worker_of_a_dask_cluster_changes_no_bit(
    dask: Executor, file: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    source = killing(file, tmp_path / "marks", "l2")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExecutorLostWarning)
        results = wsw.scan(source, vectors=True, executor=dask, progress=False)
    assert contents(results) == expected
    assert os.listdir(tmp_path / "marks") == ["0"]


def test_a_killed_worker_of_a_process_pool_changes_no_bit(file: Path, expected: dict[str, str], tmp_path: Path) -> None:
    source = killing(file, tmp_path / "marks", "l2")
    with (
        process_pool() as pool,
        pytest.warns(ExecutorLostWarning, match=r"^The executor takes no more work \(BrokenProcessPool: ") as caught,
    ):
        results = wsw.scan(source, vectors=True, executor=pool, progress=False)
    assert contents(results) == expected
    assert os.listdir(tmp_path / "marks") == ["0"]
    (warning,) = caught
    assert warning.filename == __file__
    assert not our_threads()


def test_a_layer_that_kills_every_worker_costs_that_layer(file: Path, expected: dict[str, str], tmp_path: Path) -> None:
    """Dask itself gives up after a number of workers, and so do we, three times."""
    source = killing(file, tmp_path / "marks", "l2", times=99)
    with dask_cluster(**{"distributed.scheduler.allowed-failures": 0}) as executor:
        results = wsw.scan(source, vectors=True, executor=executor, workers=1, progress=False)
    assert results["l2"]["error"].startswith(
        "The analysis of 'l2' was given up after 3 attempts, each of which the executor lost (KilledWorker: "
    )
    assert len(os.listdir(tmp_path / "marks")) == 3
    others = {name: text for name, text in contents(results).items() if name != "l2"}
    assert others == {name: text for name, text in expected.items() if name != "l2"}


# -- What travels ------------------------------------------------------------------------------------------------------


def test_only_names_and_offsets_travel(file: Path) -> None:
    assert file.stat().st_size > 3e6
    source = open_source(file)
    for layer in source.layers:
        if len(layer.shape) > 1:
            assert len(pickle.dumps(job_of(source, layer.name))) < 1500


def test_workers_open_the_file_in_their_process_and_compute_on_one_thread(executor: Executor, file: Path) -> None:
    source = open_source(file)
    source = replace(source, layers=tuple(replace(layer, load=TellsItsThreads()) for layer in source.layers))
    results = wsw.scan(source, executor=executor, progress=False)
    said = {results[name]["error"].partition(" ")[::2] for name in results}
    assert {threads for _, threads in said} <= {"1 [1]", "1 []"}
    assert str(os.getpid()) not in {process for process, _ in said}


def test_numpy_computes_on_one_thread_whichever_thread_scans() -> None:
    """threadpoolctl lets one thread set the limit and silently ignores the next."""
    source = open_source(matrices(1))
    source = replace(source, layers=tuple(replace(layer, load=TellsItsThreads()) for layer in source.layers))
    said = [wsw.scan(source, progress=False)["l0"]["error"]]
    other = threading.Thread(target=lambda: said.append(wsw.scan(source, progress=False)["l0"]["error"]))
    other.start()
    other.join()
    with ThreadPoolExecutor(1) as pool:
        said.append(wsw.scan(source, executor=pool, progress=False)["l0"]["error"])
    assert {sentence.partition(" ")[2] for sentence in said} <= {"1 [1]", "1 []"}


def test_a_model_in_memory_is_sent(processes: Executor) -> None:
    model = matrices(3)
    results = wsw.scan(model, executor=processes, progress=False)
    assert contents(results) == contents(wsw.scan(model, progress=False))


def test_what_cannot_be_sent_is_refused_with_a_sentence(processes: Executor) -> None:
    source = altered(matrices(3), {"l1": lambda layer: layer.load()})
    with pytest.raises(InvalidArgumentError, match=r"^'l1' cannot be sent to .*; give the model as a path, .*\.$"):
        wsw.scan(source, executor=processes, progress=False)
    assert not our_threads()


@pytest.mark.parametrize("wrong", [3, "processes", ThreadPoolExecutor, object()], ids=["int", "str", "class", "object"])
def test_what_is_no_executor_is_refused(wrong: Any) -> None:
    for take in (wsw.scan, wsw.show):
        with pytest.raises(
            InvalidArgumentError, match=r"^executor is of type .*; give a concurrent\.futures\.Executor"
        ):
            take(matrices(1), executor=wrong)


# -- Any executor ------------------------------------------------------------------------------------------------------


def test_threads_of_ones_own_do_and_are_not_shut_down(file: Path, expected: dict[str, str]) -> None:
    with ThreadPoolExecutor(3, "mine") as pool:
        before = pool.submit(torch.get_num_threads).result()
        # Nothing travels, so any source will do.
        source = altered(file, {"l1": lambda layer: layer.load()})
        assert contents(wsw.scan(source, vectors=True, executor=pool, progress=False)) == expected
        assert {one.result() for one in [pool.submit(torch.get_num_threads) for _ in range(9)]} == {before}
    assert not our_threads()


@pytest.mark.parametrize("lost", [None, ConnectionError("the line is dead"), RuntimeError()], ids=str)
def test_a_lost_task_is_given_out_again_twice(lost: Exception | None) -> None:
    whole = contents(wsw.scan(matrices(3), progress=False))
    lossy = Lossy(lost, lost)
    assert contents(wsw.scan(matrices(3), executor=lossy, workers=1, progress=False)) == whole
    assert [job.name for job in lossy.submitted] == ["l0", "l0", "l0", "l1", "l2"]
    assert len({job.ticket for job in lossy.submitted}) == 5
    results = wsw.scan(matrices(3), executor=Lossy(lost, lost, lost), workers=1, progress=False)
    assert list(results["l0"]) == ["error"]
    assert results["l0"]["error"].startswith("The analysis of 'l0' was given up after 3 attempts")
    assert {name: text for name, text in contents(results).items() if name != "l0"} == {
        name: text for name, text in whole.items() if name != "l0"
    }


def closed() -> Executor:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    return pool


@pytest.mark.parametrize(
    "made",
    [closed, lambda: Lossy(BrokenProcessPool("a process died")), lambda: Held(closes_after=2)],
    ids=["closed", "broken", "closed and silent on what it was given"],
)
def test_an_executor_that_is_gone_leaves_the_scan_to_this_process(made: Callable[[], Executor]) -> None:
    with pytest.warns(ExecutorLostWarning, match=r"measured on threads of this process\.$") as caught:
        results = wsw.scan(matrices(3), executor=made(), progress=False)
    assert len(caught) == 1
    assert contents(results) == contents(wsw.scan(matrices(3), progress=False))
    assert not our_threads()


def test_an_executor_that_is_shut_down_on_the_way_leaves_the_rest_to_this_process() -> None:
    begun, go_on = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1)

    def hold(layer: Layer) -> torch.Tensor:
        begun.set()
        assert go_on.wait(PATIENCE)
        return layer.load()

    def shut_down() -> None:
        assert begun.wait(PATIENCE)
        pool.shutdown(wait=False, cancel_futures=True)
        go_on.set()

    shutting = threading.Thread(target=shut_down)
    shutting.start()
    with pytest.warns(ExecutorLostWarning, match="RuntimeError: cannot schedule new futures after shutdown"):
        results = wsw.scan(altered(matrices(9), {"l0": hold}), executor=pool, workers=6, progress=False)
    shutting.join()
    assert contents(results) == contents(wsw.scan(matrices(9), progress=False))


def test_in_place_of_a_broken_executor_memory_is_bounded() -> None:
    run = ScanRun(matrices(3), RunOptions(ALL, workers=2, executor=Lossy(BrokenProcessPool("a process died"))))
    assert run._budget.admits(10**18)
    with pytest.warns(ExecutorLostWarning):
        list(run.steps())
    run._budget.take(1)  # one job alone always fits
    assert not run._budget.admits(10**18)
    mine = ScanRun(matrices(3), RunOptions(ALL, executor=Lossy(BrokenProcessPool("a process died")), memory=5))
    with pytest.warns(ExecutorLostWarning):
        list(mine.steps())
    mine._budget.take(1)
    assert not mine._budget.admits(5)


def test_a_cancel_takes_back_what_waits_in_place_of_an_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve jobs were with the executor when it closed; one thread has their first, and a cancel takes the others."""
    monkeypatch.setattr("weightscope_widget.engine.executor.default_workers", lambda: 1)
    reading, go_on = threading.Event(), threading.Event()

    def hold(layer: Layer) -> torch.Tensor:
        reading.set()
        assert go_on.wait(PATIENCE)
        return layer.load()

    source = altered(matrices(20), {f"l{index}": hold for index in range(20)})
    run = ScanRun(source, RunOptions(ALL, workers=13, executor=Held(closes_after=12)))

    def cancel() -> None:
        assert reading.wait(PATIENCE)
        run.cancel()
        go_on.set()

    cancelling = threading.Thread(target=cancel)
    cancelling.start()
    with pytest.warns(ExecutorLostWarning):
        list(run.steps())
    cancelling.join()
    assert 1 <= len(run.results) < 12
    assert run.progress.state == "cancelled"
    assert not our_threads()


# -- The queue ---------------------------------------------------------------------------------------------------------


def test_a_prioritized_layer_follows_those_at_hand() -> None:
    held = Held()
    run = ScanRun(matrices(9), RunOptions(ALL, workers=2, executor=held))
    steps = run.steps()
    held_up = threading.Thread(target=held.do, args=(2,))
    held_up.start()
    assert next(steps).name == "l0"
    held_up.join()
    assert held.names == ["l1"]
    run.prioritize("l7")
    follow = threading.Thread(target=held.do, args=(1,))
    follow.start()
    assert next(steps).name == "l1"
    follow.join()
    assert held.names == ["l7"]
    steps.close()  # type: ignore[attr-defined]
    assert held.names == []


def test_a_cancel_takes_back_what_has_not_begun() -> None:
    held = Held()
    run = ScanRun(matrices(9), RunOptions(ALL, workers=4, executor=held))
    steps = run.steps()
    held_up = threading.Thread(target=held.do, args=(4,))
    held_up.start()
    next(steps)
    held_up.join()
    assert held.names == ["l1", "l2", "l3"]
    run.cancel()
    assert list(steps) == []
    assert held.names == []
    assert list(run.results) == ["l0"]
    assert run.progress.state == "cancelled"


def test_four_per_core_are_at_hand_by_default() -> None:
    held, cancel = Held(), threading.Event()
    cancel.set()
    most = 4 * (os.cpu_count() or 1)
    looking = threading.Thread(target=held.do, args=(most,))
    looking.start()
    results = wsw.scan(matrices(most + 5), executor=held, cancel=cancel, progress=False)
    looking.join()
    assert list(results) == ["l0"]
    assert held.most == most


# -- The dashboard -----------------------------------------------------------------------------------------------------


def test_the_dashboard_fills_the_same(executor: Executor, file: Path, show: Show) -> None:
    dash = finished(show(file, "all", vectors=True, executor=executor))
    table = Table.of(dash)
    assert table.progress["state"] == "done"
    assert table.progress["done"] == 14
    assert contents(dash.results) == contents(wsw.scan(file, vectors=True, progress=False))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_dashboard_says_what_cannot_be_sent(processes: Executor, show: Show) -> None:
    source = altered(matrices(2), {"l0": lambda layer: layer.load()})
    dash = finished(show(source, executor=processes))
    assert Table.of(dash).progress["state"] == "failed"
    assert "give the model as a path" in Table.of(dash).progress["message"]
