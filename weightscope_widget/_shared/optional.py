"""Packages that only some inputs and outputs need, imported on first use."""

from __future__ import annotations

import importlib
from typing import Any

from weightscope_widget.errors import MissingLibraryError

__all__ = ["library"]


def library(name: str, extra: str, purpose: str) -> Any:
    """Import an optional package.

    Parameters
    ----------
    name : str
        The module to import.
    extra : str
        The extra of this package that installs it.
    purpose : str
        The feature that needs it, as the start of a sentence: ``"Reading a GGUF file"``.

    Raises
    ------
    MissingLibraryError
        It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise MissingLibraryError(
            f"{purpose} needs the package {package}, which cannot be imported ({error}); pip install "
            f'"weightscope-widget[{extra}]".'
        ) from error
