"""The lessons as web pages: ``python notebooks/render.py [NAME ...]`` writes notebooks/html/NAME.html.

Each page is one file that needs no network.  Dashboards in it live on, as saved pages; figures are pictures; sliders
stand where they stood, since what they move needs a kernel.  Without names all lessons become pages, and the READMEs,
which lead to them.
"""

from __future__ import annotations

import base64
import html
import io
import os
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUT = HERE / "html"

# -- In the kernel: widgets put out markup instead of asking for a page that can talk back -----------------------------

_PATIENCE = 300  # seconds that a dashboard's scan may take
_CLEARED = "\033[2K\r"


def still_widgets() -> None:
    """Let widgets be displayed as what remains of them on a page without a kernel."""
    import anywidget
    import ipywidgets
    from IPython.utils.capture import capture_output

    def bundle(widget: Any, **_: Any) -> dict[str, str]:
        return {"text/html": _markup(widget), "text/plain": repr(widget)}

    def enter(output: Any) -> None:
        output.capturing = capture_output()
        output.captured = output.capturing.__enter__()

    def leave(output: Any, *error: Any) -> bool | None:
        return output.capturing.__exit__(*error)

    ipywidgets.Widget._repr_mimebundle_ = anywidget.AnyWidget._repr_mimebundle_ = bundle
    ipywidgets.Output.__enter__, ipywidgets.Output.__exit__ = enter, leave


def _markup(widget: Any) -> str:
    import ipywidgets

    from weightscope_widget.dashboard.board import Board
    from weightscope_widget.visualizers.render.bqplot import LiveFigure

    if isinstance(widget, Board):
        widget.wait(_PATIENCE)
        return f'<iframe title="A dashboard" srcdoc="{html.escape(widget._page())}"></iframe>'
    if isinstance(widget, LiveFigure):
        return _picture(widget)
    if isinstance(widget, ipywidgets.Output):
        return _captured(widget.captured)
    if isinstance(widget, ipywidgets.Box):
        return "".join(f"<div>{_markup(child)}</div>" for child in widget.children)
    if isinstance(widget, ipywidgets.Label):
        return html.escape(widget.value)
    if isinstance(widget, ipywidgets.Button):
        return f"<button disabled>{html.escape(widget.description)}</button>"
    if hasattr(widget, "description") and hasattr(widget, "value"):
        return f"<p class=control>{html.escape(widget.description)} <b>{html.escape(str(widget.value))}</b></p>"
    return html.escape(repr(widget))


def _picture(figure: Any) -> str:
    from weightscope_widget.visualizers.render.matplotlib import draw_figure

    drawing = io.BytesIO()
    draw_figure(figure.content).savefig(drawing, format="svg")
    encoded = base64.b64encode(drawing.getvalue()).decode()
    return f'<img alt="{html.escape(figure.content.title)}" src="data:image/svg+xml;base64,{encoded}">'


def _captured(captured: Any) -> str:
    # Where output is captured, clearing it is said to the terminal: what came before is gone.
    printed = captured.stdout.rpartition(_CLEARED)[2]
    parts = [f"<pre>{html.escape(printed)}</pre>"] if printed else []
    for output in captured.outputs:
        data = output.data
        if "text/html" in data:
            parts.append(data["text/html"])
        elif "image/png" in data:
            parts.append(_png(_text(data["image/png"])))
        else:
            parts.append(f"<pre>{html.escape(data.get('text/plain', ''))}</pre>")
    return "".join(parts)


def _png(encoded: str) -> str:
    return f'<img alt="A figure" src="data:image/png;base64,{encoded}">'


def _text(image: Any) -> str:
    return base64.b64encode(image).decode() if isinstance(image, bytes) else image.strip()


# -- Outside: notebooks are run and become pages -----------------------------------------------------------------------

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; style-src 'unsafe-inline';
 script-src 'unsafe-inline' blob:">
<title>{title} – WeightScope</title>
<style>
:root {{ color-scheme: light; }}
body {{ margin: 0 auto; padding: 24px; max-width: 1200px; color: #1c1e21; background: #fff;
  font: 16px/1.55 system-ui, sans-serif; }}
main > * {{ max-width: 780px; margin-inline: auto; }}
main > .wide {{ max-width: none; }}
h1, h2 {{ line-height: 1.25; }}
a.anchor-link {{ display: none; }}
pre {{ overflow-x: auto; padding: 12px; border-radius: 6px; background: #f5f6f8; font-size: 13px; line-height: 1.45; }}
table {{ border-collapse: collapse; font-size: 13px; }}
th, td {{ padding: 4px 10px; border-bottom: 1px solid #dfe2e6; text-align: right; }}
th:first-child, td:first-child {{ text-align: left; }}
.output {{ overflow-x: auto; margin-block: 12px; }}
.output pre {{ background: none; padding: 0; }}
img {{ display: block; max-width: min(100%, 980px); margin-inline: auto; }}
iframe {{ width: 100%; height: 900px; border: 0; }}
details {{ padding: 4px 12px; border: 1px solid #dfe2e6; border-radius: 6px; }}
summary {{ cursor: pointer; font-weight: 600; }}
.control {{ margin: 4px 0; color: #5f6670; font-size: 13px; }}
{style}
</style>
</head>
<body><main>
{body}
</main>
<script>
for (const frame of document.querySelectorAll("iframe"))
  frame.addEventListener("load", () => {{
    const page = frame.contentDocument;
    new ResizeObserver(() => {{
      frame.style.height = `${{page.body.offsetHeight + 32}}px`;
    }}).observe(page.body);
  }});
</script>
</body>
</html>
"""

_START = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import render
render.still_widgets()
%config InlineBackend.figure_formats = ["png"]
%config InlineBackend.rc = {{"figure.dpi": 144}}
"""


def render(path: Path, folder: Path = OUT) -> Path:
    """Run a notebook and write its page into a folder; return where that is."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, 4)
    book.cells.insert(0, nbformat.v4.new_code_cell(_START))
    NotebookClient(book, timeout=_PATIENCE, resources={"metadata": {"path": str(path.parent)}}).execute()
    folder.mkdir(exist_ok=True)
    page = folder / f"{path.stem}.html"
    page.write_text(_page_of(book.cells[1:], "zh" if path.stem.endswith(".zh") else "en"), encoding="utf-8")
    return page


def _page_of(cells: list[Any], language: str) -> str:
    from nbconvert.filters import markdown2html
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    parts, formatter = [], HtmlFormatter(cssclass="code")
    for cell in cells:
        if cell.cell_type == "markdown":
            parts.append(markdown2html(cell.source))
            continue
        parts.append(highlight(cell.source, PythonLexer(), formatter))
        parts.extend(_output(output) for output in cell.outputs)
    title = re.sub(r"^#\s*", "", cells[0].source.splitlines()[0])
    return _PAGE.format(
        language=language, title=html.escape(title), style=formatter.get_style_defs(".code"), body="\n".join(parts)
    )


def _output(output: Any) -> str:
    if output.output_type == "stream":
        # What a library says on its way is no part of the lesson.
        return "" if output.name == "stderr" else f'<div class="output"><pre>{html.escape(output.text)}</pre></div>'
    data = output.get("data", {})
    if "text/html" in data:
        wide = "wide" if "<iframe" in data["text/html"] or "<img" in data["text/html"] else ""
        return f'<div class="output {wide}">{data["text/html"]}</div>'
    if "image/png" in data:
        return f'<div class="output wide">{_png(data["image/png"].strip())}</div>'
    return f'<div class="output"><pre>{html.escape(data.get("text/plain", ""))}</pre></div>'


def render_readme(path: Path, folder: Path = OUT) -> Path:
    """Write the page of a README, with its pictures, its links leading to the lessons' pages; return where it is."""
    from nbconvert.filters import markdown2html

    text = path.read_text(encoding="utf-8")
    body = re.sub(
        r'src="([^":]+\.png)"', lambda found: f'src="{_inlined(path.parent / found[1])}"', markdown2html(text)
    )
    body = re.sub(r'href="([^":#]+)"', lambda found: f'href="{_led(found[1], path.parent, folder)}"', body)
    folder.mkdir(exist_ok=True)
    page = folder / f"{path.stem}.html"
    language = "zh" if path.stem.endswith(".zh") else "en"
    page.write_text(_PAGE.format(language=language, title="README", style="", body=body), encoding="utf-8")
    return page


def _led(target: str, root: Path, folder: Path) -> str:
    """Return where a link of a README leads on its page: lessons and READMEs are pages too, others stay."""
    for page in (r"notebooks/([^/]+)\.ipynb", r"(README[^/]*)\.md"):
        if found := re.fullmatch(page, target):
            return f"{found[1]}.html"
    return Path(os.path.relpath(root / target, folder)).as_posix()


def _inlined(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def main(names: list[str]) -> None:
    """Render the lessons named, or all of them and the READMEs."""
    for name in names or sorted(path.stem for path in HERE.glob("*.ipynb")):
        print(render(HERE / f"{name}.ipynb"))
    for readme in [] if names else sorted(HERE.parent.glob("README*.md")):
        print(render_readme(readme))


if __name__ == "__main__":
    main(sys.argv[1:])
