"""Messages of both languages have the same keys and placeholders, and are rendered as the page renders them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from weightscope_widget._shared.messages import FORMATS, message, say
from weightscope_widget.data import LANGUAGES, keys, make_keys, read


def test_every_language_has_every_key_and_no_other() -> None:
    expected = make_keys.keys_of(read("text/en"))
    for language in LANGUAGES:
        assert make_keys.keys_of(read(f"text/{language}")) == expected


def test_the_type_of_keys_is_up_to_date() -> None:
    assert Path(keys.__file__).read_text(encoding="utf-8") == make_keys.module()


def placeholders(text: object) -> set[str]:
    texts = text.values() if isinstance(text, dict) else [text]
    return {name for one in texts for name in re.findall(r"\{([\w.]+)", str(one))}


@pytest.mark.parametrize("key", make_keys.keys_of(read("text/en")))
def test_a_message_takes_the_same_arguments_in_every_language(key: str) -> None:
    text = {language: message(key, language) for language in LANGUAGES}
    assert placeholders(text["en"]) == placeholders(text["zh"])
    for style in re.findall(r"\{[\w.]+:([^}]+)\}", str(text)):
        assert message(style[1:]) is not None if style.startswith("@") else style in FORMATS


def test_plurals() -> None:
    assert [say("layers", count=count) for count in (0, 1, 2000)] == ["0 layers", "1 layer", "2,000 layers"]
    assert [say("layers", "zh", count=count) for count in (1, 2)] == ["1 层", "2 层"]
