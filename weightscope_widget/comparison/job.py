"""The job of a comparison: read one tensor of two models, take their difference, and analyze both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from weightscope_widget.analyzers import ELEMENTWISE, Weights
from weightscope_widget.analyzers.measured import FAILURES, Measured, failure, measure, traceback_of
from weightscope_widget.analyzers.numerics.difference import Difference, difference, same_values
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.analyzers.numerics.histogram import Histogram
from weightscope_widget.analyzers.numerics.rounding import grid_of, rounding_edge, rounding_norm
from weightscope_widget.analyzers.numerics.spectrum import difference_singular_values, low_rank_singular_values
from weightscope_widget.analyzers.numerics.subspaces import Subspaces, compare_subspaces
from weightscope_widget.engine.job import WORKING, Job, bytes_needed, sides, stored_bytes
from weightscope_widget.errors import TensorReadError
from weightscope_widget.layers.layer import Layer

__all__ = ["SPECTRAL_CHANGE", "ComparisonJob", "MeasuredPair"]

_CHUNK = 1 << 18  # entries at a time, which stay in the processor's cache

_SECONDS_PER_ENTRY = 60e-9
_SECONDS_PER_FLOP = 4e-11

_SQUARES = 8  # float64 matrices of the smaller side: the vectors of one matrix, and what eigenvalues of the other take
_DIRECT = (512, 4096)  # matrices up to this size are decomposed without a Gram matrix,
_COPIES = 6  # which takes so many of them in float64

_ENERGIES = {"delta_rank_90": 0.9, "delta_rank_95": 0.95, "delta_rank_99": 0.99}

SPECTRAL_CHANGE = (
    *("delta_stable_rank", *_ENERGIES, "delta_numerical_rank", "delta_total_rank", "delta_rounding_percentage"),
    *("subspace_overlap", "subspace_overlap_chance", "intruder_dimensions"),
)
"""The metrics of a change that need a factorization."""


@dataclass(frozen=True)
class MeasuredPair:
    """The numbers of one pair of tensors.

    Attributes
    ----------
    status : str or None
        ``"identical"``, ``"changed"`` or ``"reshaped"``; None where a tensor could not be read.
    change : mapping
        The metrics of ΔW by name, and ``error`` (a sentence) where something failed: what else was computed is there.
    base, tuned : Measured
        The sections of either side; empty where they are identical.
    spectrum : ndarray or None
        The singular values of ΔW.
    histogram : Histogram or None
        Of the entries of ΔW.
    overlap, nearest : ndarray or None
        See `Subspaces`.
    traceback : str
        Of the first error, for the log.
    """

    status: str | None
    change: Mapping[str, Any] = field(default_factory=dict)
    base: Measured = field(default_factory=Measured)
    tuned: Measured = field(default_factory=Measured)
    spectrum: np.ndarray | None = None
    histogram: Histogram | None = None
    overlap: np.ndarray | None = None
    nearest: np.ndarray | None = None
    traceback: str = ""


@dataclass(frozen=True, eq=False)
class ComparisonJob(Job[MeasuredPair]):
    """One pair of tensors: a pass over the entries, what needs factorizations, or both.

    Attributes
    ----------
    key : str
        Name of the pair in the results.
    base, tuned : Layer
        Read by `perform`.
    base_methods, tuned_methods : tuple of str
        The analyzers for either side.
    top_k : int
        How many singular values to list.
    entries, spectra : bool
        Which half of the work: a pass over the entries, and what needs a factorization.
    added : bool
        The tuned layer is a change to add to the base, as that of an adapter is.
    """

    key: str
    base: Layer
    tuned: Layer
    base_methods: tuple[str, ...]
    tuned_methods: tuple[str, ...]
    top_k: int = 10
    entries: bool = True
    spectra: bool = True
    added: bool = False

    kind = "comparison"

    @property
    def name(self) -> str:
        """The pair's name."""
        return self.key

    @property
    def cost(self) -> float:
        """Nominal seconds."""
        cost = self.base.parameters * _SECONDS_PER_ENTRY if self.entries else 0.0
        if self.spectra:
            m, n = sides(self.base)
            cost += (8 * m * n**2 + 20 * n**3) * _SECONDS_PER_FLOP
        return cost

    @property
    def memory(self) -> int:
        """Bytes needed at most, estimated: of both tensors, which stay, and of the step that takes the most beside."""
        base, tuned = self.base, self.tuned
        methods = {*self.base_methods, *self.tuned_methods} if self.spectra else ELEMENTWISE
        reading = 0
        if self.added:
            reading = WORKING + stored_bytes(tuned) + 2 * 8 * base.parameters  # both widened, beside their sum
            tuned = replace(tuned, dtype="float64")
        steps = [reading, *(bytes_needed(side, methods) - stored_bytes(side) for side in (base, tuned))]
        if self.spectra and len(base.shape) > 1:
            steps.append(_factorizing(base, tuned))
        return stored_bytes(base) + stored_bytes(tuned) + max(steps)

    def perform(self) -> MeasuredPair:
        """Read both and compare them."""
        return self._compare(*self._read())

    def failed(self, sentence: str, traceback: str = "") -> MeasuredPair:
        """Return the outcome of a job that failed or was given up."""
        return MeasuredPair(None, {"error": sentence}, traceback=traceback)

    def _read(self) -> tuple[torch.Tensor, torch.Tensor]:
        base, tuned = (layer.load().detach().cpu() for layer in (self.base, self.tuned))
        for layer, tensor in ((self.base, base), (self.tuned, tuned)):
            if tensor.is_meta:
                raise TensorReadError(f"{layer.name!r} is on the meta device and has no weights; load them first.")
        # The sum is not rounded to what the base is stored as: the change is the adapter's own.
        return base, (base.double() + tuned.double() if self.added else tuned)

    def _compare(self, base: torch.Tensor, tuned: torch.Tensor) -> MeasuredPair:
        if base.shape == tuned.shape and same_values(base, tuned):
            return MeasuredPair("identical", identical_change(self.base))
        status = "changed" if base.shape == tuned.shape else "reshaped"
        common = _common_rows(base, tuned)
        change: dict[str, Any] = {}
        problems: list[tuple[str, str]] = []
        found: Difference | None = None
        spectrum: np.ndarray | None = None
        subspaces: Subspaces | None = None
        if common is not None:
            if status == "reshaped":
                change["common_rows"] = len(common[0])
            if self.entries:
                with self._noting(problems):
                    found = difference(*common)
                    change |= found.metrics
            if self.spectra and base.dim() >= 2:
                finite = all(map(_is_finite, common)) if found is None else found.finite
                spectrum, figures, subspaces = self._spectra(*common, problems, finite=finite)
                change |= figures
        before = self._measure(base, self.base, self.base_methods)
        after = self._measure(tuned, self.tuned, self.tuned_methods)
        problems += [(side.sections["error"], side.traceback) for side in (before, after) if "error" in side.sections]
        if problems:
            change["error"] = problems[0][0]
        return MeasuredPair(
            status,
            change,
            before,
            after,
            spectrum,
            None if found is None else found.histogram,
            None if subspaces is None else subspaces.overlap,
            None if subspaces is None else subspaces.nearest,
            traceback=problems[0][1] if problems else "",
        )

    @contextmanager
    def _noting(self, problems: list[tuple[str, str]]) -> Iterator[None]:
        """Note the error that ends a step; the others go on."""
        try:
            yield
        except FAILURES as error:
            problems.append((failure(self.kind, self.name, error), traceback_of(error)))

    def _spectra(
        self, base: torch.Tensor, tuned: torch.Tensor, problems: list[tuple[str, str]], *, finite: bool
    ) -> tuple[np.ndarray | None, dict[str, Any], Subspaces | None]:
        """Return the spectrum of ΔW, the metrics that rest on it, and where the two matrices point."""
        total = total_rank(tuple(base.shape), stack=self.base.is_stack)
        figures: dict[str, Any] = dict.fromkeys(SPECTRAL_CHANGE, math.nan) | {"delta_total_rank": total}
        if not finite:
            return np.full(total, math.nan), figures, None
        spectrum: np.ndarray | None = None
        with self._noting(problems):
            spectra = self._delta_spectra(base, tuned)
            spectrum = np.sort(np.concatenate(spectra))[::-1]
            figures |= spectral_change(spectrum) | against_rounding(spectra, *self._rounding(base, tuned))
        if self.base.is_stack:
            return spectrum, figures, None
        subspaces: Subspaces | None = None
        with self._noting(problems):
            matrices = [tensor.flatten(1) for tensor in (base, tuned)]
            if self.base.transposed:
                matrices = [matrix.T for matrix in matrices]
            subspaces = compare_subspaces(*matrices)
            figures |= subspaces.metrics
        return spectrum, figures, subspaces

    def _delta_spectra(self, base: torch.Tensor, tuned: torch.Tensor) -> list[np.ndarray]:
        """Return the singular values of ΔW: of the matrix, or of each of a stack."""
        factors = self.tuned.factors if self.added else None
        if factors is not None:
            return [low_rank_singular_values(*factors())]
        return [difference_singular_values(*pair) for pair in zip(*map(self._matrices, (base, tuned)), strict=True)]

    def _rounding(self, base: torch.Tensor, tuned: torch.Tensor) -> tuple[list[float], tuple[int, int]]:
        """Return the norm of what one rounding puts between the two, for each matrix, and a matrix's shape."""
        if self.added:  # a sum in float64
            rounded, grid = tuned, tuned.dtype
        else:
            grids = [(grid_of(tensor), tensor) for tensor in (tuned, base)]
            grid, rounded = max(grids, key=lambda each: torch.finfo(each[0]).eps)
        matrices = self._matrices(rounded)
        rows, columns = matrices[0].shape
        return [rounding_norm(matrix, grid) for matrix in matrices], (rows, columns)

    def _matrices(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        return list(tensor) if self.base.is_stack else [tensor.flatten(1)]

    def _measure(self, tensor: torch.Tensor, layer: Layer, methods: Sequence[str]) -> Measured:
        methods = [method for method in methods if (self.entries if method in ELEMENTWISE else self.spectra)]
        weights = Weights(tensor, transposed=layer.transposed, stack=layer.is_stack)
        return measure(layer.name, weights, methods, self.top_k)


def total_rank(shape: tuple[int, ...], *, stack: bool) -> int:
    """Return how many singular values there are: of the matrix, or of all matrices of a stack."""
    return shape[0] * min(shape[1:]) if stack else min(shape[0], math.prod(shape[1:]))


def spectral_change(spectrum: np.ndarray) -> dict[str, float]:
    """Return the ranks of ΔW from its singular values: 0 where it is zero, NaN where it is not finite."""
    if np.isnan(spectrum).any():
        return dict.fromkeys(("delta_stable_rank", *_ENERGIES), math.nan)
    if not len(spectrum) or not spectrum[0] > 0:
        return {"delta_stable_rank": 0.0} | dict.fromkeys(_ENERGIES, 0)
    stable = float(np.square(spectrum / spectrum[0]).sum())
    return {"delta_stable_rank": stable} | {name: energy_rank(spectrum, p) or 0 for name, p in _ENERGIES.items()}


def against_rounding(spectra: list[np.ndarray], norms: list[float], shape: tuple[int, int]) -> dict[str, float]:
    """Return how much of ΔW one rounding to the storage type explains; 0 where nothing changed.

    Parameters
    ----------
    spectra : list of ndarray
        The singular values of ΔW, of each matrix; finite.
    norms : list of float
        Of the errors of rounding in each, as `rounding_norm` returns them.
    shape : tuple of int
        (m, n) of a matrix.

    Returns
    -------
    dict of str to float
        ``delta_numerical_rank``: the singular values above where the spectrum of such errors ends.
        ``delta_rounding_percentage``: the energy to be expected of the errors, of ΔW's; above 100 where ΔW is smaller.
    """
    above = sum(
        int((spectrum > rounding_edge(norm, shape)).sum()) for spectrum, norm in zip(spectra, norms, strict=True)
    )
    size = math.hypot(*(float(value) for spectrum in spectra for value in spectrum))
    ratio = math.hypot(*norms) / size if size else 0.0
    return {"delta_numerical_rank": above, "delta_rounding_percentage": 100 * ratio * ratio}


def identical_change(layer: Layer) -> dict[str, Any]:
    """Return the metrics of a tensor that did not change; nothing needs to be read for them."""
    change: dict[str, Any] = {
        "relative_change": 0.0,
        "l2_distance": 0.0,
        "cosine_similarity": 1.0,
        "mean_absolute_difference": 0.0,
        "max_absolute_difference": 0.0,
        "changed_percentage": 0.0,
    }
    if len(layer.shape) < 2:
        return change
    total = total_rank(layer.shape, stack=layer.is_stack)
    ranks: dict[str, Any] = spectral_change(np.zeros(total)) | against_rounding([np.zeros(total)], [0.0], (1, 1))
    return change | {name: ranks.get(name, total) for name in SPECTRAL_CHANGE if name.startswith("delta_")}


def _common_rows(base: torch.Tensor, tuned: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return what both have: all, or the first rows of tables, or entries of vectors, of different lengths.

    None where nothing corresponds.
    """
    if base.shape == tuned.shape:
        return base, tuned
    if base.shape[1:] != tuned.shape[1:]:
        return None
    rows = min(len(base), len(tuned))
    return base[:rows], tuned[:rows]


def _is_finite(tensor: torch.Tensor) -> bool:
    flat = tensor.reshape(-1)
    return all(bool(torch.isfinite(flat[at : at + _CHUNK].double()).all()) for at in range(0, len(flat), _CHUNK))


def _factorizing(base: Layer, tuned: Layer) -> int:
    """Return the bytes that the spectrum of ΔW and the directions of both take beside the tensors, as measured."""
    matrix = base.shape[1:] if base.is_stack else base.shape
    entries = math.prod(matrix)
    side = min(matrix[0], entries // max(matrix[0], 1))
    needed = 2 * WORKING + _SQUARES * 8 * side**2  # more of the libraries' own than for one matrix
    if side <= _DIRECT[0]:
        needed += _COPIES * 8 * min(entries, math.prod(_DIRECT))
    if "float64" in (base.dtype, tuned.dtype):
        needed += 2 * 8 * entries  # ΔW and the other side widened: of smaller types, they are formed in chunks
    return needed
