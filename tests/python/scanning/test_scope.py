"""The scan from Python: its arguments, its order, what it says on the way, and how it is stopped."""

from __future__ import annotations

import math
import signal
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import weightscope_widget as wsw
from tests.python.support import checkpoints
from tests.python.support.watched import altered, contents, gate, matrices, matrix, our_threads, variety
from weightscope_widget.errors import (
    InvalidArgumentError,
    MetaDeviceError,
    ModelNotFoundError,
    NoWeightsError,
    ScanInterruptedWarning,
    UnknownMethodError,
    UnsupportedModelError,
    WeightScopeError,
)
from weightscope_widget.sources import Layer

SECTIONS = ["basic_stats", "spectral", "quantization", "sparsity", "schemes"]


def scan(model: object, methods: Any = "all", **options: Any) -> wsw.ScanResults:
    return wsw.scan(model, methods, **{"progress": False, **options})


# -- What is scanned ---------------------------------------------------------------------------------------------------


def test_both_ways_to_scan_give_the_same() -> None:
    model = variety()
    scope = wsw.Scope(model)
    assert scope.results is None
    results = scope.scan(progress=False)
    assert scope.results is results
    assert contents(results) == contents(scan(model)) == contents(scan(scope.source))
    assert results.complete


def test_layers_come_in_the_models_order() -> None:
    model = variety()
    results = scan(model, "basic_stats", workers=4)
    stacks = {"experts.gate_up_proj", "experts.down_proj"}
    expected: list[str] = []
    for name, parameter in model.named_parameters():
        key = name.removesuffix(".weight")
        if key in stacks:
            expected += [f"{key}[{expert}]" for expert in range(3)]
        if parameter.ndim > 1:
            expected.append(key)
    assert list(results) == list(results.layers) == expected
    assert [layer.shape for layer in results.layers.values()][:2] == [(31, 8), (90, 40)]


@pytest.mark.parametrize("options", [{}, {"vectors": True}, {"methods": ["spectral"]}], ids=str)
def test_the_number_of_workers_changes_no_bit(options: dict[str, Any]) -> None:
    model = variety()
    with torch.no_grad():
        model["conv"].weight[1, 2, 0, 1] = math.nan
    one, four = (contents(scan(model, workers=workers, **options)) for workers in (1, 4))
    assert list(one) == list(four)
    assert one == four


@pytest.mark.parametrize(
    ("methods", "sections"),
    [
        ("all", SECTIONS),
        (SECTIONS[::-1], SECTIONS),
        ("spectral", ["spectral"]),
        (("sparsity", "basic_stats", "sparsity"), ["basic_stats", "sparsity"]),
        (iter(["quantization"]), ["quantization"]),
        (["spectral", "all"], SECTIONS),
    ],
    ids=["all", "backwards", "one", "twice", "iterator", "with all"],
)
def test_methods_choose_the_sections(methods: Any, sections: list[str]) -> None:
    results = scan({"a.weight": matrix(5, 3)}, methods)
    assert list(results["a"]) == list(results.methods) == sections
    assert results["a"] == {section: scan({"a.weight": matrix(5, 3)})["a"][section] for section in sections}


@pytest.mark.parametrize(
    ("methods", "says"),
    [
        ("spectrum", "'spectrum'"),
        (["spectral", "energy", "Basic_Stats"], "'Basic_Stats', 'energy'"),
        ([], "empty"),
        ("", "''"),
        ([None], "'None'"),
        (None, "None"),
        (5, "5"),
    ],
    ids=str,
)
def test_unknown_methods_are_refused_by_name(methods: Any, says: str) -> None:
    for refuse in (scan, wsw.show):
        with pytest.raises(UnknownMethodError, match=rf"^methods (has|is) .*{says}.*; choose from .*\.$") as raised:
            refuse({"a": matrix(2, 2)}, methods)
        assert all(f"{section}," in str(raised.value) for section in SECTIONS)


def test_top_k_lists_that_many_singular_values() -> None:
    weight = matrix(9, 5)
    expected = torch.linalg.svdvals(weight.double())
    for top_k in (1, 3, 5, 50):
        found = scan({"a": weight}, "spectral", top_k=top_k)["a"]["spectral"]["top_singular_values"]
        assert found == pytest.approx(expected[:top_k].tolist(), rel=1e-12)
    assert len(scan({"a": matrix(30, 30)}, "spectral")["a"]["spectral"]["top_singular_values"]) == 10


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True, math.nan], ids=repr)
@pytest.mark.parametrize("name", ["top_k", "workers"])
def test_counts_out_of_range_are_refused(name: str, value: Any) -> None:
    for refuse in (scan, wsw.show):
        with pytest.raises(InvalidArgumentError, match=rf"^{name} is {value!r}; give how many .* at least 1\.$"):
            refuse({"a": matrix(2, 2)}, **{name: value})


def test_vectors_have_basic_statistics_when_asked_for() -> None:
    model = {"norm.weight": torch.tensor([3.0, -4.0]), "a.weight": matrix(3, 2), "a.bias": torch.zeros(3)}
    assert list(scan(model)) == ["a"]
    results = scan(model, vectors=True)
    assert {name: list(results[name]) for name in results} == {
        "norm": ["basic_stats"],
        "a": SECTIONS,
        "a.bias": ["basic_stats"],
    }
    assert results["norm"]["basic_stats"]["l2_norm"] == 5.0
    assert results.complete
    spectral = scan(model, "spectral", vectors=True)
    assert list(spectral) == ["a"]
    assert spectral.complete


# -- Bad models --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [None, 42, b"bytes", [matrix(2, 2)], matrix(2, 2), nn.Linear, object()], ids=type)
@pytest.mark.parametrize("take", [wsw.scan, wsw.Scope, wsw.show])
def test_an_unknown_type_is_refused_by_its_name(take: Any, model: object) -> None:
    with pytest.raises(UnsupportedModelError, match=rf"of type \S*{type(model).__name__} is not") as raised:
        take(model)
    assert isinstance(raised.value, TypeError)


def bad_models(folder: Path) -> dict[str, tuple[object, type[WeightScopeError], str]]:
    with torch.device("meta"):
        nowhere = nn.Linear(3, 2)
    (folder / "empty").mkdir()
    return {
        "missing": (folder / "gone.safetensors", ModelNotFoundError, "gone.safetensors"),
        "empty folder": (folder / "empty", ModelNotFoundError, "empty"),
        "meta": (nowhere, MetaDeviceError, "Linear is on the meta device"),
        "no parameters": (nn.ReLU(), NoWeightsError, "ReLU"),
        "vectors only": (nn.LayerNorm(4), NoWeightsError, "LayerNorm .* vectors=True"),
        "integers only": ({"a": torch.ones(2, 2, dtype=torch.int8)}, NoWeightsError, "integer tensor"),
    }


@pytest.mark.parametrize("case", ["missing", "empty folder", "meta", "no parameters", "vectors only", "integers only"])
def test_a_model_without_weights_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    model, kind, says = bad_models(tmp_path)[case]
    for take in (scan, wsw.show):
        with pytest.raises(kind, match=says) as raised:
            take(model)
        assert str(raised.value).endswith(".")
        assert "\n" not in str(raised.value)
    assert not our_threads()


# -- Bad tensors -------------------------------------------------------------------------------------------------------


def test_a_tensor_that_cannot_be_read_costs_its_layer_only(tmp_path: Path) -> None:
    tensors = matrices(4)
    folder = checkpoints.write_sharded(tmp_path / "model", *({name: tensor} for name, tensor in tensors.items()))
    scope = wsw.Scope(folder)
    (folder / "model-00002-of-00004.safetensors").unlink()
    results = scope.scan(progress=False)
    assert list(results) == ["l0", "l1", "l2", "l3"]
    assert list(results["l1"]) == ["error"]
    assert "'l1.weight' cannot be read from" in results["l1"]["error"]
    assert "model-00002-of-00004.safetensors" in results["l1"]["error"]
    assert (results.grade("l1"), results.complete) == (None, True)
    others = {name: tensor for name, tensor in tensors.items() if name != "l1.weight"}
    assert {name: results[name] for name in results if name != "l1"} == dict(scan(others))


def test_a_part_on_the_meta_device_costs_that_part_only() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(3, 2, device="meta"))
    results = scan(model)
    assert "meta device" in results["1"]["error"]
    assert list(results["0"]) == SECTIONS


def test_a_failing_analysis_costs_its_layer_and_keeps_what_was_there() -> None:
    """A stored shape that is not true: the statistics do not mind, the factorization needs a matrix."""
    source = altered(matrices(3), {"l1": lambda layer: layer.load().flatten()})
    for cheap_methods in (["basic_stats"], ["basic_stats", "quantization"]):
        results = scan(source, [*cheap_methods, "spectral"])
        assert list(results["l1"])[-1] == "error"
        assert results["l1"]["error"].startswith("The analysis of 'l1' failed (InvalidArgumentError: ")
        assert results["l1"]["basic_stats"] == scan(matrices(3))["l1"]["basic_stats"]
        assert results.grade("l1") is None
        assert [list(results[name]) == list(results.methods) for name in ("l0", "l2")] == [True, True]


def test_a_layer_with_nan_is_measured_and_critical() -> None:
    weight = matrix(6, 5)
    weight[0, 0], weight[3, 2] = math.nan, -math.inf
    results = scan({"bad": weight, "good": matrix(6, 5)})
    stats = results["bad"]["basic_stats"]
    assert (stats["nan_count"], stats["inf_count"]) == (1, 1)
    finite = weight[weight.isfinite()].double()
    assert stats["mean"] == pytest.approx(finite.mean().item(), rel=1e-12)
    assert stats["std"] == pytest.approx(finite.std().item(), rel=1e-12)
    assert math.isnan(results["bad"]["spectral"]["condition_number"])
    assert results["bad"]["spectral"]["total_rank"] == 5
    assert "error" not in results["bad"]
    assert (results.grade("bad"), results.grade("good")) == ("Critical", "Excellent")
    assert "nan_count" not in results["good"]["basic_stats"]


# -- Progress, cancel, interrupt ---------------------------------------------------------------------------------------


def test_the_bar_is_drawn_only_when_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    wsw.scan(matrices(7), progress=False)
    assert capfd.readouterr() == ("", "")
    wsw.scan(matrices(7))
    out, err = capfd.readouterr()
    assert out == ""
    last = err.replace("\r", "\n").strip().splitlines()[-1]
    assert last.startswith("state dict: 100%")
    assert "7/7" in last


def test_a_cancelled_scan_goes_no_further_than_the_layers_at_hand() -> None:
    cancel = threading.Event()
    cancel.set()
    for workers in (1, 3):
        results = scan(matrices(9), workers=workers, cancel=cancel)
        assert 1 <= len(results) <= workers
        assert not results.complete


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cancel_on_the_way_keeps_what_was_computed(workers: int) -> None:
    cancel = threading.Event()

    def cancel_then_load(layer: Layer) -> torch.Tensor:
        cancel.set()
        return layer.load()

    results = scan(altered(matrices(12), {"l4": cancel_then_load}), workers=workers, cancel=cancel)
    # When l4 is read, at most the others at hand follow it.
    assert 4 <= len(results) < 5 + workers
    assert list(results) == [f"l{index}" for index in range(len(results))]
    whole = scan(matrices(12))
    assert {name: results[name] for name in results} == {name: whole[name] for name in results}
    assert [results.pending(f"l{index}") for index in (0, 11)] == [False, True]


def test_a_cancel_from_another_thread() -> None:
    cancel = threading.Event()
    with gate() as held:
        source = held.before(matrices(5), "l1")

        def stop() -> None:
            held.wait()
            cancel.set()
            held.opened.set()

        stopper = threading.Thread(target=stop)
        stopper.start()
        results = scan(source, workers=1, cancel=cancel)
        stopper.join()
    assert list(results) == ["l0", "l1"]


def interrupting() -> Any:
    """A model of five layers; reading the third is when the person presses ^C."""

    def interrupt(layer: Layer) -> torch.Tensor:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        return layer.load()

    return altered(matrices(5), {"l2": interrupt})


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process started in the background may ignore interrupts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="the platform cannot send a signal to a thread")
@pytest.mark.parametrize("take", [wsw.scan, lambda model, **options: wsw.Scope(model).scan(**options)])
def test_an_interrupt_keeps_what_was_computed_and_warns(take: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = take(interrupting(), workers=1, progress=False)
    (warning,) = caught
    assert warning.category is ScanInterruptedWarning
    assert "state dict was interrupted" in str(warning.message)
    # At the caller's line: Python shows a warning once per line, and the next interrupt must be told too.
    assert warning.filename == __file__
    assert list(results)[:2] == ["l0", "l1"]
    assert len(results) < 5
    whole = scan(matrices(5))
    assert {name: results[name] for name in results} == {name: whole[name] for name in results}
    assert not our_threads()


def test_results_can_be_read_while_the_scan_runs() -> None:
    with gate() as held:
        scope = wsw.Scope(held.before(matrices(3), "l1"))
        scanning = threading.Thread(target=scope.scan, kwargs={"progress": False, "workers": 1})
        scanning.start()
        held.wait()
        assert scope.results is not None
        assert list(scope.results) == ["l0"]
        assert not scope.results.complete
        held.opened.set()
        scanning.join()
    assert scope.results.complete
