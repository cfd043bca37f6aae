"""Published names of the weights of control networks and ours, both ways by tables."""

import re

from danqing.models.mmdit import names as mmdit_names

TRUNK = {"controlnet_blocks": "outs", "controlnet_x_embedder": "control_in"}
"""Modules that a trunk has beside those of the transformer, by their published names."""

BLOCKWISE = {
    "x_rms": "norm_image",
    "y_rms": "norm_control",
    "input_proj": "enter",
    "output_proj": "leave",
}
"""Modules beside a block, by their published names."""


def trunk(name: str) -> str:
    """Return our name of a published weight of InstantX's; an unknown one stays as it is."""
    first, dot, rest = name.partition(".")
    return TRUNK[first] + dot + rest if first in TRUNK else mmdit_names.ours(name)


def blockwise(name: str) -> str:
    """Return our name of a published weight of DiffSynth's; an unknown one stays as it is."""
    if inside := re.fullmatch(r"controlnet_blocks\.(\d+)\.(\w+)\.(\w+)", name):
        number, module, parameter = inside.groups()
        return f"blocks.{number}.{BLOCKWISE.get(module, module)}.{parameter}"
    return re.sub(r"^img_in\.", "control_in.", name)
