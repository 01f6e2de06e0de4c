"""The command as tests run it, in a process of its own, and the models that they give it."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.figure_cases import HOSTILE
from weightscope_widget.cli import main

STEERING = "h.1.mlp.\x1b]0;owned\x07[red]x"


ENVIRONMENT = {**os.environ, "WEIGHTSCOPE_CACHE": "off", "PYTHONPATH": str(Path(__file__).parents[3])}


# A process that has imported everything once forks one for each command: seconds sooner than a new interpreter.
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])
LOADED = [getattr(wsw, name) for name in wsw.__all__]


def wsw_command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; where it needs another environment, in a new interpreter."""
    words = list(map(str, arguments))
    command = [sys.executable, "-m", "weightscope_widget", *words]
    if environment:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env=ENVIRONMENT | environment
        )
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("stdout", "stderr")]
        process = FORKING.Process(target=_run, args=(words, os.getcwd(), *paths))
        process.start()
        process.join(300)
        assert process.exitcode is not None, f"{words} takes too long"
        out, err = (path.read_text(encoding="utf-8") for path in paths)
    return subprocess.CompletedProcess(command, process.exitcode, out, err)


def _run(arguments: list[str], folder: str, stdout: Path, stderr: Path) -> None:
    os.chdir(folder)
    os.environ.update(ENVIRONMENT)
    for name, path in (("stdout", stdout), ("stderr", stderr)):
        setattr(sys, name, path.open("w", encoding="utf-8"))
    sys.exit(main(arguments))


def in_bash(command: str) -> subprocess.CompletedProcess[str]:
    """Run a pipeline in which ``wsw`` is the command; it fails where any part of it does."""
    script = f"set -o pipefail; wsw() {{ '{sys.executable}' -m weightscope_widget \"$@\"; }}; {command}"
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, timeout=300, env=ENVIRONMENT
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a layer of each grade that weights can have, and names that mean harm."""
    torch.manual_seed(0)
    heavy = 0.02 * torch.randn(40, 30)
    heavy.view(-1)[::5] *= 60  # a fifth of it far out
    singular = torch.diag(torch.logspace(0, -6, 24))
    state = {
        "h.0.mlp.c_fc.weight": torch.randn(40, 30),
        "h.0.mlp.c_proj.weight": heavy,
        "h.0.attn.c_proj.weight": singular,
        f"{HOSTILE}.weight": torch.randn(16, 12),
        f"{STEERING}.weight": torch.randn(8, 6),
        "h.0.ln.weight": torch.ones(30),
    }
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_file(state, path)
    return path


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("broken") / "model.safetensors"
    save_file({"a.weight": torch.tensor([[1.0, float("nan")], [0.0, 1.0]])}, path)
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base, and a fine-tune of which one layer changed and another lost a rank."""
    folder = tmp_path_factory.mktemp("pair")
    draw = torch.Generator().manual_seed(0)
    base = {f"h.{i}.mlp.c_fc.weight": torch.randn(12, 9, generator=draw) for i in range(3)}
    tuned = {name: tensor.clone() for name, tensor in base.items()}
    tuned["h.1.mlp.c_fc.weight"] += torch.outer(torch.ones(12), torch.ones(9))
    tuned["h.2.mlp.c_fc.weight"][:, 0] = tuned["h.2.mlp.c_fc.weight"][:, 1]  # κ = ∞
    for name, state in (("base", base), ("tuned", tuned)):
        save_file(state, folder / f"{name}.safetensors")
    return folder / "base.safetensors", folder / "tuned.safetensors"
