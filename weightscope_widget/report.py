"""Everything at once, without a notebook: a folder with the figures, the numbers and the interactive page."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from weightscope_widget._shared.atomic_write import write_whole
from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.messages import say
from weightscope_widget.errors import InvalidArgumentError, ReportError, WeightScopeError
from weightscope_widget.layers.naming import short_labels
from weightscope_widget.scanning.entry import scan
from weightscope_widget.scanning.results import ScanResults
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
    singular_values_content,
    weight_distribution_content,
)
from weightscope_widget.visualizers.chart import Content
from weightscope_widget.visualizers.given import as_results
from weightscope_widget.visualizers.render.matplotlib import write_image

__all__ = ["Report", "save_report"]

_FIGURES = {
    "condition_heatmap.png": condition_number_content,
    "quantization_risk.png": quantization_risk_content,
    "rank_efficiency.png": rank_efficiency_content,
    "health_dashboard.png": model_health_content,
}
_NUMBERS, _TABLE, _PAGE = "results.json", "metrics.csv", "dashboard.html"
_DETAILS = "layer_details"
_DISTRIBUTION, _SPECTRUM = "_distribution.png", "_singular_values.png"
_LONGEST_NAME = 80
"""In bytes, of which file systems allow 255 and characters of some scripts need three."""

Job = tuple[str, Callable[[Path], None]]


@dataclass(frozen=True)
class Report:
    """What `save_report` wrote.

    Attributes
    ----------
    folder : Path
        Where.
    files : tuple of Path
        Every file, in the order written.
    notes : tuple of str
        What is not there and why, in sentences.
    """

    folder: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def save_report(
    results_or_model: Any,
    folder: str | os.PathLike[str] = "visualization_outputs",
    *,
    layers: Iterable[str] | None = None,
    top: int = 10,
    language: str = "en",
    methods: str | Iterable[str] = "all",
    top_k: int = 10,
    vectors: bool = False,
    workers: int | None = None,
    executor: Executor | None = None,
    memory: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
    progress: bool = True,
    cancel: threading.Event | None = None,
) -> Report:
    """Write a folder with everything there is to see of a model.

    ``results.json``, ``metrics.csv``, the interactive ``dashboard.html``, ``condition_heatmap.png``,
    ``quantization_risk.png``, ``rank_efficiency.png``, ``health_dashboard.png``, and in ``layer_details`` the
    distribution and the singular values of the riskiest layers.  Files of an earlier report, which are those of these
    names, are replaced or removed; nothing else in the folder is touched.

    Parameters
    ----------
    results_or_model : ScanResults, mapping, path-like, or a model as for `scan`
        Results, plain dicts of their shape, the path of a results file (``.json``), or a model, which is scanned.
    folder : path-like
        Made where it is not there.
    layers : iterable of str, optional
        Which layers to show in detail, instead of the riskiest.
    top : int
        Number of the riskiest layers shown in detail.
    language : {"en", "zh"}
        Language of figures and notes.
    methods, top_k, vectors, workers, executor, memory, cache, progress, cancel
        As for `scan`; not for results.

    Returns
    -------
    Report
        Which files were written.

    Raises
    ------
    ReportError
        Where some files could not be written; the others are there, and its `report` names them.
    WeightScopeError
        Another of its kinds, where an argument is wrong or the model cannot be read; nothing is written then.

    Examples
    --------
    >>> report = save_report(model, "out")  # doctest: +SKIP
    >>> len(report.files)  # doctest: +SKIP
    27
    """
    check_count("top", top, "how many layers to show in detail", least=0)
    if not isinstance(folder, str | os.PathLike):
        raise InvalidArgumentError(f"folder is {folder!r}; give the path of a folder.")
    results = (
        as_results(results_or_model)
        if _are_results(results_or_model)
        else scan(
            results_or_model,
            methods,
            top_k=top_k,
            vectors=vectors,
            workers=workers,
            executor=executor,
            memory=memory,
            cache=cache,
            progress=progress,
            cancel=cancel,
        )
    )
    chosen = _riskiest(results, top) if layers is None else _named(results, layers)
    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise InvalidArgumentError(f"The folder {str(target)!r} cannot be made ({reason}); choose another.") from error

    _clear(target)
    written: list[Path] = []
    failures: dict[str, Exception] = {}
    details, notes = _details(results, chosen, language)
    if layers is None and top and not chosen and (results.histograms or results.spectra):
        notes.append(say("report.no_risk", language))
    for name, write in (*_summaries(results, language), *details):
        path = target / name
        try:
            path.parent.mkdir(exist_ok=True)
            write(path)
        except Exception as error:  # what nobody foresaw of one figure is no reason to go without the others
            failures[name] = error
        else:
            written.append(path)
    report = Report(target, tuple(written), tuple(notes))
    if failures:
        reasons = {name: _reason(target / name, error) for name, error in failures.items()}
        raise ReportError(_what_failed(reasons), report) from next(iter(failures.values()))
    return report


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, WeightScopeError):
        return str(error)
    if isinstance(error, OSError):
        return f"{str(path)!r} cannot be written ({error.strerror or error})."
    return f"something unforeseen went wrong ({type(error).__name__}: {error})."


def _clear(folder: Path) -> None:
    """Remove what an earlier report drew: beside new files it would be taken for theirs.

    Its numbers stay until new ones take their place: there may be no other copy of them.
    """
    earlier = [folder / name for name in (_TABLE, _PAGE, *_FIGURES)]
    for ending in (_DISTRIBUTION, _SPECTRUM):
        earlier += (folder / _DETAILS).glob(f"*{ending}")
    for path in earlier:
        with suppress(OSError):  # none there, or one that writing will say more about
            path.unlink()


def _are_results(given: Any) -> bool:
    return isinstance(given, ScanResults) or _is_plain(given) or _is_results_file(given)


def _is_plain(given: Any) -> bool:
    """Return whether this is a mapping of mappings, and not one with a state dict inside."""
    return (
        isinstance(given, Mapping)
        and bool(given)
        and all(isinstance(value, Mapping) for value in given.values())
        and not any(isinstance(one, torch.Tensor) for value in given.values() for one in value.values())
    )


def _is_results_file(given: Any) -> bool:
    """Return whether this is the path of a JSON file, which no model is; an address is none."""
    if not isinstance(given, str | os.PathLike):
        return False
    path = os.fsdecode(given)
    return path.lower().endswith(".json") and "://" not in path and not os.path.isdir(path)


def _riskiest(results: ScanResults, top: int) -> list[str]:
    known = [name for name in results if not math.isnan(results.risk(name)) and name in results.histograms]
    return sorted(known, key=results.risk, reverse=True)[:top]


def _named(results: ScanResults, layers: Iterable[str]) -> list[str]:
    names = [layers] if isinstance(layers, str) else list(layers) if isinstance(layers, Iterable) else [layers]
    for name in names:
        if not isinstance(name, str):
            raise InvalidArgumentError(f"layers has {name!r}; give the names of layers.")
        results[name]  # says what is wrong with one that is not here
    return list(dict.fromkeys(names))


def _summaries(results: ScanResults, language: str) -> Iterator[Job]:
    """Numbers first: they are there whatever becomes of the pictures."""
    yield _NUMBERS, results.save
    yield _TABLE, lambda path: write_whole(path, metrics_csv(results).encode("utf-8", errors="replace"))
    yield _PAGE, lambda path: _save_dashboard(results, path)
    for name, content in _FIGURES.items():
        yield name, lambda path, content=content: write_image(content(results, language=language), path)  # type: ignore[misc]


def _details(results: ScanResults, names: list[str], language: str) -> tuple[list[Job], list[str]]:
    """Return what to draw of single layers, and what cannot be drawn."""
    jobs: list[Job] = []
    notes = []
    if not results.histograms and not results.spectra:
        return [], [say("report.no_details", language)]

    def figure(content: Callable[..., Content], name: str) -> Callable[[Path], None]:
        return lambda path: write_image(content(name, results, language=language), path)

    for name, file in _file_names(names).items():
        if name in results.histograms:
            jobs.append((f"{_DETAILS}/{file}{_DISTRIBUTION}", figure(weight_distribution_content, name)))
        else:
            notes.append(say("report.no_distribution", language, name=repr(name)))
        spectrum = results.spectra.get(name)
        if spectrum is not None and spectrum.size and spectrum[0] > 0:  # false for NaN, too
            jobs.append((f"{_DETAILS}/{file}{_SPECTRUM}", figure(singular_values_content, name)))
        else:
            notes.append(say("report.no_singular_values", language, name=repr(name)))
    return jobs, notes


def _file_names(names: list[str]) -> dict[str, str]:
    """Return a name for each layer's files: readable, unique, and a file name on every system."""
    taken: set[str] = set()
    found = {}
    for name, label in short_labels(names).items():
        # Letters of any script stay; whatever could lead elsewhere goes.
        short = re.sub(r"[^\w.\-]+", "_", label).encode()[:_LONGEST_NAME].decode(errors="ignore")
        base = short.strip("._") or "layer"
        file, number = base, 1
        while file.casefold() in taken:
            number += 1
            file = f"{base}-{number}"
        taken.add(file.casefold())
        found[name] = file
    return found


def metrics_csv(results: ScanResults) -> str:
    """Return `ScanResults.to_frame` as CSV: shapes as 768×3072, infinite values as inf, missing ones empty.

    A text that a spreadsheet would take for a formula is marked as text with an apostrophe, as in the page's CSV.
    """
    frame = results.to_frame().reset_index()
    frame["shape"] = [None if shape is None else "×".join(map(str, shape)) for shape in frame["shape"]]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(frame.columns)
    for row in frame.itertuples(index=False):
        writer.writerow([_cell(value) for value in row])
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        readable = value.replace("\0", "\ufffd")
        return f"'{readable}" if re.match(r"[=+\-@\t\r]", readable) else readable
    return "" if pd.isna(value) else repr(value) if isinstance(value, float) else value


def _save_dashboard(results: ScanResults, path: Path) -> None:
    from weightscope_widget.dashboard import Dashboard

    dashboard = Dashboard(results)
    try:
        dashboard.save_html(path)
    finally:
        dashboard.close()


def _what_failed(reasons: Mapping[str, str]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        by_reason.setdefault(reason, []).append(name)
    parts = [
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason.rstrip('.')}"
        for reason, names in by_reason.items()
    ]
    return f"The report lacks {len(reasons)} of its files: {'; '.join(parts)}."
