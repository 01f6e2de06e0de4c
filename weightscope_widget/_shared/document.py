"""Files that this package wrote and reads back: told from others, and refused in one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from weightscope_widget._shared.exact_json import read_json, write_json
from weightscope_widget.errors import ResultsFormatError

__all__ = ["SavedDocument"]

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class SavedDocument(Generic[_Content]):
    """A kind of JSON file, marked with its ``format`` and ``version``.

    Attributes
    ----------
    format : str
        What marks it.
    version : int
        The latest that is known here.
    kind : str
        What it holds, as ``comparison.save()`` has it.
    remedy : str
        What to do where it is broken.
    read : callable
        Turns what the file holds, which is untrusted, into its content.
    """

    format: str
    version: int
    kind: str
    remedy: str
    read: Callable[[dict[str, Any], Path], _Content]

    def write(self, document: dict[str, Any], path: str | os.PathLike[str]) -> None:
        """Write a document, marked; the file appears whole or not at all.

        Raises
        ------
        InvalidArgumentError
            Where it cannot be written.
        """
        write_json({"format": self.format, "version": self.version, **document}, path)

    def load(self, path: str | os.PathLike[str]) -> _Content:
        """Return the content of a file.

        Raises
        ------
        ModelNotFoundError
            Where there is no such file, or none that may be read.
        ResultsFormatError
            Where the file is something else, or was written by a later version of this package.
        """
        path = Path(path).expanduser()
        document = read_json(path, self.kind)
        try:
            if not isinstance(document, dict) or document.get("format") != self.format:
                raise ResultsFormatError(f"{path} is no {self.kind}; give a file that {self.kind}.save() wrote.")
            if document["version"] > self.version:
                raise ResultsFormatError(
                    f"{path} was written by a later version of weightscope-widget; upgrade the package to read it."
                )
            return self.read(document, path)
        except ResultsFormatError:
            raise
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ResultsFormatError(
                f"{path} does not hold what {self.kind}.save() writes ({type(error).__name__}: {error}); {self.remedy}."
            ) from error
