"""A sharded checkpoint: the JSON index that says which tensor is in which file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from weightscope_widget.errors import CorruptFileError, MissingShardError
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.loaders import Unreadable
from weightscope_widget.sources._tensors.records import Contents, Record
from weightscope_widget.sources.safetensors.file import read_header

__all__ = ["combine", "parse_index", "read_index", "read_sharded"]


def read_sharded(index: Path, read: Callable[[Path], Contents] = read_header, suffix: str = ".safetensors") -> Contents:
    """Read an index and list the tensors of its shards, which are beside it and have names with this suffix."""
    shards_of, metadata = read_index(index, suffix)
    names = list(dict.fromkeys(shards_of.values()))
    missing = [name for name in names if not os.path.isfile(index.parent / name)]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingShardError(
            f"The shard {quote(missing[0])}{others} that {quote(index)} names is missing; download it again."
        )
    return combine(shards_of, metadata, {name: read(index.parent / name) for name in names}, index.parent)


def combine(
    shards_of: Mapping[str, str], metadata: Mapping[str, object], shards: Mapping[str, Contents], folder: Path
) -> Contents:
    """Return the contents of a checkpoint, given its index and what each shard holds.

    A tensor that its shard lacks is unreadable. Tensors that the index omits are part of the model too: transformers
    loads them.
    """
    records = {key: shards[shard].records.get(key) or _lacking(key, folder / shard) for key, shard in shards_of.items()}
    for contents in shards.values():
        for key, record in contents.records.items():
            records.setdefault(key, record)
    from_shards = {key: value for contents in shards.values() for key, value in contents.metadata.items()}
    return Contents(records, {**from_shards, **metadata})


def read_index(index: Path, suffix: str) -> tuple[dict[str, str], dict[str, object]]:
    """Return the ``weight_map`` and the ``metadata`` of an index; raise `CorruptFileError` where it is not one."""
    try:
        content = index.read_bytes()
    except OSError as error:
        raise CorruptFileError(f"{quote(index)} cannot be read ({error}); check its permissions.") from error
    return parse_index(content, index, suffix)


def parse_index(content: bytes, shown: object, suffix: str) -> tuple[dict[str, str], dict[str, object]]:
    """Return the same from the text of an index, which messages call `shown`."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{quote(shown)} is not valid JSON ({error}); download it again.") from error
    shards_of = parsed.get("weight_map") if isinstance(parsed, dict) else None
    if not isinstance(shards_of, dict) or not shards_of:
        raise CorruptFileError(f"{quote(shown)} has no weight_map from tensors to shards; download it again.")
    for shard in shards_of.values():
        # A name that could lead out of the folder, on any system, is refused: the index may come from anyone.
        if not isinstance(shard, str) or not shard.endswith(suffix) or any(each in "/\\:\0" for each in shard):
            raise CorruptFileError(
                f"{quote(shown)} names {quote(shard)} as a shard, which is not the name of a {suffix} file beside it; "
                "download it again from a source you trust."
            )
    metadata = parsed.get("metadata")
    return shards_of, metadata if isinstance(metadata, dict) else {}


def _lacking(key: str, path: Path) -> Record:
    problem = f"{quote(path)} lacks the tensor {quote(key)} that the index assigns to it; download it again."
    return Record(key, (), "unknown", Unreadable(problem))
