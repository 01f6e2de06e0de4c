"""Safetensors at an address: headers are read when they are opened, each tensor when it is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote as percent
from urllib.parse import unquote, urlsplit

from weightscope_widget.errors import ModelNotFoundError, UnsupportedModelError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._checkpoint import checkpoint_source
from weightscope_widget.sources._tensors.files import FILE, INDEX, checkpoint_name, choose, quote
from weightscope_widget.sources._tensors.records import Contents
from weightscope_widget.sources.packed.config import parse_config
from weightscope_widget.sources.remote.ranges import (
    InRange,
    NoRangesError,
    RemoteError,
    file_names,
    forget,
    is_web,
    shown,
    stat,
    tried,
)
from weightscope_widget.sources.safetensors.file import TORCH_NAMES, header_record
from weightscope_widget.sources.safetensors.index import combine, parse_index
from weightscope_widget.sources.safetensors.layout import PREFIX, header_length, parse_layout

__all__ = ["accepts", "open_remote"]

_URL = re.compile(r"[a-z][a-z0-9+.-]+(?:::[a-z][a-z0-9+.-]+)*://\S", re.IGNORECASE)
_LONGEST_INDEX = 100_000_000
_CONFIG = "config.json"
_HEADERS_AT_A_TIME = 8

_Result = TypeVar("_Result")


def accepts(model: object) -> bool:
    """Return whether this is a string that starts like an address: ``https://``, ``hf://``, ``s3://``."""
    return isinstance(model, str) and _URL.match(model) is not None


def open_remote(model: str) -> Source:
    """Open the checkpoint at an address that fsspec can read; only the headers of files are fetched.

    The address is that of a ``.safetensors`` file, of the index of a sharded checkpoint, or, where the filesystem lists
    folders, of a folder with either.
    """
    path = _path(model)
    _opened(model, lambda: forget(model))  # it may have changed since this process last read it
    if path.endswith(".safetensors"):
        return _source(path, model, _contents(model))
    if path.endswith(".safetensors.index.json"):
        return _open_index(model)
    if is_web(model):
        raise UnsupportedModelError(_not_a_file(model))
    choice = choose(_opened(model, lambda: file_names(model)))
    folder = model.rstrip("/") + "/"
    if choice.index is not None:
        return _open_index(_beside(folder, choice.index))
    if not choice.files:
        raise ModelNotFoundError(
            f"{quote(shown(model))} holds no {INDEX}, no {FILE} and no other .safetensors file; give the address of "
            "the folder or the file that the weights are in."
        )
    if len(choice.files) > 1:
        raise UnsupportedModelError(
            f"{quote(shown(model))} holds {len(choice.files)} .safetensors files and no index; give the address of "
            f"one, such as {quote(choice.files[0])}."
        )
    url = _beside(folder, choice.files[0])
    return _source(path, url, _contents(url))


def _open_index(url: str) -> Source:
    shards_of, metadata = parse_index(_opened(url, lambda: _whole(url)), shown(url), ".safetensors")
    shards = list(dict.fromkeys(shards_of.values()))
    with ThreadPoolExecutor(_HEADERS_AT_A_TIME) as pool:
        found = dict(zip(shards, pool.map(_contents, (_beside(url, shard) for shard in shards)), strict=True))
    return _source(_path(url).rpartition("/")[0], url, combine(shards_of, metadata, found, Path()))


def _source(path: str, url: str, contents: Contents) -> Source:
    """Return the source of a file or index, named after a path: the hub has ``resolve/revision`` after the name."""
    name = checkpoint_name(Path(re.sub(r"/resolve/[^/]+(?=/|$)", "", path)))
    return checkpoint_source(name, contents, partial(_settings, url))


def _settings(url: str) -> dict[str, Any]:
    """Return the quantization settings in the ``config.json`` beside a file; empty where it cannot be read."""
    try:
        return parse_config(_whole(_beside(url, _CONFIG)))
    except (RemoteError, UnsupportedModelError):
        return {}


def _whole(url: str) -> bytes:
    file = stat(url)
    if file.size > _LONGEST_INDEX:
        raise RemoteError(f"with {file.size} bytes it is not an index", final=True)
    return file.read(0, file.size)


def _contents(url: str) -> Contents:
    """Return the contents of a file, whose header is read by two range requests."""
    file = _opened(url, lambda: stat(url))
    prefix = _opened(url, lambda: file.read(0, min(PREFIX, file.size)))
    length = header_length(prefix, file.size, shown(url))
    layout = parse_layout(_opened(url, lambda: file.read(PREFIX, PREFIX + length)), file.size, shown(url))
    records = {}
    for key, span in layout.spans.items():
        dtype = TORCH_NAMES.get(span.dtype, span.dtype)
        records[key] = header_record(key, span.dtype, span.shape, InRange(file, key, dtype, span.shape, span.begin))
    return Contents(records, layout.metadata)


def _opened(url: str, ask: Callable[[], _Result]) -> _Result:
    try:
        return tried(ask)
    except NoRangesError as error:
        raise UnsupportedModelError(
            f"{quote(shown(url))} cannot be read in parts ({error}); download the file and give its path."
        ) from error
    except RemoteError as error:
        raise ModelNotFoundError(
            f"{quote(shown(url))} cannot be opened ({error}); check the address, the connection and your access."
        ) from error


def _path(url: str) -> str:
    """Return the host or bucket and the path of an address, without scheme, query and chained addresses."""
    first = url.partition("::")[0] if "://" in url.partition("::")[0] else url
    if not is_web(first):
        return first.partition("://")[2].rstrip("/")
    parts = urlsplit(first)
    return f"{parts.netloc.rpartition('@')[2]}{unquote(parts.path)}".rstrip("/")


def _beside(url: str, name: str) -> str:
    """Return the address of another file in the folder of a file, with the same query."""
    if not is_web(url):
        first, chain, rest = url.partition("::") if "://" in url.partition("::")[0] else (url, "", "")
        return f"{first.rpartition('/')[0]}/{name}{chain}{rest}"
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{percent(name)}").geturl()


def _not_a_file(url: str) -> str:
    page = re.match(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/\s?#]+/[^/\s?#]+)(?:/tree/[^/]+)?/?$", url)
    if page:
        return f"{quote(shown(url))} is the page of a model on the hub; give its id, {quote(page[1])}."
    return (
        f"{quote(shown(url))} is not the address of a .safetensors file or a .safetensors.index.json; give one that "
        "ends so, or for a model on the hub its id."
    )
