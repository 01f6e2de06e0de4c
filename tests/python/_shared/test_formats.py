"""Numbers read the same in Python and on the page: both are held to ``tests/fixtures/format_cases.json``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from weightscope_widget._shared.messages import FORMATS

CASES = json.loads((Path(__file__).parents[2] / "fixtures" / "format_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("style", "value", "text"), [(style, *case) for style, cases in CASES.items() for case in cases], ids=str
)
def test_a_number_reads_as_on_the_page(style: str, value: float | str, text: str) -> None:
    assert FORMATS[style](float(value)) == text


def test_every_format_has_cases() -> None:
    assert FORMATS.keys() == CASES.keys()
