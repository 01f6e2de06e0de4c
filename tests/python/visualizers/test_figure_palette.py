"""The colours of figures are the document's, and stand in one place with the page's."""

from __future__ import annotations

from typing import get_args

import pytest

from weightscope_widget.data import read
from weightscope_widget.visualizers.palette import DIVERGING, PALETTES, Scheme

# The document's colours; the dark theme has variants of the same hues.
DOCUMENT = {"red": "#d62728", "orange": "#ff7f0e", "yellow": "#ffdd57", "green": "#2ca02c", "blue": "#1f77b4"}
FAMILIES = {"attention": "#1f77b4", "mlp": "#9467bd", "embedding": "#8c564b", "other": "#7f7f7f"}


def test_the_light_theme_has_the_document_s_colours() -> None:
    light = read("rules")["palette"]["light"]
    assert light["levels"] == DOCUMENT
    assert light["families"] == FAMILIES
    assert {name: PALETTES["light"][name] for name in DOCUMENT} == DOCUMENT


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_every_colour_is_the_page_s(scheme: Scheme) -> None:
    page = read("rules")["palette"][scheme]
    assert {name: PALETTES[scheme][name] for name in page["levels"]} == page["levels"]
    assert [PALETTES[scheme][f"series{index}"] for index in range(len(page["series"]))] == page["series"]


@pytest.mark.parametrize("scheme", get_args(Scheme))
def test_heatmaps_go_from_blue_to_red(scheme: Scheme) -> None:
    page = read("rules")["palette"][scheme]
    assert DIVERGING[scheme] == (page["levels"]["blue"], page["ground"], page["levels"]["red"])
