"""Names → block, stack, kind, family, expert; and short labels. Expected values come from the spec, by hand."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightscope_widget.layers.naming import KINDS, RULES, Placement, place, short_labels

REFERENCE = Path(__file__).parents[4] / "shared" / "data" / "gpt2_reference_results.json"

FAMILY = {
    **dict.fromkeys(["q", "k", "v", "o", "qkv", "kv", "q_a", "q_b", "kv_a", "kv_b", "rel_pos", "attn"], "attention"),
    **dict.fromkeys(["cross_q", "cross_k", "cross_v", "cross_o", "cross_qkv", "cross_kv"], "attention"),
    **dict.fromkeys(["gate", "up", "down", "gate_up", "router", "mlp"], "mlp"),
    **dict.fromkeys(["embed", "pos_embed", "type_embed", "head"], "embedding"),
    **dict.fromkeys(["conv", "norm", "bias", "other"], "other"),
}


def expand(pattern: str, kinds: str) -> list[tuple[str, str]]:
    """Write ``a.{q,k}.b`` and ``"q k"`` out as pairs of a name and its kind."""
    match = re.fullmatch(r"(.*)\{(.*)\}(.*)", pattern)
    names = [match[1] + word + match[3] for word in match[2].split(",")] if match else [pattern]
    return list(zip(names, kinds.split(), strict=True))


# (pattern, kinds, block, stack): SPEC section 4's table, row by row
SPEC_ROWS: list[tuple[str, str, int | None, str | None]] = [
    ("transformer.h.3.{attn.c_attn,attn.c_proj,mlp.c_fc,mlp.c_proj}", "qkv o up down", 3, None),
    ("model.layers.3.self_attn.{q,k,v,o}_proj", "q k v o", 3, None),
    ("model.layers.3.mlp.{gate,up,down}_proj", "gate up down", 3, None),
    ("model.layers.3.{self_attn.qkv_proj,mlp.gate_up_proj}", "qkv gate_up", 3, None),
    ("model.layers.3.{qkv_proj,gate_up_proj}", "qkv gate_up", 3, None),
    ("model.layers.3.{self_attn.dense,mlp.fc1,mlp.fc2}", "o up down", 3, None),
    ("model.layers.3.{dense,fc1,fc2}", "o up down", 3, None),
    ("bert.encoder.layer.3.attention.{self.query,self.key,self.value,output.dense}", "q k v o", 3, "encoder"),
    ("bert.encoder.layer.3.{intermediate,output}.dense", "up down", 3, "encoder"),
    ("encoder.block.3.layer.1.DenseReluDense.{wi_0,wi_1,wo}", "gate up down", 3, "encoder"),
    ("decoder.block.3.layer.1.EncDecAttention.{q,k,v,o}", "cross_q cross_k cross_v cross_o", 3, "decoder"),
    ("model.layers.3.block_sparse_moe.experts.5.{w1,w3,w2}", "gate up down", 3, None),
    ("model.layers.3.block_sparse_moe.gate", "router", 3, None),
    ("model.layers.3.mlp.experts.gate_up_proj", "gate_up", 3, None),
    ("model.layers.3.mlp.gate", "router", 3, None),
    ("model.layers.3.self_attn.{q_a_proj,q_b_proj,kv_a_proj_with_mqa,kv_b_proj}", "q_a q_b kv_a kv_b", 3, None),
    ("gpt_neox.layers.3.attention.{query_key_value,dense}", "qkv o", 3, None),
    ("gpt_neox.layers.3.mlp.{dense_h_to_4h,dense_4h_to_h}", "up down", 3, None),
    (
        "backbone.layers.3.mixer.{in_proj,x_proj,dt_proj,out_proj,A_log,conv1d}",
        "ssm_in_proj ssm_x_proj ssm_dt_proj ssm_out_proj ssm_A_log ssm_conv1d",
        3,
        None,
    ),
    ("{wte,embed_tokens,embed_in,shared,word_embeddings}", "embed embed embed embed embed", None, None),
    ("{wpe,lm_head,proj_out}", "pos_embed head head", None, None),
]

# What the model families really write
MODEL_ROWS: list[tuple[str, str, int | None, str | None]] = [
    # GPT-2 and its wrappers
    ("{transformer.wte,transformer.wpe,lm_head}", "embed pos_embed head", None, None),
    ("h.3.{ln_1,ln_2,attn.bias}", "norm norm bias", 3, None),
    ("{transformer.ln_f,ln_f}", "norm norm", None, None),
    ("transformer.h.3.{crossattention.c_attn,crossattention.q_attn}", "cross_kv cross_q", 3, None),
    ("module.transformer.h.3.attn.c_attn", "qkv", 3, None),
    ("_orig_mod.transformer.h.3.mlp.c_proj", "down", 3, None),
    ("model.layers.3._orig_mod.self_attn.q_proj", "q", 3, None),
    ("base_model.model.model.layers.3.self_attn.{q_proj.base_layer,q_proj.lora_A.default}", "q q", 3, None),
    ("base_model.model.lm_head", "head", None, None),
    # GPT-J, GPT-Neo, CodeGen
    ("transformer.h.3.{attn.q_proj,attn.out_proj,mlp.fc_in,mlp.fc_out}", "q o up down", 3, None),
    ("transformer.h.3.attn.attention.{q_proj,k_proj,v_proj,out_proj}", "q k v o", 3, None),
    # OPT
    ("model.decoder.layers.3.{self_attn.v_proj,self_attn.out_proj,fc1,fc2}", "v o up down", 3, "decoder"),
    ("model.decoder.{embed_tokens,embed_positions}", "embed pos_embed", None, "decoder"),
    # BLOOM, Falcon, MPT
    ("transformer.h.3.self_attention.{query_key_value,dense}", "qkv o", 3, None),
    ("transformer.h.3.mlp.{dense_h_to_4h,dense_4h_to_h}", "up down", 3, None),
    ("transformer.{word_embeddings,word_embeddings_layernorm}", "embed norm", None, None),
    ("transformer.blocks.3.{attn.Wqkv,attn.out_proj,ffn.up_proj,ffn.down_proj}", "qkv o up down", 3, None),
    # GPT-NeoX
    ("{gpt_neox.embed_in,embed_out,gpt_neox.final_layer_norm}", "embed head norm", None, None),
    # Llama as Meta wrote it, InternLM2
    ("layers.3.attention.{wq,wk,wv,wo}", "q k v o", 3, None),
    ("layers.3.feed_forward.{w1,w3,w2}", "gate up down", 3, None),
    ("layers.3.{attention_norm,ffn_norm}", "norm norm", 3, None),
    ("{tok_embeddings,output,norm}", "embed head norm", None, None),
    ("model.layers.3.{attention.wqkv,attention.wo,feed_forward.w1,feed_forward.w2}", "qkv o gate down", 3, None),
    # Gemma, Qwen
    ("model.layers.3.{pre_feedforward_layernorm,self_attn.q_norm,self_attn.k_norm}", "norm norm norm", 3, None),
    ("model.layers.3.self_attn.{q_proj.bias,k_proj.bias}", "bias bias", 3, None),
    ("model.layers.3.self_attn.rotary_emb.inv_freq", "other", 3, None),
    # Mixture of experts: Qwen2/3, DeepSeek, Mixtral new, Granite, gpt-oss, Llama 4, Jamba, Switch
    ("model.layers.3.mlp.shared_expert.{gate_proj,up_proj,down_proj}", "gate up down", 3, None),
    ("model.layers.3.mlp.{shared_expert_gate,gate,gate_proj}", "router router gate", 3, None),
    ("model.layers.3.mlp.{shared_experts.gate_proj,gate.e_score_correction_bias}", "gate bias", 3, None),
    ("model.layers.3.self_attn.{q_a_layernorm,kv_a_layernorm}", "norm norm", 3, None),
    ("layers.3.attn.{wq_a,wq_b,wkv_a,wkv_b,wo}", "q_a q_b kv_a kv_b o", 3, None),
    ("model.layers.3.mlp.experts.down_proj", "down", 3, None),
    ("model.layers.3.block_sparse_moe.{router.layer,input_linear,output_linear}", "router gate_up down", 3, None),
    ("model.layers.3.mlp.{router,experts.gate_up_proj,experts.gate_up_proj_bias}", "router gate_up bias", 3, None),
    ("language_model.model.layers.3.feed_forward.{router,experts.down_proj}", "router down", 3, "text"),
    ("encoder.block.3.layer.1.mlp.{router.classifier,wi,wo}", "router up down", 3, "encoder"),
    # Phi, BERT and its kin
    ("{bert.embeddings.word_embeddings,bert.embeddings.position_embeddings}", "embed pos_embed", None, None),
    ("bert.embeddings.{token_type_embeddings,LayerNorm}", "type_embed norm", None, None),
    ("bert.encoder.layer.3.attention.output.LayerNorm", "norm", 3, "encoder"),
    ("{cls.predictions.decoder,cls.predictions.transform.dense,bert.pooler.dense}", "head head other", None, None),
    ("{lm_head.decoder,lm_head.dense,classifier.out_proj}", "head head head", None, None),
    ("roberta.encoder.layer.3.{attention.self.value,attention.output.dense,output.dense}", "v o down", 3, "encoder"),
    ("bert.encoder.layer.3.crossattention.{self.key,output.dense}", "cross_k cross_o", 3, "encoder"),
    ("distilbert.transformer.layer.3.{attention.q_lin,attention.out_lin,ffn.lin1,ffn.lin2}", "q o up down", 3, None),
    (
        "albert.encoder.albert_layer_groups.0.albert_layers.0.{attention.query,attention.dense,ffn,ffn_output}",
        "q o up down",
        None,
        "encoder",
    ),
    ("model.layers.3.{attn.Wqkv,attn.Wo,mlp.Wi,mlp.Wo}", "qkv o gate_up down", 3, None),
    ("{model.embeddings.tok_embeddings,head.dense,decoder}", "embed head other", None, None),
    # Vision and more than one tower
    ("vit.encoder.layer.3.attention.attention.{query,key,value}", "q k v", 3, "encoder"),
    ("vit.encoder.layer.3.{attention.output.dense,intermediate.dense,output.dense}", "o up down", 3, "encoder"),
    ("vit.embeddings.{cls_token,patch_embeddings.projection,position_embeddings}", "embed embed pos_embed", None, None),
    ("blocks.3.{attn.qkv,attn.proj,mlp.fc1,mlp.fc2,norm1}", "qkv o up down norm", 3, None),
    ("{patch_embed.proj,pos_embed,head,fc_norm}", "embed pos_embed head norm", None, None),
    ("vision_model.encoder.layers.3.{self_attn.q_proj,self_attn.out_proj,mlp.fc1}", "q o up", 3, "vision"),
    ("text_model.encoder.layers.3.{self_attn.k_proj,mlp.fc2}", "k down", 3, "text"),
    ("vision_model.embeddings.{patch_embedding,position_embedding}", "embed pos_embed", None, "vision"),
    ("{visual_projection,text_projection}", "other other", None, None),
    ("model.vision_tower.encoder.layers.3.self_attn.v_proj", "v", 3, "vision"),
    ("model.visual.blocks.3.attn.qkv", "qkv", 3, "vision"),
    ("model.language_model.layers.3.mlp.gate_proj", "gate", 3, "text"),
    ("language_model.model.decoder.layers.3.fc1", "up", 3, "text"),
    ("audio_tower.layers.3.fc2", "down", 3, "audio"),
    # Encoder and decoder: Whisper, BART, T5
    ("model.encoder.layers.3.{self_attn.q_proj,fc1,final_layer_norm}", "q up norm", 3, "encoder"),
    ("model.decoder.layers.3.encoder_attn.{q,k,v,out}_proj", "cross_q cross_k cross_v cross_o", 3, "decoder"),
    ("model.encoder.{conv1,conv2,embed_positions,layernorm_embedding}", "conv conv pos_embed norm", None, "encoder"),
    ("{proj_out,model.shared,shared}", "head embed embed", None, None),
    ("encoder.block.3.layer.0.SelfAttention.{q,o,relative_attention_bias}", "q o rel_pos", 3, "encoder"),
    ("decoder.block.3.layer.{2.DenseReluDense.wi,2.layer_norm}", "up norm", 3, "decoder"),
    # torch's own layers, torchvision
    ("encoder.layers.3.{self_attn.in_proj_weight,self_attn.out_proj,linear1,linear2}", "qkv o up down", 3, "encoder"),
    ("decoder.layers.3.multihead_attn.{in_proj_weight,out_proj}", "cross_qkv cross_o", 3, "decoder"),
    ("{self_attn.in_proj_weight,self_attn.in_proj_bias,linear1,linear2}", "qkv bias up down", None, None),
    ("{in_proj_weight,out_proj}", "qkv o", None, None),
    ("encoder.layers.encoder_layer_3.self_attention.{in_proj_weight,out_proj}", "qkv o", 3, "encoder"),
    ("encoder.layers.encoder_layer_3.mlp.{0,3,linear_1,linear_2}", "up down up down", 3, "encoder"),
    ("{class_token,conv_proj,heads.head}", "embed conv head", None, None),
    # State spaces: Mamba, Jamba; Nemotron's mixer can be attention or MLP
    ("backbone.{embeddings,norm_f}", "embed norm", None, None),
    ("backbone.layers.3.mixer.{norm,dt_proj.bias,D}", "norm bias ssm_D", 3, None),
    ("model.layers.3.mamba.{in_proj,A_log}", "ssm_in_proj ssm_A_log", 3, None),
    ("backbone.layers.3.mixer.{q_proj,o_proj,up_proj,down_proj}", "q o up down", 3, None),
    ("rwkv.blocks.3.{attention.key,feed_forward.key,feed_forward.value}", "k up down", 3, None),
    # GGUF
    ("blk.3.attn_{q,k,v,output,qkv,norm}", "q k v o qkv norm", 3, None),
    ("blk.3.ffn_{gate,up,down,norm}", "gate up down norm", 3, None),
    ("blk.3.ffn_{gate_inp,gate_exps,up_exps,down_exps,down_shexp}", "router gate up down down", 3, None),
    ("blk.3.attn_{q_a,q_b,kv_a_mqa,kv_b}", "q_a q_b kv_a kv_b", 3, None),
    ("blk.3.{ssm_in,ssm_conv1d,attn_q.bias,exp_probs_b.bias}", "ssm_in ssm_conv1d bias bias", 3, None),
    ("{token_embd,position_embd,token_types,output,output_norm}", "embed pos_embed type_embed head norm", None, None),
    ("dec.blk.3.{cross_attn_q,cross_attn_o,attn_rel_b}", "cross_q cross_o rel_pos", 3, "decoder"),
    ("v.blk.3.{attn_q,ffn_down}", "q down", 3, "vision"),
    # Plain convolutional networks: "layer1" is no block
    ("{conv1,layer1.0.conv2,layer4.2.bn2}", "conv conv norm", None, None),
    ("{layer1.0.downsample.0,features.3,features.conv0}", "other other conv", None, None),
    ("{fc,classifier,classifier.6}", "head head head", None, None),
    ("h.3.fc", "other", 3, None),
    # What only the module tells, and what nothing tells
    ("model.layers.3.self_attn.{strange,g_proj}", "attn attn", 3, None),
    ("model.layers.3.mlp.strange", "mlp", 3, None),
    ("{gamma,net.0,query_tokens,0}", "other other other other", None, None),
]


def rows(table: list[tuple[str, str, int | None, str | None]]) -> list[Any]:
    return [
        pytest.param(name, kind, block, stack, id=name)
        for pattern, kinds, block, stack in table
        for name, kind in expand(pattern, kinds)
    ]


@pytest.mark.parametrize(("name", "kind", "block", "stack"), rows(SPEC_ROWS) + rows(MODEL_ROWS))
def test_place(name: str, kind: str, block: int | None, stack: str | None) -> None:
    for written in (name, name + ".weight"):
        found = place(written)
        assert (found.kind, found.block, found.stack) == (kind, block, stack)
        assert found.family == ("other" if kind.startswith("ssm_") else FAMILY[kind])


def test_every_kind_has_its_family() -> None:
    assert KINDS == FAMILY
    assert {kind for kind, _, _ in RULES} - {"ssm_"} <= set(KINDS)


@pytest.mark.parametrize(
    ("name", "expert", "kind"),
    [
        ("model.layers.3.block_sparse_moe.experts.5.w1", 5, "gate"),
        ("model.layers.3.mlp.experts.17.down_proj", 17, "down"),
        ("model.layers.3.mlp.experts.gate_up_proj[5]", 5, "gate_up"),
        ("model.layers.3.mlp.experts.down_proj[0]", 0, "down"),
        ("encoder.block.3.layer.1.mlp.experts.expert_2.wi", 2, "up"),
        ("blk.3.ffn_gate_exps[5]", 5, "gate"),
        ("blk.3.ffn_up.7", 7, "up"),
        ("model.layers.3.mlp.experts.gate_up_proj", None, "gate_up"),
        ("model.layers.3.mlp.shared_experts.gate_proj", None, "gate"),
        ("model.layers.3.mlp.gate", None, "router"),
    ],
)
def test_experts(name: str, expert: int | None, kind: str) -> None:
    found = place(name)
    assert (found.block, found.expert, found.kind, found.family) == (3, expert, kind, "mlp")


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("encoder.block.3.layer.1.layer_norm", 3),  # the first one counts
        ("model.experts.5.w1", None),  # never any integer
        ("features.3.weight", None),
        ("layer1.0.conv2", None),
        ("layers", None),
        ("layers.x.3", None),
        ("graph.3.w", None),  # ends in h, is not h
        ("model.layers.012.self_attn.q_proj", 12),
        ("layers.²", None),
        ("layers.-1", None),
        ("layers.1e3", None),
        ("layers." + "9" * 5000, None),
        ("h.0", 0),
        ("model.layers.11", 11),
    ],
)
def test_block_is_the_element_after_a_block_word(name: str, block: int | None) -> None:
    assert place(name).block == block


def test_place_gives_one_plain_value() -> None:
    assert place("transformer.h.9.attn.c_proj.weight") == Placement(9, None, "o", "attention", None)
    assert place("") == Placement(None, None, "other", "other", None)


# -- Labels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("transformer.h.9.attn.c_proj", "h9.attn.c_proj"),
        ("transformer.h.9.attn.c_proj.weight", "h9.attn.c_proj"),
        ("model.layers.3.mlp.gate_proj", "L3.mlp.gate_proj"),
        ("blk.3.attn_q", "L3.attn_q"),
        ("vit.encoder.layer.3.attention.attention.query", "L3.attention.query"),
        ("model.layers.3.self_attn.self_attn.self_attn.q_proj", "L3.self_attn.q_proj"),
        ("encoder.block.3.layer.1.DenseReluDense.wi_0", "L3.layer.1.DenseReluDense.wi_0"),
        ("_orig_mod.model.layers.3._orig_mod.mlp.up_proj", "L3.mlp.up_proj"),
        ("model.layers.3.mlp.experts.gate_up_proj[5]", "L3.mlp.experts[5].gate_up_proj"),
        ("model.layers.3.mlp.experts.gate_up_proj", "L3.mlp.experts.gate_up_proj"),
        ("blk.3.ffn_gate_exps[5]", "L3.ffn_gate_exps[5]"),
        ("model.layers.3.block_sparse_moe.experts.5.w1", "L3.block_sparse_moe.experts.5.w1"),
        ("h.3", "h3"),
        ("layers.3[7]", "L3[7]"),
        ("transformer.wte", "wte"),
        ("lm_head", "lm_head"),
        ("bert.embeddings.word_embeddings", "word_embeddings"),
        ("bert.pooler.dense", "pooler.dense"),
        ("lm_head.dense", "lm_head.dense"),
        ("visual.patch_embed.proj", "patch_embed.proj"),
        ("classifier.6", "classifier.6"),
        ("layer1.0.conv2", "layer1.0.conv2"),
        ("model.norm", "norm"),
        ("encoder.pos.conv.parametrizations.weight.original0", "conv.parametrizations.weight.original0"),
        ("0", "0"),
        ("", ""),
        (".weight", ".weight"),
    ],
)
def test_label_of_one_name(name: str, label: str) -> None:
    assert short_labels([name]) == {name: label}


def test_stack_is_written_only_where_there_are_several() -> None:
    one = ["bert.embeddings.word_embeddings", "bert.encoder.layer.3.output.dense"]
    assert short_labels(one) == {one[0]: "word_embeddings", one[1]: "L3.output.dense"}
    two = {
        "shared": "shared",
        "encoder.block.3.layer.0.SelfAttention.q": "enc.L3.layer.0.SelfAttention.q",
        "decoder.block.3.layer.0.SelfAttention.q": "dec.L3.layer.0.SelfAttention.q",
        "decoder.block.4.layer.1.EncDecAttention.q": "dec.L4.layer.1.EncDecAttention.q",
        "encoder.embed_positions": "enc.embed_positions",
    }
    assert short_labels(two) == two
    towers = {
        "vision_model.encoder.layers.3.mlp.fc1": "vision.L3.mlp.fc1",
        "text_model.encoder.layers.3.mlp.fc1": "text.L3.mlp.fc1",
        "vision_model.embeddings.patch_embedding": "vision.patch_embedding",
        "visual_projection": "visual_projection",
    }
    assert short_labels(towers) == towers
    beside_a_plain_one = {
        "model.layers.3.self_attn.q_proj": "L3.self_attn.q_proj",
        "model.vision_model.encoder.layers.3.mlp.fc1": "vision.L3.mlp.fc1",
    }
    assert short_labels(beside_a_plain_one) == beside_a_plain_one


def test_clashing_labels_all_grow() -> None:
    expected = {
        "encoder.stages.0.layers.1.conv": "enc.stages.0.L1.conv",
        "encoder.stages.2.layers.1.conv": "enc.stages.2.L1.conv",
        "encoder.stages.2.layers.4.conv": "L4.conv",
        "a.layers.0.w": "a.L0.w",
        "b.layers.0.w": "b.L0.w",
        "layer1.0.conv1": "layer1.0.conv1",
        "layer2.0.conv1": "layer2.0.conv1",
        "embeddings.word_embeddings": "embeddings.word_embeddings",
        "extra.word_embeddings": "extra.word_embeddings",
    }
    stages = [name for name in expected if name.startswith("encoder")]
    assert short_labels(stages) == {name: expected[name] for name in stages}
    others = [name for name in expected if not name.startswith("encoder")]
    assert short_labels(others) == {name: expected[name] for name in others}


def test_a_name_that_is_another_names_label_keeps_it() -> None:
    names = ["transformer.h.9.attn.c_proj", "h9.attn.c_proj", "x.layers.0.a.a.q", "x.layers.0.a.q"]
    labels = short_labels(names)
    assert labels["h9.attn.c_proj"] == "attn.c_proj"
    assert labels["transformer.h.9.attn.c_proj"] == "h9.attn.c_proj"
    assert labels["x.layers.0.a.a.q"] == "x.layers.0.a.a.q"
    assert labels["x.layers.0.a.q"] == "x.layers.0.a.q"
    assert short_labels(["layers.0.q", "layers.0.q.weight", "L0.q"]) == {
        "layers.0.q": "layers.0.q",
        "layers.0.q.weight": "layers.0.q.weight",
        "L0.q": "L0.q",
    }


def test_ten_thousand_names_with_every_label_clashing() -> None:
    names = [f"net.{i}.tower.layers.{j}.self_attn.q_proj" for i in range(1000) for j in range(10)]
    labels = short_labels(names)
    assert len(set(labels.values())) == 10_000
    assert labels["net.417.tower.layers.3.self_attn.q_proj"] == "net.417.tower.L3.self_attn.q_proj"


def test_the_reference_results() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference results are not beside this checkout")
    names = list(json.loads(REFERENCE.read_text()))
    expected = {"transformer.wte": "wte", "transformer.wpe": "wpe", "lm_head": "lm_head"}
    for block in range(12):
        for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"):
            expected[f"transformer.h.{block}.{part}"] = f"h{block}.{part}"
    assert len(names) == 51
    assert short_labels(names) == expected
    families = [place(name).family for name in names]
    assert {f: families.count(f) for f in families} == {"embedding": 3, "attention": 24, "mlp": 24}


# -- Properties --------------------------------------------------------------------------------------------------------

BLOCK_WORDS = ["h", "layers", "layer", "block", "blk"]
MODULES = ["model", "encoder", "decoder", "vision_model", "experts", "mlp", "attn", "attention", "self", "module"]
MATRICES = ["q_proj", "w1", "weight", "conv", "lora_A", "base_layer", "bias", "norm", "gate", "h0", "L0", "enc"]
ELEMENTS = st.sampled_from([*BLOCK_WORDS, *MODULES, *MATRICES, "0", "1", "3", "07"])
PLAUSIBLE = st.lists(ELEMENTS, min_size=1, max_size=7).map(".".join)
MEMBERS = st.tuples(PLAUSIBLE, st.integers(0, 12)).map(lambda pair: f"{pair[0]}[{pair[1]}]")
NAMES = st.one_of(PLAUSIBLE, MEMBERS, st.text(max_size=30), st.text("hL.30[]<&\n\x00é²١", max_size=12))


@pytest.mark.slow
@given(st.lists(NAMES, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_labels_are_unique_whatever_the_names_and_their_order(names: list[str], rng: random.Random) -> None:
    labels = short_labels(names)
    assert list(labels) == list(dict.fromkeys(names))
    assert len(set(labels.values())) == len(labels)
    shuffled = names + names[:2]
    rng.shuffle(shuffled)
    assert short_labels(iter(shuffled)) == labels


@given(st.lists(NAMES, min_size=1, max_size=40))
def test_labels_keep_the_block_index(names: list[str]) -> None:
    for name, label in short_labels(names).items():
        block = place(name).block
        if block is not None and label != name:
            assert re.search(rf"(?:^|\.)[hL]{block}(?=[.\[]|$)", label)


@given(PLAUSIBLE)
def test_labels_double_no_part(name: str) -> None:
    label = short_labels([name])[name]
    if label != name:
        parts = label.split(".")
        assert not [a for a, b in pairwise(parts) if a == b and not a.isdigit()]


@given(NAMES)
def test_place_never_fails_and_stays_in_its_vocabulary(name: str) -> None:
    found = place(name)
    assert found.kind in FAMILY or found.kind.startswith("ssm_")
    assert found.family == FAMILY.get(found.kind, "other")
    assert found.stack in {None, "encoder", "decoder", "vision", "text", "audio"}
    assert found.block is None or (found.block >= 0 and str(found.block) in name)


@pytest.mark.parametrize(
    "part", ["a", ".a", ".0", ".lora_A", ".attn", "_norm", "expert_", ".experts", "layers.", "encoder.", "[0]", "."]
)
def test_a_hostile_name_is_read_quickly(part: str) -> None:
    name = part * 40_000 + "!"
    assert place(name).family in {"attention", "mlp", "embedding", "other"}
    assert len(short_labels([name, name + "?"])) == 2


# -- Real models -------------------------------------------------------------------------------------------------------

TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 32,
}
MIXTRAL = TINY | {"num_local_experts": 4}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2, "vocab_size": 32}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "vocab_size": 32, "n_positions": 32}


@pytest.mark.parametrize(
    ("model", "options", "counts"),
    [
        # matrices in two blocks, by family
        ("GPT2LMHeadModel", GPT2, {"attention": 4, "mlp": 4}),
        ("LlamaForCausalLM", TINY, {"attention": 8, "mlp": 6}),
        ("BertForMaskedLM", TINY, {"attention": 8, "mlp": 4}),
        # encoder and decoder: 4 per attention, 3 attentions, and one table of relative positions each
        ("T5ForConditionalGeneration", T5 | {"feed_forward_proj": "gated-gelu"}, {"attention": 26, "mlp": 12}),
        ("MixtralForCausalLM", MIXTRAL, None),  # fused or one by one: the version decides
    ],
)
def test_real_models(model: str, options: dict[str, Any], counts: dict[str, int] | None) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    architecture = getattr(transformers, model, None)
    if architecture is None:
        pytest.skip(f"this transformers has no {model}")
    with torch.device("meta"):
        parameters = dict(architecture(architecture.config_class(**options)).named_parameters())
    matrices = [name for name, parameter in parameters.items() if parameter.ndim > 1]
    labels = short_labels(matrices)
    assert len(set(labels.values())) == len(matrices)
    found: dict[str, int] = {}
    for name in matrices:
        placement = place(name)
        if placement.block is None:
            assert placement.family == "embedding"
            continue
        assert placement.block in {0, 1}
        assert placement.kind not in {"other", "attn", "mlp"}
        assert re.search(rf"(?:^|\.)[hL]{placement.block}\.", labels[name])
        inside_attention = re.search(r"attn|attention|Attention", name)
        assert placement.family == ("attention" if inside_attention else "mlp")
        found[placement.family] = found.get(placement.family, 0) + 1
    assert set(found) == {"attention", "mlp"}
    if counts is not None:
        assert found == counts
    for name, parameter in parameters.items():
        if parameter.ndim == 1:
            assert place(name).kind in {"norm", "bias"}
