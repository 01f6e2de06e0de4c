"""Everything at once, without a notebook: a folder with the figures, the numbers and the interactive page."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from weightscope_widget.errors import InvalidArgumentError, ReportError, WeightScopeError
from weightscope_widget.naming import short_labels
from weightscope_widget.results import ScanResults
from weightscope_widget.results_file import plain_results
from weightscope_widget.scope import scan
from weightscope_widget.visualizers import (
    condition_number_content,
    model_health_content,
    quantization_risk_content,
    rank_efficiency_content,
    singular_values_content,
    weight_distribution_content,
)
from weightscope_widget.visualizers.image import write_image
from weightscope_widget.whole_file import write_whole

__all__ = ["Report", "save_report"]

_FIGURES = {
    "condition_heatmap.png": condition_number_content,
    "quantization_risk.png": quantization_risk_content,
    "rank_efficiency.png": rank_efficiency_content,
    "health_dashboard.png": model_health_content,
}
_DETAILS = "layer_details"
_LONGEST_NAME = 80

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
) -> Report:
    """Write a folder with everything there is to see of a model.

    ``results.json``, ``metrics.csv``, the interactive ``dashboard.html``, ``condition_heatmap.png``,
    ``quantization_risk.png``, ``rank_efficiency.png``, ``health_dashboard.png``, and in ``layer_details`` the
    distribution and the singular values of the riskiest layers.  Files of an earlier report are replaced; nothing else
    in the folder is touched.

    Parameters
    ----------
    results_or_model : ScanResults, mapping, or whatever `scan` takes
        Results, plain dicts of their shape, or a model, which is scanned with ``methods=("all", "schemes")``.
    folder : path-like
        Made where it is not there.
    layers : iterable of str, optional
        Which layers to show in detail, instead of the riskiest.
    top : int
        How many of the riskiest.

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
    if isinstance(top, bool) or not isinstance(top, int) or top < 0:
        raise InvalidArgumentError(f"top is {top!r}; give how many layers to show in detail, 0 for none.")
    results = _results_of(results_or_model)
    chosen = _riskiest(results, top) if layers is None else _named(results, layers)
    target = Path(folder).expanduser()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(
            f"The folder {str(target)!r} cannot be made ({error.strerror}); choose another."
        ) from error

    written: list[Path] = []
    failures: dict[str, WeightScopeError] = {}
    details, notes = _details(results, chosen)
    for name, write in (*_summaries(results), *details):
        path = target / name
        try:
            path.parent.mkdir(exist_ok=True)
            write(path)
        except OSError as error:
            failures[name] = InvalidArgumentError(f"{str(path)!r} cannot be written ({error.strerror or error}).")
        except WeightScopeError as error:
            failures[name] = error
        else:
            written.append(path)
    report = Report(target, tuple(written), tuple(notes))
    if failures:
        raise ReportError(_what_failed(failures), report) from next(iter(failures.values()))
    return report


def _results_of(given: Any) -> ScanResults:
    if isinstance(given, ScanResults):
        return given
    # A mapping of mappings is results; one of tensors is a model.
    if isinstance(given, Mapping) and given and all(isinstance(value, Mapping) for value in given.values()):
        return plain_results(given, "the model", "The mapping")
    return scan(given, methods=("all", "schemes"))


def _riskiest(results: ScanResults, top: int) -> list[str]:
    known = [name for name in results if not math.isnan(results.risk(name)) and name in results.histograms]
    return sorted(known, key=results.risk, reverse=True)[:top]


def _named(results: ScanResults, layers: Iterable[str]) -> list[str]:
    names = list(dict.fromkeys([layers] if isinstance(layers, str) else layers))
    for name in names:
        results[name]  # says what is wrong with one that is not here
    return names


def _summaries(results: ScanResults) -> Iterator[Job]:
    """Numbers first: they are there whatever becomes of the pictures."""
    yield "results.json", results.save
    yield "metrics.csv", lambda path: write_whole(path, metrics_csv(results).encode("utf-8", errors="replace"))
    yield "dashboard.html", lambda path: _save_dashboard(results, path)
    for name, content in _FIGURES.items():
        yield name, lambda path, content=content: write_image(content(results), path)  # type: ignore[misc]


def _details(results: ScanResults, names: list[str]) -> tuple[list[Job], list[str]]:
    """Return what to draw of single layers, and what cannot be drawn."""
    jobs: list[Job] = []
    notes = []
    if not results.histograms and not results.spectra:
        return [], ["These results hold no histograms and no spectra, so no layer is shown in detail; scan the model."]
    for name, file in _file_names(names).items():
        if name in results.histograms:
            jobs.append((
                f"{_DETAILS}/{file}_distribution.png",
                lambda path, name=name: write_image(weight_distribution_content(name, results), path),  # type: ignore[misc]
            ))  # fmt: skip
        else:
            notes.append(f"{name!r} has no distribution to draw.")
        spectrum = results.spectra.get(name)
        if spectrum is not None and spectrum.size and spectrum[0] > 0:  # false for NaN, too
            jobs.append((
                f"{_DETAILS}/{file}_singular_values.png",
                lambda path, name=name: write_image(singular_values_content(name, results), path),  # type: ignore[misc]
            ))  # fmt: skip
        else:
            notes.append(f"{name!r} has no singular values to draw.")
    return jobs, notes


def _file_names(names: list[str]) -> dict[str, str]:
    """Return a name for each layer's files: readable, unique, and a file name on every system."""
    taken: set[str] = set()
    found = {}
    for name, label in short_labels(names).items():
        # Letters of any script stay; whatever could lead elsewhere goes.
        base = re.sub(r"[^\w.\-]+", "_", label)[:_LONGEST_NAME].strip("._") or "layer"
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


def _what_failed(failures: Mapping[str, WeightScopeError]) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, error in failures.items():
        by_reason.setdefault(str(error), []).append(name)
    reasons = "; ".join(
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason.rstrip('.')}"
        for reason, names in by_reason.items()
    )
    return f"The report lacks {len(failures)} of its files: {reasons}."
