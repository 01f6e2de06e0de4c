"""Sources whose reads can be held up and watched, and a wire that records what a widget sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from comm.base_comm import BaseComm
from torch import nn

from tests.python.checkpoints import Experts
from weightscope_widget import ScanResults
from weightscope_widget.sources import Layer, Source, open_source

PATIENCE = 60.0  # seconds until a wait that should end counts as a hang


def matrix(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng([seed, rows, columns]).standard_normal((rows, columns))).float()


def matrices(count: int, rows: int = 6, columns: int = 4) -> dict[str, torch.Tensor]:
    """A state dict of layers ``l0``, ``l1``, … whose entries all differ."""
    return {f"l{index}.weight": matrix(rows, columns, seed=index) for index in range(count)}


def variety() -> nn.Module:
    """Every kind of layer: embedding, linear, convolution, norm, experts, and biases beside them."""
    torch.manual_seed(5)
    experts = Experts()
    for parameter in experts.parameters():
        nn.init.normal_(parameter)
    linears = {f"layers{index}": nn.Linear(40 + index, 90) for index in range(4)}
    parts = {"embed": nn.Embedding(31, 8), **linears, "conv": nn.Conv2d(3, 5, (3, 2)), "norm": nn.LayerNorm(6)}
    return nn.ModuleDict({**parts, "experts": experts})


def with_load(layer: Layer, load: Callable[[Layer], torch.Tensor]) -> Layer:
    return replace(layer, load=lambda: load(layer))


def altered(model: object, loads: Mapping[str, Callable[[Layer], torch.Tensor]]) -> Source:
    """Open a model, and read some of its layers in another way."""
    source = open_source(model)
    assert loads.keys() <= {layer.name for layer in source.layers}
    layers = [with_load(layer, loads[layer.name]) if layer.name in loads else layer for layer in source.layers]
    return replace(source, layers=tuple(layers))


class Gate:
    """Holds up the reads of some layers, until it is opened.

    Attributes
    ----------
    reached : Event
        Set when the first read is held up.
    opened : Event
        Set it to let the reads go on.
    """

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, layer: Layer) -> torch.Tensor:
        self.reached.set()
        if not self.opened.wait(PATIENCE):
            raise AssertionError("the gate was never opened")
        return layer.load()

    def before(self, model: object, *names: str) -> Source:
        """Return the model as a source whose layers of these names wait at this gate."""
        return altered(model, dict.fromkeys(names, self))


@contextmanager
def gate() -> Iterator[Gate]:
    """A gate that is open afterwards, so that a failing test holds up nothing."""
    one = Gate()
    try:
        yield one
    finally:
        one.opened.set()


class Reads:
    """Counts the reads of a model, and the tensors read that are still alive."""

    def __init__(self, model: object) -> None:
        self.names: list[str] = []
        self.most_alive = 0
        self._alive = 0
        self._lock = threading.Lock()
        plain = open_source(model)
        self.source = altered(plain, dict.fromkeys((layer.name for layer in plain.layers), self._load))

    def _load(self, layer: Layer) -> torch.Tensor:
        import weakref

        values = layer.load().numpy().copy()
        # The storage keeps the array alive, so the array tells when the last view of the storage is gone.
        weakref.finalize(values, self._count, -1)
        self._count(+1)
        with self._lock:
            self.names.append(layer.name)
        return torch.from_numpy(values)

    def _count(self, change: int) -> None:
        with self._lock:
            self._alive += change
            self.most_alive = max(self.most_alive, self._alive)

    @property
    def alive(self) -> int:
        return self._alive


def contents(results: ScanResults) -> dict[str, str]:
    """Everything in results, per layer in order, as text that is equal only where every bit is (NaN equals NaN)."""
    return {
        name: repr((results.layers[name], results[name], _spectrum(results, name), _histogram(results, name)))
        for name in results
    }


def _spectrum(results: ScanResults, name: str) -> tuple[str, bytes] | None:
    values = results.spectra.get(name)
    return None if values is None else (str(values.dtype), values.tobytes())


def _histogram(results: ScanResults, name: str) -> tuple[float, float, str, bytes] | None:
    found = results.histograms.get(name)
    return None if found is None else (found.low, found.high, str(found.counts.dtype), found.counts.tobytes())


class Wire(BaseComm):
    """A kernel's end of the connection to the page; the page's end is `sent` and `receive`.

    Attributes
    ----------
    sent : list of (str, dict, list)
        Type, data and buffers of each message from the kernel.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any], list[Any]]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        self.sent.append((msg_type, data, list(buffers or [])))

    def receive(self, data: dict[str, Any]) -> None:
        """Deliver what the page sends."""
        self.handle_msg({"content": {"data": data}, "buffers": []})

    def ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """Deliver a custom message and return the one answer to it."""
        before = len(self.sent)
        self.receive({"method": "custom", "content": request})
        answers = [(data["content"], buffers) for _, data, buffers in self.sent[before:] if data["method"] == "custom"]
        assert len(answers) == 1
        return answers[0]


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("weightscope")]
