"""What a picture takes in memory, found out from the heads of a model's files.

Nothing is loaded: files say how large weights are, configurations what the networks need beside
them. The figures behind activations were measured on a CPU, with the published widths, and hold
to about a tenth (`benchmarks/memory_…`).
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from danqing.core.device import free_memory
from danqing.core.errors import CheckpointError, RequestError
from danqing.memory.packed import PARTS
from danqing.memory.plan import Machine, Part, Plan, make_plan
from danqing.memory.shard import read_header
from danqing.models import checkpoint
from danqing.models.conditioner import names as conditioner_names
from danqing.models.conditioner.config import language_config
from danqing.models.mmdit import names as mmdit_names
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.vae.config import VAEConfig

PROGRAM = 130 << 20
"""Bytes that libraries take once they work, beyond what they take when they are imported."""

PER_TOKEN = 38
"""Bytes of a token and channel of the transformer's width, of each branch of guidance."""

PER_PIXEL = 3.7
"""Bytes of a pixel and channel of the VAE's first width, while it decodes."""

VAE_SCRATCH = 0.4
"""Share of the VAE's weights that its library keeps in an order of its own."""

READER_TEXT = 512
"""Tokens of a prompt, where it is not known."""

TOKEN = 16
"""Pixels along one side of a token of the transformer, in all models so far."""

PIECE = 28**2
"""Pixels of a picture that are one token of the text, in all models so far."""

USUAL_LAYERS = 4
"""Layers that a picture is taken apart into, where it is not said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """The part of a request that decides memory."""

    size: tuple[int, int]
    """Width and height in pixels."""
    steps: int
    """Sampling steps."""
    guided: bool = True
    """Whether there is guidance."""
    batch: int = 1
    """Pictures that are painted together."""
    length: int = READER_TEXT
    """Tokens of the prompt, its pictures included."""
    sources: tuple[tuple[int, int], ...] = ()
    """Width and height of the pictures that are looked at, in pixels."""
    layers: int = USUAL_LAYERS
    """Layers, where the model takes pictures apart."""
    leaders: Mapping[str, Path] = field(default_factory=dict)
    """Where control networks are, folders or files, by what they are called."""


def parts(folder: Path, wish: Wish) -> list[Part]:
    """Return the parts of a model that paint, as its files hold them.

    Raises:
        CheckpointError: files are missing or damaged.
    """
    groups: dict[str, list[tuple[int, int | None]]] = {}
    text = _seeing if wish.sources else _text
    for name, group in (("transformer", _transformer), ("text_encoder", text), ("vae", _vae)):
        for weight, plain, packed in _weights(folder / name):
            if (key := group(weight)) is not None:
                groups.setdefault(key, []).append((plain, packed))
    uses = {"transformer": wish.steps}
    found: list[Part] = []
    for name, weights in groups.items():
        plain = sum(size for size, _ in weights)
        small = sum(size if packed is None else packed for size, packed in weights)
        found.append(
            Part(
                name=name,
                plain=plain,
                # A VAE's weights are decoded when it is loaded.
                packed=small if small < plain and name != "vae" else None,
                largest=max(size for size, _ in weights),
                uses=uses.get(name, 1),
            )
        )
    for name, leader in wish.leaders.items():
        sizes = [plain for _, plain, _ in _weights(leader)]
        found.append(
            Part(name=name, plain=sum(sizes), largest=max(sizes), uses=wish.steps, fixed=True)
        )
    return found


def reserve(folder: Path, wish: Wish) -> int:
    """Return the bytes that painting takes beside weights: activations, and the program.

    Raises:
        CheckpointError: a configuration is missing or damaged.
    """
    mmdit = MMDiTConfig.from_published(checkpoint.read_config(folder / "transformer"))
    vae = VAEConfig.from_published(checkpoint.read_config(folder / "vae"))
    text = language_config(checkpoint.read_config(folder / "text_encoder"))
    pixels, *looked_at = (width * height for width, height in (wish.size, *wish.sources))
    # Beside its layers, the picture as it comes to be and as it was given.
    seen = pixels * (wish.layers + 2 if mmdit.layered else 1) + sum(looked_at)
    tokens = math.ceil(seen / (vae.factor * mmdit.patch) ** 2) + wish.length
    branches = wish.batch * (2 if wish.guided else 1)
    # What trunks add is kept until the transformer has gone through all of it.
    kept = sum(map(_blocks, wish.leaders.values())) * wish.batch * 2
    denoising = tokens * mmdit.width * (branches * PER_TOKEN + kept)
    weights = sum(plain for _, plain, _ in _weights(folder / "vae"))
    # A picture takes as much when it is encoded.
    decoding = (
        max([pixels, *looked_at]) / vae.patch**2 * vae.base * PER_PIXEL + VAE_SCRATCH * weights
    )
    reading = wish.length * (6 * text.mlp + 20 * text.width)
    return _program() + PROGRAM + int(max(denoising, decoding, reading))


def fit(folder: Path, wish: Wish, machine: Machine, cap: int | None = None) -> Plan:
    """Return where every part of a model is to live on a machine for a wish.

    Raises:
        CheckpointError: files are missing or damaged.
    """
    return make_plan(parts(folder, wish), machine, reserve(folder, wish), cap)


def nearest(folder: Path, wish: Wish, machine: Machine, cap: int | None = None) -> Wish | None:
    """Return the wish nearest to one that fits; None if not even the smallest picture does.

    First the batch is given up, then the size, in steps of a tenth of a side.
    """
    width, height = wish.size
    tries = [(1.0, wish.batch), *((1 - k / 10, 1) for k in range(10))]
    for share, batch in tries:
        size = max(64, round(width * share)), max(64, round(height * share))
        smaller = replace(wish, size=size, batch=batch)
        if fit(folder, smaller, machine, cap).fits:
            return smaller
    return None


def this_machine(device: torch.device) -> Machine:
    """Return what is free here now; what the program has already counts as free."""
    own = _program() if device.type == "cpu" else 0
    host = None if device.type == "cpu" else free_memory("cpu")
    return Machine(device=free_memory(device) + own, host=host)


def parse_bytes(text: str) -> int:
    """Return the bytes that a text such as `16GB` or `24 GiB` means.

    Raises:
        RequestError: it means none.
    """
    units = {"GB": 10**9, "G": 10**9, "GIB": 2**30, "MB": 10**6, "M": 10**6, "MIB": 2**20}
    compact = text.replace(" ", "").upper()
    unit = next((u for u in sorted(units, key=len, reverse=True) if compact.endswith(u)), None)
    try:
        amount = float(compact.removesuffix(unit or "!"))
    except ValueError:
        amount = -1.0
    if unit is None or not 0 < amount < 1e6:
        raise RequestError(f"memory must be an amount such as 16GB, got {text!r}; give one.")
    return int(amount * units[unit])


def _transformer(name: str) -> str:
    return "modulations" if mmdit_names.steers(mmdit_names.ours(name)) else "transformer"


def _text(name: str) -> str | None:
    return None if conditioner_names.blind(name) is None else _seeing(name)


def _seeing(name: str) -> str | None:
    ours = conditioner_names.ours(name)
    # Of the embedding only the rows of a prompt are ever read.
    return None if ours is None or ours.startswith("language.embed.") else "text encoder"


def _vae(name: str) -> str:
    return "vae"


def _weights(part: Path) -> Iterator[tuple[str, int, int | None]]:
    """Yield the name of each weight, its plain bytes, and its packed bytes if it is packed."""
    files = [part] if part.is_file() else sorted(part.glob("[!.]*.safetensors"))
    if not files:
        raise CheckpointError(f"{part} is missing; download the model again.")
    for file in files:
        header = read_header(file)
        sizes = {
            name: entry["data_offsets"][1] - entry["data_offsets"][0]
            for name, entry in header.items()
            if name != "__metadata__"
        }
        for name, size in sizes.items():
            stem, _, end = name.rpartition(".")
            if end not in PARTS or f"{stem}.sm" not in sizes:
                yield name, size, None
            elif end == "sm":
                yield stem, 2 * size, sum(sizes.get(f"{stem}.{part}", 0) for part in PARTS)


def _blocks(leader: Path) -> int:
    """Return how many blocks of a control network hand over what is kept."""
    handed = re.compile(r"controlnet_blocks\.\d+\.weight")
    return sum(bool(handed.fullmatch(name)) for name, _, _ in _weights(leader))


def _program() -> int:
    """Return the bytes of memory that this process takes now, where the system tells."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 300 << 20
    return pages * os.sysconf("SC_PAGE_SIZE")
