"""The page in a report's folder, opened from disk where there is no network."""

from __future__ import annotations

from pathlib import Path

import torch
from playwright.sync_api import Page, expect

import weightscope_widget as wsw
from tests.browser.board import Board


def test_the_report_s_page_shows_the_layers(offline: Page, tmp_path: Path) -> None:
    draw = torch.Generator().manual_seed(0)
    state = {f"h.{block}.mlp.{kind}.weight": torch.randn(12, 9, generator=draw) for block in range(2) for kind in "ab"}
    results = wsw.scan(state, "all", progress=False)
    report = wsw.save_report(results, tmp_path / "report")
    offline.goto((report.folder / "dashboard.html").as_uri())
    root = offline.locator(".wsw-dashboard")
    root.wait_for()
    board = Board(offline, root, None)
    assert board.left() == 4
    for name in results:
        expect(board.row(name)).to_be_visible()
    worst = max(results, key=lambda name: results[name]["spectral"]["condition_number"])
    board.select(worst)
    expect(root.locator(".wsw-full-name")).to_have_text(worst)
    for panel in ("distribution", "singular-values"):
        expect(root.locator(f".wsw-{panel} .wsw-aside")).to_have_text(worst.replace("h.", "h", 1))
