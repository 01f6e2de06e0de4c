"""From a fine-tune to an adapter: the best low-rank copy of each change, as PEFT reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from weightscope_widget.arguments import check_count
from weightscope_widget.comparison.entry import opened
from weightscope_widget.comparison.matching import match_layers
from weightscope_widget.errors import InvalidArgumentError, NoWeightsError
from weightscope_widget.naming import place
from weightscope_widget.plans.code import pattern
from weightscope_widget.plans.lora import energy_rank
from weightscope_widget.sources import Layer
from weightscope_widget.whole_file import write_whole

__all__ = ["ExtractedLora", "extract_lora"]


@dataclass(frozen=True)
class ExtractedLora:
    """What `extract_lora` wrote.

    Attributes
    ----------
    folder : Path
        Where ``adapter_config.json`` and ``adapter_model.safetensors`` are.
    ranks : dict of str to int
        The rank of each layer's factors.
    errors : dict of str to float
        ‖ΔW − B·A‖/‖ΔW‖, Frobenius, of the factors as they are stored; 0 means that nothing of the change is lost.
    left_out : dict of str to str
        Tensors that changed and that the adapter does not hold, each with a phrase that says why.
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
) -> ExtractedLora:
    """Write the difference of two models as a LoRA adapter, which PEFT loads onto the base.

    Each changed matrix of a linear layer becomes two factors of the truncated singular value decomposition of ΔW, the
    best approximation of that rank there is (Eckart & Young 1936).  Norms, biases, embeddings and whatever else an
    adapter does not hold are listed in ``left_out``: where these changed, the adapter is not the whole fine-tune.

    Parameters
    ----------
    base, tuned : whatever `scan` takes
        Two models of the same architecture; a layer has to be called as the module that PEFT will find in the base.
    out_dir : path-like
        A folder, made where it is not there; an adapter in it is replaced.
    rank : int, optional
        The largest rank of each layer; or
    energy : float, optional
        the share of each change's Σσ² to keep, above 0 and at most 1.  0.99 where neither is given.

    Returns
    -------
    ExtractedLora
        The ranks, and the error of each layer.

    Raises
    ------
    InvalidArgumentError
        Where both `rank` and `energy` are given or are out of range, or the folder cannot be written.
    NoWeightsError
        Where no matrix of a linear layer changed.
    WeightScopeError
        Another of its kinds, where a model cannot be read.
    """
    rank_of = _chosen(rank, energy)
    target = Path(out_dir).expanduser()
    factors: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    errors: dict[str, float] = {}
    left_out: dict[str, str] = {}
    transposed = False
    for name, ours, theirs in _changed_pairs(base, tuned, left_out):
        delta = theirs.load().detach().cpu().double() - ours.load().detach().cpu().double()
        if not bool(torch.isfinite(delta).all()):
            left_out[name] = "it has weights that are NaN or infinite"
            continue
        if not bool(delta.any()):
            continue
        transposed |= ours.transposed
        matrix = delta.T if ours.transposed else delta
        factors[name], errors[name] = _factors(matrix, rank_of)
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
        raise InvalidArgumentError("rank and energy are both given; give the one that the other is to follow from.")
    if rank is not None:
        check_count("rank", rank, "the largest rank of a layer")
        # Directions that the change does not have cost memory and hold nothing.
        return lambda sigma: min(rank, max(1, int((sigma > sigma[0] * 1e-12).sum())))
    share = 0.99 if energy is None else energy
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
        raise InvalidArgumentError(f"energy is {energy!r}; give a share above 0 and at most 1.")
    return lambda sigma: energy_rank(sigma.numpy(), share) or 1


def _changed_pairs(base: Any, tuned: Any, left_out: dict[str, str]) -> Iterator[tuple[str, Layer, Layer]]:
    """Yield the pairs that an adapter can hold; note the others that changed, or may have."""
    members = set()
    pairs = match_layers(opened(base).layers, opened(tuned).layers)
    for pair in pairs:
        members |= set(pair.base.members if pair.base is not None else ())
    for pair in pairs:
        if pair.base is None or pair.tuned is None:
            left_out[pair.key] = f"only in the {'tuned model' if pair.base is None else 'base'}"
        elif pair.base.shape != pair.tuned.shape:
            left_out[pair.key] = f"its shape changed from {pair.base.shape} to {pair.tuned.shape}"
        elif (why := _no_target(pair.base, pair.key in members)) is not None:
            if not _same(pair.base, pair.tuned):
                left_out[pair.key] = why
        else:
            yield pair.base.name, pair.base, pair.tuned


def _no_target(layer: Layer, member: bool) -> str | None:
    if len(layer.shape) < 2:
        return "a vector"
    if layer.is_stack or member:
        return "a stack of experts"
    if len(layer.shape) > 2:
        return "a convolution"
    if place(layer.name).family == "embedding":
        return "an embedding or output head"
    return None


def _same(ours: Layer, theirs: Layer) -> bool:
    a, b = ours.load().detach().cpu().double(), theirs.load().detach().cpu().double()
    return bool(((a == b) | (a.isnan() & b.isnan())).all())


def _factors(
    delta: torch.Tensor, rank_of: Callable[[torch.Tensor], int]
) -> tuple[tuple[torch.Tensor, torch.Tensor], float]:
    """Return B (out, r) and A (r, in) as they are stored, and the relative error of their product."""
    u, sigma, vh = torch.linalg.svd(delta, full_matrices=False)
    rank = rank_of(sigma)
    root = sigma[:rank].sqrt()
    # Split evenly, so that neither factor loses more to float32 than the other.
    b, a = (u[:, :rank] * root).float().contiguous(), (root[:, None] * vh[:rank]).float().contiguous()
    error = torch.linalg.matrix_norm(delta - b.double() @ a.double()) / torch.linalg.matrix_norm(delta)
    return (b, a), float(error)


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
