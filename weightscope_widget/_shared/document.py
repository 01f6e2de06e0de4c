"""JSON files that this package writes: marked with a format and a version, refused in one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeGuard, TypeVar

from weightscope_widget._shared.exact_json import read_json, write_json
from weightscope_widget.errors import ResultsFormatError

__all__ = ["DocumentKind", "is_saved_file", "load_document"]

_Content = TypeVar("_Content")

_LOADERS = {
    "weightscope-results": "results of a scan; open them with load_results()",
    "weightscope-comparison": "a comparison; open it with load_comparison()",
    "weightscope-evolution": "an evolution; open it with load_evolution()",
}


class _LaterVersionError(Exception):
    pass


@dataclass(frozen=True)
class DocumentKind(Generic[_Content]):
    """One kind of file: its marks, the variable in ``writer.save()`` and a remedy for messages, and its functions.

    `read` gets an untrusted document; a LookupError, TypeError, ValueError or AttributeError means that it is damaged.
    `read_unmarked`, if given, reads JSON without a format, given its path.
    """

    format: str
    version: int
    writer: str
    remedy: str
    write: Callable[[_Content], dict[str, Any]]
    read: Callable[[dict[str, Any]], _Content]
    read_unmarked: Callable[[Any, Path], _Content] | None = None

    def document(self, content: _Content) -> dict[str, Any]:
        """Return the document of `content`, with non-finite numbers as they are."""
        return {"format": self.format, "version": self.version, **self.write(content)}

    def parse(self, document: Any) -> _Content:
        """Undo `document`."""
        if document["version"] > self.version:
            raise _LaterVersionError
        return self.read(document)

    def save(self, content: _Content, path: str | os.PathLike[str]) -> None:
        """Write `content`; the file appears whole or not at all."""
        write_json(self.document(content), path)


def is_saved_file(given: object) -> TypeGuard[str | os.PathLike[str]]:
    """Return whether `given` is a path of saved results: of a JSON file that is no index of a model's shards."""
    name = str(given) if isinstance(given, str | os.PathLike) else ""
    return name.endswith(".json") and not name.endswith(".index.json")


def load_document(path: str | os.PathLike[str], kinds: Sequence[DocumentKind[Any]]) -> Any:
    """Return the content of a file of one of several kinds; the first names what was expected.

    Raises ModelNotFoundError or ResultsFormatError.
    """
    path = Path(path).expanduser()
    writer = kinds[0].writer
    document = read_json(path, writer)
    format_ = document.get("format") if isinstance(document, Mapping) else None
    marked = next((kind for kind in kinds if kind.format == format_), None)
    plain = next((kind for kind in kinds if kind.read_unmarked is not None), None)
    if marked is None and isinstance(format_, str) and format_ in _LOADERS:
        raise ResultsFormatError(f"{path} holds {_LOADERS[format_]}, or any saved file with load().")
    kind = marked or plain
    if kind is None:
        raise ResultsFormatError(f"{path} is no {writer}; give a file that {writer}.save() wrote.")
    try:
        if marked is None:
            assert kind.read_unmarked is not None
            return kind.read_unmarked(document, path)
        return kind.parse(document)
    except ResultsFormatError:
        raise
    except _LaterVersionError:
        raise ResultsFormatError(
            f"{path} was written by a later version of weightscope-widget; upgrade the package to read it."
        ) from None
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ResultsFormatError(
            f"{path} does not hold what {kind.writer}.save() writes ({type(error).__name__}: {error}); {kind.remedy}."
        ) from error
