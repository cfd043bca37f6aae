"""Published names of weights and ours.

Ours say a stream once (`blocks.0.text.to_q`); the published ones spell each stream its own way
(`transformer_blocks.0.attn.add_q_proj`). A name is a module and a parameter of it; modules of a
block have a prefix with the number of the block. Both ways follow from the two tables.
"""

import re
from collections.abc import Mapping

OUTSIDE = {
    "time_text_embed.timestep_embedder.linear_1": "time.linear_1",
    "time_text_embed.timestep_embedder.linear_2": "time.linear_2",
    "time_text_embed.addition_t_embedding": "time.addition",
    "txt_norm": "text_norm",
    "txt_in": "text_in",
    "img_in": "image_in",
    "norm_out.linear": "modulate_out",
    "proj_out": "proj_out",
}
"""Modules outside the blocks, by their published names."""

INSIDE = {
    "attn.to_out.0": "image.to_out",
    "attn.to_add_out": "text.to_out",
    **{f"attn.to_{x}": f"image.to_{x}" for x in "qkv"},
    **{f"attn.add_{x}_proj": f"text.to_{x}" for x in "qkv"},
    **{f"attn.norm_{x}": f"image.norm_{x}" for x in "qk"},
    **{f"attn.norm_added_{x}": f"text.norm_{x}" for x in "qk"},
    **{
        f"{short}_{module}": f"{stream}.{ours}"
        for short, stream in (("img", "image"), ("txt", "text"))
        for module, ours in (
            ("mod.1", "modulate"),
            ("mlp.net.0.proj", "mlp.up"),
            ("mlp.net.2", "mlp.down"),
        )
    },
}
"""Modules of a block, by their published names."""


def ours(name: str) -> str:
    """Return our name of a published weight; one that is not in the tables stays as it is."""
    return _translate(name, "transformer_blocks", "blocks", OUTSIDE, INSIDE)


def published(name: str) -> str:
    """Return the published name of one of our weights."""
    outside, inside = ({new: old for old, new in table.items()} for table in (OUTSIDE, INSIDE))
    return _translate(name, "blocks", "transformer_blocks", outside, inside)


def steers(name: str) -> bool:
    """Return whether one of our weights is used by `MMDiT.steer` alone."""
    return ".modulate." in name or name.startswith(("modulate_out.", "time."))


def _translate(
    name: str, old: str, new: str, outside: Mapping[str, str], inside: Mapping[str, str]
) -> str:
    module, dot, parameter = name.rpartition(".")
    if in_block := re.fullmatch(rf"{old}\.(\d+)\.(.+)", module):
        number, module = in_block.groups()
        return f"{new}.{number}.{inside.get(module, module)}.{parameter}"
    return outside.get(module, module) + dot + parameter
