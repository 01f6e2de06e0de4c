"""ONNX files, written by the package onnx."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import weightscope_widget as wsw
from weightscope_widget.errors import CorruptFileError, TensorReadError, UnsupportedModelError
from weightscope_widget.sources import Layer, Source, open_source

RANDOM = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def write(path: Path, initializers: dict[str, Any], nodes: list[onnx.NodeProto] | None = None, **options: Any) -> Path:
    """Write a model of these initializers, NumPy arrays or ready tensors."""
    tensors = [
        numpy_helper.from_array(each, name) if isinstance(each, np.ndarray) else each
        for name, each in initializers.items()
    ]
    graph = helper.make_graph(nodes or [], "graph", [], [], tensors)
    onnx.save_model(helper.make_model(graph), path, **options)
    return path


def layers(source: Source) -> dict[str, Layer]:
    return {layer.name: layer for layer in source.layers}


def values(source: Source, name: str) -> np.ndarray:
    found: np.ndarray = layers(source)[name].load().float().numpy()
    return found


def test_initializers_are_the_layers(tmp_path: Path) -> None:
    weights = {"encoder.layer.0.fc.weight": floats(5, 3), "encoder.layer.0.fc.bias": floats(5)}
    weights["conv.weight"] = floats(4, 3, 2, 2)
    others = {"shape": np.array([1, -1]), "eps": np.array(1e-5, np.float32)}
    source = open_source(write(tmp_path / "tiny.onnx", weights | others))
    assert source.name == "tiny"
    assert {layer.name: (layer.shape, layer.dtype, layer.transposed) for layer in source.layers} == {
        "encoder.layer.0.fc": ((5, 3), "float32", False),
        "encoder.layer.0.fc.bias": ((5,), "float32", False),
        "conv": ((4, 3, 2, 2), "float32", False),
    }
    for name, expected in weights.items():
        assert np.array_equal(values(source, name.removesuffix(".weight")), expected)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float64", "float8_e4m3fn", "float8_e5m2"])
def test_floating_types(tmp_path: Path, name: str) -> None:
    tensor = torch.from_numpy(floats(6, 4)).to(getattr(torch, name))
    kind = {
        "float16": TensorProto.FLOAT16,
        "bfloat16": TensorProto.BFLOAT16,
        "float64": TensorProto.DOUBLE,
        "float8_e4m3fn": TensorProto.FLOAT8E4M3FN,
        "float8_e5m2": TensorProto.FLOAT8E5M2,
    }[name]
    raw = tensor.view(torch.uint8).numpy().tobytes()
    source = open_source(write(tmp_path / "m.onnx", {"a": helper.make_tensor("a", kind, (6, 4), raw, raw=True)}))
    (layer,) = source.layers
    assert layer.dtype == name
    found = layer.load()
    assert found.dtype == tensor.dtype
    assert torch.equal(found.view(torch.uint8), tensor.view(torch.uint8))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.DOUBLE])
def test_values_in_typed_fields(tmp_path: Path, kind: int) -> None:
    expected = floats(3, 4)
    tensor = helper.make_tensor("a", kind, (3, 4), expected.reshape(-1).tolist())
    assert not tensor.HasField("raw_data")
    source = open_source(write(tmp_path / "m.onnx", {"a": tensor}))
    assert np.array_equal(values(source, "a"), expected)


def test_values_one_by_one_are_listed_as_unreadable(tmp_path: Path) -> None:
    tensor = helper.make_tensor("half", TensorProto.FLOAT16, (2, 2), [1.0, 2.0, 3.0, 4.0])
    results = wsw.scan(write(tmp_path / "m.onnx", {"a": floats(3, 2), "half": tensor}), progress=False)
    assert results["half"]["error"] == "'half': its values are stored one by one."
    assert results["a"]["spectral"]["total_rank"] == 2


def test_weights_without_a_name_are_called_after_their_node(tmp_path: Path) -> None:
    """As torch's exporter writes a Linear: transposed, folded, and named by a number."""
    query, key = floats(4, 6), floats(4, 6)
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_12"], ["q"], "/model/layers.0/self_attn/q_proj/MatMul"),
        helper.make_node("MatMul", ["x", "onnx::MatMul_13"], ["k"], "/model/layers.0/self_attn/k_proj/MatMul"),
        helper.make_node("MatMul", ["x", "14"], ["again"], "/model/layers.0/self_attn/q_proj/MatMul_1"),
        helper.make_node("MatMul", ["x", "onnx::MatMul_15"], ["nameless"]),
    ]
    weights = {"onnx::MatMul_12": query, "onnx::MatMul_13": key, "14": floats(4, 2), "onnx::MatMul_15": floats(4, 3)}
    source = open_source(write(tmp_path / "m.onnx", weights, nodes))
    assert {layer.name: layer.transposed for layer in source.layers} == {
        "model.layers.0.self_attn.q_proj": True,
        "model.layers.0.self_attn.k_proj": True,
        "model.layers.0.self_attn.q_proj_2": True,
        "onnx::MatMul_15": True,
    }
    assert np.array_equal(values(source, "model.layers.0.self_attn.q_proj"), query)
    assert layers(source)["model.layers.0.self_attn.q_proj"].placement.block == 0


@pytest.mark.parametrize(("trans", "transposed"), [(1, False), (0, True), (None, True)])
def test_gemm_says_how_its_weight_lies(tmp_path: Path, trans: int | None, transposed: bool) -> None:
    attributes = {} if trans is None else {"transB": trans, "alpha": 1.0}
    nodes = [helper.make_node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], "/fc/Gemm", **attributes)]
    source = open_source(write(tmp_path / "m.onnx", {"fc.weight": floats(5, 3), "fc.bias": floats(5)}, nodes))
    assert layers(source)["fc"].transposed is transposed


def test_rows_are_outputs_whichever_way_it_lies(tmp_path: Path) -> None:
    weight = floats(3, 5)
    weight[:, 2] = 0  # the third output of a (3 in, 5 out) weight
    nodes = [helper.make_node("MatMul", ["x", "fc.weight"], ["y"], "/fc/MatMul")]
    results = wsw.scan(write(tmp_path / "m.onnx", {"fc.weight": weight}, nodes), progress=False)
    assert results["fc"]["sparsity"]["structured_sparsity"]["dead_rows"] == 1
    assert results["fc"]["sparsity"]["structured_sparsity"]["dead_columns"] == 0


def test_constants_of_the_graph_are_weights(tmp_path: Path) -> None:
    table = floats(7, 3)
    nodes = [
        helper.make_node("Constant", [], ["table"], "/Constant", value=numpy_helper.from_array(table)),
        helper.make_node("Constant", [], ["axis"], "/Constant_1", value_int=3),
        helper.make_node("Gather", ["table", "ids"], ["y"], "/embed/Gather"),
    ]
    source = open_source(write(tmp_path / "m.onnx", {}, nodes))
    assert np.array_equal(values(source, "table"), table)


def test_external_data_is_read_where_it_is(tmp_path: Path) -> None:
    weights = {"a.weight": floats(40, 30), "b.weight": floats(30, 20)}
    path = write(
        tmp_path / "m.onnx",
        weights,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="m.data",
        size_threshold=0,
    )
    assert path.stat().st_size < 1000
    source = open_source(path)
    for name, expected in weights.items():
        assert np.array_equal(values(source, name.removesuffix(".weight")), expected)
    assert len(pickle.dumps(source.layers[0].load)) < 1000


def test_one_place_under_two_names_is_one_layer(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.onnx",
        {"wte": floats(9, 4), "head": floats(9, 4)},
        save_as_external_data=True,
        location="d",
        size_threshold=0,
    )
    model = onnx.load_model(path, load_external_data=False)
    first, second = model.graph.initializer
    del second.external_data[:]
    second.external_data.extend(first.external_data)
    path.write_bytes(model.SerializeToString())
    (layer,) = open_source(path).layers
    assert {layer.name, *layer.aliases} == {"wte", "head"}


# -- Quantized weights -------------------------------------------------------------------------------------------------


def whole(*shape: int, dtype: type = np.int8) -> np.ndarray:
    low = np.iinfo(dtype).min
    return RANDOM.integers(low, low + 256, shape).astype(dtype)


def dequantized(q: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, axis: int) -> np.ndarray:
    """One entry at a time."""
    found = np.empty(q.shape, np.float32)
    for index in np.ndindex(q.shape):
        at = index[axis] if scale.size > 1 else 0
        offset = 0 if zero is None else int(zero.reshape(-1)[at if zero.size > 1 else 0])
        found[index] = np.float32(int(q[index]) - offset) * scale.reshape(-1)[at]
    return found


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_dequantized_per_axis(tmp_path: Path, axis: int, dtype: type) -> None:
    q = whole(6, 4, dtype=dtype)
    scale, zero = np.abs(floats(q.shape[axis])), whole(q.shape[axis], dtype=dtype)
    nodes = [
        helper.make_node("DequantizeLinear", ["fc.weight_quantized", "fc.s", "fc.z"], ["w"], "/fc/DQ", axis=axis),
        helper.make_node("MatMul", ["x", "w"], ["y"], "/fc/MatMul"),
    ]
    path = write(tmp_path / "m.onnx", {"fc.weight_quantized": q, "fc.s": scale, "fc.z": zero}, nodes)
    (layer,) = open_source(path).layers
    assert (layer.name, layer.dtype, layer.shape, layer.transposed) == ("fc", f"{np.dtype(dtype)} (ONNX)", (6, 4), True)
    assert np.array_equal(layer.load().numpy(), dequantized(q, scale, zero, axis))


def test_dequantized_per_tensor_without_zero_point(tmp_path: Path) -> None:
    q, scale = whole(6, 4), np.array(0.25, np.float32)
    nodes = [helper.make_node("DequantizeLinear", ["w", "s"], ["y"], "/fc/DQ")]
    source = open_source(write(tmp_path / "m.onnx", {"w": q, "s": scale}, nodes))
    assert np.array_equal(values(source, "w"), dequantized(q, scale, None, 0))


def test_dynamic_quantization_of_onnxruntime(tmp_path: Path) -> None:
    """The integers go into MatMulInteger, and their scale is multiplied in elsewhere: only names tell."""
    q, scale, zero = whole(6, 4), np.abs(floats(4)), whole(4)
    weights = {"onnx::MatMul_7_quantized": q, "onnx::MatMul_7_scale": scale, "onnx::MatMul_7_zero_point": zero}
    nodes = [
        helper.make_node(
            "MatMulInteger",
            ["x", "onnx::MatMul_7_quantized", "xz", "onnx::MatMul_7_zero_point"],
            ["y"],
            "/fc/MatMul_quant",
        )
    ]
    source = open_source(write(tmp_path / "m.onnx", weights, nodes))
    assert np.array_equal(values(source, "fc"), dequantized(q, scale, zero, 1))
    assert layers(source)["fc"].transposed


@pytest.mark.parametrize("scales", [(2, 4), (3,), (6, 4)])
def test_blocks_are_listed_as_packed(tmp_path: Path, scales: tuple[int, ...]) -> None:
    weights = {"w": whole(6, 4), "s": np.abs(floats(*scales)), "b": floats(3, 3)}
    nodes = [helper.make_node("DequantizeLinear", ["w", "s"], ["y"], "/fc/DQ", axis=0)]
    source = open_source(write(tmp_path / "m.onnx", weights, nodes))
    assert [layer.name for layer in source.layers] == ["b"]
    assert source.skipped == {"w": f"scales of shape {scales} for weights of shape (6, 4), as of blocks"}


def test_packed_integers_are_never_measured(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "m.onnx", {"a": floats(2, 2), "packed": whole(5, 3, dtype=np.uint8)}))
    assert [layer.name for layer in source.layers] == ["a"]
    assert source.skipped == {"packed": "integer tensor (uint8): packed or index data"}


# -- Folders -----------------------------------------------------------------------------------------------------------


def test_the_model_of_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "anything.onnx", {"a": floats(2, 3)})
    assert [layer.name for layer in open_source(tmp_path).layers] == ["a"]
    write(tmp_path / "model.onnx", {"b": floats(2, 3)})
    assert [layer.name for layer in open_source(tmp_path).layers] == ["b"]


def test_several_models_in_a_folder_are_refused(tmp_path: Path) -> None:
    for name in ("decoder.onnx", "encoder.onnx"):
        write(tmp_path / name, {"a": floats(2, 3)})
    with pytest.raises(UnsupportedModelError, match=r"several ONNX models \('decoder.onnx', 'encoder.onnx'\)"):
        open_source(tmp_path)


# -- Broken and hostile files ------------------------------------------------------------------------------------------


def test_a_file_cut_in_its_graph_is_refused(tmp_path: Path) -> None:
    whole_file = write(tmp_path / "m.onnx", {"a": floats(5, 4), "b": floats(4, 3)}).read_bytes()
    path = tmp_path / "cut.onnx"
    for length in range(len(whole_file)):
        path.write_bytes(whole_file[:length])
        try:
            source = open_source(path)
        except CorruptFileError:
            continue
        assert [layer.name for layer in source.layers] == ["a", "b"]  # only what comes after the graph is missing
        assert length > len(whole_file) - 20


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"<html>", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xff" * 30, b"PK\3\4" * 9]
)
def test_what_is_no_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"not a readable ONNX file"):
        open_source(path)


@pytest.mark.parametrize("shape", [(10**6, 10**6), (5, 5), (2**62, 4), (-1, 4)])
def test_a_shape_that_its_bytes_do_not_have_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    tensor = numpy_helper.from_array(floats(5, 4), "a")
    tensor.dims[:] = shape
    with pytest.raises(CorruptFileError, match=r"where its shape and type need|has the shape"):
        open_source(write(tmp_path / "m.onnx", {"a": tensor}))


def test_more_dimensions_than_any_tensor_has_are_refused(tmp_path: Path) -> None:
    tensor = numpy_helper.from_array(floats(5, 4), "a")
    tensor.dims[:] = [1] * 100_000
    with pytest.raises(CorruptFileError, match="more than 16 dimensions"):
        open_source(write(tmp_path / "m.onnx", {"a": tensor}))


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", {"a": floats(5, 4), "b": numpy_helper.from_array(floats(2, 2), "a")})
    with pytest.raises(CorruptFileError, match="two of its tensors have one name"):
        open_source(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"location": "../secret"}, "its file '../secret' is not in the folder of the model"),
        ({"location": "/etc/passwd"}, "its file '/etc/passwd' is not in the folder of the model"),
        ({"location": "link"}, "its file 'link' is not in the folder of the model"),
        ({"location": ""}, "its file '' is not in the folder of the model"),
        ({"location": "nothing"}, "its file 'nothing' is not there"),
        ({"offset": "10000000000000"}, "its 80 bytes from byte 10000000000000 on are not in 'd'"),
        ({"offset": "-8"}, "its 80 bytes from byte -8 on are not in 'd'"),
        ({"offset": "x"}, "its place is not a number"),
        ({"length": "1000000000000"}, "its 1000000000000 bytes from byte 0 on are not in 'd'"),
        ({"length": "79"}, "its 79 bytes from byte 0 on are not in 'd'"),
    ],
    ids=str,
)
def test_external_data_that_cannot_be_there(tmp_path: Path, change: dict[str, str], why: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 1000)
    (folder / "link").symlink_to(tmp_path / "secret")
    path = write(folder / "m.onnx", {"a": floats(5, 4)}, save_as_external_data=True, location="d", size_threshold=0)
    model = onnx.load_model(path, load_external_data=False)
    place = {entry.key: entry.value for entry in model.graph.initializer[0].external_data}
    del model.graph.initializer[0].external_data[:]
    for key, value in (place | change).items():
        model.graph.initializer[0].external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    results = wsw.scan(path, progress=False)
    assert results["a"] == {"error": f"'a': {why}."}


def test_a_file_that_shrank_since_it_was_opened(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", {"a": floats(5, 4)})
    (layer,) = open_source(path).layers
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(TensorReadError, match=r"its length has changed.*open the model again"):
        layer.load()
