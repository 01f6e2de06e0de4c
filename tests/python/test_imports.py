"""Who may import whom, in Python and in the page: the rules hold, and one line that breaks them is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def python_rules(tree: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"}
    return subprocess.run(
        [*command, "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def page_rules(sources: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    assert node, "Node.js is needed to read the page's code"
    command = [node, str(ROOT / "js" / "floors.mjs"), str(sources)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the rules are about."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "weightscope_widget", tmp_path / "weightscope_widget", ignore=shutil.ignore_patterns("*.js"))
    shutil.copytree(ROOT / "js" / "src", tmp_path / "js")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("_shared/formats.py", "from weightscope_widget.dashboard import show", "_shared is not allowed to import"),
        (
            "layers/layer.py",
            "def late():\n    from weightscope_widget.sources import open_source",
            "layers is not allowed to import",
        ),
        (
            "errors.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from weightscope_widget.report import Report",
            "errors is not allowed to import",
        ),
        ("analyzers/numerics/moments.py", "from weightscope_widget.analyzers import basic", "No circles BROKEN"),
    ],
    ids=["at the top", "in a function", "for a type", "a circle"],
)
def test_python_imports_what_stands_below(tree: Path, module: str, line: str, found: str) -> None:
    held = python_rules(tree)
    assert held.returncode == 0, held.stdout
    with (tree / "weightscope_widget" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    broken = python_rules(tree)
    assert broken.returncode == 1
    assert found in broken.stdout


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        (
            "domain/format.ts",
            'import { useView } from "../state/context";',
            "domain/format.ts imports state/context.ts",
        ),
        ("wire/model.ts", 'import type { Store } from "../state/store";', "wire/model.ts imports state/store.ts"),
        (
            "panels/health/Health.tsx",
            'import { RiskMatrix } from "../riskMatrix/RiskMatrix";',
            "which belongs to another panel",
        ),
        ("state/keys.ts", 'import "./other";', "a circle: state/keys.ts → state/other.ts → state/keys.ts"),
    ],
    ids=["a value", "a type", "another panel", "a circle"],
)
def test_the_page_imports_what_stands_below(tree: Path, module: str, line: str, found: str) -> None:
    held = page_rules(tree / "js")
    assert held.returncode == 0, held.stderr
    (tree / "js" / "state" / "other.ts").write_text('import "./keys";\n')
    path = tree / "js" / module
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    broken = page_rules(tree / "js")
    assert broken.returncode == 1
    assert found in broken.stderr
