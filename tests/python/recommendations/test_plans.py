"""What plans refuse, and what they say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import weightscope_widget as wsw
from tests.python.support.matrices import gaussian
from tests.python.support.plan_cases import read, results_of
from weightscope_widget import Thresholds
from weightscope_widget.analyzers.numerics.energy import energy_rank
from weightscope_widget.errors import InvalidArgumentError, UnknownLayerError

CASES = read("plan_cases.json")
LANGUAGE, EXPERTS = CASES["quantization"][:2]


def scan(model: object, methods: object = "all") -> wsw.ScanResults:
    return wsw.scan(model, methods, progress=False)  # type: ignore[arg-type]


def test_figures_that_were_not_computed_are_asked_for() -> None:
    results = scan({"w.weight": gaussian(20, 30)}, ["basic_stats", "quantization"])
    with pytest.raises(InvalidArgumentError, match=re.escape("scan with methods='all' to plan with it")):
        results.quantization_plan()
    assert results.quantization_plan("int8_tensor").quantized == ("w",)
    with pytest.raises(InvalidArgumentError, match=re.escape("scan with methods='all' or 'spectral'")):
        scan({"w.weight": gaussian(20, 30)}, "basic_stats").lora_ranks()


def test_weights_that_nobody_looked_at_are_not_healthy() -> None:
    weights = gaussian(20, 30)
    weights[3, 3] = torch.nan
    with pytest.raises(InvalidArgumentError, match="was not computed"):
        scan({"w.weight": weights}, "schemes").quantization_plan()
    assert scan({"w.weight": weights}).quantization_plan().reasons == {"w": "not_finite"}


@pytest.mark.parametrize(
    ("scheme", "minimum"),
    [("int8_tensor", 30), ("int8_group128", 30), ("fp8_e4m3", 30), ("int4_channel", 13.05), ("nf4_block64", 17.73)],
)
def test_default_minimum_is_in_reach_of_gaussian_weights(scheme: str, minimum: float) -> None:
    plan = scan({"mix.weight": gaussian(256, 512)}).quantization_plan(scheme)
    assert plan.minimum_sqnr_db == minimum
    assert plan.quantized == ("mix",)


def test_minimum_follows_the_thresholds() -> None:
    results = scan({"mix.weight": gaussian(64, 64)})
    results.thresholds = Thresholds(sqnr_db=(60, 50))
    assert results.quantization_plan().reasons == {"mix": "below"}
    assert results.quantization_plan(minimum_sqnr_db=20).quantized == ("mix",)


@pytest.mark.parametrize("keep", ["lm_head", ["model.embed_tokens"]])
def test_layers_are_kept_by_any_of_their_names(keep: str | list[str]) -> None:
    assert results_of(EXPERTS).quantization_plan("nf4_block64", keep=keep).reasons["model.embed_tokens"] == "requested"


def test_one_expert_stands_for_its_stack() -> None:
    keep = ["model.layers.1.mlp.experts.down_proj[1]"]
    plan = results_of(EXPERTS).quantization_plan("nf4_block64", keep=keep)
    assert plan.reasons["model.layers.1.mlp.experts.down_proj"] == "requested"
    assert "model.layers.1.mlp.experts" in plan.skip


def test_what_is_refused() -> None:
    results = results_of(LANGUAGE)
    with pytest.raises(UnknownLayerError, match="'head' is not a layer of a model"):
        results.quantization_plan(keep=["head"])
    with pytest.raises(InvalidArgumentError, match="'int3' is not a scheme"):
        results.quantization_plan("int3")
    with pytest.raises(InvalidArgumentError, match="minimum_sqnr_db is nan"):
        results.quantization_plan(minimum_sqnr_db=math.nan)
    with pytest.raises(InvalidArgumentError, match="keep is 5; give names"):
        results.quantization_plan(keep=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="minimum_sqnr_db is '30'"):
        results.quantization_plan(minimum_sqnr_db="30")  # type: ignore[arg-type]
    for energy in (0, 1.1, math.nan, "0.9"):
        with pytest.raises(InvalidArgumentError, match="energy is"):
            results.lora_ranks(energy)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="maximum is 0"):
        results.lora_ranks(maximum=0)
    only_head = scan({"lm_head.weight": gaussian(8, 8)}).lora_ranks()
    with pytest.raises(InvalidArgumentError, match="No layer here can take an adapter"):
        only_head.peft_code()


def test_a_plan_reads_as_text() -> None:
    assert str(results_of(LANGUAGE).quantization_plan()).splitlines()[:5] == [
        "INT8 per channel, at least 30 dB: 2 of 8 matrices quantized, 6 kept.",
        "Mean SQNR of what is quantized: 32.2 dB.",
        "Size of the matrices: 259 kB → 198 kB.",
        "  'model.embed_tokens': An embedding: common practice leaves it as it is, whatever its error.",
        "  'model.layers.0.mlp.down_proj': It keeps 29.9 dB in this scheme, below the 30 dB asked for.",
    ]


def test_packed_weights_have_the_size_of_their_type() -> None:
    values = {"schemes.int8_channel_sqnr_db": 41}
    layer = {"name": "layers.0.mlp.up_proj", "shape": [256, 512], "dtype": "Q4_K", "values": values}
    plan = results_of({"layers": [layer]}).quantization_plan()
    assert (plan.bytes_before, plan.bytes_after) == (256 * 512 * 4.5 / 8, 256 * 512 + 2 * 256)


def test_ranks_read_as_text() -> None:
    assert repr(results_of(CASES["lora"][0]).lora_ranks()) == "<LoraRanks for 90% of the energy: 6 matrices, 3 targets>"


def test_results_that_were_saved_make_the_same_plan(tmp_path: object) -> None:
    results = scan({"mix.weight": gaussian(64, 64), "wte.weight": gaussian(64, 32)})
    results.save(f"{tmp_path}/results.json")
    assert wsw.load_results(f"{tmp_path}/results.json").quantization_plan() == results.quantization_plan()


@given(
    sigma=st.lists(st.floats(0, 1e3, allow_subnormal=False), min_size=1, max_size=20).map(
        lambda values: np.sort(np.array(values))[::-1]
    ),
    energy=st.floats(0.01, 1),
)
def test_a_rank_is_the_smallest_that_keeps_the_energy(sigma: np.ndarray, energy: float) -> None:
    rank = energy_rank(sigma, energy)
    if rank is None:
        assert sigma[0] == 0
        return
    share = [math.fsum((sigma[:k] / sigma[0]) ** 2) / math.fsum((sigma / sigma[0]) ** 2) for k in (rank - 1, rank)]
    assert share[0] <= energy + 1e-15
    assert share[1] >= energy - 1.001e-12
