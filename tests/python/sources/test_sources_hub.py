"""Hugging Face ids: what is fetched from a hub, what the cache gives without one, and what is said when neither can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

import weightscope_widget as wsw
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from tests.python.support.servers import Answer, Hub, Loopback, serving
from weightscope_widget.errors import (
    CorruptFileError,
    MissingLibraryError,
    MissingShardError,
    ModelNotFoundError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source
from weightscope_widget.sources.remote import hub as hub_source

constants = pytest.importorskip("huggingface_hub.constants")

FIRST = {"model.embed_tokens.weight": numbered(5, 4), "model.layers.0.mlp.up_proj.weight": numbered(6, 4, start=9)}
SECOND = {"model.layers.1.mlp.up_proj.weight": numbered(6, 4, start=40, dtype=torch.bfloat16)}
SHARDS = {"model-00001-of-00002.safetensors": FIRST, "model-00002-of-00002.safetensors": SECOND}
INDEX = {"metadata": {}, "weight_map": {key: shard for shard, tensors in SHARDS.items() for key in tensors}}
CONFIG = b'{"model_type": "tiny"}'

SHARDED = {
    "README.md": b"#" * 100_000,
    "config.json": CONFIG,
    "model.safetensors.index.json": json.dumps(INDEX).encode(),
    **{name: save(tensors) for name, tensors in SHARDS.items()},
    "pytorch_model.bin": b"never fetched" * 10_000,
    "original/consolidated.safetensors": b"never fetched" * 10_000,
    "tokenizer.json": b"{}" * 10_000,
}
SINGLE = {"model.safetensors": save(FIRST), "other.safetensors": save(SECOND), "pytorch_model.bin": b"x" * 9999}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub, which this process takes for huggingface.co, and an empty cache."""
    model = Hub("acme/tiny", dict(SHARDED))
    with connected(model, monkeypatch, tmp_path / "cache"):
        yield model


@contextmanager
def connected(answer: Answer, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[Loopback]:
    with serving(answer) as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


# -- What is fetched ---------------------------------------------------------------------------------------------------


def test_only_the_files_needed_travel_and_the_cache_does_without_a_hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = Hub("acme/tiny", SHARDED)
    needed = ["config.json", "model.safetensors.index.json", *SHARDS]
    with connected(model, monkeypatch, tmp_path) as server:
        source = open_source("acme/tiny")
        fetched = [request.path for request in server.gets() if "/resolve/" in request.path]
        assert sorted(path.rpartition("/")[2] for path in fetched) == sorted(needed)
        listings = 4 * len(json.dumps({"siblings": [{"rfilename": name} for name in SHARDED]})) + 1000
        assert server.sent - sum(len(SHARDED[name]) for name in needed) < listings  # 250 kB beside it are not needed
        server.forget()
        assert set(layers("acme/tiny")) == {layer.name for layer in source.layers}
        assert [request for request in server.gets() if "/resolve/" in request.path] == []
    found = layers("acme/tiny")  # the server is gone
    assert source.name == "tiny"
    for name, tensor in {**FIRST, **SECOND}.items():
        assert same(found[name.removesuffix(".weight")].load(), tensor)


OPENS = """
import sys
from weightscope_widget.sources import open_source
for layer in open_source(sys.argv[1]).layers:
    print(layer.name, layer.dtype, float(layer.load().double().sum()))
"""


def opened_elsewhere(model: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Open a model in a process of its own, as huggingface_hub reads its settings when it is imported."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-c", OPENS, model],
        env={**kept, "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_the_settings_of_huggingface_hub_hold(tmp_path: Path) -> None:
    with serving(Hub("acme/tiny", SHARDED)) as server:
        online = opened_elsewhere("acme/tiny@v1", HF_ENDPOINT=server.url, HF_HOME=str(tmp_path))
        asked = len(server.requests)
        offline = opened_elsewhere("acme/tiny@v1", HF_ENDPOINT=server.url, HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
        assert len(server.requests) == asked
    assert online.stdout.splitlines() == [
        "model.embed_tokens float32 210.0",  # 1 + … + 20
        "model.layers.0.mlp.up_proj float32 492.0",  # 9 + … + 32
        "model.layers.1.mlp.up_proj bfloat16 1236.0",  # 40 + … + 63
    ]
    assert offline.stdout == online.stdout, offline.stderr
    unknown = opened_elsewhere("acme/unknown", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    assert "ModelNotFoundError: There is nothing at 'acme/unknown'" in unknown.stderr
    assert "HF_HUB_OFFLINE is set; unset it" in unknown.stderr


def test_a_single_file_is_preferred_to_what_lies_beside_it(hub: Hub) -> None:
    hub.files = dict(SINGLE)
    found = layers("acme/tiny")
    assert set(found) == {"model.embed_tokens", "model.layers.0.mlp.up_proj"}
    folder = Path(constants.HF_HUB_CACHE) / "models--acme--tiny" / "snapshots" / hub.commit
    assert [path.name for path in folder.iterdir()] == ["model.safetensors"]


def test_pytorch_files_are_read_where_there_are_no_others(hub: Hub, tmp_path: Path) -> None:
    torch.save(FIRST, tmp_path / "saved")
    hub.files = {"pytorch_model.bin": (tmp_path / "saved").read_bytes()}
    found = layers("acme/tiny")
    assert same(found["model.embed_tokens"].load(), FIRST["model.embed_tokens.weight"])


def test_a_lora_adapter_is_read_as_one(hub: Hub) -> None:
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["up_proj"]}
    factors = {"A": numbered(2, 4), "B": numbered(6, 2)}
    tensors = {f"base_model.model.h.0.up_proj.lora_{which}.weight": factor for which, factor in factors.items()}
    hub.files = {"adapter_config.json": json.dumps(config).encode(), "adapter_model.safetensors": save(tensors)}
    assert layers("acme/tiny")["h.0.up_proj"].load().tolist() == (2 * factors["B"] @ factors["A"]).tolist()


def test_the_only_gguf_file_is_read(hub: Hub, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_tensor("token_embd.weight", numbered(3, 4).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    hub.files = {"tiny-F32.gguf": (tmp_path / "tiny.gguf").read_bytes()}
    assert same(layers("acme/tiny")["token_embd"].load(), numbered(3, 4))


def test_a_revision_is_followed_when_it_moves(hub: Hub) -> None:
    assert "model.embed_tokens" in layers("acme/tiny@main")
    hub.files = {"model.safetensors": save({"new.weight": numbered(2, 2)})}
    assert set(layers("acme/tiny")) == {"new"}
    assert set(layers(f"acme/tiny@{hub.commit}")) == {"new"}


def test_a_scan_by_id_is_the_scan_of_the_folder(hub: Hub, tmp_path: Path) -> None:
    folder = checkpoints.write_sharded(tmp_path / "tiny", FIRST, SECOND)
    by_id, by_path = wsw.scan("acme/tiny", progress=False), wsw.scan(folder, progress=False)
    assert dict(by_id) == dict(by_path)


# -- What is an id -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["gpt2", "acme/tiny", "acme/tiny@v1.0", "a/b@refs/pr/3", "meta-llama/Llama-3.1-8B"])
def test_ids(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub_source.accepts(text)
    Path(text).mkdir(parents=True)
    assert not hub_source.accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "./a", "/a/b", "~/a", "a/b/c", "a b", "a\\b", "C:\\a", "a--b", "a..b", "a.git", "a-", "a/b@"),
        *("é/a", "a\n", "a/model.safetensors", "weights.bin", "https://a/b", "x" * 97, None, 3, Path("gpt2"), b"gpt2"),
    ],
)
def test_no_ids(text: object) -> None:
    assert not hub_source.accepts(text)


@pytest.mark.parametrize("name", ["tiny", "acme/tiny"])
def test_a_path_goes_before_an_id(hub: Hub, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.write(tmp_path / name / "model.safetensors", {"here": numbered(2, 2)})
    monkeypatch.chdir(tmp_path)
    assert set(layers(name)) == {"here"}


def test_what_is_neither_says_that_ids_can_be_given() -> None:
    with pytest.raises(ModelNotFoundError, match=r"There is nothing at .*a Hugging Face id"):
        open_source("no such thing")


# -- What goes wrong ---------------------------------------------------------------------------------------------------


def refused(model: str, kind: type[Exception], match: str) -> None:
    """The error is of this kind, one sentence, and names the model."""
    with pytest.raises(kind, match=match) as raised:
        open_source(model)
    message = str(raised.value)
    assert model.partition("@")[0] in message
    assert "\n" not in message
    assert message.endswith(".")


def test_no_such_model_or_revision(hub: Hub) -> None:
    refused("acme/tyni", ModelNotFoundError, "neither a path here nor a model on the hub.*check the spelling")
    refused("gtp2", ModelNotFoundError, "check the spelling")
    refused("acme/tiny@v2", ModelNotFoundError, "has no such revision; give a branch")


def test_a_model_that_may_not_be_read(hub: Hub) -> None:
    hub.gated = True
    refused("acme/tiny", ModelNotFoundError, "is gated; accept its terms on its page")
    hub.private = True
    refused("acme/tiny", ModelNotFoundError, r"the hub answered 401\); log in")


def test_a_hub_that_is_down_or_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.down = True
    refused("acme/tiny", ModelNotFoundError, "cannot be fetched .*503.*check the path and the connection")
    with serving(hub) as gone:
        monkeypatch.setattr(constants, "ENDPOINT", gone.url)
    refused("acme/tiny", ModelNotFoundError, "cannot be fetched .*ConnectError.*check the path and the connection")


def test_offline_and_a_cache_with_a_part_of_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    open_source("acme/tiny")
    folder = Path(constants.HF_HUB_CACHE) / "models--acme--tiny" / "snapshots" / hub.commit
    (folder / "model-00002-of-00002.safetensors").unlink()
    hub.down = True
    refused("acme/tiny", ModelNotFoundError, "is in the cache, but not all of it .*503.*connect once")
    (folder / "model.safetensors.index.json").unlink()
    (folder / "model-00001-of-00002.safetensors").unlink()
    refused("acme/tiny", ModelNotFoundError, "is in the cache, but not all of it")


@pytest.mark.parametrize(
    ("files", "kind", "match"),
    [
        ({"README.md": b""}, ModelNotFoundError, r"holds no model\.safetensors.*give a model that has weights"),
        (
            {"tiny.Q4.gguf": b"", "tiny.Q8.gguf": b""},
            ModelNotFoundError,
            r"another kind \('tiny\.Q4\.gguf'\); download the file",
        ),
        ({"unet/x.safetensors": b""}, ModelNotFoundError, "folder 'unet' does; give hf://acme/tiny/unet"),
        (
            {"a.safetensors": b"", "b.safetensors": b""},
            UnsupportedModelError,
            r"holds 2 \.safetensors files .* give one of them, as in hf://acme/tiny/a\.safetensors",
        ),
        (
            {name: SHARDED[name] for name in list(SHARDED)[:4]},
            MissingShardError,
            r"'model-00002-of-00002\.safetensors' that 'model\.safetensors\.index\.json' names is not in",
        ),
    ],
)
def test_a_repository_that_lacks_what_is_needed(
    hub: Hub, files: dict[str, bytes], kind: type[Exception], match: str
) -> None:
    hub.files = files
    refused("acme/tiny", kind, match)


@pytest.mark.parametrize("shard", ["../../secret.safetensors", "/etc/passwd", "sub/s.safetensors"])
def test_an_index_on_the_hub_cannot_lead_out_of_its_folder(hub: Hub, shard: str) -> None:
    hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": {"a": shard}}).encode()
    with pytest.raises(CorruptFileError, match="from a source you trust"):
        open_source("acme/tiny")


def test_a_download_that_is_cut_off(hub: Hub) -> None:
    hub.short = frozenset({"model-00001-of-00002.safetensors"})
    refused("acme/tiny", CorruptFileError, r"was cut off .*model-00001-of-00002\.safetensors.* open it again")
    hub.short = frozenset()
    assert len(layers("acme/tiny")) == 3


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused("acme/tiny", MissingLibraryError, r'pip install "weightscope-widget\[hub\]"')
