"""Control networks on disk: a folder as diffusers lays it out, or one file, of either kind.

Which kind it is follows from its weights, and so do its sizes where no `config.json` says them.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.models import checkpoint
from danqing.models.control import names
from danqing.models.control.blockwise import BlockwiseControl, BlockwiseControlConfig
from danqing.models.control.trunk import TrunkControl, TrunkControlConfig
from danqing.models.mmdit.config import MMDiTConfig

ControlNetwork = TrunkControl | BlockwiseControl
"""A network that leads the transformer by a picture."""


def read(
    path: Path,
    base: MMDiTConfig,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> tuple[ControlNetwork, str]:
    """Return a control network and the fingerprint of its weights.

    Args:
        path: A folder or a file.
        base: The transformer that it is to lead.
        dtype: Number format to convert to; None keeps that of the files.
        device: Where to move to; None keeps them where they are.

    Raises:
        CheckpointError: files are missing or damaged, of something else, or do not fit the
            transformer.
        RecipeError: `config.json` says what this network does not know.
    """
    tensors = checkpoint.read(path)
    with torch.device("meta"):
        if _TRUNK in tensors:
            network, rename = TrunkControl(_trunk(path, tensors)), names.trunk
        elif _BLOCKWISE in tensors:
            network, rename = BlockwiseControl(_blockwise(tensors, base)), names.blockwise
        else:
            raise CheckpointError(
                f"{path} must hold a control network for Qwen-Image, InstantX's or DiffSynth's, "
                f"got neither {_TRUNK} nor {_BLOCKWISE}; choose another."
            )
    for name, wanted in network.needs.items():
        if (found := getattr(base, name)) != wanted:
            raise CheckpointError(
                f"{path} must fit the transformer, got {name} {wanted} for {found}; "
                "take a control network that was made for this model."
            )
    checkpoint.load_into(network, tensors, rename, dtype, device=device)
    return network.eval(), checkpoint.fingerprint(tensors)


_TRUNK = "controlnet_x_embedder.weight"
_BLOCKWISE = "controlnet_blocks.0.y_rms.weight"


def _trunk(path: Path, tensors: Mapping[str, Tensor]) -> TrunkControlConfig:
    if path.is_dir():
        return TrunkControlConfig.from_published(checkpoint.read_config(path))
    width, channels = _shape(tensors, "img_in.weight", 2)
    (head_dim,) = _shape(tensors, "transformer_blocks.0.attn.norm_q.weight", 1)
    (text_channels,) = _shape(tensors, "txt_norm.weight", 1)
    sizes = MMDiTConfig(
        in_channels=channels,
        depth=_count(tensors, "transformer_blocks"),
        heads=width // head_dim,
        head_dim=head_dim,
        text_channels=text_channels,
    )
    return TrunkControlConfig(trunk=sizes, extra=_shape(tensors, _TRUNK, 2)[1] - channels)


def _blockwise(tensors: Mapping[str, Tensor], base: MMDiTConfig) -> BlockwiseControlConfig:
    width, channels = _shape(tensors, "img_in.weight", 2)
    # Nothing in the file tells a mask's channels from others, but no other ones are published.
    extra = base.patch**2 if channels == base.in_channels + base.patch**2 else 0
    depth = _count(tensors, "controlnet_blocks")
    return BlockwiseControlConfig(
        depth=depth, width=width, in_channels=channels - extra, extra=extra
    )


def _shape(tensors: Mapping[str, Tensor], name: str, axes: int) -> tuple[int, ...]:
    if name not in tensors or tensors[name].ndim != axes:
        raise CheckpointError(
            f"a control network must have {name} with {axes} axes, got none such; "
            "download it again."
        )
    return tuple(tensors[name].shape)


def _count(tensors: Mapping[str, Tensor], blocks: str) -> int:
    """Return how many blocks there are weights for."""
    found = (re.match(rf"{blocks}\.(\d+)\.", name) for name in tensors)
    return len({match[1] for match in found if match})
