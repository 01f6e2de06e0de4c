"""What is remembered between scans of files: exactly what was measured, of exactly these weights."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.cases import CASES
from tests.python.watched import Show, Table, contents
from weightscope_widget import cache as cache_module
from weightscope_widget.cache import Cache, cache_directory
from weightscope_widget.errors import CacheWarning, InvalidArgumentError
from weightscope_widget.measure import Measured
from weightscope_widget.run import ScanRun
from weightscope_widget.sources import open_source

ALL = ("basic_stats", "spectral", "quantization", "sparsity")
TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A file with one of each kind of weights that there is a case for."""
    path = tmp_path / "model.safetensors"
    tensors = {name: make().detach().clone().contiguous() for name, make in CASES.items()}
    save_file({f"{name}.weight": each for name, each in tensors.items() if each.numel() < 40_000}, path)
    return path


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def small(path: Path, seed: int = 0, layers: int = 3) -> Path:
    generator = torch.Generator().manual_seed(seed)
    save_file({f"l{index}.weight": torch.randn(9, 7, generator=generator) for index in range(layers)}, path)
    return path


def overwrite_unnoticed(path: Path) -> None:
    """Change every weight behind the back of whoever goes by size and time: what is not read cannot show it."""
    before = path.stat()
    with path.open("r+b") as file:
        header = 8 + int.from_bytes(file.read(8), "little")
        file.seek(header)
        file.write(b"\x2a" * (before.st_size - header))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def scan(path: Any, remembered: Any, **options: Any) -> wsw.ScanResults:
    return wsw.scan(path, progress=False, cache=remembered, **options)


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    """Nothing is wrong with a cache unless a test says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", CacheWarning)
        yield


def test_a_second_scan_reads_no_weights_and_says_the_same_to_the_bit(model: Path, remembered: Path) -> None:
    first = scan(model, remembered, vectors=True)
    overwrite_unnoticed(model)
    second = scan(model, remembered, vectors=True)
    assert len(second) > 70
    assert contents(second) == contents(first)
    assert contents(scan(model, False, vectors=True)) != contents(first)


def test_nothing_is_left_to_do(model: Path, remembered: Path) -> None:
    scan(model, remembered)
    run = ScanRun(open_source(model), ALL, cache=Cache(remembered))
    assert run.progress.state == "done"
    assert list(run.steps()) == []


def test_a_dashboard_has_all_numbers_at_once(model: Path, remembered: Path, show: Show) -> None:
    scan(model, remembered)
    overwrite_unnoticed(model)
    dash = show(model, cache=remembered)
    assert set(Table.of(dash).stages) == {2.0}
    assert contents(dash.results) == contents(scan(model, remembered))


def test_methods_that_are_known_are_not_measured_again(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    whole = scan(path, False)
    scan(path, remembered, methods=["sparsity", "basic_stats"])
    run = ScanRun(open_source(path), ALL, cache=Cache(remembered))
    assert [task.methods for task in run.steps()] == [("spectral", "quantization")] * 3
    assert contents(run.results) == contents(whole)


def test_an_interrupted_scan_goes_on_where_it_was(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", layers=6)
    run = ScanRun(open_source(path), ALL, cache=Cache(remembered))
    steps = run.steps()
    done = [next(steps).layer.name, next(steps).layer.name]
    steps.close()
    rest = ScanRun(open_source(path), ALL, cache=Cache(remembered))
    assert sorted(done + [task.layer.name for task in rest.steps()]) == [f"l{index}" for index in range(6)]
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
    run = ScanRun(open_source(path), ALL, cache=Cache(remembered))
    small(path, seed=2)
    assert len(list(run.steps())) == 3
    os.utime(path, ns=(1, 1))
    assert len(list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps())) == 3
    assert rows(remembered) == 12  # of the last scan only


def rows(folder: Path) -> int:
    with sqlite3.connect(folder / "measured.sqlite") as connection:
        return int(connection.execute("SELECT COUNT(*) FROM measured").fetchone()[0])


def test_other_analyzers_measure_anew(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    monkeypatch.setattr(cache_module, "_version", lambda: "another")
    run = ScanRun(open_source(path), ALL, cache=Cache(remembered))
    assert len(list(run.steps())) == 3


def test_the_version_is_of_the_code(tmp_path: Path) -> None:
    """A copy of the package with one character more in an analyzer, and one with more in a panel."""
    package = Path(wsw.__file__).parent
    versions = []
    for name, changed in (
        ("same", None),
        ("analyzer", "analyzers/basic.py"),
        ("reader", "sources/_gguf_tensor.py"),
        ("errors", "errors.py"),
    ):
        copy = tmp_path / name
        shutil.copytree(package, copy / "weightscope_widget", ignore=shutil.ignore_patterns("__pycache__", "static"))
        if changed is not None:
            with (copy / "weightscope_widget" / changed).open("a") as file:
                file.write("\n")
        code = "from weightscope_widget import cache; print(cache._version())"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(copy)},
        )  # fmt: skip
        versions.append(done.stdout.strip())
    same, analyzer, reader, errors = versions
    assert same == errors == cache_module._version()
    assert len({same, analyzer, reader}) == 3


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
    identity, _ = cache.recall(source.layers[0], ALL, 10)
    assert identity is not None
    cache.remember(source.layers[0], identity, measured)
    cache.close()
    assert Cache(remembered).recall(source.layers[0], ALL, 10) == (identity, Measured())


@pytest.mark.parametrize("setting", [3, None, "", b"x", 1.5])
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
    assert cache_directory(False) is None


def test_what_is_cleared_is_measured_again(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    wsw.clear_cache(remembered)
    assert os.listdir(remembered) == []
    wsw.clear_cache(remembered)
    assert len(list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps())) == 3


# -- A file that is no good --------------------------------------------------------------------------------------------


def test_a_file_that_is_none_is_warned_of_once(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    remembered.mkdir()
    (remembered / "measured.sqlite").write_bytes(b"not a database" * 500)
    with pytest.warns(CacheWarning, match=r"cannot be remembered .* goes on without\. clear_cache\(\)") as caught:
        found = scan(path, remembered)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert contents(found) == contents(scan(path, False))
    wsw.clear_cache(remembered)
    scan(path, remembered)


def test_a_folder_that_cannot_be_is_warned_of(tmp_path: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    (tmp_path / "file").touch()
    with pytest.warns(CacheWarning):
        found = scan(path, tmp_path / "file" / "cache")
    assert contents(found) == contents(scan(path, False))


@pytest.mark.parametrize(
    "change",
    [
        "array = substr(array, 1, 8)",
        "array = x''",
        "section = '{}'",
        "section = replace(section, '1', '2')",
        "section = '[1]', crc = 0",
    ],
)
def test_what_was_tampered_with_is_measured_anew(tmp_path: Path, remembered: Path, change: str) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered)
    with sqlite3.connect(remembered / "measured.sqlite") as connection:
        connection.execute(f"UPDATE measured SET {change}")
    assert contents(scan(path, remembered)) == contents(scan(path, False))


def test_a_file_that_may_only_be_read_is_read(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    file = remembered / "measured.sqlite"
    # As on a disk that is mounted read-only, whoever runs the test.
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TRIGGER no BEFORE INSERT ON measured BEGIN SELECT RAISE(ABORT, 'read-only'); END")
    overwrite_unnoticed(path)
    with pytest.warns(CacheWarning, match="read-only"):
        found = scan(path, remembered)
    assert found["l0"]["sparsity"] != scan(path, False)["l0"]["sparsity"]
    assert rows(remembered) == 3


def test_a_full_disk_is_warned_of(tmp_path: Path, remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path / "m.safetensors", layers=40)
    connect = sqlite3.connect

    def on_a_small_disk(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 8")
        return connection

    monkeypatch.setattr(sqlite3, "connect", on_a_small_disk)
    with pytest.warns(CacheWarning, match="full"):
        found = scan(path, remembered)
    monkeypatch.undo()
    assert contents(found) == contents(scan(path, False))
    assert rows(remembered) == 0


def test_another_process_that_writes_is_waited_for(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    other = sqlite3.connect(remembered / "measured.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ("COMMIT",))
    release.start()
    scan(path, remembered)
    release.join()
    other.close()
    assert rows(remembered) == 12


def in_a_process(path: str, folder: str) -> dict[str, str]:
    return contents(wsw.scan(path, progress=False, cache=folder))


def test_two_processes_at_once(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors", layers=30)
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(in_a_process, [str(path)] * 2, [str(remembered)] * 2))
    assert found[0] == found[1] == contents(scan(path, False))
    assert rows(remembered) == 120


def test_an_executor_measures_what_is_not_known(tmp_path: Path, remembered: Path) -> None:
    path = small(tmp_path / "m.safetensors")
    scan(path, remembered, methods="sparsity")
    with ProcessPoolExecutor(1) as pool:
        found = scan(path, remembered, executor=pool)
    assert contents(found) == contents(scan(path, False))
    assert rows(remembered) == 12


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, remembered: Path) -> None:
    paths = [small(tmp_path / f"{index}.safetensors", seed=index, layers=1) for index in range(3)]
    for path in paths:
        scan(path, remembered)
    file = remembered / "measured.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE measured SET used = used - 1000000")
        (size,) = connection.execute("SELECT SUM(size) FROM measured").fetchone()
    scan(paths[0], remembered)  # used now
    cache = Cache(remembered, most_bytes=size // 2)
    layer = open_source(paths[0]).layers[0]
    identity, known = cache.recall(layer, ALL, 10)
    assert identity is not None
    cache.remember(layer, identity, known)
    cache.close()
    kept = [len(list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps())) == 0 for path in paths]
    assert kept == [True, False, False]


def test_ten_thousand_layers_come_back(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "many.safetensors"
    tensors = torch.arange(10_000 * 6, dtype=torch.float32).reshape(10_000, 2, 3)
    save_file({f"l{index}.weight": tensors[index].clone() for index in range(10_000)}, path)
    first = scan(path, remembered, methods="sparsity")
    overwrite_unnoticed(path)
    assert contents(scan(path, remembered, methods="sparsity")) == contents(first)


# -- Every kind of file ------------------------------------------------------------------------------------------------


def test_torch_files(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"a.weight": torch.eye(4), "b.weight": torch.ones(3, 2)}, path)
    first = scan(path, remembered)
    assert list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps()) == []
    torch.save({"a.weight": 2 * torch.eye(4), "b.weight": torch.ones(3, 2)}, path)
    assert scan(path, remembered)["a"]["basic_stats"]["max"] == 2
    assert first["a"]["basic_stats"]["max"] == 1


def test_adapters(tmp_path: Path, remembered: Path) -> None:
    """Both factors' file is asked, and the scaling from the configuration counts."""
    factors = {
        "base_model.model.q.lora_A.weight": torch.randn(2, 6),
        "base_model.model.q.lora_B.weight": torch.randn(5, 2),
    }
    save_file(factors, tmp_path / "adapter_model.safetensors")
    config = tmp_path / "adapter_config.json"
    config.write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 4}')
    first = scan(tmp_path, remembered)
    assert list(ScanRun(open_source(tmp_path), ALL, cache=Cache(remembered)).steps()) == []
    config.write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 8}')
    twice = scan(tmp_path, remembered)
    assert twice["q"]["basic_stats"]["max"] == pytest.approx(2 * first["q"]["basic_stats"]["max"], rel=1e-12)


def test_stacks_of_experts(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "experts.safetensors"
    save_file({"layers.0.mlp.experts.gate_up_proj": torch.randn(3, 8, 6)}, path)
    first = scan(path, remembered)
    overwrite_unnoticed(path)
    second = scan(path, remembered)
    assert len(second) == 4
    assert contents(second) == contents(first)
    assert np.array_equal(
        second.singular_values("layers.0.mlp.experts.gate_up_proj"),
        np.sort(np.concatenate([second.singular_values(f"layers.0.mlp.experts.gate_up_proj[{k}]") for k in range(3)]))[
            ::-1
        ],
    )


def test_quantized_weights(tmp_path: Path, remembered: Path) -> None:
    """Each of the tensors that a weight is put together from counts."""
    path = tmp_path / "fp8.safetensors"
    codes, scale = torch.randn(6, 4).to(torch.float8_e4m3fn), torch.tensor(0.5)
    save_file({"a.weight": codes, "a.weight_scale": scale}, path)
    first = scan(path, remembered)
    assert list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps()) == []
    save_file({"a.weight": codes, "a.weight_scale": 2 * scale}, path)
    assert scan(path, remembered)["a"]["basic_stats"]["max"] == 2 * first["a"]["basic_stats"]["max"]


def test_onnx_files(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "m.onnx"
    for factor in (1, 2):
        tensor = numpy_helper.from_array(factor * np.eye(3, dtype=np.float32), "a")
        onnx.save_model(helper.make_model(helper.make_graph([], "g", [], [], [tensor])), path)
        assert scan(path, remembered)["a"]["basic_stats"]["max"] == factor
        assert list(ScanRun(open_source(path), ALL, cache=Cache(remembered)).steps()) == []
