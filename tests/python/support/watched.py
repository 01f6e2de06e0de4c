"""Sources whose reads can be held up and watched, and a wire that records what a widget sends."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from comm.base_comm import BaseComm
from torch import nn

import weightscope_widget as wsw
from tests.python.support.checkpoints import Experts
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

    def wait(self) -> None:
        """Wait until a read is held up."""
        assert self.reached.wait(PATIENCE), "nothing was read"

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
    """Everything in results, per layer in order, as text that is equal only where every bit is (NaN equals NaN).

    But for `linear`, which a module knows of its layers and a file of the same tensors does not.
    """
    return {
        name: repr(
            (
                replace(results.layers[name], linear=None),
                results[name],
                _spectrum(results, name),
                _histogram(results, name),
            )
        )
        for name in results
    }


def _spectrum(results: ScanResults, name: str) -> tuple[str, bytes] | None:
    values = results.spectra.get(name)
    return None if values is None else (str(values.dtype), values.tobytes())


def _histogram(results: ScanResults, name: str) -> tuple[float, float, str, bytes] | None:
    found = results.histograms.get(name)
    return None if found is None else (found.low, found.high, str(found.counts.dtype), found.counts.tobytes())


class Wire(BaseComm):
    """A kernel's end of the connection to a page, with the page's end in hand.

    Attributes
    ----------
    sent : list of (str, dict, list)
        Type, data and buffers of each message from the kernel.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[tuple[str, dict[str, Any], list[Any]]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        # As the kernel would: JSON that a browser can read, made at once, for state may change behind it.
        document = json.loads(json.dumps(data, allow_nan=False))
        self.sent.append((msg_type, document, [bytes(buffer) for buffer in buffers or []]))

    def receive(self, data: dict[str, Any]) -> None:
        """Deliver what the page sends."""
        self.handle_msg({"content": {"data": data}, "buffers": []})

    def set(self, **state: Any) -> None:
        """Change traits as the page does."""
        self.receive({"method": "update", "state": state, "buffer_paths": []})

    def tell(self, message: object) -> list[tuple[dict[str, Any], list[bytes]]]:
        """Deliver a custom message and return the answers to it."""
        before = len(self.sent)
        self.receive({"method": "custom", "content": message})
        after = self.sent[before:]
        return [(data["content"], buffers) for _, data, buffers in after if data.get("method") == "custom"]

    @property
    def state(self) -> dict[str, Any]:
        """The traits as the page has them: what it was opened with, and every update since."""
        state: dict[str, Any] = {}
        for _, data, buffers in list(self.sent):
            if "state" not in data or data.get("method") == "echo_update":
                continue
            state |= json.loads(json.dumps(data["state"]))
            for path, buffer in zip(data["buffer_paths"], buffers, strict=True):
                target = state
                for key in path[:-1]:
                    target = target[key]
                target[path[-1]] = buffer
        return state


class Table:
    """The numbers as the page decodes them: `js/src/wire/model.ts` in Python."""

    def __init__(self, encoded: dict[str, Any], rows: int) -> None:
        values = np.frombuffer(encoded["data"], dtype="<f8").reshape(len(encoded["columns"]), rows)
        self.columns = dict(zip(encoded["columns"], values, strict=True))
        self.errors: dict[str, str] = encoded["errors"]
        self.progress: dict[str, Any] = encoded["progress"]

    @classmethod
    def of(cls, dash: wsw.Dashboard) -> Table:
        """What the page of a dashboard shows now."""
        return cls(dash._table, len(dash.results.layers))

    @property
    def stages(self) -> list[float]:
        return list(self.columns["stage"])


Show = Callable[..., wsw.Dashboard]


def wire(dash: wsw.Dashboard) -> Wire:
    assert isinstance(dash.comm, Wire)
    return dash.comm


def finished(dash: wsw.Dashboard) -> wsw.Dashboard:
    """Return a dashboard when its scan has ended and is reported."""
    assert dash.wait(PATIENCE), "the scan never ended"
    return dash


def until(dash: wsw.Dashboard, holds: Callable[[Table], bool]) -> None:
    """Wait until something holds of what a dashboard has reported."""
    reached = threading.Event()

    def look(_: object = None) -> None:
        if holds(Table.of(dash)):
            reached.set()

    dash.observe(look, "_table")
    look()
    assert reached.wait(PATIENCE), "the dashboard never came so far"
    dash.unobserve(look, "_table")


def threads_end() -> None:
    """Wait until every thread of the package has ended."""
    for thread in our_threads():
        thread.join(PATIENCE)
    assert our_threads() == []


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("weightscope")]
