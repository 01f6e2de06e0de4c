"""The documentation: its links lead somewhere, its lists name what there is, and every public name is explained."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import weightscope_widget as wsw
from weightscope_widget.assessment import CLASSES, Thresholds

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    for target in targets:
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_pages_call_there_is(page: Path) -> None:
    for name in set(re.findall(r"\bwsw\.(\w+)", page.read_text(encoding="utf-8"))):
        assert name in wsw.__all__, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets


def test_both_languages_have_the_same_sections() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    for pattern in (r"^## ", r"^```", r"^\| "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )


def test_the_page_of_metrics_names_every_metric() -> None:
    import torch

    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    results = wsw.scan({"a.weight": torch.randn(200, 130)}, "all", progress=False)
    for column in results.to_frame().columns:
        if "." not in column:
            continue
        metric = column.split(".", 1)[1]
        scheme = re.sub(r"_(sqnr_db|relative_mse)$", "", metric)
        known = {metric, metric.removesuffix("_percentage"), scheme} | (
            {"p10", "p90"} if re.match(r"p\d", metric) else set()
        )
        assert any(f"`{name}" in text or f"{name}`" in text for name in known), column
    # The levels on the page are the code's.
    rows = re.findall(r"^\| `?([\w /,%]+?)`? \| ([\d.⁰³⁴⁵, ]+) \| ([\w :,]+) \|$", text, re.MULTILINE)
    names = {"stable rank / total rank, %": "stable_rank_percentage"}
    read = {names.get(metric, metric): _levels(levels) for metric, levels, _ in rows}
    assert read == {metric: getattr(Thresholds(), metric) for metric in CLASSES}
    for metric, _, classes in rows:
        words = [word.strip() for word in classes.removeprefix("compression potential: ").split(",")]
        assert len(words) == len(CLASSES[names.get(metric, metric)])


def _levels(words: str) -> tuple[float, ...]:
    return tuple(
        10.0 ** "⁰¹²³⁴⁵".index(word[2:]) if word[2:] in "³⁴⁵" and word[2:] else float(word)
        for word in words.split(", ")
    )


@pytest.mark.parametrize("name", wsw.__all__)
def test_every_public_name_is_explained(name: str) -> None:
    found = getattr(wsw, name)
    text = inspect.getdoc(found)
    assert text, name
    if inspect.isfunction(found):
        for parameter in inspect.signature(found).parameters:
            if parameter != "_":
                assert re.search(rf"\b{parameter}\b", text), (name, parameter)
