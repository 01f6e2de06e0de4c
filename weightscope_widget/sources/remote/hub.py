"""A Hugging Face id, such as ``org/name``: the files it needs, from the local cache or the hub, opened as a folder."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightscope_widget._shared.optional import library
from weightscope_widget.errors import (
    CorruptFileError,
    MissingShardError,
    ModelNotFoundError,
    UnsupportedModelError,
    WeightScopeError,
)
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources._tensors.files import FILE, as_path, choose, quote
from weightscope_widget.sources.directory import open_directory
from weightscope_widget.sources.safetensors.index import read_index
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["accepts", "open_hub"]

_ID = re.compile(r"(?P<repo>(?:\w[\w.-]*/)?\w[\w.-]*)(?:@(?P<revision>\w[\w./+-]*))?", re.ASCII)
_LONGEST = 96
"""Characters of the longest id the hub has."""

_FILES = re.compile(r"\.(safetensors|json|bin|pth?|ckpt|pkl|gguf|onnx|h5|np[yz]|zip|tar|gz|msgpack)$", re.IGNORECASE)
_TORCH_FILES = (torch_file.INDEX, torch_file.FILE, "adapter_model.bin")
_SETTINGS = ("config.json", "adapter_config.json", "quantize_config.json", "quant_config.json")
_OTHER_WEIGHTS = (*torch_file.SUFFIXES, ".gguf", ".h5", ".msgpack", ".onnx")
_INDEX = ".index.json"
_ONLINE = "connect once, or download it elsewhere and give the folder"


def accepts(model: object) -> bool:
    """Return whether this is a string that could be an id on the hub, and not a path to anything here."""
    return isinstance(model, str) and _parse(model) is not None and not os.path.lexists(as_path(model) or "")


def open_hub(model: str) -> Source:
    """Open a model by its id on the hub, ``org/name`` or ``org/name@revision``.

    Of the repository's files, those with the weights are downloaded if the local cache lacks them: safetensors, else
    ``pytorch_model.bin``, else the only GGUF file. Offline, or if the hub cannot be reached, the cache alone is used.
    Nothing from the repository is ever run.
    """
    parsed = _parse(model)
    assert parsed is not None
    purpose = f"There is nothing at {quote(parsed.repo)}, and reading it as a Hugging Face id"
    return open_directory(_folder(library("huggingface_hub", "hub", purpose), parsed))


@dataclass(frozen=True)
class _Model:
    """A model on the hub, and its name in messages."""

    repo: str
    revision: str | None

    @property
    def address(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @property
    def shown(self) -> str:
        return quote(self.address)


def _parse(text: str) -> _Model | None:
    """Return the repository and the revision; None if the hub cannot have such an id."""
    match = _ID.fullmatch(text)
    if match is None:
        return None
    repo = match["repo"]
    odd = len(repo) > _LONGEST or "--" in repo or ".." in repo or repo.endswith((".", "-", ".git"))
    return None if odd or _FILES.search(repo) else _Model(repo, match["revision"])


def _folder(hub: Any, model: _Model) -> Path:
    """Return the cache's folder of a model, with the files that hold its weights."""
    try:
        info = hub.HfApi().model_info(model.repo, revision=model.revision)
        names: list[str] = [sibling.rfilename for sibling in info.siblings or ()]
    except Exception as error:  # hub libraries raise many kinds of errors; the cache may be enough
        return _cached(hub, model, error)
    first = _weights(model, names, "The repository")
    folder = _download(hub, model, model.revision, [first, *_SETTINGS])
    if first.endswith(_INDEX):  # from the same commit, whose name is the folder's
        _download(hub, model, folder.name, _shards(model, folder / first, names))
    return folder


def _cached(hub: Any, model: _Model, error: Exception) -> Path:
    """Return the model's folder in the cache if it is complete, else raise the error of the hub."""
    try:
        # A pattern that matches nothing keeps the library from checking for files that were never downloaded.
        found = hub.snapshot_download(model.repo, revision=model.revision, local_files_only=True, allow_patterns=["/"])
    except Exception:
        raise _explained(model, error) from error
    folder = Path(found)
    names = os.listdir(folder)
    try:
        first = _weights(model, names, "The cache")
        if first.endswith(_INDEX):
            _shards(model, folder / first, names)
    except (ModelNotFoundError, MissingShardError) as incomplete:
        raise ModelNotFoundError(
            f"{model.shown} is in the cache, but not all of it ({_reason(error)}); {_ONLINE}."
        ) from incomplete
    return folder


def _download(hub: Any, model: _Model, revision: str | None, names: Iterable[str]) -> Path:
    """Download some files into the cache; return the folder of the commit they are from."""
    try:
        patterns = [glob.escape(name) for name in names]
        return Path(hub.snapshot_download(model.repo, revision=revision, allow_patterns=patterns))
    except Exception as error:
        raise _explained(model, error) from error


def _weights(model: _Model, names: Iterable[str], where: str) -> str:
    """Return the one file, or the index, that holds the weights."""
    here = [name for name in names if "/" not in name]
    choice = choose(here)
    if len(choice.files) > 1:
        files = ", ".join(quote(name) for name in choice.files[:3])
        raise UnsupportedModelError(
            f"{where} {model.shown} holds {len(choice.files)} .safetensors files ({files}, …) and no index; "
            f"give one of them, as in hf://{model.address}/{choice.files[0]}."
        )
    quantized = [name for name in here if name.endswith(".gguf")]
    candidates: list[str] = [
        *(choice.files if choice.index is None else [choice.index]),
        *(name for name in _TORCH_FILES if name in here),
        *(quantized if len(quantized) == 1 else []),  # several are several sizes of one model
    ]
    if not candidates:
        raise ModelNotFoundError(_nothing(model, names, where))
    return candidates[0]


def _shards(model: _Model, index: Path, names: Iterable[str]) -> Sequence[str]:
    suffix = ".bin" if index.name == torch_file.INDEX else ".safetensors"
    shards = list(dict.fromkeys(read_index(index, suffix)[0].values()))
    missing = [name for name in shards if name not in set(names)]
    if missing:
        raise MissingShardError(
            f"The shard {quote(missing[0])} that {quote(index.name)} names is not in {model.shown}; tell its owner, or "
            "give another revision as org/name@revision."
        )
    return shards


# -- Messages ----------------------------------------------------------------------------------------------------------


def _explained(model: _Model, error: Exception) -> WeightScopeError:
    """Return the error of the hub's library in one sentence."""
    # Not by an import statement: in the module that all versions have them in, they are not declared as exported.
    utils = library("huggingface_hub.utils", "hub", "Reading a Hugging Face id")
    named, reason, nothing = f"The model {model.shown}", _reason(error), f"There is nothing at {model.shown}"
    if "Consistency check failed" in str(error) or "ProtocolError" in type(error).__name__:
        return CorruptFileError(f"The download of {model.shown} was cut off ({reason}); open it again to continue.")
    if isinstance(error, utils.GatedRepoError):
        text = f"{named} is gated; accept its terms on its page, then log in with `hf auth login` or set HF_TOKEN."
    elif isinstance(error, utils.RevisionNotFoundError):
        text = f"{named} has no such revision; give a branch, tag or commit that it has."
    elif isinstance(error, utils.RepositoryNotFoundError):
        text = (
            f"There is nothing at {quote(model.repo)}, neither a path here nor a model on the hub that you may read; "
            "check the spelling, or log in with `hf auth login` if it is private."
        )
    elif isinstance(error, utils.HFValidationError):
        text = f"{nothing}, and it is not a Hugging Face id; check the path."
    elif isinstance(error, utils.OfflineModeIsEnabled):
        text = (
            f"{nothing}, and as a Hugging Face id it is not in the cache while HF_HUB_OFFLINE is set; unset it, or "
            f"{_ONLINE}."
        )
    elif isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        text = f"{named} cannot be written to the cache ({reason}); make room, or set HF_HOME to a writable folder."
    elif reason.endswith((" 401", " 403")):
        text = f"{named} may not be read ({reason}); log in with `hf auth login` or set HF_TOKEN."
    else:
        text = (
            f"{nothing}, and as a Hugging Face id it cannot be fetched ({reason}); check the path and the connection."
        )
    return ModelNotFoundError(text)


def _reason(error: Exception) -> str:
    """Return the start of an error's message: the rest may be long, and contain addresses with secrets."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the hub answered {status}"
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line.partition('http')[0].rstrip(' :')[:200]}".rstrip(": ")


def _nothing(model: _Model, names: Iterable[str], where: str) -> str:
    lacks = f"{where} {model.shown} holds no {FILE}, no index and no other .safetensors file"
    names = sorted(names)
    nested = next((name for name in names if name.endswith(".safetensors")), None)
    if nested is not None:
        folder = nested.rpartition("/")[0]
        return f"{lacks}, but its folder {quote(folder)} does; give hf://{model.address}/{folder}."
    other = next((name for name in names if name.lower().endswith(_OTHER_WEIGHTS)), None)
    if other is not None:
        return (
            f"{lacks}, only weights of another kind ({quote(other)}); download the file you want and give its path, or "
            "pass the loaded model."
        )
    return f"{lacks}; give a model that has weights."
