"""Names of weights: ours in memory, on disk as Qwen-Image published them.

Files hold one of two layouts: the older (`model.layers.*`, `visual.*`), which is also written,
and that of `transformers` 4.52 and later (`model.language_model.layers.*`, `model.visual.*`).
"""

import re

LAYER = {
    "input_layernorm": "norm_attention",
    "self_attn.q_proj": "to_q",
    "self_attn.k_proj": "to_k",
    "self_attn.v_proj": "to_v",
    "self_attn.o_proj": "to_out",
    "post_attention_layernorm": "norm_mlp",
    "mlp.gate_proj": "mlp.gate",
    "mlp.up_proj": "mlp.up",
    "mlp.down_proj": "mlp.down",
}
"""Modules of a layer, by their published names."""

_PUBLISHED = {new: old for old, new in LAYER.items()}


def ours(name: str) -> str | None:
    """Return our name of a published weight; None for the head, which only chats."""
    if name.startswith("lm_head."):
        return None
    name = re.sub(r"^model\.(language_model\.|(?=visual\.))", "", name).removeprefix("model.")
    if name.startswith("visual."):
        return f"vision.tower.{name.removeprefix('visual.')}"
    if parts := re.fullmatch(r"layers\.(\d+)\.(.+)\.(\w+)", name):
        number, module, weight = parts.groups()
        return f"language.layers.{number}.{LAYER.get(module, module)}.{weight}"
    return f"language.{re.sub('^embed_tokens', 'embed', name)}"


def blind(name: str) -> str | None:
    """Return our name of a published weight; None also for those of the vision tower."""
    known = ours(name)
    return None if known is None or known.startswith("vision.") else known


def published(name: str) -> str:
    """Return the published name of one of our weights."""
    if name.startswith("vision.tower."):
        return f"visual.{name.removeprefix('vision.tower.')}"
    name = name.removeprefix("language.")
    if parts := re.fullmatch(r"layers\.(\d+)\.(.+)\.(\w+)", name):
        number, module, weight = parts.groups()
        return f"model.layers.{number}.{_PUBLISHED[module]}.{weight}"
    return f"model.{re.sub('^embed', 'embed_tokens', name)}"
