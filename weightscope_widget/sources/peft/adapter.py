"""A folder with a PEFT LoRA adapter: the change it makes to each weight, as if it were multiplied out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from weightscope_widget.errors import ModelNotFoundError, TensorReadError
from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.sources._tensors.files import FILE, INDEX, absolute, as_path, checkpoint_name, quote
from weightscope_widget.sources._tensors.loaders import Loader, Versions
from weightscope_widget.sources._tensors.records import Record, assemble, model_order, skipped
from weightscope_widget.sources.peft.config import AdapterConfig, read_config
from weightscope_widget.sources.safetensors.file import read_header
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["LowRank", "accepts", "as_stored", "open_adapter"]

_CONFIG = "adapter_config.json"
_FILES = {"adapter_model.safetensors": read_header, "adapter_model.bin": torch_file.read_archive}
_WHOLE_MODELS = (FILE, INDEX, torch_file.FILE, torch_file.INDEX)

_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<table>embedding_)?(?P<which>[AB])(?:\.default)?(?:\.weight)?")
_NO_CHANGE = (
    (".base_layer.", "the base model's own values, saved beside the adapter"),
    (".original_module.", "the base model's own values, saved beside the adapter"),
    (".trainable_tokens_", "rows of an embedding, for some of its tokens"),
    (".lora_", "a part of the adapter that is not a factor of a matrix"),
)
_BESIDE = (".base_layer.", ".original_module.")
_PART = re.compile(r"\.(?:token_adapter\.)?(?:lora_|trainable_tokens_)")

_MOST_ENTRIES = 2**32
"""Twice the largest embedding there is; two factors of a few megabytes could ask for any number of them."""


def accepts(model: object) -> bool:
    """Return whether this is the path of a folder with an adapter and no whole model."""
    path = as_path(model)
    if path is None or not os.path.isfile(path / _CONFIG):
        return False
    return not any(os.path.isfile(path / name) for name in _WHOLE_MODELS)


def open_adapter(model: str | os.PathLike[str]) -> Source:
    """Open a LoRA adapter as PEFT saves it.

    Each layer is named after the module it changes and is the change itself, ΔW = scaling · B·A, in the shape of the
    module's weight; its dtype is that of the factors. Modules and biases that were trained as a whole
    (``modules_to_save``, ``bias``) are layers with their own values.
    """
    folder = absolute(model)
    config = read_config(folder / _CONFIG)
    name = next((name for name in _FILES if os.path.isfile(folder / name)), None)
    if name is None:
        raise ModelNotFoundError(
            f"The folder {quote(folder)} has an {_CONFIG} but no {' or '.join(_FILES)}; download it too."
        )
    records = {record.name: record for record in _records(_FILES[name](folder / name).records, config)}
    source = assemble(checkpoint_name(folder), [records[key] for key in model_order(records)])
    unread = {
        layer_name(changed): record.skip
        for record in records.values()
        if record.skip is not None and (changed := _changed(record.name)) is not None
    }
    return replace(source, adapter=True, unread=unread)


def as_stored(change: Layer, weight: Layer) -> Layer:
    """Return an adapter's change in the orientation of the weight that it is added to.

    An adapter's configuration has one setting for all its modules, even where its model has weights of both
    orientations; PEFT follows the model too.
    """
    load = change.load
    if not isinstance(load, LowRank) or len(change.shape) != 2 or change.shape[::-1] != weight.shape:
        return change
    if change.shape == weight.shape and change.transposed == weight.transposed:
        return change
    return replace(change, load=load.turned(), shape=weight.shape, transposed=weight.transposed)


def _changed(name: str) -> str | None:
    """Return the base's parameter that a skipped tensor of an adapter changes; None where it changes nothing."""
    if any(part in f".{name}." for part in _BESIDE):
        return None
    part = _PART.search(name)
    if part is None:
        return name
    return name[: part.start()] + (".bias" if name.endswith(".bias") else ".weight")


@dataclass(frozen=True)
class LowRank:
    """The change that a LoRA adapter makes to one weight: `scaling` times the product of two factors, read when called.

    The factors have the shapes (out, rank, 1, …) and (rank, in, *kernel).  `shape` is that of the weight as stored,
    which is (in, out) if `flipped`.  They are multiplied in float64: rounding to float32 would look like singular
    values that the change does not have.
    """

    b: Loader
    a: Loader
    scaling: float
    shape: tuple[int, ...]
    flipped: bool = False
    index: int | None = None

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        left, right = self.factors()
        return (left @ right).reshape(self.shape if self.index is None else self.shape[1:])

    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two float64 matrices, (rows, rank) and (rank, columns), whose product is the change as a matrix."""
        b, a = self.b().double().flatten(1) * self.scaling, self.a().double().flatten(1)
        left, right = (a.T, b.T) if self.flipped else (b, a)
        if (len(left), right.shape[1]) != (self.shape[0], math.prod(self.shape[1:])) or left.shape[1] != len(right):
            raise TensorReadError(
                f"The factors of this change are {tuple(b.shape)} and {tuple(a.shape)} now, which does not make "
                f"{self.shape}; open the adapter again."
            )
        return (left if self.index is None else left[self.index : self.index + 1]), right

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        b, a = self.b.identity(versions), self.a.identity(versions)
        return None if b is None or a is None else f"product {[b, a]} {self.scaling} {self.flipped} {self.index}"

    def turned(self) -> LowRank:
        """Return the loader of the same change to a matrix that is stored the other way round."""
        return replace(self, shape=self.shape[::-1], flipped=not self.flipped)

    def member(self, index: int) -> LowRank:
        """See `Loader`."""
        return replace(self, index=index)


# -- Reading -----------------------------------------------------------------------------------------------------------


def _records(tensors: Mapping[str, Record], config: AdapterConfig) -> Iterator[Record]:
    """Yield the record of each pair of factors, and of each other tensor."""
    pairs: dict[tuple[str, bool], dict[str, str]] = {}
    others: list[str] = []
    for key in tensors:
        factor = _FACTOR.fullmatch(key)
        if factor is None:
            others.append(key)
        else:
            pairs.setdefault((factor["module"], factor["table"] is not None), {})[factor["which"]] = key
    taken: set[str] = set()
    for (module, table), pair in pairs.items():
        changed = module.removeprefix(_PREFIX)
        name = _unused(taken, f"{changed}.weight", f"{module}.weight")
        yield _change(name, changed, {which: tensors[key] for which, key in pair.items()}, config, table)
    for key in others:
        short = key.removeprefix(_PREFIX).replace(".modules_to_save.default.", ".").replace(".modules_to_save.", ".")
        if "bias" in short.rpartition(".")[2]:  # of a module that has factors, but itself trained as a whole
            short = short.replace(".base_layer.", ".")
        name = _unused(taken, short, key)
        reason = next((reason for part, reason in _NO_CHANGE if part in f".{name}."), None)
        yield replace(tensors[key], name=name, skip=reason or tensors[key].skip)


def _unused(taken: set[str], *names: str) -> str:
    """Return the first of these names that no other tensor has, and add it to `taken`; a file may hold anything."""
    name = next((name for name in names if name not in taken), f"{names[-1]} ({len(taken)})")
    taken.add(name)
    return name


def _change(name: str, module: str, pair: Mapping[str, Record], config: AdapterConfig, table: bool) -> Record:
    if len(pair) == 1:
        ((which, factor),) = pair.items()
        return skipped(name, f"{quote(factor.name)} is lora_{which} without its other factor")
    a, b = pair["A"], pair["B"]
    if why := a.skip or b.skip:
        return skipped(name, f"a factor is not weights: {why}")
    if len(a.shape) != len(b.shape) or len(a.shape) < 2 or b.shape[1] != a.shape[0] or math.prod(b.shape[2:]) != 1:
        return skipped(
            name, f"factors of shapes {a.shape} and {b.shape}, as of a convolution in groups, not multiplied"
        )
    if a.shape[0] != config.rank_of(module):
        expected = f"{config.rank_of(module):g}"
        return skipped(
            name, f"factors of rank {a.shape[0]} where {_CONFIG} says {expected}, as for several experts at once"
        )
    flipped = table or (config.transposed and len(a.shape) == 2)
    shape = (a.shape[1], b.shape[0]) if flipped else (b.shape[0], *a.shape[1:])
    if math.prod(shape) > _MOST_ENTRIES:
        return skipped(name, f"factors of a {shape[0]} × {math.prod(shape[1:])} matrix, too large to multiply out")
    load = LowRank(b.load, a.load, config.scaling(module), shape, flipped)
    return Record(name, shape, a.dtype, load, transposed=flipped and not table)
