"""The command, run as people and pipelines run it: in a process of its own, good and bad."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

import weightscope_widget as wsw
from tests.python.figure_cases import HOSTILE
from tests.python.servers import Reply, Request, files, serving
from weightscope_widget.cli import main

STEERING = "h.1.mlp.\x1b]0;owned\x07[red]x"


ENVIRONMENT = {**os.environ, "WEIGHTSCOPE_CACHE": "off", "PYTHONPATH": str(Path(__file__).parents[2])}


def wsw_command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weightscope_widget", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=ENVIRONMENT | environment
    )


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


class TestScan:
    def test_a_pipe_gets_columns_that_are_the_results(self, file: Path) -> None:
        ran = wsw_command("scan", file)
        assert ran.returncode == 0
        assert ran.stderr == ""
        lines = [line for line in ran.stdout.splitlines() if not line.startswith("#")]
        header, *rows = [line.split("\t") for line in lines]
        assert header[0] == "layer"
        frame = wsw.scan(file, progress=False).to_frame()
        assert [row[0] for row in rows[:2]] == list(frame.sort_values("risk", ascending=False).index[:2])
        assert len(rows) == 5
        for row in rows:
            if row[0] not in frame.index:
                continue
            found = dict(zip(header, row, strict=True))
            expected = frame.loc[row[0]]
            assert float(found["condition_number"]) == pytest.approx(expected["spectral.condition_number"], rel=1e-4)
            assert float(found["sqnr_db"]) == pytest.approx(expected["quantization.sqnr_db"], rel=1e-4)
            assert float(found["risk"]) == pytest.approx(expected["risk"], rel=1e-4)
            assert found["grade"] == expected["grade"]
            assert found["shape"] == "×".join(map(str, expected["shape"]))

    def test_comments_say_what_else_there_is(self, file: Path) -> None:
        ran = wsw_command("scan", file, "--top", 2)
        comments = [line for line in ran.stdout.splitlines() if line.startswith("#")]
        assert re.match(r"# model0: 5 layers, 3,\d{3} weights, \d+\.\d s", comments[0])
        assert any("rules of thumb" in line for line in comments)
        assert any(line.startswith("# training: ") for line in comments)
        assert len(ran.stdout.splitlines()) - len(comments) == 3

    def test_names_steer_no_terminal(self, file: Path) -> None:
        ran = wsw_command("scan", file)
        assert "\x1b" not in ran.stdout
        assert "\x07" not in ran.stdout
        assert r"\x1b]0;owned\x07[red]x" in ran.stdout
        assert HOSTILE in ran.stdout

    def test_results_and_report(self, file: Path, tmp_path: Path) -> None:
        ran = wsw_command("scan", file, "--output", tmp_path / "r.json", "--report", tmp_path / "out", "--top", 1)
        assert ran.returncode == 0, ran.stderr
        loaded = wsw.load_results(tmp_path / "r.json")
        assert loaded.methods == ("basic_stats", "spectral", "quantization", "sparsity", "schemes")
        assert (tmp_path / "out" / "dashboard.html").stat().st_size > 100_000
        assert len(list((tmp_path / "out" / "layer_details").iterdir())) == 2
        assert "Wrote 9 files" in ran.stdout

    def test_methods_vectors_and_quiet(self, file: Path, tmp_path: Path) -> None:
        ran = wsw_command(
            *("scan", file, "--methods", "basic_stats,quantization", "--vectors", "--quiet"),
            *("--output", tmp_path / "r.json"),
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        loaded = wsw.load_results(tmp_path / "r.json")
        assert loaded.methods == ("basic_stats", "quantization")
        assert "h.0.ln" in loaded

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

    def test_a_reader_that_has_enough_is_no_error(self, file: Path) -> None:
        ran = in_bash(f"wsw scan '{file}' | head -1")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("# model0: 5 layers")

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

    def test_a_terminal_that_lacks_letters_shows_the_rest(self, file: Path) -> None:
        ran = wsw_command("scan", file, PYTHONIOENCODING="ascii")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert r"40\xd730" in ran.stdout  # 40×30
        assert "rules of thumb" in ran.stdout

    @pytest.mark.parametrize("option", ["--output", "--report"])
    def test_where_nothing_can_be_written_nothing_is_measured(self, tmp_path: Path, option: str) -> None:
        (tmp_path / "file").write_text("in the way")
        before = sorted(tmp_path.rglob("*"))
        # Whether there is a model was not even asked.
        ran = wsw_command("scan", "/nowhere/model", option, tmp_path / "file" / "below")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert re.fullmatch(rf"wsw: error: {option}: .*'{tmp_path}/file/below' cannot be written .*\n", ran.stderr)
        assert sorted(tmp_path.rglob("*")) == before

    def test_results_take_no_folder_s_place(self, file: Path, tmp_path: Path) -> None:
        ran = wsw_command("scan", file, "--output", tmp_path)
        assert ran.returncode == 2
        assert "is there and is no file; choose another path." in ran.stderr

    def test_an_interrupt_keeps_what_was_computed(self, tmp_path: Path) -> None:
        pytest.importorskip("aiohttp")
        layers = {f"h.{block}.mlp.c_fc.weight": torch.eye(8) + block for block in range(3)}
        content = save(layers)
        begin = 8 + int.from_bytes(content[:8], "little")
        served, second, sent = files({"m.safetensors": content}), threading.Event(), threading.Event()
        asked: list[int] = []

        def answer(request: Request) -> Reply:
            if request.method == "GET" and request.range is not None and request.range[0] >= begin:
                asked.append(request.range[0])
                if len(asked) == 2:
                    second.set()
                    sent.wait(120)
            return served(request)

        with serving(answer) as server:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "weightscope_widget", "scan", f"{server.url}/m.safetensors"),
                    *("--workers", "1", "--output", str(tmp_path / "r.json")),
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=ENVIRONMENT | {"NO_PROXY": "127.0.0.1"},
                # A shell has its background jobs ignore interrupts, and those inherit it.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )
            assert second.wait(120)
            process.send_signal(signal.SIGINT)
            sent.set()
            _, said = process.communicate(timeout=120)
        assert process.returncode == 130
        loaded = wsw.load_results(tmp_path / "r.json")
        assert said == f"wsw: interrupted after {len(loaded)} of 3 layers; what was computed is in {tmp_path}/r.json\n"
        assert 1 <= len(loaded) < 3
        assert not loaded.complete

    def test_a_terminal_gets_colour_and_a_bar(self, file: Path) -> None:
        command = [sys.executable, "-m", "weightscope_widget", "scan", str(file), "--no-cache"]
        environment = {
            **{key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CI")},
            "TERM": "xterm-256color",
            "COLUMNS": "150",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        ours, theirs = pty.openpty()
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        output = b""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and select.select([ours], [], [], 120)[0]:
            try:
                block = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            output += block
        os.close(ours)
        assert process.wait(60) == 0
        text = output.decode()
        assert "\x1b[31m" in text  # a class in red
        assert "measuring" in text
        assert "━" in text
        assert "stable / total rank" in text
        assert "\x1b]0;owned" not in text


class TestCompare:
    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
        folder = tmp_path_factory.mktemp("pair")
        draw = torch.Generator().manual_seed(0)
        base = {f"h.{i}.mlp.c_fc.weight": torch.randn(12, 9, generator=draw) for i in range(3)}
        tuned = {name: tensor.clone() for name, tensor in base.items()}
        tuned["h.1.mlp.c_fc.weight"] += torch.outer(torch.ones(12), torch.ones(9))
        tuned["h.2.mlp.c_fc.weight"][:, 0] = tuned["h.2.mlp.c_fc.weight"][:, 1]  # κ = ∞
        for name, state in (("base", base), ("tuned", tuned)):
            save_file(state, folder / f"{name}.safetensors")
        return folder / "base.safetensors", folder / "tuned.safetensors"

    def test_a_pipe_gets_the_changes(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        ran = wsw_command("compare", *files, "--output", tmp_path / "c.json")
        assert (ran.returncode, ran.stderr) == (0, "")
        header, *rows = [line.split("\t") for line in ran.stdout.splitlines() if not line.startswith("#")]
        frame = wsw.load_comparison(tmp_path / "c.json").to_frame()
        assert [row[0] for row in rows] == ["h.1.mlp.c_fc", "h.2.mlp.c_fc"]
        for row in rows:
            found = dict(zip(header, row, strict=True))
            for metric in ("relative_change", "delta_rank_99", "delta_total_rank", "subspace_overlap"):
                assert float(found[metric]) == pytest.approx(frame.loc[row[0], metric], rel=1e-4)
        assert rows[1][-1] == "condition_number: safe → very high"
        assert any("rule of thumb" in line for line in ran.stdout.splitlines())

    def test_the_gate(self, files: tuple[Path, Path]) -> None:
        base, tuned = files
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
        self, files: tuple[Path, Path], tmp_path: Path, value: float, sentence: str, worse: str
    ) -> None:
        tuned = load_file(files[0]) | {"h.1.mlp.c_fc.weight": torch.full((12, 9), value)}
        save_file(tuned, tmp_path / "tuned.safetensors")
        ran = wsw_command("compare", files[0], tmp_path / "tuned.safetensors", "--fail-on", "worse")
        assert (ran.returncode, ran.stderr) == (1, f"wsw: gate failed: {sentence}\n")
        assert ran.stdout.count(worse) == 1

    def test_a_bias_that_became_nan_is_worse(self, tmp_path: Path) -> None:
        state = {"a.weight": torch.eye(3), "a.bias": torch.ones(3)}
        save_file(state, tmp_path / "base.safetensors")
        save_file(state | {"a.bias": torch.full((3,), float("nan"))}, tmp_path / "tuned.safetensors")
        pair = tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"
        ran = wsw_command("compare", *pair, "--fail-on", "worse", "--quiet")
        assert (ran.returncode, ran.stderr) == (1, "wsw: gate failed: 1 layer entered a riskier class: a.bias\n")

    def test_a_gate_that_could_not_fail_is_refused(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        ran = wsw_command("compare", *files, "--fail-on", "worse", "--methods", "sparsity")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "--fail-on needs the methods spectral and quantization" in ran.stderr
        save_file({"other.weight": torch.eye(3)}, tmp_path / "other.safetensors")
        ran = wsw_command("compare", files[0], tmp_path / "other.safetensors", "--fail-on", "worse")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert "have no matrix in common; give two models" in ran.stderr
        assert ran.stderr.count("\n") == 1

    def test_errors(self, files: tuple[Path, Path]) -> None:
        ran = wsw_command("compare", files[0], "/nowhere")
        assert ran.returncode == 2
        assert ran.stderr.startswith("wsw: error: There is nothing at '/nowhere'")


class TestReport:
    def test_from_saved_results(self, file: Path, tmp_path: Path) -> None:
        wsw.scan(file, progress=False).save(tmp_path / "r.json")
        ran = wsw_command("report", tmp_path / "r.json", tmp_path / "out", "--layer", "h.0.mlp.c_fc")
        assert ran.returncode == 0, ran.stderr
        assert sorted(path.name for path in (tmp_path / "out" / "layer_details").iterdir()) == [
            "h0.mlp.c_fc_distribution.png",
            "h0.mlp.c_fc_singular_values.png",
        ]

    def test_what_could_be_written_is(self, tmp_path: Path) -> None:
        wsw.scan({"a.weight": torch.eye(3)}, methods="basic_stats", progress=False).save(tmp_path / "r.json")
        ran = wsw_command("report", tmp_path / "r.json", tmp_path / "out")
        assert ran.returncode == 2
        assert ran.stderr.startswith("wsw: error: The report lacks 3 of its files: condition_heatmap.png")
        assert (tmp_path / "out" / "dashboard.html").exists()


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["scan", "/nowhere/model"], "There is nothing at '/nowhere/model'"),
            (["scan", "{junk}"], "junk.safetensors"),
            (["scan", "{file}", "--methods", "spectrum"], "methods has 'spectrum'"),
            (["scan", "{file}", "--threshold", "sqnr=1"], "'sqnr' has no classes"),
            (["scan", "{file}", "--threshold", "sqnr_db=1,2"], "must be descending"),
            (["scan", "{file}", "--memory", "-1"], "memory is -1.0"),
            (["scan", "{file}", "--methods", "sparsity", "--fail-on", "critical"], "--fail-on needs the methods"),
            (["scan", "{file}", "--output", "/nowhere/r.json"], "r.json"),
            (["report", "/nowhere.json", "out"], "There is no results file"),
            (["scan", "{file}", "--report", "{file}"], "cannot be written"),
            (["compare", "{file}", "{file}", "--output", "/nowhere/c.json"], "c.json"),
            (["report", "{junk}", "out"], "is not a JSON file"),
            (["report", "{malformed}", "out"], "spectral.condition_number (not a number)"),
            (["report", "{file}", "{file}"], "is not a JSON file"),
        ],
    )
    def test_are_one_sentence(
        self,
        file: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        sentence: str,
    ) -> None:
        monkeypatch.setenv("WEIGHTSCOPE_CACHE", "off")
        monkeypatch.chdir(tmp_path)
        junk = tmp_path / "junk.safetensors"
        junk.write_bytes(b"\xff\x00 no model")
        malformed = tmp_path / "malformed.json"
        malformed.write_text('{"a": {"spectral": {"condition_number": "abc"}}}')
        assert main([each.format(file=file, junk=junk, malformed=malformed) for each in arguments]) == 2
        said = capsys.readouterr().err
        assert said.startswith("wsw: error: ")
        assert sentence in said
        assert said.count("\n") == 1

    def test_end_a_process_without_a_traceback(self) -> None:
        ran = wsw_command("scan", "/nowhere/model")
        assert (ran.returncode, ran.stdout) == (2, "")
        assert ran.stderr.startswith("wsw: error: There is nothing at '/nowhere/model'")
        assert ran.stderr.count("\n") == 1

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ([], "required: COMMAND"),
            (["nonsense"], "invalid choice: 'nonsense'"),
            (["scan"], "required: MODEL"),
            (["scan", "x", "--top", "0"], "'0' is not a whole number of at least 1"),
            (["scan", "x", "--top", "abc"], "'abc' is not a whole number of at least 1"),
            (["scan", "x", "--methods", ","], "',' names nothing"),
            (["scan", "x", "--threshold", "a=b"], "'a=b' is not of the form METRIC=LEVEL,LEVEL"),
        ],
    )
    def test_of_usage(self, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str) -> None:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert said.startswith("usage: wsw")
        assert sentence in said

    def test_debug_shows_where(self) -> None:
        ran = wsw_command("scan", "/nowhere/model", "--debug")
        assert ran.returncode == 2  # not 1, which says that a gate failed
        assert ran.stderr.startswith("wsw: error: Traceback (most recent call last):\n")
        assert "ModelNotFoundError: There is nothing at" in ran.stderr


def test_help_and_version_need_nothing_heavy() -> None:
    code = (
        "import sys; from weightscope_widget.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'pandas', 'matplotlib', 'bqplot'} & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    assert wsw_command("--version").stdout.strip() == f"weightscope-widget {wsw.__version__}"


def test_the_command_is_installed_as_wsw() -> None:
    (entry,) = entry_points(group="console_scripts", name="wsw")
    assert entry.value == "weightscope_widget.cli:main"


def test_json_is_what_results_are(file: Path, tmp_path: Path) -> None:
    wsw_command("scan", file, "--output", tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["format"] == "weightscope-results"
