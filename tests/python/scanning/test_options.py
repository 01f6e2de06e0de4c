"""The options that all functions share: the same names and defaults, checked once, and what they do in each."""

from __future__ import annotations

import inspect
import logging
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.watched import altered, matrices, matrix
from weightscope_widget.errors import InvalidArgumentError, TensorReadError
from weightscope_widget.sources import Layer

RUNNING = {
    "methods": "all",
    "top_k": 10,
    "workers": None,
    "executor": None,
    "memory": None,
    "cache": True,
}
WITHOUT_SCREEN = (wsw.scan, wsw.compare, wsw.evolution, wsw.save_report, wsw.Scope.scan)
WITH_SCREEN = (wsw.show, wsw.show_diff, wsw.show_evolution)


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


@pytest.mark.parametrize("function", [*WITHOUT_SCREEN, *WITH_SCREEN], ids=lambda function: function.__qualname__)
def test_the_same_option_has_the_same_name_and_default(function: Callable[..., Any]) -> None:
    options = RUNNING | (
        {"progress": True, "cancel": None}
        if function in WITHOUT_SCREEN
        else {"thresholds": None, "height": None, "theme": "auto", "language": "auto"}
    )
    assert options.items() <= defaults(function).items()
    # Norms and biases tell two models apart, and clutter the table of one.
    assert defaults(function)["vectors"] is (function in (wsw.compare, wsw.show_diff))


MODEL = {"a.weight": matrix(5, 3)}
CALLS: dict[str, Callable[..., Any]] = {
    "scan": lambda **options: wsw.scan(MODEL, **options),
    "show": lambda **options: wsw.show(MODEL, **options),
    "compare": lambda **options: wsw.compare(MODEL, MODEL, **options),
    "show_diff": lambda **options: wsw.show_diff(MODEL, MODEL, **options),
    "evolution": lambda **options: wsw.evolution({"x": MODEL, "y": MODEL}, **options),
    "show_evolution": lambda **options: wsw.show_evolution({"x": MODEL, "y": MODEL}, **options),
    "save_report": lambda **options: wsw.save_report(MODEL, "/nowhere/at/all", **options),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("option", "wrong"),
    [("top_k", 0), ("workers", 2.0), ("executor", "processes"), ("memory", "4 GB"), ("cache", 3)],
    ids=str,
)
def test_a_wrong_option_is_refused_everywhere_in_the_same_words(
    call: Callable[..., Any], option: str, wrong: Any
) -> None:
    with pytest.raises(InvalidArgumentError) as said:
        call(**{option: wrong})
    with pytest.raises(InvalidArgumentError) as expected:
        wsw.scan(MODEL, **{option: wrong})
    assert str(said.value) == str(expected.value)
    assert str(said.value).startswith(f"{option} is ")


def test_numpy_s_numbers_are_numbers() -> None:
    options = {"top_k": np.int64(2), "workers": np.int32(1), "memory": np.float32(4e9)}
    found = wsw.scan(MODEL, "spectral", progress=False, **options)
    assert found == wsw.scan(MODEL, "spectral", top_k=2, progress=False)
    assert len(found["a"]["spectral"]["top_singular_values"]) == 2


# -- Executors ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steps")
    for step in (1, 2, 3):
        tensors = {name: step * tensor for name, tensor in matrices(2, 9, 7).items()}
        save_file({**tensors, "norm.weight": step * torch.ones(5)}, folder / f"step-{step}.safetensors")
    return folder


def test_an_evolution_on_an_executor_is_the_same(executor: Executor, steps: Path) -> None:
    here = wsw.evolution(steps, vectors=True, top_k=3, cache=False, progress=False)
    there = wsw.evolution(steps, vectors=True, top_k=3, cache=False, progress=False, executor=executor, memory=1)
    pd.testing.assert_frame_equal(here.to_frame(), there.to_frame())
    np.testing.assert_allclose(there.series("l0", "relative_change_to_first"), [0, 1, 2], rtol=1e-6)
    np.testing.assert_allclose(there.series("norm", "relative_change_to_previous"), [0, 1, 0.5], rtol=1e-6)
    assert len(there["step-3.safetensors"]["l1"]["spectral"]["top_singular_values"]) == 3


def test_a_comparison_on_an_executor_is_the_same(executor: Executor, steps: Path) -> None:
    base, tuned = steps / "step-1.safetensors", steps / "step-3.safetensors"
    here = wsw.compare(base, tuned, cache=False, progress=False)
    there = wsw.compare(base, tuned, cache=False, progress=False, executor=executor)
    pd.testing.assert_frame_equal(here.to_frame(), there.to_frame())


def test_shards_of_several_processes_take_no_executor() -> None:
    source = altered(MODEL, {"a": lambda layer: layer.load()})

    def load() -> torch.Tensor:
        return matrix(5, 3)

    load.collective = True  # type: ignore[attr-defined]  # as loaders of DTensors are marked
    object.__setattr__(source.layers[0], "load", load)
    with ThreadPoolExecutor(1) as pool:
        for call in (
            lambda: wsw.scan(source, executor=pool),
            lambda: wsw.compare(source, source, executor=pool),
            lambda: wsw.evolution({"x": source, "y": source}, executor=pool),
        ):
            with pytest.raises(InvalidArgumentError, match="shards held by several processes"):
                call()


# -- The log -----------------------------------------------------------------------------------------------------------


def test_the_plan_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "weightscope_widget")
    wsw.scan(matrices(3), ["basic_stats", "spectral"], workers=2, memory=4e9, progress=False)
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert record.name == "weightscope_widget.engine.runner"
    assert record.getMessage() == (
        "Starting the scan of state dict: 3 layers, 3 jobs, methods basic_stats, spectral, 2 at a time on threads, "
        "at most 4.0 GB."
    )


class Unreadable:
    """A loader that fails; it can be sent to other processes."""

    def __call__(self) -> torch.Tensor:
        raise TensorReadError("the disk is gone")


def unreadable(name: str) -> Any:
    source = altered(matrices(2), {})
    (layer,) = (layer for layer in source.layers if layer.name == name)
    object.__setattr__(layer, "load", Unreadable())
    return source


def test_a_failed_layer_s_traceback_is_logged_wherever_it_failed(
    executor: Executor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "weightscope_widget")
    for options in ({}, {"executor": executor}):
        caplog.clear()
        found = wsw.scan(unreadable("l1"), "basic_stats", progress=False, **options)
        assert found["l1"] == {"error": "the disk is gone"}
        (record,) = (record for record in caplog.records if record.levelno == logging.DEBUG)
        assert record.getMessage().startswith("The analysis of 'l1' failed:\nTraceback (most recent call last):\n")
        assert 'in __call__\n    raise TensorReadError("the disk is gone")' in record.getMessage()


def test_failures_of_comparisons_and_evolutions_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "weightscope_widget")
    wsw.compare(matrices(2), unreadable("l1"), progress=False)
    wsw.evolution({"x": matrices(2), "y": unreadable("l1")}, "basic_stats", progress=False)
    failed = [record.getMessage().split("\n")[0] for record in caplog.records if record.levelno == logging.DEBUG]
    # The evolution reads it once for its change and once for its scan.
    assert failed == ["The comparison of 'l1' failed:", *2 * ["The analysis of 'l1' failed:"]]


def test_the_traceback_of_an_analyzer_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Any:
        raise ArithmeticError("no such number")

    monkeypatch.setitem(__import__("weightscope_widget.analyzers").analyzers.METHODS, "sparsity", broken)
    caplog.set_level(logging.DEBUG, "weightscope_widget")
    assert "error" in wsw.scan(MODEL, progress=False)["a"]
    assert "in broken\n    raise ArithmeticError" in caplog.text


def test_nothing_is_logged_on_the_screen_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(layer: Layer) -> torch.Tensor:
        raise OSError(f"disk of {layer.name}")

    wsw.scan(altered(matrices(2), {"l1": fail}), progress=False)
    assert capfd.readouterr() == ("", "")
