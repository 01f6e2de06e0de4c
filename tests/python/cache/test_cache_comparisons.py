"""What comparisons remember and recall: the sections of either side, as scans do, and nothing of the change."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

import weightscope_widget as wsw
from tests.python.support.watched import contents, matrices
from weightscope_widget.comparison import ComparisonRun
from weightscope_widget.comparison.job import ComparisonJob
from weightscope_widget.scanning.options import run_options


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    base = {**matrices(3, 12, 7), "norm.weight": torch.ones(4)}
    tuned = {
        name: tensor + 0.1 * torch.eye(*tensor.shape) if tensor.dim() > 1 else tensor for name, tensor in base.items()
    }
    tuned["l2.weight"] = base["l2.weight"].clone()
    for name, tensors in (("base", base), ("tuned", tuned)):
        save_file(tensors, tmp_path / f"{name}.safetensors")
    return tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"


def asked(files: tuple[Path, Path], cache: Path) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """What a comparison would analyze now."""
    run = ComparisonRun(*files, run_options(vectors=True, cache=cache))
    return {job.name: (job.base_methods, job.tuned_methods) for job in run._jobs if isinstance(job, ComparisonJob)}


def test_a_scan_remembers_for_a_comparison(files: tuple[Path, Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    plain = wsw.compare(*files, cache=False, progress=False)
    wsw.scan(files[0], vectors=True, cache=cache, progress=False)
    assert {base for base, _ in asked(files, cache).values()} == {()}
    assert asked(files, cache)["l0"][1] == plain.methods
    found = wsw.compare(*files, cache=cache, progress=False)
    pd.testing.assert_frame_equal(found.to_frame(), plain.to_frame())
    for side in ("base", "tuned"):
        assert contents(getattr(found, side)) == contents(getattr(plain, side))


@pytest.mark.parametrize("cheap_first", [False, True])
def test_a_comparison_remembers_for_a_scan_and_a_comparison(
    files: tuple[Path, Path], tmp_path: Path, cheap_first: bool
) -> None:
    cache = tmp_path / "cache"
    plain = wsw.compare(*files, cache=False, progress=False)
    list(ComparisonRun(*files, run_options(vectors=True, cache=cache), cheap_first=cheap_first).steps())
    # Of what did not change nothing was analyzed.
    left = {name: methods for name, methods in asked(files, cache).items() if methods != ((), ())}
    assert list(left) == ["l2", "norm"]
    again = ComparisonRun(*files, run_options(vectors=True, cache=cache), cheap_first=cheap_first)
    list(again.steps())
    pd.testing.assert_frame_equal(again.results.to_frame(), plain.to_frame())
    scanned = wsw.scan(files[1], cache=cache, progress=False)
    assert contents(scanned) == contents(wsw.scan(files[1], cache=False, progress=False))


def test_of_what_is_identical_nothing_known_is_shown(files: tuple[Path, Path], tmp_path: Path) -> None:
    for file in files:
        wsw.scan(file, vectors=True, cache=tmp_path / "cache", progress=False)
    found = wsw.compare(*files, cache=tmp_path / "cache", progress=False)
    assert (found["l2"]["status"], found["l2"]["base"], found["l2"]["tuned"]) == ("identical", {}, {})
    assert list(found["l0"]["base"]) == list(found.methods)


def test_a_file_that_changed_is_analyzed_again(files: tuple[Path, Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    wsw.compare(*files, cache=cache, progress=False)
    save_file(
        {
            **matrices(
                3,
                12,
                7,
            ),
            "norm.weight": 2 * torch.ones(4),
        },
        files[1],
    )
    assert asked(files, cache)["l0"][1] != ()
    assert asked(files, cache)["l0"][0] == ()


def test_models_in_memory_are_never_remembered(tmp_path: Path) -> None:
    tuned = {name: 2 * tensor for name, tensor in matrices(2).items()}
    wsw.compare(matrices(2), tuned, cache=tmp_path / "cache", progress=False)
    assert not (tmp_path / "cache").exists()
