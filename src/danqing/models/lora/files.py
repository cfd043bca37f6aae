"""Adapters as files: written as diffusers reads them, read as anyone writes them.

A file names a layer as the published weights do, behind one of several prefixes, with dots or, in
kohya's files, with underscores; and it has its scale in the tensors, beside them as `alpha`, or in
the metadata. Ours have it in the tensors, where every program finds it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.models import checkpoint
from danqing.models.lora.layers import adapted, linears, with_adapter
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.names import published

_CONFIG: Final = "lora_adapter_metadata"
"""Where diffusers keeps PEFT's settings, in the metadata of a file."""

_PARTS: Final = {
    "lora_A": "down",
    "lora_B": "up",
    "lora_down": "down",
    "lora_up": "up",
    "lora.down": "down",
    "lora.up": "up",
    "alpha": "alpha",
}

_NAME: Final = re.compile(
    r"(?:base_model\.model\.)?(?:transformer\.|diffusion_model\.|lora_unet_)?"
    rf"(?P<layer>.+?)\.(?P<part>{'|'.join(map(re.escape, _PARTS))})(?:\.default)?(?:\.weight)?"
)


def save(mmdit: MMDiT, file: str | Path) -> None:
    """Write the adapters of a transformer, in the layout of `QwenImagePipeline.load_lora_weights`.

    Raises:
        StorageError: the disk cannot take it.
    """
    tensors: dict[str, Tensor] = {}
    for name, layer in adapted(mmdit).items():
        stem = f"transformer.{_published(name)}"
        tensors[f"{stem}.lora_A.weight"] = layer.down.detach()
        tensors[f"{stem}.lora_B.weight"] = layer.scale * layer.up.detach()
    checkpoint.write_file(file, tensors)


def attach(mmdit: MMDiT, file: str | Path, strength: float = 1.0) -> str:
    """Add the adapters of a file to those of a transformer; return a fingerprint of the file.

    Args:
        mmdit: The transformer.
        file: A safetensors file of diffusers, PEFT or kohya.
        strength: How much of the change to make; 1 is as it was trained.

    Raises:
        CheckpointError: the file is missing or damaged, or its tensors do not fit.
    """
    config = _config(checkpoint.read_metadata(file), file)
    tensors = checkpoint.read(file)
    maps = linears(mmdit)
    names = {_published(name): name for name in maps}
    names |= {name.replace(".", "_"): ours for name, ours in names.items()}
    found: dict[str, dict[str, Tensor]] = {}
    wrong: dict[str, list[str]] = {"unknown": [], "incomplete": [], "misshapen": []}
    for name, tensor in tensors.items():
        match = _NAME.fullmatch(name)
        layer = names.get(match["layer"]) if match else None
        if match is None or layer is None:
            wrong["unknown"].append(name)
        else:
            found.setdefault(layer, {})[_PARTS[match["part"]]] = tensor
    for name, parts in found.items():
        if not {"down", "up"} <= parts.keys():
            wrong["incomplete"].append(_published(name))
        elif shapes := _misfit(parts["down"].shape, parts["up"].shape, maps[name].weight.shape):
            wrong["misshapen"].append(f"{_published(name)} {shapes}")
    if any(wrong.values()) or not found:
        raise CheckpointError(
            f"{file} must be a LoRA of this transformer, got {checkpoint.faults(wrong) or 'none'}; "
            "choose one that was trained on this model."
        )
    for name, parts in found.items():
        alpha = parts["alpha"].item() if "alpha" in parts else _alpha(config, _published(name))
        scale = strength if alpha is None else strength * alpha / len(parts["down"])
        wider = with_adapter(maps[name], parts["down"], scale * parts["up"].float())
        mmdit.set_submodule(name, wider)
    return checkpoint.fingerprint(tensors)


def _published(layer: str) -> str:
    """Return the published name of one of our layers."""
    return published(f"{layer}.weight").removesuffix(".weight")


def _misfit(down: torch.Size, up: torch.Size, weight: torch.Size) -> str | None:
    """Return the shapes if two matrices do not make up a change of a weight."""
    if len(down) == len(up) == 2 and down[0] == up[1] and (up[0], down[1]) == tuple(weight):
        return None
    return f"{list(down)} and {list(up)} for {list(weight)}"


def _config(metadata: Mapping[str, str], file: str | Path) -> dict[str, Any]:
    """Return what a file says of the transformer's adapter."""
    try:
        told = json.loads(metadata.get(_CONFIG, "{}")).items()
    except (ValueError, AttributeError) as error:
        raise CheckpointError(f"{file} has damaged metadata; download it again.") from error
    config = {name.removeprefix("transformer."): value for name, value in told}
    for name in ("use_dora", "use_rslora"):
        if config.get(name):
            raise CheckpointError(f"{file} must be a plain LoRA, got {name}; choose another file.")
    return config


def _alpha(config: Mapping[str, Any], layer: str) -> float | None:
    """Return a layer's alpha; None where a file has it in the tensors."""
    for pattern, alpha in (config.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", layer):
            return float(alpha)
    return float(config["lora_alpha"]) if "lora_alpha" in config else None
