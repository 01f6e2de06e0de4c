"""Extract a LoRA adapter from a fine-tune: the best low-rank approximation of each change, in PEFT's format."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from tqdm.auto import tqdm

from weightscope_widget._shared.atomic_write import write_whole
from weightscope_widget._shared.checks import check_count
from weightscope_widget.analyzers.numerics.difference import same_values
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.analyzers.numerics.spectrum import low_rank_singular_values
from weightscope_widget.comparison.adapters import Matched, match_models, refuse_adapter
from weightscope_widget.comparison.matching import Pair
from weightscope_widget.errors import InvalidArgumentError, NoWeightsError
from weightscope_widget.layers.layer import LayerInfo
from weightscope_widget.recommendations.lora_ranks import why_no_target
from weightscope_widget.recommendations.recipes import pattern
from weightscope_widget.sources import Layer, layer_name, open_source

__all__ = ["ExtractedLora", "extract_lora"]


@dataclass(frozen=True)
class ExtractedLora:
    """The adapter that `extract_lora` wrote.

    Attributes
    ----------
    folder : Path
        Holds ``adapter_config.json`` and ``adapter_model.safetensors``.
    ranks : dict of str to int
        Rank of each layer's factors.
    errors : dict of str to float
        ‖ΔW − B·A‖/‖ΔW‖, Frobenius, of the stored factors; 0 if nothing of the change is lost.
    left_out : dict of str to str
        Tensors that changed, or may have, and that the adapter does not hold, each with the reason as a phrase.
    """

    folder: Path
    ranks: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def extract_lora(
    base: Any,
    tuned: Any,
    out_dir: str | os.PathLike[str],
    *,
    rank: int | None = None,
    energy: float | None = None,
    progress: bool = True,
) -> ExtractedLora:
    """Write the difference of two models as a LoRA adapter that PEFT loads onto the base.

    Each changed matrix of a linear layer becomes two factors of the truncated singular value decomposition of ΔW, the
    best approximation of that rank (Eckart & Young 1936).  Such an adapter holds no norms, biases or embeddings:
    ``left_out`` lists those that changed.

    Files are written once everything is computed; an interrupt leaves the folder as it was.

    Parameters
    ----------
    base, tuned : nn.Module, mapping of str to Tensor, path or Source
        Models of the same architecture, as for `scan`.  Names of layers must be those of the modules that PEFT finds
        in the base.  The tuned one may be a PEFT LoRA adapter, which is then made smaller without forming base + ΔW.
    out_dir : path-like
        Folder, created if missing; an adapter in it is replaced.
    rank : int, optional
        Largest rank of each layer.  Give this or `energy`.
    energy : float, optional
        Share of each change's Σσ² to keep, above 0 and at most 1; 0.99 if neither is given.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ExtractedLora
        Ranks and errors by layer.

    Raises
    ------
    InvalidArgumentError
        If both `rank` and `energy` are given or one is out of range, the base is an adapter, or the folder cannot be
        written.
    NoWeightsError
        If no matrix of a linear layer changed.
    WeightScopeError
        Of another kind, if a model cannot be read.
    """
    rank_of = _chosen(rank, energy)
    target = Path(out_dir).expanduser()
    ours, theirs = open_source(base), open_source(tuned)
    refuse_adapter(ours)
    matched = match_models(ours, theirs)
    factors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    errors: dict[str, float] = {}
    left_out: dict[str, str] = {}
    transposed = False
    with tqdm(matched.pairs, f"{ours.name} → {theirs.name}", unit="tensor", disable=not progress) as pairs:
        for layer, other in _targets(pairs, matched, left_out):
            change = _change(layer, other)
            if not all(bool(torch.isfinite(matrix).all()) for matrix in change):
                left_out[layer.name] = "it has weights that are NaN or infinite"
            elif change and (found := _factors(change, rank_of)) is not None:
                transposed |= layer.transposed
                name = layer_name(layer.name)
                factors[name], errors[name] = found
    if not factors:
        raise NoWeightsError(
            "No matrix of a linear layer changed, so there is nothing to write an adapter of"
            + (f" ({len(left_out)} other tensors did)." if left_out else ".")
        )
    ranks = {name: len(a) for name, (_, a) in factors.items()}
    tensors = {
        f"base_model.model.{name}.lora_{which}.weight": factor
        for name, (b, a) in factors.items()
        for which, factor in (("A", a), ("B", b))
    }
    try:
        target.mkdir(parents=True, exist_ok=True)
        config = json.dumps(_config(ranks, transposed=transposed), indent=2)
        write_whole(target / "adapter_config.json", config.encode())
        write_whole(target / "adapter_model.safetensors", save(tensors, {"format": "pt"}))
    except OSError as error:
        raise InvalidArgumentError(
            f"The folder {str(target)!r} cannot be written ({error.strerror or error}); choose another."
        ) from error
    return ExtractedLora(target, ranks, errors, left_out)


def _chosen(rank: int | None, energy: float | None) -> Callable[[torch.Tensor], int]:
    """Return how many of the singular values of a change to keep."""
    if rank is not None and energy is not None:
        raise InvalidArgumentError("rank and energy are both given; give one of them.")
    if rank is not None:
        check_count("rank", rank, "the largest rank of a layer")
        # No more directions than the change has.
        return lambda sigma: min(rank, max(1, int((sigma > sigma[0] * 1e-12).sum())))
    share = 0.99 if energy is None else energy
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise InvalidArgumentError(f"energy is {energy!r}; give a share above 0 and at most 1.")
    return lambda sigma: energy_rank(sigma.numpy(), share) or 1


def _targets(pairs: Iterable[Pair], matched: Matched, left_out: dict[str, str]) -> Iterator[tuple[Layer, Layer]]:
    """Yield the pairs whose change an adapter can hold; note the others that changed, or may have."""
    members = {member for pair in matched.pairs if pair.base is not None for member in pair.base.members}
    for pair in pairs:
        if pair.key in matched.unread:
            left_out[pair.key] = f"its change cannot be told: {matched.unread[pair.key]}"
        elif pair.base is None:
            left_out[pair.key] = "only in the tuned model"
        elif pair.tuned is None:
            if not matched.added:
                left_out[pair.key] = "only in the base"
        elif pair.base.shape != pair.tuned.shape:
            left_out[pair.key] = f"its shape changed from {pair.base.shape} to {pair.tuned.shape}"
        elif (why := _why_left_out(pair.base, pair.tuned, pair.key in members)) is None:
            yield pair.base, pair.tuned
        elif _differ(pair.base, pair.tuned):
            left_out[pair.key] = why


def _why_left_out(base: Layer, tuned: Layer, member: bool) -> str | None:
    linear = tuned.linear if base.linear is None and tuned.factors is None else base.linear
    return why_no_target(replace(LayerInfo.of(base), linear=linear), member)


def _differ(base: Layer, tuned: Layer) -> bool:
    if tuned.factors is not None:
        return all(bool(factor.any()) for factor in tuned.factors())
    return not same_values(*_loaded(base, tuned))


def _loaded(base: Layer, tuned: Layer) -> tuple[torch.Tensor, torch.Tensor]:
    return base.load().detach().cpu(), tuned.load().detach().cpu()


def _change(base: Layer, tuned: Layer) -> tuple[torch.Tensor, ...]:
    """Return ΔW, (out, in), as one float64 matrix or two whose product it is; nothing where both are the same."""
    if tuned.factors is not None:
        change: tuple[torch.Tensor, ...] = tuned.factors()
    else:
        before, after = _loaded(base, tuned)
        if same_values(before, after):
            return ()
        change = (after.to(torch.float64, copy=True).sub_(before),)
    return tuple(matrix.T for matrix in reversed(change)) if base.transposed else change


def _factors(
    change: tuple[torch.Tensor, ...], rank_of: Callable[[torch.Tensor], int]
) -> tuple[tuple[torch.Tensor, torch.Tensor], float] | None:
    """Return B (out, r) and A (r, in) as they are stored, and their product's relative error; None of no change."""
    u, sigma, vh = _decomposed(change)
    if not sigma[0] > 0:
        return None
    rank = rank_of(sigma)
    root = sigma[:rank].sqrt()
    # Split evenly, so that neither factor loses more to float32 than the other.
    b, a = (u[:, :rank] * root).float().contiguous(), (root[:, None] * vh[:rank]).float().contiguous()
    return (b, a), _lost(change, b.double(), a.double()) / float(torch.linalg.vector_norm(sigma))


def _decomposed(change: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the singular value decomposition; of a product, without multiplying it out."""
    if len(change) == 1:
        u, sigma, vh = torch.linalg.svd(change[0], full_matrices=False)
        return u, sigma, vh
    (q, r), (p, s) = (torch.linalg.qr(matrix) for matrix in (change[0], change[1].T))
    u, sigma, vh = torch.linalg.svd(r @ s.T, full_matrices=False)
    return q @ u, sigma, vh @ p.T


def _lost(change: tuple[torch.Tensor, ...], b: torch.Tensor, a: torch.Tensor) -> float:
    """Return ‖ΔW − B·A‖, Frobenius."""
    if len(change) == 1:
        return float(torch.linalg.matrix_norm(change[0] - b @ a))
    left, right = change
    return float(np.linalg.norm(low_rank_singular_values(torch.cat([left, -b], 1), torch.cat([right, a]))))


def _config(ranks: Mapping[str, int], *, transposed: bool) -> dict[str, Any]:
    usual = max(ranks.values())
    # PEFT takes the first pattern that fits the end of a module's name: the longest first, and none left out.
    every = {pattern(name): ranks[name] for name in sorted(ranks, key=lambda name: (-len(name), name))}
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "bias": "none",
        "fan_in_fan_out": transposed,
        "inference_mode": True,
        "init_lora_weights": True,
        # As large as the rank: ΔW is the product of the factors itself.
        "lora_alpha": usual,
        "alpha_pattern": every,
        "lora_dropout": 0.0,
        "modules_to_save": None,
        "r": usual,
        "rank_pattern": every,
        "target_modules": sorted(ranks),
        "use_rslora": False,
    }
