"""Byte ranges of remote files, through fsspec, which never fetches more than is asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import torch

from weightscope_widget._shared.optional import library
from weightscope_widget.errors import MissingLibraryError, TensorReadError, UnsupportedModelError
from weightscope_widget.sources._tensors.files import quote
from weightscope_widget.sources._tensors.loaders import Versions, from_bytes, item_of

__all__ = [
    "InRange",
    "NoRangesError",
    "RemoteError",
    "RemoteFile",
    "file_names",
    "forget",
    "is_web",
    "shown",
    "stat",
    "tried",
]

_CONNECT_SECONDS = 30
_SILENCE_SECONDS = 60
"""Silence of a server after which a request fails; the whole may take any time."""

_ATTEMPTS = 2

_SETTLED_SECONDS = 60
"""Age from which a file's time of modification identifies its version."""

_Result = TypeVar("_Result")


class RemoteError(Exception):
    """A remote file cannot be read; the message is a phrase.  `final`: a second attempt is pointless."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class NoRangesError(RemoteError):
    """The server does not send parts of files."""

    def __init__(self) -> None:
        super().__init__("its server sends whole files only, not ranges of bytes", final=True)


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be read in parts.

    Its address may hold secrets, so messages say `shown` of it.  The version changes with the file, where its server
    tells one (ETag, or else Last-Modified).
    """

    url: str = field(repr=False)
    size: int
    version: str | None = None

    def read(self, begin: int, end: int) -> bytes:
        """Return the bytes from `begin` to before `end`, by one request; raise `RemoteError` where fewer come."""
        if begin == end:
            return b""
        with _located(self.url) as (filesystem, path):
            # Without the size HTTP asks for it again each time; other filesystems remember it, or check by it that the
            # file has not changed.
            known = {"size": self.size} if _is_http(filesystem) else {}
            with filesystem.open(path, "rb", cache_type="none", **known) as file:
                file.seek(begin)
                data = bytes(file.read(end - begin))
        if len(data) != end - begin:
            raise RemoteError(f"{len(data)} bytes came instead of {end - begin}")
        return data

    def current_version(self) -> str | None:
        """Return the version that the server tells now; None also where the file cannot be opened."""
        try:
            forget(self.url)
            return tried(lambda: stat(self.url)).version
        except (RemoteError, MissingLibraryError, UnsupportedModelError):
            return None


@dataclass(frozen=True)
class InRange:
    """The tensor `key` of a remote file, which begins at byte `begin`, read by one request."""

    file: RemoteFile
    key: str
    dtype: str
    shape: tuple[int, ...]
    begin: int

    def __call__(self) -> torch.Tensor:
        """See `Loader`."""
        dtype, size = item_of(self.dtype, self.shape)
        try:
            data = tried(lambda: bytearray(self.file.read(self.begin, self.begin + size)))
        except RemoteError as error:
            raise TensorReadError(
                f"{quote(self.key)} cannot be read from {quote(shown(self.file.url))} ({error}); scan again when it "
                "can be reached, or download the file."
            ) from error
        return from_bytes(data, dtype, self.shape)

    def identity(self, versions: Versions) -> str | None:
        """See `Loader`."""
        file = self.file
        version = versions.of_remote(file.url, file.version, file.current_version)
        place = f"{self.dtype} {self.shape} {self.begin}"
        return None if version is None else f"elsewhere {file.url!r} {file.size} {version!r} {place}"

    def member(self, index: int) -> InRange:
        """See `Loader`."""
        _, step = item_of(self.dtype, self.shape[1:])
        return replace(self, shape=self.shape[1:], begin=self.begin + index * step)


def tried(ask: Callable[[], _Result]) -> _Result:
    """Return what `ask` returns, asking again after a `RemoteError` that is not final."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except RemoteError as error:
            if error.final:
                raise
    return ask()


def stat(url: str) -> RemoteFile:
    """Return the file at an address; raise `RemoteError` where it cannot be read in parts."""
    with _located(url) as (filesystem, path):
        info = filesystem.info(path)
    if info.get("partial") is False:
        raise NoRangesError()
    if info.get("type") == "directory" or not isinstance(info.get("size"), int):
        raise RemoteError("its size is not known", final=True)
    return RemoteFile(url, info["size"], _version(info))


def forget(url: str) -> None:
    """Discard what the filesystem of an address has cached about it; raise as `stat` does."""
    with _located(url) as (filesystem, path):
        filesystem.invalidate_cache(path)


def file_names(url: str) -> list[str]:
    """Return the names of the files in a folder; raise as `stat` does."""
    with _located(url) as (filesystem, path):
        listed = filesystem.ls(path, detail=True)
    return [item["name"].rstrip("/").rpartition("/")[2] for item in listed if item["type"] == "file"]


def shown(url: str) -> str:
    """Return an address for messages, without passwords and signatures.

    >>> shown("https://me:secret@host/model.safetensors?signature=1")
    'https://host/model.safetensors'
    """
    return re.sub(r"\?[^\s:'\")]*", "", re.sub(r"(?<=//)[^/@\s]*@", "", url))


@contextmanager
def _located(url: str) -> Iterator[tuple[Any, str]]:
    """Yield the filesystem of an address and the path in it; errors of the filesystem become `RemoteError`."""
    try:
        yield _locate(url)
    except (RemoteError, MissingLibraryError, UnsupportedModelError):
        raise
    except Exception as error:  # each filesystem has exceptions of its own
        raise _explained(error) from error


def _locate(url: str) -> tuple[Any, str]:
    core = library("fsspec.core", "remote", f"Reading {quote(shown(url))}")
    try:
        filesystem, path = core.url_to_fs(url, **(_web_options() if is_web(url) else {}))
    except ImportError as error:
        remedy = 'pip install "weightscope-widget[remote]"' if is_web(url) else "install it with pip"
        raise MissingLibraryError(
            f"Reading {quote(shown(url))} needs a package that is missing ({error}); {remedy}."
        ) from error
    except ValueError as error:
        raise UnsupportedModelError(
            f"fsspec cannot read addresses like {quote(shown(url))} ({error}); give one that starts with https://, "
            "hf:// or s3://."
        ) from error
    return filesystem, path


def _web_options() -> dict[str, Any]:
    aiohttp = library("aiohttp", "remote", "Reading an https:// address")
    waiting = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    return {
        # Lengths and ranges of a compressed answer are not those of the file.
        "headers": {"Accept-Encoding": "identity"},
        "client_kwargs": {"timeout": waiting, "trust_env": True},  # the proxy of the environment
    }


def is_web(url: str) -> bool:
    """Return whether an address is of HTTP."""
    return url.lower().startswith(("http://", "https://"))


def _version(info: Mapping[str, Any]) -> str | None:
    # HTTP, S3 and others; the hub's filesystem has the hash of the content.
    for key in ("ETag", "etag", "blob_id"):
        if isinstance(info.get(key), str):
            return f"{key} {info[key]}"
    try:
        modified = parsedate_to_datetime(info["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    # It has whole seconds, by another clock: a file written just now may be written again and look the same.
    return None if time.time() - modified < _SETTLED_SECONDS else f"Last-Modified {modified}"


def _is_http(filesystem: Any) -> bool:
    return "http" in filesystem.protocol if isinstance(filesystem.protocol, tuple) else filesystem.protocol == "http"


def _explained(error: Exception) -> RemoteError:
    if isinstance(error, ValueError) and "range requests" in str(error):
        return NoRangesError()
    cause: BaseException = error
    while cause.__cause__ is not None:  # fsspec raises FileNotFoundError for any failure
        cause = cause.__cause__
    status = getattr(cause, "status", None) or getattr(getattr(cause, "response", None), "status_code", None)
    if isinstance(status, int):
        phrase = next((known.phrase for known in HTTPStatus if known == status), "")
        return RemoteError(f"the server answered {status} {phrase}".rstrip(), final=status in (401, 403, 404, 410))
    if isinstance(cause, FileNotFoundError):
        return RemoteError("there is no such file", final=True)
    text = " ".join(shown(str(cause)).split())[:300]
    return RemoteError(f"{type(cause).__name__}: {text}".rstrip(": "), final=isinstance(cause, PermissionError))
