"""Ranks for low-rank adapters, from the spectra of the weights."""

from __future__ import annotations

import importlib.util
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.errors import InvalidArgumentError, MissingLibraryError
from weightscope_widget.recommendations import recipes as code

if TYPE_CHECKING:
    from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.scanning.results import ScanResults

__all__ = ["LoraRanks", "lora_ranks", "why_no_target"]


class LoraRanks(Mapping[str, int]):
    """Rank of each matrix: ``ranks[name]``, in the model's order.

    Attributes
    ----------
    energy : float
        The share of Σσ² asked for, 0–1.
    targets : tuple of str
        The layers that an adapter would take: those of `self` that are matrices of linear layers.
    left_out : dict of str to str
        The matrices that have no rank or are no target, each with a phrase that says why.
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
        """The ranks of `targets` as PEFT takes them.

        PEFT takes each key for a regular expression of the end of a module's name, and the first that fits: names are
        escaped, and where one is the end of another the longer comes first.
        """
        names = list(self.targets)
        if _any_ends_another(names):
            names.sort(key=len, reverse=True)
        return {code.pattern(name): self[name] for name in names}

    @property
    def usual_rank(self) -> int:
        """The rank most targets have, the smallest of these where there are several.

        Raises
        ------
        InvalidArgumentError
            Where there are no targets.
        """
        if not self.targets:
            why = "left_out says why" if self.left_out else "no matrix is here, or none changed"
            raise InvalidArgumentError(f"No layer here can take an adapter; {why}.")
        counts = Counter(self[name] for name in self.targets)
        return min(counts, key=lambda rank: (-counts[rank], rank))

    def to_peft(self, r: int | None = None, **options: Any) -> Any:
        """Return ``peft.LoraConfig`` with these targets and ranks.

        PEFT scales an adapter's output by lora_alpha / rank, which falls as the rank grows: give ``alpha_pattern`` or
        ``use_rslora=True`` to have it otherwise.

        Parameters
        ----------
        r : int, optional
            The rank of what has none here, at least 1; by default `usual_rank`.
        **options
            Any other argument of ``LoraConfig``, such as ``task_type`` and ``lora_alpha``.

        Raises
        ------
        InvalidArgumentError
            Where there are no targets.
        MissingLibraryError
            Where peft is not installed.
        """
        rank = self.usual_rank if r is None else r
        if importlib.util.find_spec("peft") is None:
            raise MissingLibraryError("A LoraConfig needs peft; install it, or take peft_code() elsewhere.")
        from peft import LoraConfig

        made: dict[str, Any] = {"r": rank, "target_modules": list(self.targets), "rank_pattern": self.rank_pattern}
        return LoraConfig(**made | options)

    def peft_code(self, r: int | None = None) -> str:
        """Return Python that makes what `to_peft` returns without options.

        Raises
        ------
        InvalidArgumentError
            Where there are no targets.
        """
        return code.peft_text(self.usual_rank if r is None else r, self.targets, self.rank_pattern)


def lora_ranks(results: ScanResults, energy: float = 0.9, maximum: int | None = None) -> LoraRanks:
    """Return the rank of each matrix (see `ScanResults.lora_ranks`)."""
    if not 0 < energy <= 1:  # NaN too
        raise InvalidArgumentError(f"energy is {energy!r}; give a share above 0 and at most 1.")
    if maximum is not None and maximum < 1:
        raise InvalidArgumentError(f"maximum is {maximum!r}; give a rank of at least 1, or None.")
    if results.layers and not results.spectra:  # of models that do not differ there is nothing to be scanned for
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
            left_out[name] = _no_rank(results, name, spectrum)
            continue
        ranks[name] = rank if maximum is None else min(rank, maximum)
        reason = why_no_target(info, name in members)
        if reason is None:
            targets.append(name)
        else:
            left_out[name] = reason
    return LoraRanks(energy, ranks, tuple(targets), left_out)


def _no_rank(results: ScanResults, name: str, spectrum: np.ndarray | None) -> str:
    if name in results and "error" in results[name]:
        return "its analysis failed"
    if name not in results or spectrum is None:
        return "its spectrum is not known"
    return "its weights are all zero" if not math.isnan(np.sum(spectrum)) else "it has weights that are NaN or infinite"


def why_no_target(info: LayerInfo, member: bool) -> str | None:
    """Return why an adapter would not take a tensor; None where it would, as the matrix of a linear layer.

    Parameters
    ----------
    info : LayerInfo
        Of the tensor.
    member : bool
        It is one matrix of a stack of experts.
    """
    if member:
        return "one matrix of a stack of experts, which is no module of its own"
    if info.members:
        return "a stack of experts"
    if info.shape is not None and len(info.shape) < 2:
        return "a vector"
    if info.placement.kind == "router":
        return "a router of experts"
    if info.placement.family == "embedding" or info.placement.kind == "rel_pos":
        return "an embedding or output head"
    if info.linear is False or info.placement.kind == "conv" or (info.shape is not None and len(info.shape) > 2):
        return "not the matrix of a linear layer"
    return None


def _any_ends_another(names: list[str]) -> bool:
    known = set(names)
    for name in names:
        parts = name.split(".")
        if any(".".join(parts[start:]) in known for start in range(1, len(parts))):
            return True
    return False
