"""Fetching the files of a model from the hub into the cache that every Hugging Face library shares."""

from __future__ import annotations

import os
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
from weightscope_widget.sources._tensors.choice import FILE, choose
from weightscope_widget.sources._tensors.paths import quote
from weightscope_widget.sources.safetensors.index import read_index

__all__ = ["snapshot"]

_TORCH_INDEX = "pytorch_model.bin.index.json"
_TORCH_FILES = (_TORCH_INDEX, "pytorch_model.bin", "adapter_model.bin")
_BESIDE = ("config.json", "adapter_config.json", "quantize_config.json", "quant_config.json")
"""Small files that say how the weights are to be understood."""

_OTHER_WEIGHTS = (".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx")
_ONLINE = "connect once, or download it elsewhere and give the folder"


@dataclass(frozen=True)
class _Model:
    """A model on the hub, and how messages call it."""

    repo: str
    revision: str | None

    @property
    def address(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"

    @property
    def shown(self) -> str:
        return quote(self.address)


def snapshot(repo: str, revision: str | None = None) -> Path:
    """Return the cache's folder of a model, with the files that hold its weights in it.

    Raises
    ------
    MissingLibraryError, ModelNotFoundError, UnsupportedModelError, CorruptFileError, MissingShardError
        See `open_hub`.
    """
    hub = library("huggingface_hub", "hub", f"There is nothing at {quote(repo)}, and reading it as a Hugging Face id")
    model = _Model(repo, revision)
    try:
        info = hub.HfApi().model_info(repo, revision=revision)
        names = [sibling.rfilename for sibling in info.siblings or ()]
    except Exception as error:  # whatever the hub's libraries raise, now and in other versions: the cache may do
        return _cached(hub, model, error)
    return _fetched(hub, model, names)


def _fetched(hub: Any, model: _Model, names: Sequence[str]) -> Path:
    first, *others = _weights(model, names, "The repository")
    # By its name first, so that the cache remembers which commit the revision was; then all from that commit.
    path = _download(hub, model, first, model.revision)
    commit = path.parent.name
    if first.endswith(".index.json"):
        others = _shards(model, path, names)
    for name in [*others, *(name for name in _BESIDE if name in names)]:
        _download(hub, model, name, commit)
    return path.parent


def _cached(hub: Any, model: _Model, error: Exception) -> Path:
    """Return the model's folder as it is in the cache, complete, or raise what was wrong with the hub."""
    try:
        # The pattern keeps the library from missing files that no one asked for.
        found = hub.snapshot_download(
            model.repo, revision=model.revision, local_files_only=True, allow_patterns=["*.safetensors.index.json"]
        )
    except Exception:
        raise _explained(model, error) from error
    folder = Path(found)
    names = os.listdir(folder)
    try:
        first, *_ = _weights(model, names, "The cache")
        if first.endswith(".index.json"):
            _shards(model, folder / first, names)
    except (ModelNotFoundError, MissingShardError) as incomplete:
        raise ModelNotFoundError(
            f"{model.shown} is in the cache, but not all of it ({_reason(error)}); {_ONLINE}."
        ) from incomplete
    return folder


def _weights(model: _Model, names: Iterable[str], where: str) -> Sequence[str]:
    """Return the one file, or the index, that holds the weights."""
    here = [name for name in names if "/" not in name]
    choice = choose(here)
    if choice.index is not None:
        return (choice.index,)
    if len(choice.files) > 1:
        files = ", ".join(quote(name) for name in choice.files[:3])
        raise UnsupportedModelError(
            f"{where} {model.shown} holds {len(choice.files)} .safetensors files ({files}, …) and no index; "
            f"give one of them, as in hf://{model.address}/{choice.files[0]}."
        )
    if choice.files:
        return choice.files
    for name in _TORCH_FILES:
        if name in here:
            return (name,)
    quantized = [name for name in here if name.endswith(".gguf")]
    if len(quantized) == 1:  # several are several sizes of one model
        return quantized
    raise ModelNotFoundError(_nothing(model, names, where))


def _shards(model: _Model, index: Path, names: Iterable[str]) -> list[str]:
    suffix = ".bin" if index.name == _TORCH_INDEX else ".safetensors"
    shards = list(dict.fromkeys(read_index(index, suffix)[0].values()))
    missing = [name for name in shards if name not in set(names)]
    if missing:
        raise MissingShardError(
            f"The shard {quote(missing[0])} that {quote(index.name)} names is not in {model.shown}; tell its owner, or "
            "give another revision as org/name@revision."
        )
    return shards


def _download(hub: Any, model: _Model, name: str, revision: str | None) -> Path:
    try:
        return Path(hub.hf_hub_download(model.repo, name, revision=revision))
    except Exception as error:
        raise _explained(model, error, name) from error


def _explained(model: _Model, error: Exception, name: str | None = None) -> WeightScopeError:
    """Return the sentence for what a library said; `name` is the file that was being fetched."""
    # Not by an import statement: of the module that all versions have them in, they are not declared to be exported.
    utils = library("huggingface_hub.utils", "hub", "Reading a Hugging Face id")
    hub = f"model {model.shown}"
    if isinstance(error, utils.GatedRepoError):
        return ModelNotFoundError(
            f"The {hub} is gated; accept its terms on its page, then log in with `hf auth login` or set HF_TOKEN."
        )
    if isinstance(error, utils.RevisionNotFoundError):
        return ModelNotFoundError(f"The {hub} has no such revision; give a branch, tag or commit that it has.")
    if isinstance(error, utils.RepositoryNotFoundError):
        return ModelNotFoundError(
            f"There is nothing at {quote(model.repo)}, neither a path here nor a model on the hub that may be read; "
            "check the spelling, or log in with `hf auth login` if it is private."
        )
    if isinstance(error, utils.HFValidationError):
        return ModelNotFoundError(f"There is nothing at {model.shown}, and it is no Hugging Face id; check the path.")
    if isinstance(error, utils.OfflineModeIsEnabled):
        return ModelNotFoundError(
            f"There is nothing at {model.shown}, and as a Hugging Face id it is not in the cache while HF_HUB_OFFLINE "
            f"is set; unset it, or {_ONLINE}."
        )
    if _is_cut_off(error):
        return CorruptFileError(
            f"The download of {quote(name)} of {model.shown} was cut off ({_reason(error)}); open it again to continue."
        )
    if isinstance(error, OSError) and error.errno is not None and name is not None:
        return ModelNotFoundError(
            f"{quote(name)} of {model.shown} cannot be written to the cache ({_reason(error)}); make room, or set "
            "HF_HOME to a folder that can be written."
        )
    if _reason(error).endswith((" 401", " 403")):
        return ModelNotFoundError(
            f"The {hub} may not be read ({_reason(error)}); log in with `hf auth login` or set HF_TOKEN."
        )
    return ModelNotFoundError(
        f"There is nothing at {model.shown}, and as a Hugging Face id it cannot be fetched ({_reason(error)}); check "
        "the path and the connection."
    )


def _is_cut_off(error: Exception) -> bool:
    return "Consistency check failed" in str(error) or "ProtocolError" in type(error).__name__


def _reason(error: Exception) -> str:
    """Return what happened, without the rest of a library's message: it may run on, and hold addresses with secrets."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"the hub answered {status}"
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line.partition('http')[0].rstrip(' :')[:200]}".rstrip(": ")


def _nothing(model: _Model, names: Iterable[str], where: str) -> str:
    looked_for = f"{where} {model.shown} holds no {FILE}, no index and no other .safetensors file"
    names = sorted(names)
    nested = next((name for name in names if name.endswith(".safetensors")), None)
    if nested is not None:
        folder = nested.rpartition("/")[0]
        return f"{looked_for}, but its folder {quote(folder)} does; give hf://{model.address}/{folder}."
    other = next((name for name in names if name.lower().endswith(_OTHER_WEIGHTS)), None)
    if other is not None:
        return (
            f"{looked_for}, only weights of another kind ({quote(other)}); download the file you want and give its "
            "path, or pass the loaded model."
        )
    return f"{looked_for}; give a model that has weights."
