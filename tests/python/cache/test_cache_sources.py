"""What is remembered of each kind of file, and what makes it another one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from tests.python.support.caches import ALL, measured_anew, overwrite_unnoticed, scan, small
from tests.python.support.checkpoints import write_sharded
from tests.python.support.servers import Loopback, Reply, Request, part_of, serving
from tests.python.support.watched import contents
from weightscope_widget.cache.store import Cache
from weightscope_widget.scanning.options import RunOptions
from weightscope_widget.scanning.run import ScanRun

SECOND = 10**9

pytestmark = pytest.mark.filterwarnings("error::weightscope_widget.errors.CacheWarning")


def test_torch_files(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"a.weight": torch.eye(4), "b.weight": torch.ones(3, 2)}, path)
    first = scan(path, remembered)
    assert measured_anew(path, remembered) == []
    torch.save({"a.weight": 2 * torch.eye(4), "b.weight": torch.ones(3, 2)}, path)
    assert scan(path, remembered)["a"]["basic_stats"]["max"] == 2
    assert first["a"]["basic_stats"]["max"] == 1


def test_adapters(tmp_path: Path, remembered: Path) -> None:
    """Both factors' file is asked, and the scaling from the configuration counts."""
    factors = {
        "base_model.model.q.lora_A.weight": torch.randn(2, 6),
        "base_model.model.q.lora_B.weight": torch.randn(5, 2),
    }
    save_file(factors, tmp_path / "adapter_model.safetensors")
    config = tmp_path / "adapter_config.json"
    config.write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 4}')
    first = scan(tmp_path, remembered)
    assert measured_anew(tmp_path, remembered) == []
    config.write_text('{"peft_type": "LORA", "r": 2, "lora_alpha": 8}')
    twice = scan(tmp_path, remembered)
    assert twice["q"]["basic_stats"]["max"] == pytest.approx(2 * first["q"]["basic_stats"]["max"], rel=1e-12)


def test_stacks_of_experts(tmp_path: Path, remembered: Path) -> None:
    path = tmp_path / "experts.safetensors"
    save_file({"layers.0.mlp.experts.gate_up_proj": torch.randn(3, 8, 6)}, path)
    first = scan(path, remembered)
    overwrite_unnoticed(path)
    second = scan(path, remembered)
    assert len(second) == 4
    assert contents(second) == contents(first)
    assert np.array_equal(
        second.singular_values("layers.0.mlp.experts.gate_up_proj"),
        np.sort(np.concatenate([second.singular_values(f"layers.0.mlp.experts.gate_up_proj[{k}]") for k in range(3)]))[
            ::-1
        ],
    )


def test_quantized_weights(tmp_path: Path, remembered: Path) -> None:
    """Each of the tensors that a weight is put together from counts."""
    path = tmp_path / "fp8.safetensors"
    codes, scale = torch.randn(6, 4).to(torch.float8_e4m3fn), torch.tensor(0.5)
    save_file({"a.weight": codes, "a.weight_scale": scale}, path)
    first = scan(path, remembered)
    assert measured_anew(path, remembered) == []
    save_file({"a.weight": codes, "a.weight_scale": 2 * scale}, path)
    assert scan(path, remembered)["a"]["basic_stats"]["max"] == 2 * first["a"]["basic_stats"]["max"]


def test_onnx_files(tmp_path: Path, remembered: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "m.onnx"
    for factor in (1, 2):
        tensor = onnx.numpy_helper.from_array(factor * np.eye(3, dtype=np.float32), "a")
        onnx.save_model(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [tensor])), path)
        assert scan(path, remembered)["a"]["basic_stats"]["max"] == factor
        assert measured_anew(path, remembered) == []


def test_gguf_files(tmp_path: Path, remembered: Path) -> None:
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "m.gguf"
    for factor in (1, 2):
        writer = gguf.GGUFWriter(path, "llama")
        kind = gguf.GGMLQuantizationType.Q8_0
        blocks = gguf.quants.quantize(np.full((4, 32), 127.0 * factor, np.float32), kind)
        writer.add_tensor("blk.0.attn_q.weight", blocks, raw_dtype=kind)
        for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
            write()
        writer.close()
        assert scan(path, remembered)["blk.0.attn_q"]["basic_stats"]["max"] == 127 * factor
        assert measured_anew(path, remembered) == []


def test_of_several_shards_those_that_changed_are_measured_anew(tmp_path: Path, remembered: Path) -> None:
    folder = write_sharded(tmp_path / "model", {"a.weight": torch.eye(3)}, {"b.weight": torch.eye(4)})
    scan(folder, remembered)
    assert measured_anew(folder, remembered) == []
    save_file({"b.weight": 2 * torch.eye(4)}, folder / "model-00002-of-00002.safetensors")
    assert measured_anew(folder, remembered) == ["b"]


def test_a_file_that_two_snapshots_share_is_one(tmp_path: Path, remembered: Path) -> None:
    """As the hub's cache has them: links to files that are called after their hash."""
    blob = small(tmp_path / "blobs.safetensors").rename(tmp_path / "blob")
    for revision in ("old", "new"):
        folder = tmp_path / "snapshots" / revision
        folder.mkdir(parents=True)
        (folder / "model.safetensors").symlink_to(blob)
    scan(tmp_path / "snapshots" / "old", remembered)
    assert measured_anew(tmp_path / "snapshots" / "new", remembered) == []


def test_a_time_that_the_next_write_could_have_as_well_tells_nothing(tmp_path: Path, remembered: Path) -> None:
    """On a filesystem that counts seconds, a file is not remembered in the second in which it was written."""
    path = small(tmp_path / "m.safetensors")
    now = time.time_ns() // SECOND * SECOND
    os.utime(path, ns=(now, now))
    scan(path, remembered)
    assert len(measured_anew(path, remembered)) == 3
    earlier = now - 10 * SECOND
    os.utime(path, ns=(earlier, earlier))
    scan(path, remembered)
    assert measured_anew(path, remembered) == []


# -- Elsewhere ---------------------------------------------------------------------------------------------------------


class Shelf:
    """A server of one file, whose contents and headers may change."""

    def __init__(self, **headers: str) -> None:
        pytest.importorskip("fsspec")
        pytest.importorskip("aiohttp")
        self.headers = headers
        self.fill(1)

    def fill(self, factor: float) -> None:
        self.content = save({f"l{index}.weight": factor * torch.eye(9) for index in range(3)})

    def __call__(self, request: Request) -> Reply:
        return part_of(self.content, request, self.headers)


@contextmanager
def served(shelf: Shelf) -> Iterator[tuple[Loopback, str]]:
    with serving(shelf) as server:
        yield server, f"{server.url}/model.safetensors"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def days_ago(days: float) -> str:
    return formatdate(time.time() - days * 86400, usegmt=True)


@pytest.mark.parametrize("told", [{"ETag": '"1"'}, {"Last-Modified": days_ago(1)}, {"ETag": 'W/"1"'}])
def test_of_a_file_elsewhere_only_the_header_travels_again(remembered: Path, told: dict[str, str]) -> None:
    with served(Shelf(**told)) as (server, url):
        first = scan(url, remembered)
        server.forget()
        assert contents(scan(url, remembered)) == contents(first)
        # Its length, and itself.
        assert [request.range for request in server.gets()] == [(0, 8), (8, server.gets()[1].range[1])]  # type: ignore[index]


@pytest.mark.parametrize("modified", [None, 0, "long ago"])
def test_a_file_elsewhere_of_which_nothing_tells_whether_it_changed(remembered: Path, modified: object) -> None:
    told = {} if modified is None else {"Last-Modified": days_ago(0) if modified == 0 else str(modified)}
    with served(Shelf(**told)) as (_, url):
        scan(url, remembered)
        assert len(measured_anew(url, remembered)) == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [({"ETag": '"1"'}, {"ETag": '"2"'}), ({"Last-Modified": days_ago(2)}, {"Last-Modified": days_ago(1)})],
)
def test_a_file_elsewhere_that_changed_is_measured_anew(
    remembered: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    shelf = Shelf(**before)
    with served(shelf) as (_, url):
        assert scan(url, remembered)["l0"]["basic_stats"]["max"] == 1
        shelf.fill(2)
        shelf.headers = after
        assert scan(url, remembered)["l0"]["basic_stats"]["max"] == 2


def test_a_file_elsewhere_that_changes_while_it_is_measured_is_not_remembered(remembered: Path) -> None:
    shelf = Shelf(ETag='"1"')
    with served(shelf) as (_, url):
        run = ScanRun(url, RunOptions(ALL, cache=Cache(remembered)))
        shelf.fill(2)
        shelf.headers = {"ETag": '"2"'}
        assert len(list(run.steps())) == 3
        assert run.results["l0"]["basic_stats"]["max"] == 2
        # Someone puts the old one back.
        shelf.fill(1)
        shelf.headers = {"ETag": '"1"'}
        assert scan(url, remembered)["l0"]["basic_stats"]["max"] == 1


def test_a_file_elsewhere_is_asked_for_once_for_all_its_layers(remembered: Path) -> None:
    with served(Shelf(ETag='"1"')) as (server, url):
        scan(url, remembered)
        assert [request.method for request in server.requests].count("HEAD") == 2  # before and after
