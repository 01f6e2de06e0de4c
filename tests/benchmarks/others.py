"""How fast a scan is beside other programs: a checkout of the reference project, WeightWatcher if it is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import statistics
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

import weightscope_widget as wsw
from tests.benchmarks.models import MODELS, StateDict
from tests.benchmarks.scan import seconds

_SMALL = ("MiniLM fp32", "GPT-2 shapes fp32", "GPT-2 shapes bf16")


def measure(runs: int = 5, reference: Path | None = None) -> Iterator[dict[str, object]]:
    """Yield a row per program and model: medians of runs taken in turn, and of their ratios."""
    programs: dict[str, Callable[[StateDict], None]] = {}
    if reference is not None:
        programs["reference"] = _reference(reference)
    if importlib.util.find_spec("weightwatcher") is not None:
        programs["WeightWatcher"] = _weightwatcher
    for program, work in programs.items():
        for model in _SMALL:
            state = MODELS[model]()
            pairs = [(seconds(work, state), seconds(wsw.scan, state, progress=False)) for _ in range(runs)]
            yield {
                "model": model,
                f"{program} s": statistics.median(theirs for theirs, _ in pairs),
                "scan s": statistics.median(ours for _, ours in pairs),
                "ratio": statistics.median(theirs / ours for theirs, ours in pairs),
            }


def _reference(checkout: Path) -> Callable[[StateDict], None]:
    """Return the four analyzers of a checkout, one after the other over every weight, as its ``scan`` runs them."""
    analyzers = []
    for file, name in (
        ("basic", "analyze_basic_stats"),
        ("spectral", "analyze_spectral"),
        ("quantization", "analyze_quantization_sensitivity"),
        ("sparsity", "analyze_sparsity"),
    ):
        # By their files: importing the package would import all that it can load models with.
        found = importlib.util.spec_from_file_location(
            f"reference_{file}", checkout / "weightscope" / "analyzers" / f"{file}.py"
        )
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        analyzers.append(getattr(module, name))

    def scan(state: StateDict) -> None:
        for weight in state.values():
            for analyze in analyzers:
                analyze(weight)

    return scan


def _weightwatcher(state: StateDict) -> None:
    import weightwatcher

    model = torch.nn.Sequential()
    for index, weight in enumerate(state.values()):
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
        layer.weight = torch.nn.Parameter(weight.float(), requires_grad=False)
        model.add_module(f"layer{index}", layer)
    logging.disable(logging.WARNING)
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        weightwatcher.WeightWatcher(model=model).analyze()
    logging.disable(logging.NOTSET)
