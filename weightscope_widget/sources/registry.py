"""The kinds of input, one line each, and the choice between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn

from weightscope_widget.errors import ModelNotFoundError, UnsupportedModelError, WeightScopeError
from weightscope_widget.layers.layer import Source
from weightscope_widget.sources import directory, module, state_dict
from weightscope_widget.sources._tensors.files import as_path, is_file, quote
from weightscope_widget.sources.gguf import file as gguf_file
from weightscope_widget.sources.onnx import file as onnx_file
from weightscope_widget.sources.remote import address, hub
from weightscope_widget.sources.safetensors import file as safetensors_file
from weightscope_widget.sources.torch import file as torch_file

__all__ = ["INPUTS", "Input", "open_source"]


@dataclass(frozen=True)
class Input:
    """One kind of input, with its name in the list of accepted inputs of an error message.

    `accepts` is cheap, and false rather than an error for anything strange; `open` takes an object that was accepted.
    """

    title: str
    accepts: Callable[[object], bool]
    open: Callable[[Any], Source]

    @classmethod
    def file(cls, title: str, suffixes: tuple[str, ...], opener: Callable[[Any], Source]) -> Input:
        """Return the input of files whose names end so."""
        return cls(title, partial(is_file, suffixes=suffixes), opener)


def _is(kind: type, model: object) -> bool:
    return isinstance(model, kind)


INPUTS = (
    Input("a torch.nn.Module", partial(_is, nn.Module), module.open_module),
    Input("a state dict (parameter name → tensor)", partial(_is, Mapping), state_dict.open_state_dict),
    Input.file("the path of a .safetensors file", (".safetensors",), safetensors_file.open_file),
    Input.file("the path of a PyTorch state dict (.pt, .pth, .bin, .ckpt)", torch_file.SUFFIXES, torch_file.open_file),
    Input.file("the path of a .gguf file", (".gguf",), gguf_file.open_file),
    Input.file("the path of an .onnx file", (".onnx",), onnx_file.open_file),
    Input(
        "the path of a folder with such a file, with .safetensors shards or with a PEFT LoRA adapter",
        directory.accepts,
        directory.open_directory,
    ),
    Input("an https://, hf:// or s3:// address of safetensors", address.accepts, address.open_remote),
    Input("a Hugging Face id such as 'org/name' or 'org/name@revision'", hub.accepts, hub.open_hub),
)


def open_source(model: object) -> Source:
    """Open a model for reading, whatever kind of input it is.

    Parameters
    ----------
    model : nn.Module, mapping of str to Tensor, str, os.PathLike or Source
        One of `INPUTS`: a model, a state dict, a path, an address, an id; a `Source` is returned as it is.

    Returns
    -------
    Source
        Its layers; no weight has been read yet.

    Raises
    ------
    UnsupportedModelError
        The object is not a kind of input, only running code could read it, or it holds several models.
    ModelNotFoundError
        Nothing is at the path, address or id, or nothing that holds weights, or it cannot be reached.
    CorruptFileError
        A file is truncated or damaged, or its download was cut off.
    MissingShardError
        A file of a sharded checkpoint is missing.
    MissingLibraryError
        A package that this kind of input needs is not installed.
    MetaDeviceError
        Every parameter is on the meta device.
    NoWeightsError
        It holds no floating-point tensor.
    """
    opened = getattr(model, "source", model)  # of a `Scope`
    if isinstance(opened, Source):
        return opened
    for kind in INPUTS:
        if kind.accepts(model):
            return kind.open(model)
    raise _refusal(model)


def _refusal(model: object) -> WeightScopeError:
    accepted = "give " + ", ".join(kind.title for kind in INPUTS[:-1]) + f" or {INPUTS[-1].title}"
    path = as_path(model)
    if path is None:
        if isinstance(model, str):
            return ModelNotFoundError(f"The path is empty; {accepted}.")
        return UnsupportedModelError(f"An object of type {_type_name(model)} is not a model; {accepted}.")
    if not os.path.exists(path):
        return ModelNotFoundError(f"There is nothing at {quote(path)}; check the path, or {accepted}.")
    remedy = "give the folder that the file is in" if path.suffix.lower() == ".json" else "convert it to safetensors"
    return UnsupportedModelError(f"Files like {quote(path)} cannot be read; {remedy}, or {accepted}.")


def _type_name(model: object) -> str:
    kind = type(model)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
