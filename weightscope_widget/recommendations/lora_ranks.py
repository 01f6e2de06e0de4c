"""Ranks for low-rank adapters, from the spectra of the weights."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import numpy as np

from weightscope_widget._shared.checks import check_count
from weightscope_widget._shared.messages import render
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.errors import InvalidArgumentError, MissingLibraryError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.recommendations import recipes
from weightscope_widget.scanning.results import ScanResults

__all__ = ["LoraRanks", "lora_ranks", "why_no_target"]


class LoraRanks(Mapping[str, int]):
    """Rank of each matrix: ``ranks[name]``, in the model's order.

    Attributes
    ----------
    energy : float
        Share of Σσ² that each rank keeps, 0–1.
    targets : tuple of str
        Layers that take an adapter: those of `self` that are matrices of linear layers.
    left_out : dict of str to str
        Matrices without a rank and those that are no target, each with the reason as a phrase.
    """

    def __init__(
        self, energy: float, ranks: Mapping[str, int], targets: tuple[str, ...], left_out: Mapping[str, str]
    ) -> None:
        self.energy = energy
        self.targets = targets
        self.left_out = dict(left_out)
        self._ranks = dict(ranks)

    def __getitem__(self, name: str) -> int:
        return self._ranks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ranks)

    def __len__(self) -> int:
        return len(self._ranks)

    def __repr__(self) -> str:
        return f"<LoraRanks for {self.energy:.0%} of the energy: {len(self)} matrices, {len(self.targets)} targets>"

    @property
    def rank_pattern(self) -> dict[str, int]:
        """The ranks of `targets` for PEFT's argument of this name.

        PEFT matches each key as a regular expression at the end of a module's name and takes the first match: names are
        escaped, and if one is the end of another, the longer comes first.
        """
        names = list(self.targets)
        if _any_ends_another(names):
            names.sort(key=len, reverse=True)
        return {recipes.pattern(name): self[name] for name in names}

    @property
    def usual_rank(self) -> int:
        """The most frequent rank of the targets, the smallest if several are.

        Raises
        ------
        InvalidArgumentError
            If there are no targets.
        """
        if not self.targets:
            why = "left_out says why" if self.left_out else "no matrix is here, or none changed"
            raise InvalidArgumentError(f"No layer here can take an adapter; {why}.")
        counts = Counter(self[name] for name in self.targets)
        return min(counts, key=lambda rank: (-counts[rank], rank))

    def to_peft(self, r: int | None = None, **options: Any) -> Any:
        """Return ``peft.LoraConfig`` with these targets and ranks.

        PEFT scales an adapter's output by lora_alpha / rank, which falls as the rank grows; ``alpha_pattern`` or
        ``use_rslora=True`` changes that.

        Parameters
        ----------
        r : int, optional
            Rank of modules without one here, at least 1; by default `usual_rank`.
        **options
            Other arguments of ``LoraConfig``, such as ``task_type`` and ``lora_alpha``.

        Raises
        ------
        InvalidArgumentError
            If there are no targets.
        MissingLibraryError
            If peft is not installed.
        """
        rank = self.usual_rank if r is None else r
        if importlib.util.find_spec("peft") is None:
            raise MissingLibraryError("A LoraConfig needs peft; install it, or take peft_code() elsewhere.")
        made: dict[str, Any] = {"r": rank, "target_modules": list(self.targets), "rank_pattern": self.rank_pattern}
        return importlib.import_module("peft").LoraConfig(**made | options)

    def peft_code(self, r: int | None = None) -> str:
        """Return Python code for the config that `to_peft` returns without options; raises as that does."""
        return recipes.peft_text(self.usual_rank if r is None else r, self.targets, self.rank_pattern)


def lora_ranks(results: ScanResults, energy: float = 0.9, maximum: int | None = None) -> LoraRanks:
    """Return the rank of each matrix (see `ScanResults.lora_ranks`)."""
    if isinstance(energy, bool) or not isinstance(energy, Real) or not 0 < energy <= 1:  # NaN too
        raise InvalidArgumentError(f"energy is {energy!r}; give a share above 0 and at most 1.")
    if maximum is not None:
        check_count("maximum", maximum, "a rank or None")
    if results.layers and not results.spectra:  # models that do not differ have no layers to scan
        raise InvalidArgumentError("There are no spectra in these results; scan with methods='all' or 'spectral'.")
    members = {member for info in results.layers.values() for member in info.members}
    ranks: dict[str, int] = {}
    targets = []
    left_out = {}
    for name, info in results.layers.items():
        if info.members or (info.shape is not None and len(info.shape) < 2):
            continue
        spectrum = results.spectra.get(name)
        rank = None if spectrum is None else energy_rank(spectrum, energy)
        if rank is None:
            left_out[name] = render(f"plans.no_rank.{_no_rank(results, name)}")
            continue
        ranks[name] = rank if maximum is None else min(rank, maximum)
        reason = why_no_target(info, name in members)
        if reason is None:
            targets.append(name)
        else:
            left_out[name] = reason
    return LoraRanks(energy, ranks, tuple(targets), left_out)


def _no_rank(results: ScanResults, name: str) -> str:
    if name in results and "error" in results[name]:
        return "failed"
    if name not in results or name not in results.spectra:
        return "not_measured"
    return "not_finite" if math.isnan(np.sum(results.spectra[name])) else "zero"


def why_no_target(info: LayerInfo, member: bool) -> str | None:
    """Return why an adapter does not take a tensor, None if it does: if it is the matrix of a linear layer.

    `member` says whether it is one matrix of a stack of experts.
    """
    dimensions, placement = 2 if info.shape is None else len(info.shape), info.placement
    reasons = {
        "member": member,
        "stack": bool(info.members),
        "vector": dimensions < 2,
        "router": placement.is_router,
        "embedding": placement.is_embedding,
        "not_linear": info.linear is False or placement.kind == "conv" or dimensions > 2,
    }
    found = next((reason for reason, holds in reasons.items() if holds), None)
    return None if found is None else render(f"plans.no_rank.{found}")


def _any_ends_another(names: list[str]) -> bool:
    split = [name.split(".") for name in names]
    return not {".".join(parts[start:]) for parts in split for start in range(1, len(parts))}.isdisjoint(names)
