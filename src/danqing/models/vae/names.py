"""Published names and shapes of weights, and ours.

The published network is one for videos: its convolutions have a time axis, of which a picture
meets only the last slice, and it has layers that a picture never meets. `fold` takes what a
picture needs; `unfold` gives it back with zeros everywhere else, so the reference reads our files.
"""

import torch.nn.functional as F
from torch import Tensor

from danqing.models.vae.model import VAE

FRAGMENTS = {
    "post_quant_conv.": "decoder.quant.",
    "quant_conv.": "encoder.quant.",
    ".norm_out.": ".head.norm.",
    ".conv_out.": ".head.conv.",
    ".mid_block.resnets.0.": ".middle.before.",
    ".mid_block.attentions.0.": ".middle.attention.",
    ".mid_block.resnets.1.": ".middle.after.",
    ".conv_shortcut.": ".shortcut.",
    ".down_blocks.": ".down.",
    ".up_blocks.": ".levels.",
    ".resnets.": ".blocks.",
    ".upsamplers.0.resample.1.": ".upsample.conv.",
    ".resample.1.": ".conv.",
}
"""Parts of published names and of ours; both ways are translated from top to bottom."""

TIME = ".time_conv."
"""Part of the names of layers that only a video meets."""

FLAT = (".resample.1.", ".to_qkv.", ".proj.")
"""Parts of the names of layers that have no time axis."""


def ours(name: str) -> str | None:
    """Return our name of a published weight, None for one that only a video needs."""
    if TIME in name:
        return None
    for old, new in FRAGMENTS.items():
        name = name.replace(old, new)
    return name


def published(name: str) -> str:
    """Return the published name of one of our weights."""
    for old, new in FRAGMENTS.items():
        name = name.replace(new, old)
    return name


def fold(name: str, tensor: Tensor) -> Tensor:
    """Return a published weight as ours: without time, and flat where it only projects.

    Args:
        name: Our name of the weight.
        tensor: The weight, a convolution's with time (5-D) or without (4-D).
    """
    if name.endswith(".gamma"):
        return tensor.flatten()
    if tensor.ndim == 5:
        tensor = tensor[:, :, -1]
    if tensor.shape[2:] == (1, 1):
        tensor = tensor.flatten(1)
    # A copy of the slice, so that the file's other slices never need to be in memory.
    return tensor.contiguous()


def unfold(vae: VAE, *, slim: bool = False) -> dict[str, Tensor]:
    """Return the weights of `vae` by published names, in published shapes.

    Args:
        vae: The network.
        slim: Leave out what only a video needs: a third of the bytes, but only we can read it.
    """
    weights = {published(name): tensor for name, tensor in vae.state_dict().items()}
    unfolded = {name: _unfold(name, tensor, slim) for name, tensor in weights.items()}
    return unfolded if slim else unfolded | _time_layers(vae)


def _unfold(name: str, tensor: Tensor, slim: bool) -> Tensor:
    if name.endswith(".gamma"):
        return tensor.reshape(-1, 1, 1) if ".attentions." in name else tensor.reshape(-1, 1, 1, 1)
    if not name.endswith(".weight"):
        return tensor
    if tensor.ndim == 2:
        tensor = tensor[:, :, None, None]
    if slim or any(part in name for part in FLAT):
        return tensor
    earlier = tensor.shape[-1] - 1
    return F.pad(tensor[:, :, None], (0, 0, 0, 0, earlier, 0))


def _time_layers(vae: VAE) -> dict[str, Tensor]:
    config = vae.config
    like = vae.encoder.conv_in.weight
    assert config.temporal_downsample is not None, "the configuration fills it in"
    layers: dict[str, Tensor] = {}
    for level, (halves_time, width) in enumerate(
        zip(config.temporal_downsample, config.widths, strict=False)
    ):
        if halves_time:
            down = (level + 1) * (config.res_blocks + 1) - 1
            layers |= _time_layer(f"encoder.down_blocks.{down}", width, width, like)
    for level, (doubles_time, width) in enumerate(
        zip(config.temporal_downsample[::-1], config.widths[::-1], strict=False)
    ):
        if doubles_time:
            up = f"decoder.up_blocks.{level}.upsamplers.0"
            layers |= _time_layer(up, width, 2 * width, like)
    return layers


def _time_layer(module: str, inputs: int, outputs: int, like: Tensor) -> dict[str, Tensor]:
    weight = like.new_zeros(outputs, inputs, 3, 1, 1)
    return {f"{module}{TIME}weight": weight, f"{module}{TIME}bias": like.new_zeros(outputs)}
