"""Models that several processes hold together: gathered tensor by tensor, in step."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

import weightscope_widget as wsw
from tests.python.support.watched import matrices
from weightscope_widget.errors import InvalidArgumentError
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun

pytestmark = pytest.mark.slow

PATIENCE = 120


def on_two_processes(folder: Path, what: str) -> list[Any]:
    """What each of two processes printed; both are ended whatever happens."""
    command = [sys.executable, "-m", "tests.python.support.distributed"]
    started = [
        subprocess.Popen(
            [*command, str(rank), str(folder / "store"), what],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=PATIENCE) for process in started]
    finally:
        for process in started:
            process.kill()
            process.wait()
    for process, (_, errors) in zip(started, outputs, strict=True):
        assert process.returncode == 0, errors
    return [json.loads(printed.splitlines()[-1]) for printed, _ in outputs]


@pytest.mark.parametrize(("what", "layers"), [("fsdp2", 9), ("state dict", 3)])
def test_sharded_is_as_whole_to_the_bit_on_every_process(tmp_path: Path, what: str, layers: int) -> None:
    for found, in_background, expected in on_two_processes(tmp_path, what):
        assert len(expected) == layers
        assert found == expected
        assert in_background == expected


def test_flat_parameters_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for message in on_two_processes(tmp_path, "fsdp1"):
        assert message.startswith("This module is wrapped in FullyShardedDataParallel, which flattens its parameters;")
        assert "get_model_state_dict" in message


class Sharded(torch.nn.Parameter):
    """Looks like a DTensor."""

    def full_tensor(self) -> torch.Tensor:
        return self.data


def test_all_processes_go_in_one_order() -> None:
    model = {name: Sharded(tensor) for name, tensor in matrices(6).items()}
    run = ScanRun(model, RunOptions(("basic_stats",), workers=3))
    run.prioritize("l4")
    assert [task.layer.name for task in run.steps()] == [f"l{index}" for index in range(6)]


def test_an_executor_is_refused() -> None:
    model = {name: Sharded(tensor) for name, tensor in matrices(2).items()}
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(InvalidArgumentError, match="scan it on all of these processes, without an executor"),
    ):
        wsw.scan(model, executor=pool, progress=False)
