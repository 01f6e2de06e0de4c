"""Byte ranges of files that are elsewhere, through fsspec, without ever fetching more than is asked for."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import torch

from weightscope_widget._shared.optional import library
from weightscope_widget.errors import MissingLibraryError, TensorReadError, UnsupportedModelError
from weightscope_widget.sources._tensors.identity import Versions
from weightscope_widget.sources._tensors.paths import quote

__all__ = ["InRange", "NoRangesError", "RemoteError", "RemoteFile", "file_names", "forget", "shown", "stat", "tried"]

_CONNECT_SECONDS = 30
_SILENCE_SECONDS = 60
"""How long a server may send nothing before the request counts as failed; there is no limit on the whole."""

_ATTEMPTS = 2

_SETTLED_SECONDS = 60
"""After which a file that a server tells the time of is taken to be written for good."""

_Result = TypeVar("_Result")


class RemoteError(Exception):
    """A file elsewhere cannot be read; the message is a phrase that says why.

    Attributes
    ----------
    final : bool
        Asking again cannot help.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


class NoRangesError(RemoteError):
    """A file's server does not send parts of it."""

    def __init__(self) -> None:
        super().__init__("its server sends whole files only, not ranges of bytes", final=True)


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be read in parts.

    Attributes
    ----------
    url : str
        Where it is, as fsspec understands it; may hold secrets, so messages say `shown` of it.
    size : int
        Its length in bytes.
    version : str, optional
        Another one when the file has changed, where its server says so (ETag, or else Last-Modified).
    """

    url: str = field(repr=False)
    size: int
    version: str | None = None

    def read(self, begin: int, end: int) -> bytes:
        """Return the bytes from `begin` to before `end`, by one request.

        Raises
        ------
        RemoteError
            They cannot be had; also where fewer came.
        """
        if begin == end:
            return b""
        data = _guarded(self.url, lambda: self._read(begin, end))
        if len(data) != end - begin:
            raise RemoteError(f"{len(data)} bytes came instead of {end - begin}")
        return data

    def current_version(self) -> str | None:
        """Return what `version` would be if the file were opened now; None also where it cannot be."""
        try:
            forget(self.url)
            return tried(lambda: stat(self.url)).version
        except (RemoteError, MissingLibraryError, UnsupportedModelError):
            return None

    def _read(self, begin: int, end: int) -> bytes:
        filesystem, path = _locate(self.url)
        # Without its size HTTP asks for it again, each time; other filesystems remember it, or check by it that the
        # file is still the same.
        known = {"size": self.size} if _is_http(filesystem) else {}
        with filesystem.open(path, "rb", cache_type="none", **known) as file:
            file.seek(begin)
            return bytes(file.read(end - begin))


@dataclass(frozen=True)
class InRange:
    """A tensor in a file elsewhere, read by one request; it holds nothing, and pickles.

    Attributes
    ----------
    file : RemoteFile
        The file.
    key : str
        The tensor's name in it.
    dtype : str
        As torch names it.
    shape : tuple of int
        Of what is read.
    begin : int
        Where it starts in the file.
    """

    file: RemoteFile
    key: str
    dtype: str
    shape: tuple[int, ...]
    begin: int

    def __call__(self) -> torch.Tensor:
        """Read the tensor."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        size = math.prod(self.shape) * dtype.itemsize
        try:
            data = tried(lambda: bytearray(self.file.read(self.begin, self.begin + size)))
        except RemoteError as error:
            raise TensorReadError(
                f"{quote(self.key)} cannot be read from {quote(shown(self.file.url))} ({error}); scan again when it "
                "can be reached, or download the file."
            ) from error
        # Bytes first: frombuffer does not take every type, and nothing at all where there are no bytes.
        flat = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
        return flat.view(dtype).reshape(self.shape)

    def identity(self, versions: Versions) -> str | None:
        """See `Loader.identity`."""
        version = versions.elsewhere(self.file)
        place = f"{self.dtype} {self.shape} {self.begin}"
        return None if version is None else f"elsewhere {self.file.url!r} {self.file.size} {version!r} {place}"

    def member(self, index: int) -> InRange:
        """Return the loader of the matrix at `index` along the first axis; only its bytes are fetched."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        step = math.prod(self.shape[1:]) * dtype.itemsize
        return replace(self, shape=self.shape[1:], begin=self.begin + index * step)


def tried(ask: Callable[[], _Result]) -> _Result:
    """Return what `ask` returns, asking once more where that can help.

    Raises
    ------
    RemoteError
        The last one's.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ask()
        except RemoteError as error:
            if error.final:
                raise
    return ask()


def stat(url: str) -> RemoteFile:
    """Return the file at an address, with its size.

    Raises
    ------
    RemoteError
        It is not there, cannot be reached, does not tell its size, or cannot be read in parts.
    MissingLibraryError
        A package that this kind of address needs is not installed.
    UnsupportedModelError
        No filesystem is known for this kind of address.
    """

    def ask() -> RemoteFile:
        filesystem, path = _locate(url)
        info = filesystem.info(path)
        if info.get("partial") is False:
            raise NoRangesError()
        if info.get("type") == "directory" or not isinstance(info.get("size"), int):
            raise RemoteError("its size is not known", final=True)
        return RemoteFile(url, info["size"], _version(info))

    return _guarded(url, ask)


def forget(url: str) -> None:
    """Let what the filesystem of an address remembers of it be asked for anew.

    Raises
    ------
    RemoteError, MissingLibraryError, UnsupportedModelError
        As `stat` does.
    """

    def ask() -> None:
        filesystem, path = _locate(url)
        filesystem.invalidate_cache(path)

    _guarded(url, ask)


def file_names(url: str) -> list[str]:
    """Return the names of the files in a folder.

    Raises
    ------
    RemoteError, MissingLibraryError, UnsupportedModelError
        As `stat` does.
    """

    def ask() -> list[str]:
        filesystem, path = _locate(url)
        listed = filesystem.ls(path, detail=True)
        return [item["name"].rstrip("/").rpartition("/")[2] for item in listed if item["type"] == "file"]

    return _guarded(url, ask)


def shown(url: str) -> str:
    """Return an address as messages may show it, without passwords and signatures.

    >>> shown("https://me:secret@host/model.safetensors?signature=1")
    'https://host/model.safetensors'
    """
    return re.sub(r"\?[^\s:'\")]*", "", re.sub(r"(?<=//)[^/@\s]*@", "", url))


def _locate(url: str) -> tuple[Any, str]:
    """Return the filesystem that an address belongs to, and the path in it."""
    core = library("fsspec.core", "remote", f"Reading {quote(shown(url))}")
    try:
        filesystem, path = core.url_to_fs(url, **(_web_options() if _is_web(url) else {}))
    except ImportError as error:
        remedy = 'pip install "weightscope-widget[remote]"' if _is_web(url) else "install it with pip"
        raise MissingLibraryError(
            f"Reading {quote(shown(url))} needs a package that is missing ({error}); {remedy}."
        ) from error
    except ValueError as error:
        raise UnsupportedModelError(
            f"{quote(shown(url))} is no address that fsspec knows how to read ({error}); give one that starts with "
            "https://, hf:// or s3://."
        ) from error
    return filesystem, path


def _web_options() -> dict[str, Any]:
    aiohttp = library("aiohttp", "remote", "Reading an https:// address")
    waiting = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS)
    return {
        # Of a compressed answer, neither the length nor a range is that of the file.
        "headers": {"Accept-Encoding": "identity"},
        "client_kwargs": {"timeout": waiting, "trust_env": True},  # the proxy of the environment, as hubs use it
    }


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _version(info: Mapping[str, Any]) -> str | None:
    # HTTP, S3, and others call it so; the hub's filesystem has the hash of the content.
    for key in ("ETag", "etag", "blob_id"):
        if isinstance(info.get(key), str):
            return f"{key} {info[key]}"
    try:
        modified = parsedate_to_datetime(info["Last-Modified"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    # It is of whole seconds, by another clock: what was written just now may be written again, and look the same.
    return None if time.time() - modified < _SETTLED_SECONDS else f"Last-Modified {modified}"


def _is_http(filesystem: Any) -> bool:
    return "http" in filesystem.protocol if isinstance(filesystem.protocol, tuple) else filesystem.protocol == "http"


def _guarded(url: str, ask: Callable[[], _Result]) -> _Result:
    try:
        return ask()
    except (RemoteError, MissingLibraryError, UnsupportedModelError):
        raise
    except Exception as error:  # each filesystem has exceptions of its own
        raise _explained(url, error) from error


def _explained(url: str, error: Exception) -> RemoteError:
    if isinstance(error, ValueError) and "range requests" in str(error):
        return NoRangesError()
    cause: BaseException = error
    while cause.__cause__ is not None:  # fsspec says FileNotFoundError for whatever happens on the way
        cause = cause.__cause__
    status = getattr(cause, "status", None) or getattr(getattr(cause, "response", None), "status_code", None)
    if isinstance(status, int):
        phrase = next((known.phrase for known in HTTPStatus if known == status), "")
        return RemoteError(f"the server answered {status} {phrase}".rstrip(), final=status in (401, 403, 404, 410))
    if isinstance(cause, FileNotFoundError):
        return RemoteError("there is no such file", final=True)
    text = " ".join(shown(str(cause)).split())[:300]
    return RemoteError(f"{type(cause).__name__}: {text}".rstrip(": "), final=isinstance(cause, PermissionError))
