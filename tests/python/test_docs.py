"""The documentation: its code runs, its links lead somewhere, its lists are complete, public names are explained."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.watched import threads_end
from weightscope_widget.assessment import CLASSES, Thresholds
from weightscope_widget.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


class Block(NamedTuple):
    """A code block of a page; ``<!-- not run: why -->`` above it says that it needs what a test lacks."""

    language: str
    code: str
    runs: bool


def blocks_of(page: Path) -> list[Block]:
    found = re.findall(
        r"^(<!-- not run: .+ -->\n)?( *)```(\w+)\n(.*?)^\2```",
        page.read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    return [Block(language, textwrap.dedent(code), not reason) for reason, _, language, code in found]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name."""
    draw = torch.Generator().manual_seed(0)
    base = {f"h.{block}.attn.c_proj.weight": torch.randn(24, 16, generator=draw) for block in range(2)}
    tuned = {name: weight + 0.1 * torch.ones(24, 1) @ torch.ones(1, 16) for name, weight in base.items()}
    model = {name: torch.randn(24, 16, generator=draw) for name in ("transformer.h.0.attn.c_proj.weight", "a.weight")}
    folder = tmp_path_factory.mktemp("pages")
    for name, state in {
        "path/to/model": model,
        "path/to/base": base,
        "path/to/tuned": tuned,
        "path/to/checkpoints/step-100": base,
        "path/to/checkpoints/step-200": tuned,
    }.items():
        (folder / name).mkdir(parents=True)
        save_file(state, folder / name / "model.safetensors")
    wsw.scan(folder / "path/to/model", progress=False).save(folder / "results.json")
    return folder


@pytest.fixture
def names(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """In that folder, the names that the pages take for granted."""
    monkeypatch.chdir(files)
    results = wsw.load_results("results.json")
    yield {"wsw": wsw, "ipywidgets": ipywidgets, "results": results, "dash": wsw.show(results)}
    ipywidgets.Widget.close_all()
    threads_end()


def in_a_notebook(code: str, names: dict[str, Any]) -> None:
    """Run statements one by one, as cells that each show their value, once the scan of the one before has ended."""
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            repr(eval(ast.unparse(statement), names))
        else:
            exec(ast.unparse(statement), names)
        names["dash"].wait(60)


def in_a_shell(line: str) -> None:
    """Run `wsw` in this process, as far as the first pipe; see that other commands have what they name."""
    command, *arguments = shlex.split(line.split(" | ")[0], comments=True)
    if command == "wsw":
        assert main(arguments) in (0, 1), line
    elif arguments[:2] == ["-m", "tests.benchmarks"]:
        for name in arguments[2:]:
            importlib.import_module(f"tests.benchmarks.{name}")
    else:
        assert command == "make", line  # its targets are tested below


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page)], ids=lambda page: page.name)
def test_code_runs(page: Path, names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    for language, code, runs in blocks_of(page):
        if language == "python":
            compile(code, str(page), "exec")
            if runs:
                in_a_notebook(code, names)
        elif language == "bash":
            for line in filter(None, code.splitlines() if runs else []):
                in_a_shell(line)
        else:
            assert language in ("tsx", "json"), language
            node = shutil.which("node")
            assert node, "Node.js is needed to read the page's code"
            transform = f"require('esbuild').transformSync(require('fs').readFileSync(0), {{ loader: '{language}' }})"
            subprocess.run([node, "-e", transform], input=code, text=True, cwd=ROOT, check=True)
    assert "error:" not in capsys.readouterr().err


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
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets


def test_both_languages_have_the_same_sections() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    for pattern in (r"^## ", r"^```", r"^\| "):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE)), (
            pattern
        )


def test_the_page_of_metrics_names_every_metric() -> None:
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
