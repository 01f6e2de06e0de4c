"""Quantized weights in every kind of input: the same layers and numbers, read one at a time."""

from __future__ import annotations

import json
import pickle
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import nn

import weightscope_widget as wsw
from tests.python.sources.test_sources_files import resident
from tests.python.support import checkpoints
from tests.python.support.checkpoints import layers, numbered
from tests.python.support.packing import (
    awq,
    below,
    close,
    four_bit,
    gptq,
    grouped,
    opened,
    random_codes,
    random_scales,
    stream,
)
from tests.python.support.servers import files, serving
from weightscope_widget.errors import TensorReadError
from weightscope_widget.sources import open_source

IN, OUT = 64, 32
V2 = {"quantization_config": {"quant_method": "gptq", "checkpoint_format": "gptq_v2", "bits": 4, "group_size": 16}}

Model = tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]


def model(less: int = 1) -> Model:
    """A checkpoint of one layer of each kind, and the numbers that they stand for."""
    codes, scales, groups = random_codes(IN, OUT, 4), random_scales(4, OUT), [i // 16 for i in range(IN)]
    zeros = [[max(1, zero) for zero in row] for row in random_codes(4, OUT, 4, seed=1)]
    values = [at / 8 - 1 for at in range(16)]
    four, four_numbers = four_bit(random_codes(1, 64, 4)[0], values, [1.0, 0.5], (4, 16), 32)
    eight = numbered(6, 5).to(torch.float8_e4m3fn)
    blocks = torch.arange(2 * 3 * 16).reshape(2, 3, 1, 16).byte()
    tensors = {
        "model.layers.0.mlp.up_proj.bias": numbered(OUT),
        **below("model.layers.0.mlp.up_proj", gptq(codes, zeros, scales, groups, 4, less)),
        **below("model.layers.1.mlp.up_proj", awq(codes, zeros, scales)),
        **below("model.layers.2.mlp.up_proj", four),
        "model.layers.3.mlp.up_proj.weight": eight,
        "model.layers.3.mlp.up_proj.weight_scale_inv": torch.tensor([[0.25]]),
        "model.layers.4.mlp.experts.down_proj_blocks": blocks,
        "model.layers.4.mlp.experts.down_proj_scales": torch.full((2, 3, 1), 127).byte(),
        "model.norm.weight": numbered(4),
    }
    numbers = {
        "model.layers.0.mlp.up_proj": grouped(codes, zeros, scales, groups),
        "model.layers.1.mlp.up_proj": grouped(codes, zeros, scales, groups),
        "model.layers.2.mlp.up_proj": four_numbers,
        "model.layers.3.mlp.up_proj": eight.double() / 4,
        "model.norm": numbered(4),
    }
    return tensors, numbers


DTYPES = {
    "model.layers.0.mlp.up_proj.bias": "float32",
    "model.layers.0.mlp.up_proj": "int4 (GPTQ)",
    "model.layers.1.mlp.up_proj": "int4 (AWQ)",
    "model.layers.2.mlp.up_proj": "nf4 (bitsandbytes)",
    "model.layers.3.mlp.up_proj": "float8_e4m3fn",
    "model.layers.4.mlp.experts.down_proj[0]": "mxfp4",
    "model.layers.4.mlp.experts.down_proj[1]": "mxfp4",
    "model.layers.4.mlp.experts.down_proj": "mxfp4",
    "model.norm": "float32",
}


def whole(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    return checkpoints.write(path / "model.safetensors", tensors)


def folder(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    return whole(path, tensors).parent


def sharded(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """Every other tensor in another file, so that a weight's parts are apart."""
    names = sorted(tensors)
    parts = ({name: tensors[name] for name in names[start::2]} for start in (0, 1))
    return checkpoints.write_sharded(path, *parts)


def torch_file(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    torch.save(tensors, path / "model.pt")
    return path / "model.pt"


def torch_folder(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    torch.save(tensors, path / "pytorch_model.bin")
    return path


WRITERS = [whole, folder, sharded, torch_file, torch_folder]


@pytest.mark.parametrize("written", [*WRITERS, lambda _, tensors: tensors])
def test_every_input_gives_the_same(tmp_path: Path, written: Callable[[Path, dict[str, torch.Tensor]], Any]) -> None:
    tensors, numbers = model()
    given = written(tmp_path, tensors)
    found, skipped = opened(given)
    assert {name: dtype for name, (dtype, _) in found.items()} == DTYPES
    assert sorted(found, key=list(DTYPES).index) == list(DTYPES)
    assert skipped == {}
    for name, expected in numbers.items():
        assert found[name][1] == tuple(expected.shape)
        assert close(layers(given)[name].load().float(), expected)


@pytest.mark.parametrize("backwards", [True, False])
def test_the_order_of_the_tensors_does_not_matter(backwards: bool) -> None:
    tensors, numbers = model()
    names = sorted(tensors, reverse=backwards)
    found = layers({name: tensors[name] for name in names})
    assert {name: layer.dtype for name, layer in found.items()} == DTYPES
    for name, expected in numbers.items():
        assert close(found[name].load(), expected)


@pytest.mark.parametrize("written", WRITERS)
def test_the_configuration_beside_any_file_counts(
    tmp_path: Path, written: Callable[[Path, dict[str, torch.Tensor]], Any]
) -> None:
    tensors, numbers = model(less=0)
    given = written(tmp_path, tensors)
    (tmp_path / "config.json").write_text(json.dumps(V2))
    name = "model.layers.0.mlp.up_proj"
    assert close(layers(given)[name].load(), numbers[name])


@pytest.mark.parametrize("written", [whole, sharded, torch_file])
def test_a_layer_pickles_without_its_weights(
    tmp_path: Path, written: Callable[[Path, dict[str, torch.Tensor]], Any]
) -> None:
    tensors, numbers = model()
    for name, expected in numbers.items():
        layer = layers(written(tmp_path, tensors))[name]
        data = pickle.dumps(layer)
        assert len(data) < 4096
        assert close(pickle.loads(data).load().float(), expected)


def test_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tensors, numbers = model(less=0)
    content = {"tiny/model.safetensors": save(tensors), "tiny/config.json": json.dumps(V2).encode()}
    with serving(files(content)) as server:
        found = layers(f"{server.url}/tiny/model.safetensors")
        assert {name: layer.dtype for name, layer in found.items()} == DTYPES
        for name in ("model.layers.0.mlp.up_proj", "model.layers.2.mlp.up_proj", "model.layers.3.mlp.up_proj"):
            assert close(found[name].load(), numbers[name])
    with serving(files({"tiny/model.safetensors": save({"a.weight": numbered(2, 2)})})) as server:
        assert set(layers(f"{server.url}/tiny/model.safetensors")) == {"a"}
        assert not any("config.json" in request.path for request in server.requests)


def test_a_scan_measures_the_numbers_not_the_bytes(tmp_path: Path) -> None:
    tensors, numbers = model()
    results = wsw.scan(folder(tmp_path, tensors), methods="basic_stats", progress=False)
    for name, expected in numbers.items():
        if expected.ndim == 2:
            assert results[name]["basic_stats"]["mean"] == pytest.approx(float(expected.mean()), rel=1e-6)
            assert results[name]["basic_stats"]["std"] == pytest.approx(float(expected.std()), rel=1e-4)
    table = results.to_frame()
    assert table.loc["model.layers.0.mlp.up_proj", "dtype"] == "int4 (GPTQ)"


def test_a_conv1d_that_was_quantized_is_out_by_in() -> None:
    codes, zeros, scales = random_codes(IN, OUT, 4), [[8] * OUT], random_scales(1, OUT)
    parts = below("h.0.attn.c_attn", gptq(codes, zeros, scales, [0] * IN, 4))
    layer = layers({**parts, "h.0.attn.c_attn.bias": numbered(OUT)})["h.0.attn.c_attn"]
    assert (layer.shape, layer.transposed) == ((OUT, IN), False)


def test_tied_weights_are_one_layer() -> None:
    weight, scale = numbered(3, 4).to(torch.float8_e4m3fn), torch.tensor(2.0)
    tensors = {
        f"{name}.{part}": value for name in "ab" for part, value in (("weight", weight), ("weight_scale", scale))
    }
    (layer,) = open_source(tensors).layers
    assert (layer.name, layer.aliases) == ("a", ("b",))


@pytest.mark.slow
def test_memory_stays_near_the_weight_s_own() -> None:
    rows = columns = 4096
    words = torch.randint(-(2**31), 2**31 - 1, (columns // 8, rows), dtype=torch.int32)
    zeros = torch.zeros(columns // 128, rows // 8, dtype=torch.int32)
    scales = torch.ones(columns // 128, rows)
    layer = layers({"a.qweight": words, "a.qzeros": zeros, "a.scales": scales})["a"]
    layer.load()  # what torch keeps for itself
    before = resident()
    loaded = layer.load()
    assert resident() - before < 2 * loaded.nbytes
    held = weakref.ref(loaded)
    del loaded
    assert held() is None


# -- Modules -----------------------------------------------------------------------------------------------------------


class Buffers(nn.Module):
    """A layer that keeps its codes as buffers, as those of GPTQ and AWQ do."""

    def __init__(self, parts: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, part in parts.items():
            self.register_buffer(name, part)


def test_a_module_with_buffers() -> None:
    codes, zeros, scales = random_codes(IN, OUT, 4), random_codes(1, OUT, 4, seed=1), random_scales(1, OUT)
    groups = [0] * IN
    norm = nn.BatchNorm1d(3)
    module = nn.ModuleDict({"a": Buffers(gptq(codes, zeros, scales, groups, 4, less=0)), "norm": norm})
    module.config = SimpleNamespace(quantization_config=V2["quantization_config"])
    found, skipped = opened(module)
    assert found == {"a": ("int4 (GPTQ)", (OUT, IN)), "norm": ("float32", (3,)), "norm.bias": ("float32", (3,))}
    assert skipped == {}
    assert close(layers(module)["a"].load(), grouped(codes, zeros, scales, groups))


def test_a_module_whose_float8_weight_is_a_buffer() -> None:
    weight = numbered(3, 4).to(torch.float8_e4m3fn)
    module = nn.ModuleDict({"a": Buffers({"weight": weight, "weight_scale": torch.tensor(0.5)}), "b": nn.Linear(2, 2)})
    assert close(layers(module)["a"].load(), weight.double() / 2)


def test_a_module_with_float8_parameters() -> None:
    linear = nn.Linear(4, 3, bias=False)
    linear.weight = nn.Parameter(numbered(3, 4).to(torch.float8_e4m3fn), requires_grad=False)
    linear.weight_scale_inv = nn.Parameter(torch.tensor([[4.0]]))
    assert opened(linear) == ({"weight": ("float8_e4m3fn", (3, 4))}, {})
    assert close(layers(linear)["weight"].load(), linear.weight.double() * 4)


class State:
    """What a 4-bit parameter of bitsandbytes carries."""

    def __init__(self, parts: dict[str, torch.Tensor]) -> None:
        self.parts = parts

    def as_dict(self, packed: bool) -> dict[str, torch.Tensor]:
        assert packed
        return self.parts


def test_bitsandbytes_parameters() -> None:
    parts, expected = four_bit(random_codes(1, 64, 4)[0], [at / 8 - 1 for at in range(16)], [1.0, 0.5], (4, 16), 32)
    four, eight = nn.Linear(1, 1, bias=False), nn.Linear(1, 1)
    four.weight = nn.Parameter(parts.pop("weight"), requires_grad=False)
    four.weight.quant_state = State({name.removeprefix("weight."): part for name, part in parts.items()})
    eight.weight = nn.Parameter(torch.tensor([[127, -127]], dtype=torch.int8), requires_grad=False)
    eight.weight.SCB = torch.tensor([3.0])
    module = nn.ModuleDict({"four": four, "eight": eight})
    found, skipped = opened(module)
    assert found == {
        "four": ("nf4 (bitsandbytes)", (4, 16)),
        "eight": ("int8 (bitsandbytes)", (1, 2)),
        "eight.bias": ("float32", (1,)),
    }
    assert skipped == {}
    assert close(layers(module)["four"].load(), expected)
    assert layers(module)["eight"].load().tolist() == [[3.0, -3.0]]
    eight.weight.SCB = None
    eight.state = SimpleNamespace(SCB=torch.tensor([1.0]))
    assert layers(module)["eight"].load().tolist() == [[1.0, -1.0]]
    four.weight.quant_state.packing_format_for_cpu = True
    assert opened(module)[1] == {"four": "packed (bitsandbytes), without the quant_state that tells its shape"}


def test_parts_on_the_meta_device() -> None:
    parts = {"a.weight": numbered(3, 4).to(torch.float8_e4m3fn), "a.weight_scale": torch.tensor(0.5, device="meta")}
    with pytest.raises(TensorReadError, match="meta device"):
        layers({**parts, "b": numbered(2, 2)})["a"].load()
    ints = {
        "a.weight_packed": torch.tensor([stream([1] * 8, 4)], dtype=torch.int32),
        "a.weight_scale": torch.ones(1, 1),
        "a.weight_shape": torch.empty(2, dtype=torch.int64, device="meta"),
    }
    assert "meta device" in opened({**ints, "b": numbered(2, 2)})[1]["a"]
