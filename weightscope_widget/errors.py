"""The package's exceptions.

Every error that a user can cause is one of these; its message is one sentence that says what is wrong, where, and what
to do. Each also derives from the matching built-in exception, so ``except FileNotFoundError`` works.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CorruptFileError",
    "ExecutorLostWarning",
    "FrontEndMissingError",
    "InvalidArgumentError",
    "MetaDeviceError",
    "MissingGlyphWarning",
    "MissingLibraryError",
    "MissingShardError",
    "ModelNotFoundError",
    "NoWeightsError",
    "ReportError",
    "ResultsFormatError",
    "ScanInterruptedWarning",
    "TensorReadError",
    "UnknownLayerError",
    "UnknownMethodError",
    "UnsupportedModelError",
    "WeightScopeError",
]


class WeightScopeError(Exception):
    """Base of every error this package raises on purpose."""


class UnsupportedModelError(WeightScopeError, TypeError):
    """The object given as a model is not a kind of input that can be read."""


class ModelNotFoundError(WeightScopeError, FileNotFoundError):
    """Nothing is at a path, address or id, or nothing that holds weights."""


class CorruptFileError(WeightScopeError, ValueError):
    """A file is truncated, damaged, or not of the format that its name says."""


class MissingShardError(CorruptFileError, FileNotFoundError):
    """A file of a sharded checkpoint is missing."""


class TensorReadError(WeightScopeError, ValueError):
    """One tensor cannot be read; a scan records this on its layer and continues."""


class MissingLibraryError(WeightScopeError, ImportError):
    """A package that this input or output needs is not installed."""


class MetaDeviceError(WeightScopeError, ValueError):
    """The model is on the meta device: it has shapes but no weights."""


class NoWeightsError(WeightScopeError, ValueError):
    """The model was read but holds nothing that can be analyzed."""


class UnknownMethodError(WeightScopeError, ValueError):
    """A name in ``methods`` is not one of the analyzers."""


class UnknownLayerError(WeightScopeError, KeyError):
    """A layer name is not in these results."""

    def __str__(self) -> str:
        # KeyError shows repr(message), which buries the sentence in quotes.
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(WeightScopeError, ValueError):
    """An argument has a value outside its range."""


class ResultsFormatError(WeightScopeError, ValueError):
    """A file is not results written by this package or by the reference project."""


class ReportError(WeightScopeError, OSError):
    """Some files of a report could not be written; `report`, a `weightscope_widget.Report`, lists those that were."""

    def __init__(self, message: str, report: Any) -> None:
        super().__init__(message)
        self.report = report


class FrontEndMissingError(WeightScopeError, RuntimeError):
    """The installed package lacks its built front end."""


class CacheWarning(UserWarning):
    """The cache cannot be read or written; the scan continues without it."""


class ExecutorLostWarning(UserWarning):
    """The executor given to a scan broke or was closed; the scan continues in this process."""


class MissingGlyphWarning(UserWarning):
    """No installed font has some characters of a figure; they are drawn as boxes."""


class ScanInterruptedWarning(UserWarning):
    """A scan was interrupted; its results so far are returned."""
