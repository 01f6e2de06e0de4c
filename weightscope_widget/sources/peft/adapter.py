"""A folder with a PEFT LoRA adapter: the change it makes to each weight, as if it were multiplied out."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from weightscope_widget.errors import ModelNotFoundError
from weightscope_widget.layers.layer import Layer, Source, layer_name
from weightscope_widget.sources._tensors.assemble import assemble
from weightscope_widget.sources._tensors.loaders import InFile, Unreadable
from weightscope_widget.sources._tensors.order import model_order
from weightscope_widget.sources._tensors.paths import absolute, as_path, checkpoint_name, quote
from weightscope_widget.sources._tensors.record import Record, why_skipped
from weightscope_widget.sources.peft.config import AdapterConfig, read_config
from weightscope_widget.sources.peft.low_rank import LowRank
from weightscope_widget.sources.safetensors.header import Entry, read_header
from weightscope_widget.sources.torch.archive import read_archive

__all__ = ["accepts", "as_stored", "open_adapter"]

_CONFIG = "adapter_config.json"
_FILES = {"adapter_model.safetensors": read_header, "adapter_model.bin": read_archive}
_WHOLE_MODELS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)

_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<table>embedding_)?(?P<which>[AB])(?:\.default)?(?:\.weight)?")
_NO_CHANGE = (
    (".base_layer.", "the base model's own values, saved beside the adapter"),
    (".original_module.", "the base model's own values, saved beside the adapter"),
    (".trainable_tokens_", "rows of an embedding, for some of its tokens"),
    (".lora_", "a part of the adapter that is no factor of a matrix"),
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

    Raises
    ------
    ModelNotFoundError
        The folder has an adapter's configuration but no weights.
    UnsupportedModelError
        The adapter is of another kind than LoRA, or of a variant whose change is no product of two factors.
    CorruptFileError
        A file is broken.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    folder = absolute(model)
    config = read_config(folder / _CONFIG)
    name = next((name for name in _FILES if os.path.isfile(folder / name)), None)
    if name is None:
        raise ModelNotFoundError(
            f"The folder {quote(folder)} has an {_CONFIG} but no {' or '.join(_FILES)}; download that, too."
        )
    records = {record.name: record for record in _records(_FILES[name](folder / name).entries, config)}
    source = assemble(checkpoint_name(folder), [records[key] for key in model_order(records)])
    unread = {
        layer_name(changed): record.skip
        for record in records.values()
        if record.skip is not None and (changed := _changed(record.name)) is not None
    }
    return replace(source, adapter=True, unread=unread)


def as_stored(change: Layer, weight: Layer) -> Layer:
    """Return an adapter's change as the weight that it is added to is stored.

    An adapter says once for all its modules whether their weights are stored (in, out), even where its model has both
    kinds; PEFT goes by the model, too.
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


def _records(entries: Mapping[str, Entry], config: AdapterConfig) -> Iterator[Record]:
    """Yield the record of each pair of factors, and of each other tensor."""
    pairs: dict[tuple[str, bool], dict[str, str]] = {}
    others: list[str] = []
    for key in entries:
        factor = _FACTOR.fullmatch(key)
        if factor is None:
            others.append(key)
        else:
            pairs.setdefault((factor["module"], factor["table"] is not None), {})[factor["which"]] = key
    taken: set[str] = set()
    for (module, table), pair in pairs.items():
        changed = module.removeprefix(_PREFIX)
        name = _unused(taken, f"{changed}.weight", f"{module}.weight")
        yield _change(name, changed, {which: (key, entries[key]) for which, key in pair.items()}, config, table)
    for key in others:
        short = key.removeprefix(_PREFIX).replace(".modules_to_save.default.", ".").replace(".modules_to_save.", ".")
        if "bias" in short.rpartition(".")[2]:  # of a module that has factors, but itself trained as a whole
            short = short.replace(".base_layer.", ".")
        yield _other(_unused(taken, short, key), key, entries[key])


def _unused(taken: set[str], *names: str) -> str:
    """Return the first of these names that no other tensor has, and note it; a file may hold anything."""
    name = next((name for name in names if name not in taken), f"{names[-1]} ({len(taken)})")
    taken.add(name)
    return name


def _change(
    name: str, module: str, pair: Mapping[str, tuple[str, Entry]], config: AdapterConfig, table: bool
) -> Record:
    if len(pair) == 1:
        ((which, (key, _)),) = pair.items()
        return _skipped(name, f"{quote(key)} is lora_{which} without its other factor")
    (a_key, a), (b_key, b) = pair["A"], pair["B"]
    why = why_skipped(a.shape, a.dtype) or why_skipped(b.shape, b.dtype) or a.skip or b.skip
    if why is not None:
        return _skipped(name, f"a factor is not weights: {why}")
    if len(a.shape) != len(b.shape) or len(a.shape) < 2 or b.shape[1] != a.shape[0] or math.prod(b.shape[2:]) != 1:
        return _skipped(
            name, f"factors of shapes {a.shape} and {b.shape}, as of a convolution in groups, not multiplied"
        )
    if a.shape[0] != config.rank_of(module):
        expected = f"{config.rank_of(module):g}"
        return _skipped(
            name, f"factors of rank {a.shape[0]} where {_CONFIG} says {expected}, as for several experts at once"
        )
    flipped = table or (config.transposed and len(a.shape) == 2)
    shape = (a.shape[1], b.shape[0]) if flipped else (b.shape[0], *a.shape[1:])
    if math.prod(shape) > _MOST_ENTRIES:
        return _skipped(name, f"factors of a {shape[0]} × {math.prod(shape[1:])} matrix, too large to multiply out")
    load = LowRank(
        b.load or InFile(b.path, b_key), a.load or InFile(a.path, a_key), config.scaling(module), shape, flipped
    )
    return Record(name, shape, a.dtype, load, transposed=flipped and not table)


def _other(name: str, key: str, entry: Entry) -> Record:
    reason = next((reason for part, reason in _NO_CHANGE if part in f".{name}."), None)
    skip = reason or entry.skip or why_skipped(entry.shape, entry.dtype)
    return Record(name, entry.shape, entry.dtype, entry.load or InFile(entry.path, key), skip, entry.identity)


def _skipped(name: str, reason: str) -> Record:
    return Record(name, (), "", Unreadable(f"{quote(name)}: {reason}."), reason)
