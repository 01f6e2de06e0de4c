"""A Hugging Face id, such as ``org/name``: the files it needs, from the local cache or the hub, read as a folder."""

from __future__ import annotations

import os
import re

from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.paths import as_path
from weightscope_widget.sources.remote.download import snapshot

__all__ = ["accepts", "open_hub"]

_ID = re.compile(r"(?P<repo>(?:\w[\w.-]*/)?\w[\w.-]*)(?:@(?P<revision>\w[\w./+-]*))?", re.ASCII)
_LONGEST = 96
"""Characters of the longest id the hub has."""

_FILES = re.compile(r"\.(safetensors|json|bin|pth?|ckpt|pkl|gguf|onnx|h5|np[yz]|zip|tar|gz|msgpack)$", re.IGNORECASE)


def accepts(model: object) -> bool:
    """Return whether this is a string that the hub could have as an id, and no path to anything here."""
    return isinstance(model, str) and _parse(model) is not None and not os.path.lexists(as_path(model) or "")


def open_hub(model: str) -> Source:
    """Open a model by its id on the hub, ``org/name`` or ``org/name@revision``.

    The repository's files are listed, and those that hold the weights are fetched if the local cache lacks them:
    safetensors, else ``pytorch_model.bin``, else the only GGUF file. Offline, and where the hub cannot be reached, the
    cache alone is used.
    Nothing from the repository is ever run.

    Raises
    ------
    MissingLibraryError
        huggingface_hub is not installed.
    ModelNotFoundError
        There is no such model or revision, it may not be read, it holds no weights, or the hub cannot be reached and
        the model is not in the cache.
    UnsupportedModelError
        It holds several files and nothing says which one is meant.
    CorruptFileError, MissingShardError
        A file is broken, was cut off on the way, or a shard is not there.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    from weightscope_widget.sources.registry import open_source  # the registry lists this module

    parsed = _parse(model)
    assert parsed is not None
    return open_source(snapshot(*parsed))


def _parse(text: str) -> tuple[str, str | None] | None:
    """Return the repository and the revision; None if the hub could not have such an id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    repo = match["repo"]
    odd = len(repo) > _LONGEST or "--" in repo or ".." in repo or repo.endswith((".", "-", ".git"))
    return None if odd or _FILES.search(repo) else (repo, match["revision"])
