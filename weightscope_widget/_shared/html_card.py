"""Summaries of results for notebooks, in HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from weightscope_widget._shared.messages import render, say

__all__ = ["facts_of", "html_card", "most_changed"]

_MOST_ROWS = 5

# Inline styles: a style sheet would reach other outputs.  The variables are JupyterLab's, and follow its theme.
_CARD = (
    "max-width: 720px; padding: 8px 12px; border: 1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.4)); "
    "border-radius: 4px; color: var(--jp-ui-font-color1, inherit); line-height: 1.6; "
    "font-family: var(--jp-ui-font-family, system-ui, sans-serif); overflow-wrap: anywhere"
)
_SECONDARY = "color: var(--jp-ui-font-color2, inherit)"
_TABLE = "border-collapse: collapse; margin: 0; color: inherit; font: inherit"
_CELL = "padding: 0 16px 0 0; text-align: left; vertical-align: top; background: none; border: 0"


def html_card(
    title: str,
    chips: Iterable[tuple[str, str]],
    facts: Iterable[str],
    heading: str,
    rows: Sequence[tuple[str, str]],
    call: str,
) -> str:
    """Return a card of counts with their colours, facts, and names with a phrase each; every text is escaped."""
    coloured = "".join(
        f'<span style="display: inline-block; margin-right: 12px; padding-left: 6px; border-left: 4px solid {colour}">'
        f"{escape(text)}</span>"
        for text, colour in chips
    )
    table = "".join(
        f'<tr style="background: none"><td style="{_CELL}"><code>{escape(name)}</code></td>'
        f'<td style="{_CELL}">{escape(phrase)}</td></tr>'
        for name, phrase in rows
    )
    return (
        f'<div style="{_CARD}"><strong>{escape(title)}</strong>'
        f"<div>{coloured}</div>"
        f'<div style="{_SECONDARY}">{escape(" · ".join(facts))}</div>'
        f'<div style="margin-top: 6px">{escape(heading)}</div>'
        f'<table style="{_TABLE}"><tbody>{table}</tbody></table>'
        f'<div style="margin-top: 6px; {_SECONDARY}">{escape(say("summary.open"))} <code>{escape(call)}</code></div>'
        "</div>"
    )


def facts_of(**counts: int) -> list[str]:
    """Return ``summary.<name>`` for every count above 0."""
    return [render(f"summary.{name}", **{name: count}) for name, count in counts.items() if count]


def most_changed(changes: Mapping[str, float]) -> tuple[str, list[tuple[str, str]]]:
    """Return heading and rows of a card for the layers of the largest ‖ΔW‖/‖W‖."""
    changed = {name: change for name, change in changes.items() if change > 0}  # not NaN
    rows = [
        (name, say("summary.reason.change", value=100 * changed[name]))
        for name in sorted(changed, key=lambda name: -changed[name])[:_MOST_ROWS]
    ]
    return say("summary.changed_most" if rows else "summary.unchanged"), rows
