"""PyTorch files: torch.save's tensors come back to the bit, and a pickle that wants more than tensors never gets it."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import weightscope_widget as wsw
from tests.python.sources.test_sources_files import resident
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered, same
from weightscope_widget.errors import (
    CorruptFileError,
    MissingShardError,
    NoWeightsError,
    TensorReadError,
    UnsupportedModelError,
)
from weightscope_widget.sources import open_source
from weightscope_widget.sources._tensors.loaders import Loader

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


def save(path: Path, content: object, zipped: bool = True) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


# -- What is read ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@FORMATS
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".CKPT"])
def test_a_state_dict_comes_back_in_its_own_order_also_in_another_process(
    tmp_path: Path, zipped: bool, suffix: str
) -> None:
    tensors = {
        "z.weight": numbered(3, 4, dtype=torch.bfloat16),
        "a.weight": nn.Parameter(numbered(2, 5)),
        "turned": numbered(2, 3).t(),
        "part": numbered(6, 2)[1:3],
        "half": numbered(4, dtype=torch.float16),
    }
    if zipped:  # torch writes float8 in its legacy format, but cannot read it
        tensors["eighth"] = numbered(2, 2, dtype=torch.float8_e4m3fn)
    path = save(tmp_path / f"tiny{suffix}", tensors, zipped)
    found = layers(path)
    assert open_source(path).name == "tiny"
    assert list(found) == ["z", "a", "turned", "part", "half", "eighth"][: len(tensors)]
    for layer, tensor in zip(found.values(), tensors.values(), strict=True):
        assert (layer.shape, layer.dtype) == (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
        sent = pickle.dumps(layer)
        assert len(sent) < 1000
        assert same(layer.load(), tensor.detach())
        assert same(pickle.loads(sent).load(), tensor.detach())
    with ProcessPoolExecutor(1, get_context("spawn")) as elsewhere:
        assert same(elsewhere.submit(found["turned"].load).result(), tensors["turned"])


@FORMATS
def test_gpt2_is_tied_and_transposed_in_a_file_as_in_memory(tmp_path: Path, zipped: bool) -> None:
    model = checkpoints.gpt2()
    found, in_memory = layers(save(tmp_path / "gpt2.pt", model.state_dict(), zipped)), layers(model.state_dict())
    assert found["transformer.wte"].aliases == ("lm_head",)
    assert list(found) == list(in_memory)
    for name, layer in found.items():
        assert (layer.transposed, layer.aliases) == (in_memory[name].transposed, in_memory[name].aliases)
        assert same(layer.load(), in_memory[name].load())


def test_the_same_storage_is_one_layer_and_other_views_of_it_are_their_own(tmp_path: Path) -> None:
    base = numbered(4, 4)
    views = {"base.weight": base, "turned": base.t(), "part": base[1:], "flat": base.view(-1), "same": base.view(4, 4)}
    found = layers(save(tmp_path / "views.pt", views))
    assert {name: layer.aliases for name, layer in found.items()} == {
        "base": ("same",),
        "turned": (),
        "part": (),
        "flat": (),
    }
    assert all(same(found[name].load(), views[name]) for name in ("turned", "part", "flat"))


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"state_dict": {"a": numbered(2, 3)}, "epoch": 3},
        {"model": {"a": numbered(2, 3)}, "optimizer": {"state": {0: {"exp_avg": numbered(4)}}}, "args": [1, "x"]},
        {"model": {"module.a": numbered(2, 3)}, "ema": {"a": numbered(9, 9)}},
        {"module.a": numbered(2, 3)},
        nn.DataParallel(nn.ParameterDict({"a": numbered(2, 3)})).state_dict(),
    ],
    ids=["lightning", "trainer", "several", "wrapped", "DataParallel"],
)
def test_a_training_checkpoint_is_looked_into_and_unwrapped(tmp_path: Path, checkpoint: dict[str, Any]) -> None:
    found = layers(save(tmp_path / "last.ckpt", checkpoint))
    assert list(found) == ["a"]
    assert same(found["a"].load(), numbered(2, 3))


def test_module_is_taken_off_only_where_every_name_has_it(tmp_path: Path) -> None:
    found = layers(save(tmp_path / "a.pt", {"module.a": numbered(2, 2), "b": numbered(2, 2)}))
    assert list(found) == ["module.a", "b"]


def test_what_is_skipped_says_why(tmp_path: Path) -> None:
    content = {
        "kept": numbered(2, 2),
        "step": 3,
        "sparse": torch.eye(3).to_sparse(),
        "packed": torch.zeros(2, 2, dtype=torch.int8),
        "huge": torch.ones(1).expand(10**6, 10**6),
        "nothing": torch.zeros(0, 3),
        "nowhere": torch.empty(2, 2, device="meta"),
    }
    source = open_source(save(tmp_path / "odd.pt", content))
    assert [layer.name for layer in source.layers] == ["kept"]
    assert source.skipped == {
        "step": "not a tensor (int)",
        "sparse": "not a dense tensor (sparse_coo)",
        "packed": "integer tensor (int8): packed or index data",
        "huge": "an expanded view: more entries than numbers are stored",
        "nothing": "empty tensor",
        "nowhere": "saved without values (meta device)",
    }


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (numbered(2, 2), UnsupportedModelError, "of type Tensor, not a state dict"),
        ([numbered(2, 2)], UnsupportedModelError, "of type list"),
        ({"a": 1}, UnsupportedModelError, r"values are no tensors \(int\)"),
        ({0: numbered(2, 2)}, UnsupportedModelError, "has the key '0' of type int"),
        ({"g": {"a": numbered(2)}, "d": {"a": numbered(2)}}, UnsupportedModelError, "several state dicts .'g', 'd'"),
        ({}, NoWeightsError, "it is empty"),
    ],
)
def test_a_file_without_a_state_dict(tmp_path: Path, content: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as raised:
        open_source(save(tmp_path / "other.pt", content))
    assert "other" in str(raised.value)


def test_opening_reads_no_tensor_and_loading_reads_one(tmp_path: Path) -> None:
    count, side = 32, 1024
    stack = torch.zeros(count, side, side)
    stack[5, -1, -1] = 1.0
    size = stack.nbytes
    path = save(tmp_path / "big.pt", {"experts.w": stack, "other": stack.clone()})
    del stack
    before = resident()
    found = layers(path)
    loaded = found["experts.w[5]"].load()
    assert (loaded.shape, loaded.sum().item(), loaded[-1, -1].item()) == ((side, side), 1.0, 1.0)
    assert resident() - before < size / 4


def test_pages_of_a_mapped_file_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side, count, few = 1024, 40, 16 * 2**20
    monkeypatch.setattr("weightscope_widget.sources.torch.file._RENEWED_AFTER", few)
    path = save(tmp_path / "many.pt", {f"w{index}": torch.full((side, side), float(index)) for index in range(count)})
    found = layers(path)
    before = peak = resident()
    for index in range(count):
        assert found[f"w{index}"].load().sum().item() == index * side * side
        peak = max(peak, resident())
    assert peak - before < 4 * few  # of 160 MB in all


def test_a_scan_of_a_file_equals_the_scan_of_its_state_dict(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.Linear(20, 7))
    path = save(tmp_path / "mlp.pt", model.state_dict())
    assert dict(wsw.scan(path)) == dict(wsw.scan(model.state_dict()))


# -- Folders -----------------------------------------------------------------------------------------------------------


def write_sharded(folder: Path, *shards: dict[str, torch.Tensor]) -> Path:
    weight_map = {}
    for number, tensors in enumerate(shards, start=1):
        name = f"pytorch_model-{number:05}-of-{len(shards):05}.bin"
        save(folder / name, tensors)
        weight_map.update(dict.fromkeys(tensors, name))
    checkpoints.write_index(folder, {"metadata": {}, "weight_map": weight_map}, "pytorch_model.bin.index.json")
    return folder


def test_shards_are_read_as_one_model(tmp_path: Path) -> None:
    first = {"h.2.mlp.w1.weight": numbered(2, 3), "h.10.attn.c_attn.weight": numbered(4, 12)}
    second = {"wte.weight": numbered(5, 4), "h.10.attn.c_attn.bias": numbered(12)}
    found = layers(write_sharded(tmp_path / "tiny", first, second))
    assert list(found) == ["wte", "h.2.mlp.w1", "h.10.attn.c_attn.bias", "h.10.attn.c_attn"]
    assert found["h.10.attn.c_attn"].transposed
    assert all(same(found[name.removesuffix(".weight")].load(), tensor) for name, tensor in {**first, **second}.items())


def test_safetensors_go_before_bin_and_an_index_before_a_single_file(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    save(folder / "pytorch_model.bin", {"whole": numbered(2, 2)})
    assert open_source(folder).name == "tiny"
    assert set(layers(folder)) == {"whole"}
    write_sharded(folder, {"sharded": numbered(2, 2)})
    assert set(layers(folder)) == {"sharded"}
    checkpoints.write(folder / "model.safetensors", {"safe": numbered(2, 2)})
    assert set(layers(folder)) == {"safe"}


def test_a_shard_that_is_missing_or_hostile_or_lacks_a_tensor(tmp_path: Path) -> None:
    folder = write_sharded(tmp_path / "tiny", {"a": numbered(2, 2)}, {"b": numbered(2, 2)})
    save(folder / "pytorch_model-00002-of-00002.bin", {"c": numbered(2, 2)})
    found = layers(folder)
    assert set(found) == {"a", "b", "c"}
    with pytest.raises(TensorReadError, match=r"00002-of-00002\.bin' lacks the tensor 'b'"):
        found["b"].load()
    save(folder / "pytorch_model-00002-of-00002.bin", {"b": Payload(tmp_path)})
    with pytest.raises(UnsupportedModelError, match="00002"):
        open_source(folder)
    (folder / "pytorch_model-00002-of-00002.bin").unlink()
    with pytest.raises(MissingShardError, match=r"00002-of-00002\.bin' that .*bin\.index\.json"):
        open_source(folder)
    assert_unharmed(tmp_path)


@pytest.mark.parametrize(
    "shard", ["../secret.bin", "/etc/passwd", "sub/s.bin", "..\\s.bin", "C:s.bin", "..", "", "model.safetensors"]
)
def test_an_index_cannot_lead_out_of_its_folder(tmp_path: Path, shard: str) -> None:
    save(tmp_path / "secret.bin", {"a": numbered(2, 2)})
    save(tmp_path / "model" / "sub" / "s.bin", {"a": numbered(2, 2)})
    checkpoints.write_index(tmp_path / "model", {"weight_map": {"a": shard}}, "pytorch_model.bin.index.json")
    with pytest.raises(CorruptFileError, match=r"\.bin file beside it; .*from a source you trust"):
        open_source(tmp_path / "model")


# -- Hostile -----------------------------------------------------------------------------------------------------------


class Payload:
    """Unpickled the usual way, it creates a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "harm"

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def assert_unharmed(folder: Path) -> None:
    assert not (folder / "harm").exists()


def test_the_payload_would_run_if_it_were_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path)))
    assert (tmp_path / "harm").exists()


@pytest.mark.parametrize("content", [lambda payload: payload, lambda payload: {"a": numbered(2, 2), "x": payload}])
@FORMATS
def test_a_pickle_with_a_payload_is_refused_and_does_not_run(
    tmp_path: Path, content: Callable[[object], object], zipped: bool
) -> None:
    path = save(tmp_path / "evil.bin", content(Payload(tmp_path)), zipped)
    with pytest.raises(UnsupportedModelError, match=r"would execute code .*mkdir.*as safetensors") as raised:
        open_source(path)
    assert "\n" not in str(raised.value)
    assert_unharmed(tmp_path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_does_not_run_in_any_protocol(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"a": Payload(tmp_path)}, protocol))
    with pytest.raises((UnsupportedModelError, CorruptFileError), match=r"evil\.pt") as raised:
        open_source(path)
    assert protocol < 2 or isinstance(raised.value, UnsupportedModelError)
    assert_unharmed(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_whole_module_and_torchscript_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"torch\.nn\.modules\.linear\.Linear.*save its state dict"):
        open_source(save(tmp_path / "module.pt", nn.Linear(2, 2)))
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    with pytest.raises(UnsupportedModelError, match=r"TorchScript archive.*save its state dict"):
        open_source(tmp_path / "script.pt")


def test_a_file_swapped_for_a_hostile_one_after_opening_costs_the_layer(tmp_path: Path) -> None:
    path = save(tmp_path / "tiny.pt", {"a": numbered(2, 2), "experts.w": numbered(2, 3, 4)})
    found = layers(path)
    save(path, {"a": Payload(tmp_path)})
    for name in ("a", "experts.w[1]"):
        with pytest.raises(TensorReadError, match=r"tiny\.pt.*open the model again"):
            found[name].load()
    save(path, {"experts.w": numbered(1, 3, 4)})
    with pytest.raises(TensorReadError, match="holds no such tensor now"):
        found["a"].load()
    with pytest.raises(TensorReadError, match="out of bounds"):
        found["experts.w[1]"].load()
    path.unlink()
    with pytest.raises(TensorReadError, match="'a' cannot be read"):
        found["a"].load()
    assert_unharmed(tmp_path)


# -- Small things ------------------------------------------------------------------------------------------------------


def test_index_json_itself_is_still_no_model(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin.index.json"
    path.write_text(json.dumps({"weight_map": {}}))
    with pytest.raises(UnsupportedModelError, match="give the folder"):
        open_source(path)


def test_loaders_pickle_small_and_compare_equal(tmp_path: Path) -> None:
    found = layers(save(tmp_path / "a.pt", {"experts.w": numbered(2, 3, 4)}))
    load: Loader = found["experts.w"].load  # type: ignore[assignment]
    assert pickle.loads(pickle.dumps(load.member(1))) == load.member(1)
    assert same(load.member(1)(), numbered(2, 3, 4)[1])
