"""Fonts for image files: the usual one, and others for the characters that it lacks, such as Chinese layer names."""

from __future__ import annotations

import warnings

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from weightscope_widget._shared.stacklevel import level_outside
from weightscope_widget.errors import MissingGlyphWarning

__all__ = ["families_for", "title_font"]

_USUAL = "DejaVu Sans"  # comes with matplotlib
_NO_HELP = "Last Resort High-Efficiency"  # so does this, which has a box for every character

# Tried first: made for reading, and widely installed.
_KNOWN = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "Arial Unicode MS",
)


def families_for(text: str) -> list[str]:
    """Return the font families that together have every character of a text, the usual one first.

    Warns
    -----
    MissingGlyphWarning
        Where no installed font has some of the characters; they are drawn as boxes.
    """
    lacking = {*text} - {"\n"} - _characters(_USUAL)
    families = [_USUAL]
    if lacking:
        installed = {font.name for font in fontManager.ttflist} - {_NO_HELP}
        for family in [
            *(name for name in _KNOWN if name in installed),
            *sorted(installed.difference(_KNOWN, families)),
        ]:
            found = lacking & _characters(family)
            if found:
                families.append(family)
                lacking -= found
            if not lacking:
                break
    if lacking:
        some = "".join(sorted(lacking)[:5])
        warnings.warn(
            f"No installed font has the characters {some!r}, which are drawn as boxes; install one that has, such as "
            "Noto Sans CJK.",
            MissingGlyphWarning,
            stacklevel=level_outside(),
        )
    return families


def title_font(title: str) -> dict[str, str]:
    """Return the font of a title: bold where the usual one has its characters; the others have mostly one weight."""
    return {"family": _USUAL, "weight": "bold"} if {*title} - {"\n"} <= _characters(_USUAL) else {}


def _characters(family: str) -> set[str]:
    try:
        path = findfont(FontProperties(family=[family]), fallback_to_default=False)
        return {chr(code) for code in get_font(path).get_charmap()}
    except (OSError, RuntimeError, ValueError):  # a font file that cannot be read helps nobody
        return set()
