"""The page and the figures have the same colours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from weightscope_widget.visualizers.palette import DIVERGING, PALETTES, Scheme

PALETTE_TS = Path(__file__).parents[3] / "js/src/theme/palette.ts"


def page(scheme: str) -> dict[str, str]:
    """Return the page's colours of a theme by name; of its series as series0, series1, …"""
    text = PALETTE_TS.read_text(encoding="utf-8")
    block = re.search(rf"^  {scheme}: {{(.*?)^  }},", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    named = dict(re.findall(r'(\w+): "(#[0-9a-f]{6})"', block[1]))
    series = re.search(r"series: \[(.*?)\]", block[1])
    assert series is not None
    return named | {f"series{index}": one for index, one in enumerate(re.findall(r'"(.*?)"', series[1]))}


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_every_colour_is_the_page_s(scheme: Scheme) -> None:
    assert PALETTES[scheme] == page(scheme)


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_heatmaps_go_from_blue_to_red(scheme: Scheme) -> None:
    colours = page(scheme)
    assert DIVERGING[scheme] == (colours["blue"], colours["ground"], colours["red"])
