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
from safetensors.torch import save

import weightscope_widget as wsw
from tests.python.support.command_line import ENVIRONMENT, file, in_bash, pair, wsw_command
from tests.python.support.figure_cases import HOSTILE
from tests.python.support.servers import Reply, Request, files, serving
from weightscope_widget.cli import main

pytestmark = pytest.mark.slow

__all__ = ["file", "pair"]  # fixtures


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
        assert re.match(r"# model\d: 5 layers, 3,\d{3} weights, \d+\.\d s", comments[0])
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

    def test_a_reader_that_has_enough_is_no_error(self, file: Path) -> None:
        ran = in_bash(f"wsw scan '{file}' | head -1")
        assert (ran.returncode, ran.stderr) == (0, "")
        assert re.match(r"# model\d: 5 layers", ran.stdout)

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
            "PYTHONPATH": str(Path(__file__).parents[3]),
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
    def test_a_pipe_gets_the_changes(self, pair: tuple[Path, Path], tmp_path: Path) -> None:
        ran = wsw_command("compare", *pair, "--output", tmp_path / "c.json")
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

    def test_errors(self, pair: tuple[Path, Path]) -> None:
        ran = wsw_command("compare", pair[0], "/nowhere")
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
