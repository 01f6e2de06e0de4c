"""The place of a parameter in its model, and a short label for it, from the name alone.

A name is a dotted path. `place` splits it at the block index (``h.3``, ``layers.3``, …) and looks up what follows in
`RULES`, the one table that knows how the model families spell their parts. `short_labels` writes the same split as a
label for a chart. Neither ever raises: an unknown name is of kind ``"other"`` and keeps its own text.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

__all__ = ["KINDS", "Placement", "place", "short_labels"]

_FAMILIES = {
    "attention": (
        *("q", "k", "v", "o", "qkv", "kv", "q_a", "q_b", "kv_a", "kv_b", "rel_pos", "attn"),
        *("cross_q", "cross_k", "cross_v", "cross_o", "cross_qkv", "cross_kv"),
    ),
    "mlp": ("gate", "up", "down", "gate_up", "router", "mlp"),
    "embedding": ("embed", "pos_embed", "type_embed", "head"),
    "other": ("conv", "norm", "bias", "other"),
}

KINDS: dict[str, str] = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}
"""Family of every kind, but for the ``ssm_*`` kinds, which carry the parameter's own name and are family "other".

``"attn"`` and ``"mlp"`` are other matrices inside an attention or MLP module.
"""


@dataclass(frozen=True)
class Placement:
    """The place of a parameter in its model.

    Attributes
    ----------
    block : int or None
        Index of the block (the transformer layer) it belongs to.
    stack : str or None
        Which of several towers: ``"encoder"``, ``"decoder"``, ``"vision"``, ``"text"`` or ``"audio"``.
    kind : str
        The role of the matrix: a key of `KINDS`, or ``"ssm_"`` and the parameter's own name.
    family : str
        ``"attention"``, ``"mlp"``, ``"embedding"`` or ``"other"``.
    expert : int or None
        Index of the expert, if the parameter belongs to one expert.
    """

    block: int | None
    stack: str | None
    kind: str
    family: str
    expert: int | None

    @property
    def is_head(self) -> bool:
        """Whether it is an output head."""
        return self.kind == "head"

    @property
    def is_router(self) -> bool:
        """Whether it chooses among experts."""
        return self.kind == "router"

    @property
    def is_embedding(self) -> bool:
        """Whether it is a table that is looked up (embeddings, relative positions), or a head, often tied to one."""
        return self.family == "embedding" or self.kind == "rel_pos"


# -- The table of names ------------------------------------------------------------------------------------------------

# An element that is an attention or an MLP module, and up to two elements that may stand between it and the matrix.
_ATT = r"\.(?:\w*(?:attn|attention)s?\d*|att|mha)"
_MLP = r"\.(?:\w*mlp\w*|ffns?|feed_?forward|ff|\w*moe|\w*experts?|dense\w+dense)"
_GAP = r"(?:\.\w+){0,2}?"
_REST = r"(?:\.\w+)*"  # and whatever follows

ANYWHERE, IN_BLOCK, OUTSIDE = "anywhere", "in a block", "outside any block"

RULES: tuple[tuple[str, str, str], ...] = (
    # kind, where it applies, pattern. The pattern ends the path that follows the block index (or the whole path where
    # there is none) and starts at a dot; upper and lower case are one. The first rule that fits decides.
    #
    # Not matrices of their own
    ("other", ANYWHERE, rf"\.(?:rotary\w*|rope\w*|inv_freq|\w+_scale(?:s|_inv)?){_REST}"),
    ("rel_pos", ANYWHERE, rf"\.(?:\w*relative_(?:attention|pos)\w*|rel_pos\w*|continuous_position_bias_mlp){_REST}"),
    ("rel_pos", ANYWHERE, rf"\.(?:attn_rel_b|cpb_mlp){_REST}"),
    ("bias", ANYWHERE, r"\.(?:\w+_)?bias(?:_\w+)?|\.b_(?:[qkvo]|in|out)|\.exp_probs_b"),
    ("norm", ANYWHERE, r"\.(?:\w*norm(?:\d\w*|_\w+|s)?|(?:\w+_)?ln(?:\d*|_\w+)|bn\d*)(?:\.(?:scale|gamma|beta))?"),
    # State-space mixers; "mixer" is also Nemotron's word for attention and MLP, so only their own names count
    ("ssm_", ANYWHERE, r"\.(?:mixer|mamba\d?|ssm)\.(?P<name>A_logs?|Ds?|conv[12]d|(?:in|x|dt|out|bc)_proj)"),
    ("ssm_", ANYWHERE, r"\.ssm_(?P<name>\w+)"),
    # Heads, before anything that could take their inner layers for an MLP
    ("head", OUTSIDE, rf"\.(?:\w*lm_heads?|classifier|classification_head|qa_outputs|vocab_projector){_REST}"),
    ("head", OUTSIDE, r"\.embed_out|\.unembed(?:\.W_U)?|\.fc(?:\.\d+)*"),
    ("head", OUTSIDE, r"^\.(?:score|proj_out|output|output_layer|ff_out)|^\.(?:cls|predictions)(?:\.\w+)*"),
    ("head", OUTSIDE, r"^\.heads?(?:\.(?:heads?|dense|decoder|linear|out_proj|\d+))*"),
    ("router", ANYWHERE, rf"\.\w*router\w*{_REST}|\.shared_expert_gate|\.ffn_gate_inp(?:_shexp)?"),
    ("router", ANYWHERE, r"\.(?:\w*mlp|\w*moe|ffn|feed_forward|mixer)\.gate(?:\.wg)?"),
    ("conv", ANYWHERE, r"\.\w*conv\w*(?:\.\d+)*"),
    # MLPs that borrow attention's words: RWKV's channel mixing
    ("up", ANYWHERE, r"\.(?:ffn|feed_forward)\.key"),
    ("down", ANYWHERE, r"\.(?:ffn|feed_forward)\.value"),
    ("gate", ANYWHERE, r"\.(?:ffn|feed_forward)\.receptance"),
    # Attention: names that say it themselves
    ("q_a", ANYWHERE, r"\.(?:attn_|w)?q_a(?:_proj)?|\.linear_q_down_proj"),
    ("q_b", ANYWHERE, r"\.(?:attn_|w)?q_b(?:_proj)?|\.linear_q_up_proj"),
    ("kv_a", ANYWHERE, r"\.(?:attn_|w)?kv_a(?:_proj_with_mqa|_proj|_mqa)?|\.linear_kv_down_proj"),
    ("kv_b", ANYWHERE, r"\.(?:attn_|w)?kv_b(?:_proj)?|\.attn_[kv]_b|\.linear_kv_up_proj"),
    ("kv", ANYWHERE, r"\.crossattention\.c_attn|\.(?:attn_|linear_|to_|c_|w)?kv(?:_proj)?|\.key_value"),
    ("qkv", ANYWHERE, r"\.(?:attn_|linear_|to_|c_|w_?)?qkv(?:_proj)?|\.query_key_value|\.c_attn|\.att_proj|\.w_pack"),
    ("qkv", ANYWHERE, rf"\.in_proj_(?:weight|qkvz?)|{_ATT}\.in_proj"),
    ("q", ANYWHERE, r"\.q_(?:proj|lin|head|attn)(?:_weight)?|\.(?:\w*attn_|linear_|to_|w_?)q|\.query(?:_proj)?"),
    ("k", ANYWHERE, r"\.k_(?:proj|lin|head)(?:_weight)?|\.(?:\w*attn_|linear_|to_|w_?)k|\.key(?:_proj)?"),
    ("v", ANYWHERE, r"\.v_(?:proj|lin|head)(?:_weight)?|\.(?:\w*attn_|linear_|to_|w_?)v|\.value(?:_proj)?"),
    ("q", ANYWHERE, rf"{_ATT}\.q"),
    ("k", ANYWHERE, rf"{_ATT}\.k"),
    ("v", ANYWHERE, rf"{_ATT}\.v"),
    # Words that attention and MLP share: the module they stand in decides
    ("attn", ANYWHERE, rf"{_ATT}\.g(?:ate)?_proj"),
    ("down", ANYWHERE, rf"{_MLP}\.(?:c_proj|wo|o_proj|out_proj|output|out|dense|layer_2)"),
    ("up", ANYWHERE, rf"{_MLP}\.(?:in_proj|layer_1)"),
    ("up", ANYWHERE, r"\.ff\.net\.0\.proj|\.ffn"),
    ("down", ANYWHERE, r"\.ff\.net\.2|\.ffn_output"),
    ("up", IN_BLOCK, rf"{_MLP}\.0"),
    ("down", IN_BLOCK, rf"{_MLP}\.[1-9]"),
    ("o", ANYWHERE, rf"{_ATT}{_GAP}\.(?:o|w_?o|o_proj|c_proj|dense|out_lin|out|output|proj|projection)"),
    ("o", ANYWHERE, rf"{_ATT}{_GAP}\.(?:linear_proj|linear_out|post_proj)"),
    ("o", ANYWHERE, r"\.o_proj|\.out_proj|\.to_out(?:\.0)?|\.\w*attn_(?:o|out|output)"),
    # MLP: names that say it themselves
    ("gate_up", ANYWHERE, r"\.gate_up(?:_proj)?|\.ffn_gate_up\w*|\.input_linear|\.mlp1_weight|\.w1[23]|\.ff_proj"),
    ("gate_up", ANYWHERE, rf"{_MLP}\.(?-i:Wi)"),
    ("gate", ANYWHERE, r"\.gate_proj|\.wi_0|\.w1|\.ffn_gate(?:_exps|_shexp)?|\.fc1_g"),
    ("up", ANYWHERE, r"\.up_proj|\.wi(?:_1)?|\.w3|\.v1|\.ffn_up(?:_exps|_shexp)?|\.fc1_x|\.w_in"),
    ("up", ANYWHERE, r"\.c_fc|\.fc_in|\.fc1|\.lin1|\.linear_?1|\.linear_fc1|\.dense_?1|\.dense_h_to_4h"),
    ("up", ANYWHERE, r"\.\w*intermediate\w*(?:\.dense)?"),
    ("down", ANYWHERE, r"\.down_proj|\.w2|\.ffn_down(?:_exps|_shexp)?|\.output_linear|\.mlp2_weight|\.ff_out|\.w_out"),
    ("down", ANYWHERE, r"\.fc_out|\.fc2|\.lin2|\.linear_?2|\.linear_fc2|\.dense_?2|\.dense_4h_to_h|\.output_dense"),
    ("down", IN_BLOCK, r"\.(?:\w+_)?output(?:_\w+)?\.dense"),
    ("o", IN_BLOCK, r"^\.dense"),
    # Embeddings
    ("type_embed", OUTSIDE, r"\.\w*token_type_emb\w*|\.token_types|\.\w*segment_emb\w*|\.type_emb\w*"),
    ("pos_embed", ANYWHERE, rf"\.(?:wpe|embed_positions?|w_pos|\w*pos(?:ition)?(?:al)?_?emb\w*){_REST}"),
    ("pos_embed", ANYWHERE, rf"\.\w*position(?:al)?_encoding\w*{_REST}"),
    ("embed", OUTSIDE, rf"\.\w*patch_emb\w*{_REST}|\.(?:cls|class|mask|dist|reg|register)_tokens?"),
    ("embed", OUTSIDE, r"\.(?:wte|shared|embed_in|w_e)|\.(?:embed_tokens\w*|(?:\w+_)?emb(?:d|ed|eddings?)?)(?:\.\d+)*"),
    # Known by the module around it only
    ("attn", ANYWHERE, rf"{_ATT}{_REST}|\.attn_\w+"),
    ("mlp", ANYWHERE, rf"{_MLP}{_REST}|\.ffn_\w+|\.fc\d+"),
)

_COMPILED = tuple((kind, where, re.compile(rf"(?:{pattern})\Z", re.IGNORECASE)) for kind, where, pattern in RULES)

# Attention over another sequence. torch's decoder layer calls it multihead_attn, right after the block.
_CROSS = re.compile(
    r"\.(?:\w*cross_?(?:attn|attention)|encoder_attn|encdecattention|src_attn|attn2)|^\.multihead_attn\.", re.IGNORECASE
)

# Stacks, by path element; a modality says more than encoder or decoder.
_MODALITIES = {
    "vision": ("vision", "visual", "vision_model", "vision_tower", "vision_encoder", "image_encoder"),
    "text": ("text", "text_model", "text_encoder", "text_decoder", "text_tower", "language_model"),
    "audio": ("audio", "audio_model", "audio_tower", "audio_encoder"),
}
_MODALITY = {element: stack for stack, elements in _MODALITIES.items() for element in elements}
_CODER = {"encoder": "encoder", "enc": "encoder", "decoder": "decoder", "dec": "decoder"}
_STACK_OF = _MODALITY | _CODER
_GGUF_MODALITY = {"v": "vision", "t": "text", "a": "audio"}
_ABBREVIATIONS = {"encoder": "enc", "decoder": "dec"}

_BLOCK_WORDS = frozenset({"h", "layers", "layer", "block", "blocks", "blk"})
_INDEX = re.compile(r"(?:(?:encoder|decoder)_layer_)?([0-9]{1,9})", re.ASCII)  # torchvision: layers.encoder_layer_3
_EXPERT = re.compile(  # experts.5, experts.expert_5, and GGUF's older ffn_gate.5
    r"(\.(?!shared)(?:(?:\w+_)?experts?|ffn_(?:gate|up|down)))[._](?:expert_)?([0-9]{1,9})(?![^.])", re.ASCII
)
_MEMBER = re.compile(r"(.*)\[([0-9]{1,9})\]", re.ASCII | re.DOTALL)
# Suffixes that adapters and reparametrizations add to a weight.
_ATTACHED = re.compile(
    r"(?:\.weight_[gv]|\.weight_orig|\.parametrizations\.weight(?:\.original\d?)?|\.base_layer"
    r"|\.lora_(?:embedding_)?[AB](?:\.\w+)?|\.lora_magnitude_vector(?:\.\w+)?)\Z"
)

# Elements without meaning: anywhere in a path, and at its start.
_TRANSPARENT = frozenset({"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"})
_WRAPPERS = frozenset({"base_model", "model", "transformer", "backbone", "gpt_neox", "bert", "roberta", "distilbert"})

# Elements that make no sense at the start of a label.
_CONTINUES = re.compile(r"\d+|weight|parametrizations|original\d*|default|lora_\w+|base_layer")

_LOOKED_AT = 200  # characters at the end of a path that the rules see: names come from files and may be of any length


# -- Placement ---------------------------------------------------------------------------------------------------------


class _Path(NamedTuple):
    """A name, split at its block index."""

    before: tuple[str, ...]  # elements before the block word; all elements where there is no block
    word: str  # the block word, "" without a block
    block: int | None
    after: tuple[str, ...]  # elements after the block index
    member: int | None  # i of a trailing "[i]"


def _split(name: str) -> _Path:
    """Split a name into what stands before and after its block index."""
    name = name.removesuffix(".weight")
    member = None
    if match := _MEMBER.fullmatch(name):
        name, member = match[1].removesuffix(".weight"), int(match[2])
    parts = tuple(part for part in name.split(".") if part not in _TRANSPARENT) or (name,)
    for i, word in enumerate(parts[:-1]):
        if word in _BLOCK_WORDS and (index := _INDEX.fullmatch(parts[i + 1])):
            return _Path(parts[:i], word, int(index[1]), parts[i + 2 :], member)
    return _Path(parts, "", None, (), member)


def _stack(path: _Path) -> str | None:
    """Name the stack: a modality if the path has one, else the outermost of encoder and decoder."""
    towers = path.before if path.block is not None else path.before[:-1]  # lm_head.decoder is a matrix, not a stack
    if len(towers) == 1 and (path.word == "blk" or path.before[-1].endswith("_embd")) and towers[0] in _GGUF_MODALITY:
        return _GGUF_MODALITY[towers[0]]
    for table in (_MODALITY, _CODER):
        for element in towers:
            if element in table:
                return table[element]
    return None


@lru_cache(maxsize=1 << 14)
def _kind(path: str, in_block: bool) -> str:
    """Look up the kind of a path (with a leading dot) in `RULES`."""
    elsewhere = OUTSIDE if in_block else IN_BLOCK
    for kind, where, pattern in _COMPILED:
        if where != elsewhere and (match := pattern.search(path)):
            if kind == "ssm_":
                return kind + match["name"]
            crossed = f"cross_{kind}"
            return crossed if crossed in KINDS and _CROSS.search(path) else kind
    return "other"


def _without(wrappers: Container[str], parts: tuple[str, ...]) -> tuple[str, ...]:
    """Drop the leading elements that are wrappers, but never the last one."""
    start = 0
    while start < len(parts) - 1 and parts[start] in wrappers:
        start += 1
    return parts[start:]


@lru_cache(maxsize=1 << 17)
def place(name: str) -> Placement:
    """Return the place of a parameter in its model, from its name.

    Parameters
    ----------
    name : str
        The parameter's name, with or without a trailing ``.weight``. One matrix of a stack of experts is written with
        its index in brackets at the end.

    Returns
    -------
    Placement
        Never fails: unknown parts are None or ``"other"``.

    Examples
    --------
    >>> place("transformer.h.3.attn.c_attn.weight")
    Placement(block=3, stack=None, kind='qkv', family='attention', expert=None)
    >>> place("model.layers.3.mlp.experts.gate_up_proj[5]")
    Placement(block=3, stack=None, kind='gate_up', family='mlp', expert=5)
    """
    path = _split(name)
    in_block = path.block is not None
    parts = path.after if in_block else _without(_WRAPPERS | _STACK_OF.keys(), path.before)
    inner = _ATTACHED.sub("", "." + ".".join(parts))
    expert = path.member
    if match := _EXPERT.search(inner):
        expert = int(match[2]) if expert is None else expert
        inner = inner[: match.end(1)] + inner[match.end() :]
    kind = _kind(inner[-_LOOKED_AT:], in_block)
    return Placement(path.block, _stack(path), kind, KINDS.get(kind, "other"), expert)


# -- Labels ------------------------------------------------------------------------------------------------------------


def _collapse(parts: Iterable[str]) -> list[str]:
    """Write a repeated element once; repeated indices are two different places and stay."""
    kept: list[str] = []
    for part in parts:
        if not kept or part != kept[-1] or part.isdigit():
            kept.append(part)
    return kept


def _with_member(parts: list[str], member: int | None) -> list[str]:
    """Put the index of a stack's member where the experts are named, else at the end."""
    if member is None:
        return parts
    at = len(parts) - 1 - parts[::-1].index("experts") if "experts" in parts else len(parts) - 1
    return [*parts[:at], f"{parts[at]}[{member}]", *parts[at + 1 :]]


def _tails(parts: list[str], shortest: int) -> list[str]:
    """Join the last elements, `shortest` and more of them, in up to four lengths that make sense by themselves."""
    lengths = [k for k in range(shortest, len(parts) + 1) if k == len(parts) or not _CONTINUES.fullmatch(parts[-k])]
    return [".".join(parts[-k:]) for k in lengths[:4]]


def _forms(name: str, several_stacks: bool) -> list[str]:
    """List the labels a name can have, the preferred first, then longer and longer; the last is the name itself."""
    path, placement = _split(name), place(name)
    short = _ABBREVIATIONS.get(placement.stack or "", placement.stack)
    prefix = f"{short}." if short else ""
    # Distinguishes this tower from another of the same stack, or names the parameter where there is no block.
    parts = _collapse(_without(_WRAPPERS, path.before))
    unstacked = [part for part in parts if short is None or _STACK_OF.get(part) != placement.stack]
    if path.block is not None:
        index = f"{'h' if path.word == 'h' else 'L'}{path.block}"
        label = ".".join(_with_member([index, *_collapse(path.after)], path.member))
        forms = [] if several_stacks else [label]
        forms += [prefix + label, *(f"{prefix}{tail}.{label}" for tail in _tails(unstacked, 1))]
    else:
        if not several_stacks or not unstacked:
            prefix, unstacked = "", parts
        # One element is enough where it says what it is by itself ("wte"), two elsewhere ("pooler.dense").
        alone = placement.family == "embedding" and place(path.before[-1]).kind == placement.kind
        tails = _tails(_with_member(unstacked, path.member), 1 if alone else min(2, len(unstacked)))
        forms = [prefix + tail for tail in tails]
    return [*dict.fromkeys(form for form in forms if form and form != name), name]


def short_labels(names: Iterable[str]) -> dict[str, str]:
    """Give every name a short, unique label.

    A label is the block index and what follows it: ``h9.attn.c_proj``, ``L3.mlp.gate_proj``. The stack comes first
    where the blocks are in more than one (``enc.L3.…``). Labels that would be the same grow, all of them, until they
    differ, at the end to the full name. The order of the names changes nothing.

    Parameters
    ----------
    names : iterable of str
        Parameter names, with or without a trailing ``.weight``.

    Returns
    -------
    dict of str to str
        The label of each name, in the order given.

    Examples
    --------
    >>> short_labels(["transformer.wte", "transformer.h.9.attn.c_proj"])
    {'transformer.wte': 'wte', 'transformer.h.9.attn.c_proj': 'h9.attn.c_proj'}
    """
    ordered = list(dict.fromkeys(names))
    stacks = {placement.stack for placement in map(place, ordered) if placement.block is not None}
    forms = {name: _forms(name, len(stacks) > 1) for name in ordered}
    length = dict.fromkeys(ordered, 0)  # which of its forms a name has now
    holders: dict[str, list[str]] = {}
    for name in ordered:
        holders.setdefault(forms[name][0], []).append(name)
    clashes = {label for label, sharing in holders.items() if len(sharing) > 1}
    while clashes:
        growing = []
        for label in clashes:
            growing += [name for name in holders[label] if length[name] + 1 < len(forms[name])]
            holders[label] = [name for name in holders[label] if length[name] + 1 == len(forms[name])]
        touched = set()
        for name in growing:
            length[name] += 1
            holders.setdefault(forms[name][length[name]], []).append(name)
            touched.add(forms[name][length[name]])
        clashes = {label for label in touched if len(holders[label]) > 1}
    return {name: forms[name][length[name]] for name in ordered}
