"""The stylesheet of live figures: the palette as CSS variables, which follow the notebook's theme."""

from __future__ import annotations

from typing import Literal, get_args

from weightscope_widget.visualizers.palette import DIVERGING, PALETTES, Colour, Scheme

__all__ = ["STYLE", "Theme", "css_colour"]

Theme = Literal["auto", "light", "dark"]


def css_colour(colour: Colour) -> str:
    """Return a colour as CSS: a variable of `STYLE`, and the light theme's colour where there is no stylesheet."""
    return f"var(--wsw-{colour}, {PALETTES['light'][colour]})"


# A heatmap is a picture and knows no variables.  Turned inside out, white is as dark as a dark page; turning its hues
# back, what is blue stays blue, and red red.
_PICTURES: dict[Scheme, str] = {"light": "none", "dark": "invert(0.93) hue-rotate(180deg)"}


def _variables(scheme: Scheme) -> str:
    colours = " ".join(f"--wsw-{colour}: {PALETTES[scheme][colour]};" for colour in get_args(Colour))
    return f"{colours} --wsw-pictures: {_PICTURES[scheme]};"


# A figure that is told its theme takes bqplot's own colours along, which come from these variables.
def _whole(scheme: Scheme) -> str:
    colours = PALETTES[scheme]
    return (
        f"{_variables(scheme)} --jp-layout-color0: {colours['ground']}; --jp-layout-color1: {colours['ground']};"
        f" --jp-border-color1: {colours['line']}; --jp-border-color2: {colours['line']};"
        f" --jp-content-font-color1: {colours['ink']}; --jp-content-font-color2: {colours['muted']};"
        f" --bq-content-font-color: {colours['ink']}; --bq-background: {colours['ground']};"
        f" background: {colours['ground']};"
    )


# As `js/src/theme/scheme.ts`: the notebook says what the theme is, else the browser's preference does.
_SAYS = "[data-jp-theme-light], .vscode-dark, .vscode-light, .vscode-high-contrast, .vscode-high-contrast-light"
_SAYS_DARK = '[data-jp-theme-light="false"], .vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light)'

STYLE = f"""<style>
.wsw-figure {{ {_variables("light")} padding: 8px; container-type: inline-size; }}
:where({_SAYS_DARK}) .wsw-figure {{ {_variables("dark")} }}
@media (prefers-color-scheme: dark) {{ :where(body:not({_SAYS})) .wsw-figure {{ {_variables("dark")} }} }}
.wsw-figure.wsw-light {{ {_whole("light")} }}
.wsw-figure.wsw-dark {{ {_whole("dark")} }}
.wsw-figure .wsw-head, .wsw-figure .wsw-notes, .wsw-figure .wsw-sub {{
  color: var(--wsw-ink); font: 13px/1.4 system-ui, sans-serif; }}
.wsw-figure .wsw-head {{ font-size: 16px; font-weight: 600; }}
.wsw-figure .wsw-sub {{ display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: center; min-height: 20px; }}
.wsw-figure .wsw-sub b {{ font-weight: 600; }}
.wsw-figure .wsw-sub i, .wsw-figure .wsw-notes {{ color: var(--wsw-muted); font-style: normal; font-size: 12px; }}
.wsw-figure .wsw-key {{ display: inline-flex; gap: 5px; align-items: center; font-size: 12px; }}
.wsw-figure .wsw-key::before {{ content: ""; width: 11px; height: 11px; background: var(--key); border-radius: 2px; }}
.wsw-figure .wsw-key.wsw-circle::before {{ border-radius: 50%; }}
.wsw-figure .wsw-key.wsw-line::before {{ height: 2px; width: 14px; border-radius: 0; }}
.wsw-figure .wsw-key.wsw-dashed::before {{
  height: 0; width: 14px; background: none; border-top: 2px dashed var(--key); }}
.wsw-figure .wsw-key.wsw-tick::before {{ width: 2px; border-radius: 0; }}
.wsw-figure .bqplot {{
  --bq-axis-tick-text-font: 11px system-ui, sans-serif; --bq-axislabel-font: 12px system-ui, sans-serif;
  --bq-axis-tick-text-fill: var(--wsw-muted); --bq-axislabel-fill: var(--wsw-muted);
  --bq-axis-path-stroke: var(--wsw-line); --bq-axis-tick-stroke: var(--wsw-line); --bq-grid-color: var(--wsw-line); }}
.wsw-figure .bqplot .bar:hover, .wsw-figure .bqplot .dot:hover {{ cursor: default; }}
.wsw-figure .wsw-clickable .bar:hover, .wsw-figure .wsw-clickable .dot:hover {{ cursor: pointer; }}
.wsw-figure .wsw-colours {{
  display: inline-block; width: 140px; height: 11px; margin: 0 7px; vertical-align: -1px; border-radius: 2px;
  background: linear-gradient(to right, {", ".join(DIVERGING["light"])}); }}
.wsw-figure .wsw-colours, .wsw-figure image.heatmap {{ filter: var(--wsw-pictures); }}
.wsw-figure .bqplot .zeroLine {{ display: none; }}
</style>"""
