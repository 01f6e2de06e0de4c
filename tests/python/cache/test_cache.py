"""What is remembered between scans of files: exactly what was measured, of exactly these weights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.caches import ALL, measured_anew, overwrite_unnoticed, rows, scan, small
from tests.python.support.cases import CASES
from tests.python.support.watched import Show, Table, contents
from weightscope_widget.analyzers.measured import Measured
from weightscope_widget.cache import key as fingerprint
from weightscope_widget.cache.store import Cache, cache_directory
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun
from weightscope_widget.sources import open_source

# Nothing is wrong with a cache here.
pytestmark = pytest.mark.filterwarnings("error::weightscope_widget.errors.CacheWarning")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file with one of each kind of weights that there is a case for."""
    path = tmp_path / "model.safetensors"
    tensors = {name: make().detach().clone().contiguous() for name, make in CASES.items()}
    save_file({f"{name}.weight": each for name, each in tensors.items() if each.numel() < 40_000}, path)
    return path


def test_a_second_scan_reads_no_weights_and_says_the_same_to_the_bit(model: Path, remembered: Path) -> None:
    first = scan(model, remembered, vectors=True)
    overwrite_unnoticed(model)
    second = scan(model, remembered, vectors=True)
    assert len(second) > 70
    assert contents(second) == contents(first)
    assert contents(scan(model, False, vectors=True)) != contents(first)


def test_nothing_is_left_to_do(model: Path, remembered: Path) -> None:
    scan(model, remembered)
    run = ScanRun(model, RunOptions(ALL, cache=Cache(remembered)))
    assert run.progress.state == "done"
    assert list(run.steps()) == []


def test_a_dashboard_has_all_numbers_at_once(model: Path, remembered: Path, show: Show) -> None:
    scan(model, remembered)
    overwrite_unnoticed(model)
    dash = show(model, "all", cache=remembered)
    assert set(Table.of(dash).stages) == {2.0}
    assert contents(dash.results) == contents(scan(model, remembered))


def test_methods_that_are_known_are_not_measured_again(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    whole = scan(path, False)
    scan(path, remembered, methods=["sparsity", "basic_stats"])
    run = ScanRun(path, RunOptions(ALL, cache=Cache(remembered)))
    assert [task.methods for task in run.steps()] == [("spectral", "quantization", "schemes")] * 3
    assert contents(run.results) == contents(whole)


def test_an_interrupted_scan_goes_on_where_it_was(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", layers=6)
    run = ScanRun(path, RunOptions(ALL, cache=Cache(remembered)))
    steps = run.steps()
    done = [next(steps).name, next(steps).name]
    steps.close()
    rest = ScanRun(path, RunOptions(ALL, cache=Cache(remembered)))
    assert sorted(done + [job.name for job in rest.steps()]) == [f"l{index}" for index in range(6)]
    assert contents(rest.results) == contents(scan(path, False))


@pytest.mark.parametrize("top_k", [1, 4, 30])
def test_as_many_singular_values_are_listed_as_are_asked_for(tmp_path: Path, remembered: Path, top_k: int) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, top_k=3)
    overwrite_unnoticed(path)
    found = scan(path, remembered, top_k=top_k)
    save_again = small(tmp_path / "same.safetensors")
    assert contents(found) == contents(scan(save_again, False, top_k=top_k))


def test_a_file_that_was_written_anew_is_measured_anew(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", seed=1)
    first, before = scan(path, remembered), path.stat()
    small(path, seed=2)
    assert path.stat().st_size == before.st_size
    assert contents(scan(path, remembered)) == contents(scan(path, False)) != contents(first)


def test_a_file_put_in_the_place_of_another_is_measured_even_with_its_time(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", seed=1)
    first, before = scan(path, remembered), path.stat()
    other = small(tmp_path / "other.safetensors", seed=2)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert contents(scan(path, remembered)) != contents(first)


def test_two_tensors_of_one_file_are_two(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    again = scan(path, remembered)
    assert len({str(again[name]) for name in again}) == 3


def test_a_file_that_changes_while_it_is_measured_is_not_remembered(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", seed=1)
    run = ScanRun(path, RunOptions(ALL, cache=Cache(remembered)))
    small(path, seed=2)
    assert len(list(run.steps())) == 3
    os.utime(path, ns=(1, 1))
    assert len(list(ScanRun(path, RunOptions(ALL, cache=Cache(remembered))).steps())) == 3
    assert rows(remembered) == 15  # of the last scan only


def test_other_analyzers_measure_anew(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    monkeypatch.setattr(fingerprint, "code_version", lambda: "another")
    assert len(measured_anew(path, remembered)) == 3


@pytest.mark.slow
def test_the_version_is_of_the_code(tmp_path: Path) -> None:
    """A copy of the package with one character more in an analyzer, and one with more in a panel."""
    package = Path(wsw.__file__).parent
    running = []
    for name, changed in (
        ("same", None),
        ("analyzer", "analyzers/basic.py"),
        ("reader", "sources/gguf/header.py"),
        ("measure", "scanning/job.py"),
        ("errors", "errors.py"),
    ):
        copy = tmp_path / name
        shutil.copytree(package, copy / "weightscope_widget", ignore=shutil.ignore_patterns("__pycache__", "static"))
        if changed is not None:
            with (copy / "weightscope_widget" / changed).open("a") as file:
                file.write("\n")
        code = "from weightscope_widget.cache import key; print(key.code_version())"
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", code], cwd=copy, stdout=subprocess.PIPE, text=True,
                env={**os.environ, "PYTHONPATH": str(copy)},
            )
        )  # fmt: skip
    versions = [process.communicate()[0].strip() for process in running]
    same, analyzer, reader, measure, errors = versions
    assert same == errors == fingerprint.code_version()
    assert len({same, analyzer, reader, measure}) == 4


# -- Where nothing is remembered ---------------------------------------------------------------------------------------


def test_off_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors")
    folder = tmp_path / "never"
    monkeypatch.setenv("WEIGHTSCOPE_CACHE", str(folder))
    scan(path, False)
    assert not folder.exists()
    scan(path, True)
    assert folder.exists()


@pytest.mark.parametrize("kind", ["module", "state dict"])
def test_a_model_in_memory_touches_nothing(remembered: Path, kind: str) -> None:
    model = torch.nn.Linear(4, 3)
    scan(model if kind == "module" else model.state_dict(), remembered)
    assert not remembered.exists()


def test_a_layer_that_failed_is_tried_again(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    source = open_source(path)
    measured = Measured({"basic_stats": {"mean": 0.0}, "error": "it failed"})
    cache = Cache(remembered)
    wanted = [(source.layers[0], ALL)]
    ((identity, _),) = cache.recall(wanted, 10)
    assert identity is not None
    cache.remember(source.layers[0], identity, measured)
    cache.flush()
    assert Cache(remembered).recall(wanted, 10) == [(identity, Measured())]


@pytest.mark.parametrize("setting", [3, None, "", b"x", 1.5, "a\0b"])
def test_a_cache_that_is_none_is_refused(tmp_path: Path, setting: object) -> None:
    with pytest.raises(InvalidArgumentError, match="give True, False, or the path of a directory"):
        scan(small(tmp_path / "m.safetensors"), setting)


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WEIGHTSCOPE_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path
    monkeypatch.setenv("WEIGHTSCOPE_CACHE", "off")
    assert cache_directory() is None
    monkeypatch.delenv("WEIGHTSCOPE_CACHE")
    usual = cache_directory()
    assert usual is not None
    assert usual.name == "weightscope-widget"
    assert cache_directory(tmp_path / "mine") == tmp_path / "mine"
    assert cache_directory("~/mine") == Path.home() / "mine"
    assert cache_directory("~nobody-is-called-so/mine") == Path("~nobody-is-called-so/mine")
    assert cache_directory(False) is None


def test_what_is_cleared_is_measured_again(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    wsw.clear_cache(remembered)
    assert os.listdir(remembered) == []
    wsw.clear_cache(remembered)
    assert len(measured_anew(path, remembered)) == 3


def test_what_cannot_be_cleared_is_said(remembered: Path) -> None:
    (remembered / "measured.sqlite").mkdir(parents=True)
    with pytest.raises(InvalidArgumentError, match=r"measured\.sqlite'? cannot be removed \(.+\); check its"):
        wsw.clear_cache(remembered)


@pytest.mark.slow
def test_ten_thousand_layers_come_back(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "many.safetensors"
    tensors = torch.arange(10_000 * 6, dtype=torch.float32).reshape(10_000, 2, 3)
    save_file({f"l{index}.weight": tensors[index].clone() for index in range(10_000)}, path)
    first = scan(path, remembered, methods="sparsity")
    overwrite_unnoticed(path)
    assert contents(scan(path, remembered, methods="sparsity")) == contents(first)
