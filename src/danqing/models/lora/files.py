"""Adapters as files: written as diffusers reads them, read as anyone writes them.

A file names a layer as the published weights do, behind one of several prefixes, with dots or, in
files of kohya and LyCORIS, with underscores; and it has its scale in the tensors, beside them as
`alpha`, or in the metadata. Ours have it in the tensors, where every program finds it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.models import checkpoint
from danqing.models.lora.changes import Change, Kronecker, LowRank
from danqing.models.lora.layers import Adapted, adapted, linears
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
    "lokr_w1": "w1",
    "lokr_w1_a": "w1_a",
    "lokr_w1_b": "w1_b",
    "lokr_w2": "w2",
    "lokr_w2_a": "w2_a",
    "lokr_w2_b": "w2_b",
    "alpha": "alpha",
}

_FACTORS: Final = (("up", "down"), ("w1",), ("w1_a", "w1_b"), ("w2",), ("w2_a", "w2_b"))
"""Parts that are a matrix, or its two halves."""

_WHOLE: Final = (
    {"up", "down"},
    *({*w1, *w2} for w1 in _FACTORS[1:3] for w2 in _FACTORS[3:]),
)
"""Parts that make a change: one matrix of LoRA, or the two of LoKr."""

_NAME: Final = re.compile(
    r"(?:base_model\.model\.)?(?:transformer\.|diffusion_model\.|lora_unet_|lycoris_)?"
    rf"(?P<layer>.+?)\.(?P<part>{'|'.join(map(re.escape, _PARTS))})(?:\.default)?(?:\.weight)?"
)


def save(mmdit: MMDiT, file: str | Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write the adapters of a transformer, one a layer, as diffusers and PEFT read them.

    Args:
        mmdit: The transformer.
        file: Where to.
        metadata: What the file says beside its tensors.

    Raises:
        StorageError: the disk cannot take it.
    """
    tensors: dict[str, Tensor] = {}
    for name, layer in adapted(mmdit).items():
        (change,) = layer.changes
        up = change.scale * change.up.detach()
        if isinstance(change, LowRank):
            parts = {"lora_A.weight": change.down, "lora_B.weight": up}
        elif change.down is None:
            parts = {"lokr_w1": change.outer, "lokr_w2": up}
        else:
            parts = {"lokr_w1": change.outer, "lokr_w2_a": up, "lokr_w2_b": change.down}
        stem = f"transformer.{_published(name)}"
        tensors |= {f"{stem}.{part}": tensor.detach() for part, tensor in parts.items()}
    checkpoint.write_file(file, tensors, metadata)


def attach(mmdit: MMDiT, file: str | Path, strength: float = 1.0) -> str:
    """Add the adapters of a file to those of a transformer; return a fingerprint of the file.

    Args:
        mmdit: The transformer.
        file: A safetensors file of a LoRA or LoKr, by diffusers, PEFT, kohya or LyCORIS.
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
    scales = {
        name: strength * _scale(parts, config, _published(name)) for name, parts in found.items()
    }
    for name, parts in found.items():
        parts.pop("alpha", None)
        if parts.keys() not in _WHOLE:
            wrong["incomplete"].append(_published(name))
        elif _shape(parts) != maps[name].weight.shape:
            shapes = " and ".join(str(list(part.shape)) for part in parts.values())
            wrong["misshapen"].append(
                f"{_published(name)} {shapes} for {list(maps[name].weight.shape)}"
            )
    if any(wrong.values()) or not found:
        raise CheckpointError(
            f"{file} must be a LoRA of this transformer, got {checkpoint.faults(wrong) or 'none'}; "
            "choose one that was trained on this model."
        )
    for name, parts in found.items():
        mmdit.set_submodule(name, Adapted(maps[name]).add(_change(parts, scales[name])))
    return checkpoint.fingerprint(tensors)


def _change(parts: Mapping[str, Tensor], scale: float) -> Change:
    """Return the change that whole parts make, its scale in the tensors."""
    wide = {name: part.float() for name, part in parts.items()}
    if "up" in wide:
        return LowRank(wide["down"], scale * wide["up"])
    outer = wide["w1"] if "w1" in wide else wide["w1_a"] @ wide["w1_b"]
    up = wide["w2"] if "w2" in wide else wide["w2_a"]
    return Kronecker(outer, scale * up, wide.get("w2_b"))


def _shape(parts: Mapping[str, Tensor]) -> tuple[int, int] | None:
    """Return the shape of the change that parts make; None if they do not fit each other."""
    rows = columns = 1
    for factor in _FACTORS:
        if factor[0] in parts:
            first, last = parts[factor[0]], parts[factor[-1]]
            if first.ndim != 2 or last.ndim != 2:
                return None
            if first is not last and first.shape[1] != last.shape[0]:
                return None
            rows, columns = rows * first.shape[0], columns * last.shape[1]
    return rows, columns


def _scale(parts: Mapping[str, Tensor], config: Mapping[str, Any], layer: str) -> float:
    """Return a layer's alpha over its rank; 1 where the tensors have it, or nobody told one."""
    alpha = parts["alpha"].item() if "alpha" in parts else _alpha(config, layer)
    halves = [parts[name] for name in ("down", "w2_b", "w1_b") if name in parts]
    rank = len(halves[0]) if halves else config.get("r")
    return 1.0 if alpha is None or rank is None else alpha / rank


def _published(layer: str) -> str:
    """Return the published name of one of our layers."""
    return published(f"{layer}.weight").removesuffix(".weight")


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
    alpha = config.get("lora_alpha", config.get("alpha"))
    return None if alpha is None else float(alpha)
