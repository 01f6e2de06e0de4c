"""The command's gates: what fails them, what is said of it, and that nothing keeps a failed one from being heard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.python.support.command_line import ENVIRONMENT, broken, file, in_bash, pair, wsw_command

pytestmark = pytest.mark.slow

__all__ = ["broken", "file", "pair"]  # fixtures


class TestScan:
    # With the usual thresholds one layer is Warning (κ and the zeros around its diagonal); where κ beyond 1.2 is very
    # high, far outliers make another one Critical.
    @pytest.mark.parametrize(
        ("gate", "thresholds", "caught"),
        [
            ("critical", None, []),
            ("warning", None, ["h.0.attn.c_proj"]),
            ("critical", "condition_number=1,1.1,1.2", ["h.0.mlp.c_proj"]),
            ("warning", "condition_number=1,1.1,1.2", ["h.0.attn.c_proj", "h.0.mlp.c_proj"]),
        ],
    )
    def test_the_gate(self, file: Path, gate: str, thresholds: str | None, caught: list[str]) -> None:
        more = ["--threshold", thresholds] if thresholds else []
        ran = wsw_command("scan", file, "--fail-on", gate, "--quiet", *more)
        assert ran.returncode == (1 if caught else 0)
        assert ran.stdout == ""
        layers = "1 layer is" if len(caught) == 1 else f"{len(caught)} layers are"
        grade = "critical" if gate == "critical" else "warning or worse"
        failed = f"wsw: gate failed: {layers} {grade}: {', '.join(caught)}\n"
        assert ran.stderr == (failed if caught else "")

    def test_a_layer_with_nan_fails_the_gate(self, broken: Path) -> None:
        ran = wsw_command("scan", broken, "--fail-on", "critical", "--quiet")
        assert ran.returncode == 1
        assert ran.stderr == "wsw: gate failed: 1 layer is critical: a\n"

    def test_a_layer_that_nobody_can_grade_fails_the_gate(self, tmp_path: Path) -> None:
        save_file({"a.weight": torch.zeros(4, 3), "b.weight": torch.eye(3)}, tmp_path / "zero.safetensors")
        ran = wsw_command("scan", tmp_path / "zero.safetensors", "--fail-on", "critical")
        assert ran.returncode == 1
        assert "# Grades: 1 Excellent, 1 not graded." in ran.stdout
        assert ran.stderr == "wsw: gate failed: 1 layer could not be graded: a\n"

    def test_vectors_need_no_grade(self, tmp_path: Path) -> None:
        save_file({"a.weight": torch.eye(3), "a.bias": torch.zeros(3)}, tmp_path / "m.safetensors")
        ran = wsw_command("scan", tmp_path / "m.safetensors", "--fail-on", "critical", "--vectors", "--quiet")
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")

    def test_a_gate_and_a_report_whose_figure_fails(self, tmp_path: Path) -> None:
        # Without a spectrum that is finite there is nothing to draw of ranks: an error, and yet the gate is heard.
        save_file({"a.weight": torch.full((3, 3), float("nan"))}, tmp_path / "m.safetensors")
        out = tmp_path / "out"
        ran = wsw_command("scan", tmp_path / "m.safetensors", "--fail-on", "critical", "--quiet", "--report", out)
        gate, error = ran.stderr.splitlines()
        assert ran.returncode == 2
        assert gate == "wsw: gate failed: 1 layer is critical: a"
        assert error.startswith("wsw: error: The report lacks")

    def test_a_reader_that_has_enough_hides_no_failed_gate(self, file: Path, tmp_path: Path) -> None:
        ran = in_bash(f"wsw scan '{file}' --fail-on warning --report '{tmp_path / 'out'}' --top 1 | head -1")
        assert (ran.returncode, ran.stdout.count("\n")) == (1, 1)
        assert "wsw: gate failed: 1 layer is warning or worse: h.0.attn.c_proj\n" in ran.stderr
        assert (tmp_path / "out" / "dashboard.html").exists()

    @pytest.mark.parametrize("both", [False, True])
    def test_a_pipe_that_nobody_reads_hides_no_failed_gate(self, file: Path, *, both: bool) -> None:
        ours, theirs = os.pipe()
        os.close(ours)
        command = [sys.executable, "-m", "weightscope_widget", "scan", str(file), "--fail-on", "warning"]
        ran = subprocess.run(
            command,
            stdout=theirs,
            stderr=theirs if both else subprocess.PIPE,
            check=False,
            timeout=300,
            env=ENVIRONMENT,
        )
        os.close(theirs)
        assert ran.returncode == 1
        assert both or ran.stderr == b"wsw: gate failed: 1 layer is warning or worse: h.0.attn.c_proj\n"


class TestCompare:
    def test_the_gate(self, pair: tuple[Path, Path]) -> None:
        base, tuned = pair
        ran = wsw_command("compare", base, tuned, "--fail-on", "worse", "--quiet")
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == "wsw: gate failed: 1 layer entered a riskier class: h.2.mlp.c_fc\n"
        same = wsw_command("compare", base, base, "--fail-on", "worse")
        assert same.returncode == 0
        assert "identical: The models are identical" in same.stdout

    @pytest.mark.parametrize(
        ("value", "sentence", "worse"),
        [
            (0.0, "1 layer can no longer be graded: h.1.mlp.c_fc", "health: Excellent → not graded"),
            (float("nan"), "1 layer entered a riskier class: h.1.mlp.c_fc", "health: Excellent → Critical"),
        ],
    )
    def test_a_layer_that_was_wiped_out_is_worse(
        self, pair: tuple[Path, Path], tmp_path: Path, value: float, sentence: str, worse: str
    ) -> None:
        tuned = load_file(pair[0]) | {"h.1.mlp.c_fc.weight": torch.full((12, 9), value)}
        save_file(tuned, tmp_path / "tuned.safetensors")
        ran = wsw_command("compare", pair[0], tmp_path / "tuned.safetensors", "--fail-on", "worse")
        assert (ran.returncode, ran.stderr) == (1, f"wsw: gate failed: {sentence}\n")
        assert ran.stdout.count(worse) == 1

    def test_a_bias_that_became_nan_is_worse(self, tmp_path: Path) -> None:
        state = {"a.weight": torch.eye(3), "a.bias": torch.ones(3)}
        save_file(state, tmp_path / "base.safetensors")
        save_file(state | {"a.bias": torch.full((3,), float("nan"))}, tmp_path / "tuned.safetensors")
        models = tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"
        ran = wsw_command("compare", *models, "--fail-on", "worse", "--quiet")
        assert (ran.returncode, ran.stderr) == (1, "wsw: gate failed: 1 layer entered a riskier class: a.bias\n")

    def test_a_gate_that_could_not_fail_is_refused(self, pair: tuple[Path, Path], tmp_path: Path) -> None:
        ran = wsw_command("compare", *pair, "--fail-on", "worse", "--methods", "sparsity")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "--fail-on needs the methods spectral and quantization" in ran.stderr
        save_file({"other.weight": torch.eye(3)}, tmp_path / "other.safetensors")
        ran = wsw_command("compare", pair[0], tmp_path / "other.safetensors", "--fail-on", "worse")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "have no matrix in common; give two models" in ran.stderr
        assert ran.stderr.count("\n") == 1
