"""A checkpoint in several shards: the JSON index that says which tensor is in which file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from weightscope_widget.errors import CorruptFileError, MissingShardError
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources.safetensors.header import Entry, Header, read_header

__all__ = ["Sharded", "combine", "parse_index", "read_index", "read_sharded"]


@dataclass(frozen=True)
class Sharded:
    """The tensors that an index names, each with the shard it is in, and the index's metadata."""

    entries: Mapping[str, Entry]
    metadata: Mapping[str, object]


def read_sharded(index: Path, read: Callable[[Path], Header] = read_header, suffix: str = ".safetensors") -> Sharded:
    """Read an index and the headers of its shards.

    A tensor that its shard lacks becomes an entry with a problem. Tensors that the shards hold beyond the index are
    part of the model too: transformers loads them, so an index that omits them is no reason to hide them.

    Parameters
    ----------
    index : Path
        The JSON file; the shards are beside it.
    read : callable, optional
        Lists what a shard holds.
    suffix : str, optional
        How the shards' names end.

    Raises
    ------
    CorruptFileError
        The index is not JSON, not an index, or names a file outside its folder; or a shard is broken.
    UnsupportedModelError
        A shard holds more than tensors.
    MissingShardError
        A shard is not there.
    """
    shards_of, metadata = read_index(index, suffix)
    names = list(dict.fromkeys(shards_of.values()))
    missing = [name for name in names if not os.path.isfile(index.parent / name)]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingShardError(
            f"The shard {quote(missing[0])}{others} that {quote(index)} names is not beside it; download it again."
        )
    return combine(shards_of, metadata, {name: read(index.parent / name) for name in names}, index.parent)


def combine(
    shards_of: Mapping[str, str], metadata: Mapping[str, object], headers: Mapping[str, Header], folder: Path
) -> Sharded:
    """Return the tensors of a checkpoint, given what its index says and what each of its shards holds."""
    entries = {
        key: headers[shard].entries.get(key) or _lacking(key, folder / shard) for key, shard in shards_of.items()
    }
    for header in headers.values():
        for key, entry in header.entries.items():
            entries.setdefault(key, entry)
    from_shards = {key: value for header in headers.values() for key, value in header.metadata.items()}
    return Sharded(entries, {**from_shards, **metadata})


def read_index(index: Path, suffix: str) -> tuple[dict[str, str], dict[str, object]]:
    """Return the index's ``weight_map`` and ``metadata``, checked.

    Raises
    ------
    CorruptFileError
        It is not JSON, not an index, or names a file outside its folder.
    """
    try:
        content = index.read_bytes()
    except OSError as error:
        raise CorruptFileError(f"{quote(index)} cannot be read ({error}); see that it may be opened.") from error
    return parse_index(content, index, suffix)


def parse_index(content: bytes, shown: object, suffix: str) -> tuple[dict[str, str], dict[str, object]]:
    """Return the same from an index's text; `shown` is what messages call it.

    Raises
    ------
    CorruptFileError
        As in `read_index`.
    """
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{quote(shown)} is not valid JSON ({error}); download it again.") from error
    shards_of = parsed.get("weight_map") if isinstance(parsed, dict) else None
    if not isinstance(shards_of, dict) or not shards_of:
        raise CorruptFileError(f"{quote(shown)} has no weight_map from tensors to shards; download it again.")
    for shard in shards_of.values():
        if not isinstance(shard, str) or not _is_plain_name(shard, suffix):
            raise CorruptFileError(
                f"{quote(shown)} names {quote(shard)} as a shard, which is not the name of a {suffix} file beside "
                "it; download it again from a source you trust."
            )
    metadata = parsed.get("metadata")
    return shards_of, metadata if isinstance(metadata, dict) else {}


def _is_plain_name(shard: str, suffix: str) -> bool:
    # A name that could lead out of the folder, on any system, is refused: the index may come from anyone.
    return shard.endswith(suffix) and not any(character in "/\\:\0" for character in shard)


def _lacking(key: str, path: Path) -> Entry:
    return Entry(
        path, problem=f"{quote(path)} lacks the tensor {quote(key)} that the index says it holds; download it again."
    )
