"""Safetensors that are elsewhere: the headers are read when they are opened, each tensor when it is asked for."""

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
from weightscope_widget.sources._tensors.choice import FILE, INDEX, choose
from weightscope_widget.sources._tensors.paths import checkpoint_name, quote
from weightscope_widget.sources.packed.config import parse_config
from weightscope_widget.sources.remote.ranges import (
    InRange,
    NoRangesError,
    RemoteError,
    RemoteFile,
    file_names,
    forget,
    shown,
    stat,
    tried,
)
from weightscope_widget.sources.safetensors.file import file_source
from weightscope_widget.sources.safetensors.header import TORCH_NAMES, Entry, Header
from weightscope_widget.sources.safetensors.index import combine, parse_index
from weightscope_widget.sources.safetensors.layout import PREFIX, Span, header_length, parse_layout

__all__ = ["accepts", "open_remote"]

_URL = re.compile(r"[a-z][a-z0-9+.-]+(?:::[a-z][a-z0-9+.-]+)*://\S", re.IGNORECASE)
_LONGEST_INDEX = 100_000_000
_CONFIG = "config.json"
_HEADERS_AT_A_TIME = 8

_Result = TypeVar("_Result")


def accepts(model: object) -> bool:
    """Return whether this is a string that starts as an address does: ``https://``, ``hf://``, ``s3://``."""
    return isinstance(model, str) and _URL.match(model) is not None


def open_remote(model: str) -> Source:
    """Open the checkpoint at an address that fsspec can read.

    The address is that of a ``.safetensors`` file, of the index of a sharded checkpoint, or, where the filesystem lists
    folders, of a folder with either. Of every file the header alone is fetched.

    Raises
    ------
    MissingLibraryError
        fsspec, or a package that this kind of address needs, is not installed.
    ModelNotFoundError
        There is nothing at the address, or it cannot be reached.
    UnsupportedModelError
        It is no address of safetensors, or its server does not send parts of files.
    CorruptFileError
        A file is broken, or an index names files outside its folder.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    path = _path(model)
    _opened(model, lambda: forget(model))  # it may be another since this process last looked
    if path.endswith(".safetensors"):
        header = _header(model)
        return file_source(_name(path), header.entries, header.metadata, told=partial(_told, model))
    if path.endswith(".safetensors.index.json"):
        return _open_index(model)
    if model.lower().startswith(("http://", "https://")):
        raise UnsupportedModelError(_no_file(model))
    names = _opened(model, lambda: file_names(model))
    choice = choose(names)
    if choice.index is not None:
        return _open_index(_beside(model.rstrip("/") + "/", choice.index))
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
    url = _beside(model.rstrip("/") + "/", choice.files[0])
    header = _header(url)
    return file_source(_name(path), header.entries, header.metadata, told=partial(_told, url))


def _open_index(url: str) -> Source:
    content = _opened(url, lambda: _whole(url))
    shards_of, metadata = parse_index(content, shown(url), ".safetensors")
    shards = list(dict.fromkeys(shards_of.values()))
    with ThreadPoolExecutor(_HEADERS_AT_A_TIME) as pool:
        headers = dict(zip(shards, pool.map(_header, (_beside(url, shard) for shard in shards)), strict=True))
    sharded = combine(shards_of, metadata, headers, Path())
    name = _name(_path(url).rpartition("/")[0])
    return file_source(name, sharded.entries, sharded.metadata, told=partial(_told, url))


def _told(url: str) -> dict[str, Any]:
    """Return the quantization settings of the ``config.json`` beside a file; empty where it cannot be had."""
    try:
        return parse_config(_whole(_beside(url, _CONFIG)))
    except (RemoteError, UnsupportedModelError):
        return {}


def _whole(url: str) -> bytes:
    file = stat(url)
    if file.size > _LONGEST_INDEX:
        raise RemoteError(f"an index of {file.size} bytes is none", final=True)
    return file.read(0, file.size)


def _header(url: str) -> Header:
    """Return the header of a file, by two range requests."""
    file = _opened(url, lambda: stat(url))
    prefix = _opened(url, lambda: file.read(0, min(PREFIX, file.size)))
    length = header_length(prefix, file.size, shown(url))
    layout = parse_layout(_opened(url, lambda: file.read(PREFIX, PREFIX + length)), file.size, shown(url))
    return Header({key: _entry(file, key, span) for key, span in layout.spans.items()}, layout.metadata)


def _entry(file: RemoteFile, key: str, span: Span) -> Entry:
    dtype = TORCH_NAMES.get(span.dtype, span.dtype)
    load = InRange(file, key, dtype, span.shape, span.begin)
    return Entry(Path(_path(file.url).rpartition("/")[2]), span.shape, dtype, load=load)


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
    """Return an address without scheme, query and what it is chained to: the host or bucket, and the path."""
    first = url.partition("::")[0] if "://" in url.partition("::")[0] else url
    if not first.lower().startswith(("http://", "https://")):
        return first.partition("://")[2].rstrip("/")
    parts = urlsplit(first)
    return f"{parts.netloc.rpartition('@')[2]}{unquote(parts.path)}".rstrip("/")


def _name(path: str) -> str:
    """Return what to call the checkpoint; the hub has ``resolve/revision`` after the model's name."""
    return checkpoint_name(Path(re.sub(r"/resolve/[^/]+(?=/|$)", "", path)))


def _beside(url: str, name: str) -> str:
    """Return the address of another file in the folder of a file, with the same query."""
    if not url.lower().startswith(("http://", "https://")):
        first, chain, rest = url.partition("::") if "://" in url.partition("::")[0] else (url, "", "")
        return f"{first.rpartition('/')[0]}/{name}{chain}{rest}"
    parts = urlsplit(url)
    return parts._replace(path=f"{parts.path.rpartition('/')[0]}/{percent(name)}").geturl()


def _no_file(url: str) -> str:
    page = re.match(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/\s?#]+/[^/\s?#]+)(?:/tree/[^/]+)?/?$", url)
    if page:
        return f"{quote(shown(url))} is the page of a model on the hub; give its id, {quote(page[1])}."
    return (
        f"{quote(shown(url))} is not the address of a .safetensors file or a .safetensors.index.json; give one that "
        "ends so, or for a model on the hub its id."
    )
