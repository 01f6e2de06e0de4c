"""Keys of the cache: a layer's weights, and the version of the code that reads and measures them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import metadata, resources
from typing import Any

import numpy as np
import torch

from weightscope_widget.sources import Layer, Versions

__all__ = ["code_version", "identity_of", "key_of"]

_CODE = ("analyzers", "sources", "scanning/job.py")


def identity_of(layer: Layer, versions: Versions) -> str | None:
    """Return a text that identifies a layer's weights; None where none does, as for a model in memory."""
    tell = getattr(layer.load, "identity", None)
    identity = None if tell is None else tell(versions)
    return None if identity is None else f"{identity} {layer.shape} {layer.dtype} {layer.transposed} {layer.is_stack}"


def key_of(identity: str) -> str:
    """Return the key of a layer with this identity, measured by the current code."""
    return hashlib.sha256(f"{code_version()} {identity}".encode(errors="surrogatepass")).hexdigest()


@cache
def code_version() -> str:
    """Return a hash of the code that reads and measures, and of the versions of its libraries."""
    # torch and NumPy compute the numbers, and gguf dequantizes blocks; a library that only finds bytes in a file, like
    # safetensors, changes none.  The package's own version is for installations with compiled files only.
    libraries = (torch.__version__, np.__version__, _installed("gguf"), _installed("weightscope-widget"))
    digest = hashlib.sha256(" ".join(libraries).encode())
    package = resources.files("weightscope_widget")
    for part in _CODE:
        for content in _texts(package.joinpath(part)):
            digest.update(content)
    return digest.hexdigest()


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def _texts(entry: Any) -> Iterator[bytes]:
    if entry.is_dir():
        for inner in sorted(entry.iterdir(), key=lambda each: str(each.name)):
            yield from _texts(inner)
    elif entry.name.endswith(".py"):
        yield entry.read_bytes()
