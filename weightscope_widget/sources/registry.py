"""The inputs there are, one line each, and the choice between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weightscope_widget.errors import ModelNotFoundError, UnsupportedModelError, WeightScopeError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources import directory, module, state_dict
from weightscope_widget.sources._tensors.paths import as_path, quote
from weightscope_widget.sources.gguf import file as gguf_file
from weightscope_widget.sources.onnx import file as onnx_file
from weightscope_widget.sources.peft import adapter as peft_adapter
from weightscope_widget.sources.remote import address, hub
from weightscope_widget.sources.safetensors import file as safetensors_file
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["INPUTS", "Input", "open_source"]


@dataclass(frozen=True)
class Input:
    """One kind of input.

    Attributes
    ----------
    reads : str
        What it is, as the list of accepted inputs in an error message puts it.
    accepts : callable
        Whether an object is of this kind; cheap, and false rather than an error for anything strange.
    open : callable
        Opens an object that was accepted.
    """

    reads: str
    accepts: Callable[[object], bool]
    open: Callable[[Any], Source]


INPUTS = (
    Input("a torch.nn.Module", module.accepts, module.open_module),
    Input("a state dict (parameter name → tensor)", state_dict.accepts, state_dict.open_state_dict),
    Input("the path of a .safetensors file", safetensors_file.accepts, safetensors_file.open_file),
    Input("the path of a PyTorch state dict (.pt, .pth, .bin, .ckpt)", torch_file.accepts, torch_file.open_file),
    Input("the path of a .gguf file", gguf_file.accepts, gguf_file.open_file),
    Input("the path of an .onnx file", onnx_file.accepts, onnx_file.open_file),
    Input("the path of a folder with a PEFT LoRA adapter", peft_adapter.accepts, peft_adapter.open_adapter),
    Input(
        "the path of a folder with such a file or with .safetensors shards",
        directory.accepts,
        directory.open_directory,
    ),
    Input("an https://, hf:// or s3:// address of safetensors", address.accepts, address.open_remote),
    Input("a Hugging Face id such as 'org/name' or 'org/name@revision'", hub.accepts, hub.open_hub),
)

_REMEDIES = {
    ".json": "give the folder that the file is in",
}


def open_source(model: object) -> Source:
    """Open a model for reading, whatever kind of input it is.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, str, os.PathLike or Source
        Whatever `INPUTS` lists: a model, a state dict, a path, an address, an id; a `Source` is returned as it is.

    Returns
    -------
    Source
        Its layers; no weight has been read yet.

    Raises
    ------
    UnsupportedModelError
        The object is of no kind that can be read.
    ModelNotFoundError
        The path leads to nothing, or to nothing that holds weights.
    CorruptFileError
        A file is there but broken.
    MissingLibraryError
        A package that this kind of input needs is not installed.
    MetaDeviceError
        Every parameter is on the meta device.
    NoWeightsError
        There is no floating-point tensor in it.
    """
    if isinstance(model, Source):
        return model
    for kind in INPUTS:
        if kind.accepts(model):
            return kind.open(model)
    raise _refusal(model)


def _refusal(model: object) -> WeightScopeError:
    if isinstance(model, str) and not model:
        return ModelNotFoundError(f"The path is empty; {_accepted()}.")
    path = as_path(model)
    if path is None:
        return UnsupportedModelError(f"An object of type {_type_name(model)} cannot be read as a model; {_accepted()}.")
    if not os.path.exists(path):
        return ModelNotFoundError(f"There is nothing at {quote(path)}; check the path, or {_accepted()}.")
    return UnsupportedModelError(
        f"{quote(path)} is not a kind of file that can be read; {_remedy(path)}, or {_accepted()}."
    )


def _remedy(path: Path) -> str:
    return _REMEDIES.get(path.suffix.lower(), "convert it to safetensors")


def _accepted() -> str:
    return "give " + ", ".join(kind.reads for kind in INPUTS[:-1]) + f" or {INPUTS[-1].reads}"


def _type_name(model: object) -> str:
    kind = type(model)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
