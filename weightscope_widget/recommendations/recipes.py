"""Plans as code for bitsandbytes, llm-compressor and PEFT, and how each names a module.

Names come from checkpoints and may hold anything: they are written as quoted strings, or as escaped patterns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["bitsandbytes_name", "bitsandbytes_text", "ignore_pattern", "llm_compressor_text", "pattern", "peft_text"]

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


def quote(text: str) -> str:
    r"""Return a string literal that Python and YAML read alike: printable ASCII, the rest escaped.

    >>> print(quote("权a"))
    "\u6743a"
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def pattern(name: str) -> str:
    """Return a regular expression that matches a name and nothing else."""
    return _SPECIAL.sub(r"\\\g<0>", name)


def bitsandbytes_name(name: str) -> str:
    """Return a module as an entry of ``llm_int8_skip_modules``.

    Older transformers compare names, newer ones match patterns.  An ordinary name suits both; others are escaped.
    """
    return name if _PLAIN.fullmatch(name) else pattern(name)


def ignore_pattern(name: str, *, whole: bool) -> str:
    """Return a module as an entry of llm-compressor's ``ignore``; if `whole`, with everything inside it.

    The pattern allows for the model's prefix, which names in files often lack: a plain entry would silently not match.
    """
    return rf"re:(.*\.)?{pattern(name)}" + (r"(\..*)?$" if whole else "$")


def bitsandbytes_text(options: Mapping[str, str | bool], skip: Iterable[str]) -> str:
    """Return Python code for the ``BitsAndBytesConfig`` of a plan."""
    return _lines(
        "from transformers import BitsAndBytesConfig",
        "",
        "quantization_config = BitsAndBytesConfig(",
        *(f"    {key}={quote(value) if isinstance(value, str) else value}," for key, value in options.items()),
        *_block("    llm_int8_skip_modules=[", map(quote, skip), "    ],"),
        ")",
    )


def llm_compressor_text(weights: Mapping[str, str | int], ignore: Iterable[str]) -> str:
    """Return a YAML recipe that quantizes the weights of all linear layers except those ignored."""
    return _lines(
        "default_stage:",
        "  default_modifiers:",
        "    QuantizationModifier:",
        *_list("      ignore:", map(quote, ignore)),
        "      config_groups:",
        "        group_0:",
        '          targets: ["Linear"]',
        "          weights:",
        *(f"            {key}: {value}" for key, value in weights.items()),
    )


def peft_text(r: int, targets: Iterable[str], ranks: Mapping[str, int]) -> str:
    """Return Python code for the ``LoraConfig`` of ranks."""
    return _lines(
        "from peft import LoraConfig",
        "",
        "config = LoraConfig(",
        f"    r={r},",
        *_block("    target_modules=[", map(quote, targets), "    ],"),
        *_block("    rank_pattern={", (f"{quote(key)}: {rank}" for key, rank in ranks.items()), "    },"),
        ")",
    )


def _block(opening: str, entries: Iterable[str], closing: str) -> Sequence[str]:
    inside = [f"        {entry}," for entry in entries]
    return [opening, *inside, closing] if inside else [opening + closing.strip()]


def _list(key: str, entries: Iterable[str]) -> Sequence[str]:
    inside = [f"        - {entry}" for entry in entries]
    return [key, *inside] if inside else [f"{key} []"]


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"
