"""Find and open checkpoints, in order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from weightscope_widget.errors import InvalidArgumentError, ModelNotFoundError
from weightscope_widget.sources import Source, natural_key, open_source

__all__ = ["open_checkpoints"]

_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".gguf")

_FINAL = "final"

_STATE = re.compile(
    r"(training_args|optimizer|scheduler|scaler|sampler|rng_state|dl_state_dict|.*optim_states)(_\d+)*\.(bin|pt|pth)"
)
"""State that transformers, Accelerate and DeepSpeed save beside the model to resume a training."""

_MODEL = re.compile(r"(model|pytorch_model|adapter_model)\.(safetensors|bin)|.+-\d{5}-of-\d{5}\.(safetensors|bin)")
"""Files of a model that is saved in a folder: its usual name, or one of its shards."""


def open_checkpoints(checkpoints: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Source]:
    """Return the sources of checkpoints by name, in order; no weight is read.

    Parameters
    ----------
    checkpoints : mapping or path-like
        Names and models, in the mapping's own order; or a folder of checkpoints, each a file or a folder, in natural
        order (``step-2`` before ``step-10``).  A model in the folder itself, as transformers' Trainer saves at the end
        beside its ``checkpoint-*``, comes last, as ``"final"``.  Entries without a model, and states of optimizers and
        the like, are ignored.

    Raises
    ------
    InvalidArgumentError
        There are fewer than two checkpoints, or adapters among models.
    ModelNotFoundError
        There is no such folder.
    WeightScopeError
        Another of its kinds: a checkpoint is damaged or of a kind that cannot be read.
    """
    if isinstance(checkpoints, Mapping):
        found = {str(name): open_source(model) for name, model in checkpoints.items()}
    elif isinstance(checkpoints, str | os.PathLike):
        found = _in_folder(Path(checkpoints).expanduser())
    else:
        raise InvalidArgumentError(
            f"checkpoints is of type {type(checkpoints).__name__}; give a dict of names and models, or a folder."
        )
    if list(found) == [_FINAL] and not isinstance(checkpoints, Mapping):
        raise InvalidArgumentError(
            f"The folder {checkpoints} holds one model and no checkpoints beside it; give the folder that its "
            "checkpoints are in."
        )
    if len(found) < 2:
        raise InvalidArgumentError(
            f"There {'is one checkpoint' if found else 'are no checkpoints'}; an evolution needs at least two."
        )
    adapters = [name for name, source in found.items() if source.adapter]
    model = next((name for name, source in found.items() if not source.adapter), None)
    if adapters and model is not None:
        raise InvalidArgumentError(
            f"{adapters[0]!r} is an adapter and {model!r} is a model; give checkpoints of one kind."
        )
    return found


def _in_folder(folder: Path) -> dict[str, Source]:
    if not folder.is_dir():
        raise ModelNotFoundError(f"There is no folder of checkpoints at {folder}; check the path.")
    paths = sorted(folder.iterdir(), key=lambda path: (natural_key(path.name.casefold()), path.name))
    paths = [path for path in paths if not path.name.startswith(".")]
    files = [path for path in paths if path.suffix in _FILES and path.is_file()]
    own = {path for path in files if _MODEL.fullmatch(path.name)}
    found = {}
    for path in paths:
        if path.is_dir():
            # A folder without weights (runs, logs) is no checkpoint; one whose weights are broken must be told of.
            with suppress(ModelNotFoundError):
                found[path.name] = open_source(path)
        elif path in files and path not in own and not _STATE.fullmatch(path.name):
            found[path.name] = open_source(path)
    if own:
        # "." is another name of the folder itself, where a checkpoint has the first one.
        found[_FINAL if _FINAL not in found else "."] = open_source(folder)
    return found
