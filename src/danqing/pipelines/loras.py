"""LoRAs that a picture is painted with: `FILE`, or `FILE:STRENGTH`."""

import math
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from danqing.core.errors import RequestError
from danqing.models.lora import attach
from danqing.models.mmdit.model import MMDiT


def wear(mmdit: MMDiT, loras: Sequence[str], weights: str) -> str:
    """Add LoRAs to a transformer; return the fingerprint of its weights with them.

    Args:
        mmdit: The transformer.
        loras: The LoRAs.
        weights: The fingerprint without them.

    Raises:
        RequestError: a strength is not a finite number.
        CheckpointError: a file is missing or damaged, or does not fit.
    """
    for told in loras:
        file, strength = parse_lora(told)
        added = attach(mmdit, file, strength)
        weights = sha256(f"{weights} {added} {strength}".encode()).hexdigest()[:16]
    return weights


def parse_lora(told: str) -> tuple[Path, float]:
    """Return the file and the strength that a text such as `style.safetensors:0.8` means.

    Raises:
        RequestError: the strength is not a finite number.
    """
    file, _, number = told.rpartition(":")
    if not file or number.endswith(".safetensors"):
        return Path(told), 1.0
    try:
        strength = float(number)
    except ValueError:
        strength = math.nan
    if not math.isfinite(strength):
        raise RequestError(f"strength of {file} must be a number, got {number}; try {file}:0.8.")
    return Path(file), strength
