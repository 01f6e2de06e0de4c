"""Safetensors elsewhere: how little travels, that what arrives is the same, and what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

import weightscope_widget as wsw
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from tests.python.support.servers import Hub, Loopback, Reply, Request, files, serving
from weightscope_widget.errors import (
    CorruptFileError,
    MissingLibraryError,
    ModelNotFoundError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

MIXED = {
    "model.embed_tokens.weight": torch.randn(64, 48, generator=torch.Generator().manual_seed(1)),
    "model.layers.0.mlp.up_proj.weight": numbered(96, 48, dtype=torch.bfloat16),
    "model.layers.0.mlp.down_proj.weight": numbered(48, 96, start=0.5, dtype=torch.float16),
    "model.layers.1.mlp.up_proj.weight": numbered(96, 48, dtype=torch.float8_e4m3fn),
    "model.layers.1.mlp.down_proj.weight": numbered(48, 96, dtype=torch.float8_e5m2),
    "model.layers.1.mlp.experts.w1": numbered(3, 8, 6, dtype=torch.float64),
    "model.norm.weight": numbered(48),
    "packed": torch.zeros(4, 4, dtype=torch.int8),
    "nothing": torch.zeros(0, 3),
}


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def served() -> Iterator[tuple[Loopback, str]]:
    """A server of the file, and the file's address."""
    with serving(files({"tiny/model.safetensors": save(MIXED)})) as server:
        yield server, f"{server.url}/tiny/model.safetensors"


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's filesystem in memory, empty before and after."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def place_of(content: bytes, key: str) -> tuple[int, int]:
    """First byte of a tensor and the one after its last, read off the file by hand."""
    length = int.from_bytes(content[:8], "little")
    begin, end = json.loads(content[8 : 8 + length])[key]["data_offsets"]
    return 8 + length + begin, 8 + length + end


# -- What travels ------------------------------------------------------------------------------------------------------


def test_opening_reads_the_header_and_a_layer_its_own_bytes(served: tuple[Loopback, str]) -> None:
    server, url = served
    content = save(MIXED)
    length = int.from_bytes(content[:8], "little")
    source = open_source(url)
    assert source.name == "tiny"
    assert [request.range for request in server.gets()] == [(0, 8), (8, 8 + length)]
    assert server.sent == 8 + length < len(content) / 20
    for layer in source.layers:
        if "[" in layer.name:
            continue
        server.forget()
        key = layer.name if layer.name in MIXED else f"{layer.name}.weight"
        tensor = pickle.loads(pickle.dumps(layer)).load()
        assert same(tensor, MIXED[key])
        assert [request.range for request in server.requests] == [place_of(content, key)]
        tensor.zero_()  # its memory is its own, and can be written


def test_one_expert_is_fetched_alone(served: tuple[Loopback, str]) -> None:
    server, url = served
    found = layers(url)
    server.forget()
    assert same(found["model.layers.1.mlp.experts.w1[2]"].load(), MIXED["model.layers.1.mlp.experts.w1"][2])
    assert server.sent == 8 * 6 * 8
    assert len(pickle.dumps(found["model.layers.1.mlp.experts.w1[2]"])) < 1000


def test_a_scan_of_an_address_is_the_scan_of_the_file(served: tuple[Loopback, str], tmp_path: Path) -> None:
    _, url = served
    path = checkpoints.write(tmp_path / "tiny" / "model.safetensors", MIXED)
    far, near = (wsw.scan(model, vectors=True, progress=False) for model in (url, path))
    assert dict(far) == dict(near)
    assert all("error" not in found for found in far.values())
    assert far.skipped == near.skipped
    for name in near:
        if "spectral" in near[name]:
            assert list(far.singular_values(name)) == list(near.singular_values(name))


SHARDS = {
    "model-00001-of-00002.safetensors": {"a.weight": numbered(3, 4), "h.0.attn.c_attn.weight": numbered(4, 12)},
    "model-00002-of-00002.safetensors": {"h.0.attn.c_attn.bias": numbered(12), "b.weight": numbered(5, 2)},
}
INDEX = {"weight_map": {key: shard for shard, tensors in SHARDS.items() for key in tensors}}


def sharded(folder: str = "", **changes: object) -> dict[str, bytes]:
    content = {folder + name: save(tensors) for name, tensors in SHARDS.items()}
    return {**content, f"{folder}model.safetensors.index.json": json.dumps({**INDEX, **changes}).encode()}


def check_shards(model: str) -> None:
    found = layers(model)
    assert found["h.0.attn.c_attn"].transposed  # its bias is in the other shard
    for tensors in SHARDS.values():
        for key, tensor in tensors.items():
            assert same(found[key.removesuffix(".weight")].load(), tensor)


def test_shards_by_their_index_with_a_query_and_a_name_that_needs_quoting() -> None:
    with serving(files(sharded("my model/"))) as server:
        check_shards(f"{server.url}/my%20model/model.safetensors.index.json?download=true")
        assert all(request.path.endswith("?download=true") for request in server.requests)


def test_any_filesystem_of_fsspec_will_do(memory: Any) -> None:
    for name, content in sharded("bucket/tiny/").items():
        memory.pipe(f"/{name}", content)
    memory.pipe("/bucket/tiny/config.json", b"{}")
    check_shards("memory://bucket/tiny")
    check_shards("memory://bucket/tiny/")
    check_shards("memory://bucket/tiny/model.safetensors.index.json")
    assert open_source("memory://bucket/tiny").name == "tiny"
    assert set(layers("memory://bucket/tiny/model-00002-of-00002.safetensors")) == {"h.0.attn.c_attn.bias", "b"}


def test_the_hub_s_filesystem(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")
    content = save(MIXED)
    with serving(Hub("acme/tiny", {"model.safetensors": content, "README.md": b"#" * 99999})) as server:
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        hub.HfFileSystem.clear_instance_cache()
        try:
            source = open_source("hf://acme/tiny")
            assert server.sent < len(content) / 10
            layer = next(layer for layer in source.layers if layer.name == "model.embed_tokens")
            assert same(layer.load(), MIXED["model.embed_tokens.weight"])
            ranges = [request.range for request in server.gets() if "/resolve/" in request.path]
            length = int.from_bytes(content[:8], "little")
            assert ranges == [(0, 8), (8, 8 + length), place_of(content, "model.embed_tokens.weight")]
            with pytest.raises(ModelNotFoundError, match=r"hf://acme/gone.*cannot be opened"):
                open_source("hf://acme/gone/model.safetensors")
        finally:
            hub.HfFileSystem.clear_instance_cache()


# -- What goes wrong on the way ----------------------------------------------------------------------------------------


class Failing:
    """A server of the file that answers `fault` to requests for one tensor, `times` times."""

    def __init__(self, key: str, fault: Callable[[Request], Reply], times: int) -> None:
        self.content = save(MIXED)
        self.place = place_of(self.content, key)
        self.fault = fault
        self.left = times
        self.whole = files({"model.safetensors": self.content})

    def __call__(self, request: Request) -> Reply:
        if request.range == self.place and self.left:
            self.left -= 1
            return self.fault(request)
        return self.whole(request)


FAULTS: dict[str, Callable[[Request], Reply]] = {
    "error": lambda _: Reply(500),
    "dropped": lambda _: Reply(cut=True),
    "short": lambda _: Reply(206, b"abc", {"Content-Range": "bytes 0-2/3"}),
    "cut off": lambda _: Reply(206, b"abc", {"Content-Length": "12288", "Connection": "close"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_tried_again_once_and_then_costs_its_layer_only(fault: str) -> None:
    key = "model.embed_tokens.weight"
    with serving(Failing(key, FAULTS[fault], times=1)) as server:
        assert same(layers(f"{server.url}/model.safetensors")["model.embed_tokens"].load(), MIXED[key])
    with serving(Failing(key, FAULTS[fault], times=99)) as server:
        results = wsw.scan(f"{server.url}/model.safetensors", "basic_stats", progress=False)
    assert [name for name, found in results.items() if "error" in found] == ["model.embed_tokens"]
    assert "'model.embed_tokens.weight' cannot be read from" in results["model.embed_tokens"]["error"]


def test_a_server_that_is_gone_or_a_file_that_is(served: tuple[Loopback, str]) -> None:
    server, url = served
    layer = layers(url)["model.norm"]
    server.answer = lambda _: Reply(404)
    server.forget()
    with pytest.raises(TensorReadError, match=r"the server answered 404 Not Found\).*scan again"):
        layer.load()
    assert len(server.requests) == 1  # asking again would not help


def refused(model: str, kind: type[Exception], match: str) -> None:
    with pytest.raises(kind, match=match) as raised:
        open_source(model)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found"), (403, "403 Forbidden"), (500, "500 Internal Server Error")]
)
def test_an_address_that_cannot_be_opened(status: int, said: str) -> None:
    with serving(lambda _: Reply(status)) as server:
        refused(f"{server.url}/model.safetensors", ModelNotFoundError, rf"cannot be opened .*{said}.*check the address")


def test_a_server_that_is_not_there_and_secrets_that_stay_secret() -> None:
    with serving(lambda _: Reply(500)) as server:
        port = server.server_port
    url = f"http://me:secret@127.0.0.1:{port}/model.safetensors?signature=secret"
    with pytest.raises(
        ModelNotFoundError, match=rf"'http://127\.0\.0\.1:{port}/model\.safetensors' cannot be"
    ) as raised:
        open_source(url)
    assert "secret" not in str(raised.value)


def test_a_server_without_ranges_is_refused_before_the_file_has_come() -> None:
    content = save({"a": torch.zeros(1 << 20, 8)})
    with serving(lambda _: Reply(200, content)) as server:
        refused(f"{server.url}/m.safetensors", UnsupportedModelError, "in parts .*whole files only.*download the file")
        assert server.sent == 0  # counted when all is written; the client hung up before


def test_a_server_that_says_it_has_no_ranges_is_believed() -> None:
    told = {"Accept-Ranges": "none"}
    with serving(lambda _: Reply(200, save(MIXED), dict(told))) as server:
        refused(f"{server.url}/m.safetensors", UnsupportedModelError, "whole files only")
        assert server.gets() == []


@pytest.mark.parametrize(
    ("url", "kind", "match"),
    [
        (
            "https://huggingface.co/acme/tiny",
            UnsupportedModelError,
            "page of a model on the hub; give its id, 'acme/tiny'",
        ),
        ("https://host.invalid/model.bin", UnsupportedModelError, r"not the address of a \.safetensors file"),
        ("nonsense://a/model.safetensors", UnsupportedModelError, "fsspec cannot read addresses like"),
        ("memory://nothing/here", ModelNotFoundError, "cannot be opened .*no such file"),
        ("memory://nothing/here.safetensors", ModelNotFoundError, "cannot be opened .*no such file"),
    ],
)
def test_addresses_of_nothing_to_read(memory: Any, url: str, kind: type[Exception], match: str) -> None:
    refused(url, kind, match)


def test_folders_without_a_checkpoint_or_with_several(memory: Any) -> None:
    memory.pipe("/folder/config.json", b"{}")
    refused("memory://folder", ModelNotFoundError, r"holds no model\.safetensors\.index\.json")
    memory.pipe("/folder/a.safetensors", save({"a": numbered(2, 2)}))
    memory.pipe("/folder/b.safetensors", save({"b": numbered(2, 2)}))
    refused("memory://folder", UnsupportedModelError, r"2 \.safetensors files .* such as 'a\.safetensors'")


def test_an_index_elsewhere_that_is_broken_or_hostile(memory: Any) -> None:
    def piped(**changes: object) -> str:
        for name, content in sharded("tiny/", **changes).items():
            memory.pipe(f"/{name}", content)
        return "memory://tiny"

    refused(piped(weight_map={}), CorruptFileError, "has no weight_map")
    for shard in ("../secret.safetensors", "/etc/passwd", "https://evil/x.safetensors"):
        refused(piped(weight_map={"a": shard}), CorruptFileError, "from a source you trust")
    refused(
        piped(weight_map={"a": "gone.safetensors"}), ModelNotFoundError, r"tiny/gone\.safetensors' cannot be opened"
    )
    found = layers(piped(weight_map={"lost.weight": "model-00001-of-00002.safetensors"}))
    with pytest.raises(TensorReadError, match=r"lacks the tensor 'lost\.weight'"):
        found["lost"].load()


@pytest.mark.parametrize("missing", ["fsspec.core", "aiohttp"])
def test_without_the_libraries(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    refused("https://h.invalid/m.safetensors", MissingLibraryError, r'pip install "weightscope-widget\[remote\]"')


def test_a_filesystem_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    refused("s3://bucket/model.safetensors", MissingLibraryError, "s3fs.*install it with pip")
