"""Packed weights that are recognized but not read: each is listed once, and its tensors are not measured as weights."""

from __future__ import annotations

from weightscope_widget.sources._tensors.records import Record
from weightscope_widget.sources.packed.group import Checkpoint, Group, refused, shapes

__all__ = ["find"]

_KNOWN = {
    "q_weight": ("EXL2", ("q_scale", "q_scale_max", "q_groups", "q_invperm", "q_perm", "q_group_map")),
    "trellis": ("EXL3", ("suh", "svh", "su", "sv", "mcg", "mul1")),
    "W_q": ("HQQ", ("scale", "zero", "scale_q", "zero_q", "meta")),
    "codes": ("AQLM", ("codebooks", "scales")),
    "Qidxs": ("QuIP#", ("SU", "SV", "Wscale", "codebook_id")),
    "indices": ("VPTQ", ("centroids.weight", "res_centroids.weight", "weight_scale", "weight_bias", "perm")),
    "B": ("Marlin", ("s", "workspace", "B_meta", "reduce_buffer")),
    "compressed": ("compressed-tensors, sparse", ("bitmask", "row_offsets", "shape", "weight_scale")),
    "_data": ("quanto", ("_scale", "_shift")),
    "_weight_qdata": ("torchao", ("_weight_scale", "_weight_zero_point", "_weight_scale_and_zero")),
}
"""Ending of the tensor with the codes → the library that writes it, and the endings of its other tensors."""

_SCALES = (
    *("weight_scale", "weight_scale_inv", "weight_scale_2", "weight_global_scale", "weight_zero_point"),
    *("scales", "biases", "scale_weight", "SCB", "weight_format"),
)
_PACKED = ("weight_packed", "qweight", "qzeros")
_NO_WEIGHTS = ("int", "uint")
_CODES = ("int8", "uint8", "int32", "uint32")


def find(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a tensor of integers with other tensors beside it, in any other layout."""
    module, _, leaf = anchor.name.rpartition(".")
    if not anchor.dtype.startswith(_NO_WEIGHTS):
        return None
    prefix = f"{module}." if module else ""
    name = f"{prefix}weight"
    if leaf in _KNOWN:
        kind, endings = _KNOWN[leaf]
        found = checkpoint.parts(prefix, endings)
        if found:
            title = module if leaf == "_data" else name
            return refused(title, f"packed ({kind}), which is not read", [anchor, *found.values()])
    if leaf in ("qweight", "qzeros"):
        found = checkpoint.parts(prefix, ("qweight", "qzeros", "scales", "g_idx"))
        return _gptq(name, found) if leaf == next(iter(found)) else None
    if leaf not in ("weight", "weight_packed"):
        return _fused(anchor, checkpoint)
    found = checkpoint.parts(prefix, _SCALES)
    if anchor.dtype == "uint32" and {"scales", "biases"} <= found.keys():
        return refused(name, "packed (MLX), which is not read", [anchor, *found.values()])
    if found or leaf == "weight_packed":
        beside = ", ".join(found) or "nothing beside it"
        reason = f"packed in an unknown layout ({anchor.dtype} with {beside})"
        return refused(name, reason, [anchor, *found.values()])
    return None


def _gptq(name: str, parts: dict[str, Record]) -> Group:
    missing = [key for key in ("qweight", "qzeros", "scales") if key not in parts]
    if missing:
        return refused(name, f"packed (GPTQ or AWQ), without its {' and '.join(missing)}", parts.values())
    return refused(name, f"packed (GPTQ or AWQ), but {shapes(parts)} do not fit together", parts.values())


def _fused(anchor: Record, checkpoint: Checkpoint) -> Group | None:
    """Return the group of a parameter without ``.weight``, such as all experts' in one, with scales of its name."""
    found = checkpoint.parts(anchor.name, ("_scale", "_scale_inv", "_scale_2"))
    if not found or anchor.dtype not in _CODES or len(anchor.shape) < 2:
        return None
    beside = ", ".join(f"…{key}" for key in found)
    reason = f"packed in an unknown layout ({anchor.dtype} with {beside})"
    return refused(anchor.name, reason, [anchor, *found.values()])
