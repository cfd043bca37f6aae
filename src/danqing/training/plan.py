"""The budget of a recipe, found out from configurations alone, and how it is told.

What the recipe's model folder does not say is that of Qwen-Image, so that a plan needs no weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from danqing.core.errors import RecipeError
from danqing.data.buckets import scales
from danqing.models import checkpoint
from danqing.models.conditioner.config import language_config
from danqing.models.conditioner.language import LanguageConfig, LanguageModel
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.vae.config import VAEConfig
from danqing.pipelines.latents import parse_size
from danqing.training.budget import Base, Budget, Devices, Training, cheapest
from danqing.training.objectives import Comparing
from danqing.training.optim import Muon
from danqing.training.parallel.plan import Parallel
from danqing.training.recipe import Recipe
from danqing.training.sizes import Network, Sample
from danqing.training.sources import OnPolicy
from danqing.training.sources.edits import EditLatents
from danqing.training.sources.mixture import Mixture
from danqing.training.sources.pairs import PairLatents
from danqing.training.trainees import TextToImageTrainee, trainees
from danqing.training.trainees.adapter import AdapterTrainee

GB: Final = 1e9


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a plan may be told beside the recipe."""

    size: str | None = None
    """Width and height in pixels as 1024x768; None: the largest of the recipe's."""
    batch: int | None = None
    """Samples of a step; None: the recipe's."""
    sources: int | None = None
    """Pictures of that size that come with a caption; None: 1 with one that asks for an edit."""
    length: int = 200
    """Text tokens of a caption."""
    accumulate: int | None = None
    """Pieces of a device's share of a batch; None: the recipe's."""
    recompute: float | None = None
    """Share of blocks whose activations are computed again, from 0 to 1; None: the recipe's."""


def budget(recipe: Recipe, wish: Wish, devices: Devices) -> Budget:
    """Return what a recipe takes of some devices.

    Raises:
        RecipeError: what it trains is no transformer, or its source does not tell a size.
        CheckpointError: a configuration is damaged.
    """
    trainee = recipe.trainee
    if not isinstance(trainee, AdapterTrainee | TextToImageTrainee):
        raise RecipeError(
            f"trainee must be of a transformer to be planned, got {trainees.name_of(trainee)}; "
            "choose another recipe."
        )
    decays = [
        name
        for part in (recipe.source, recipe.objective)
        if isinstance(part, OnPolicy | Comparing)
        for name in part.past
    ]
    network, reader = _networks(trainee, recipe.model)
    side = _factor(recipe.model) * network.config.patch
    sample, batch = _largest(recipe.source, wish, side)
    base: Base = "plain"
    if isinstance(trainee, AdapterTrainee) and trainee.packed and recipe.dtype == "bfloat16":
        base = "streamed" if trainee.streamed else "packed"
    run = Training(
        network=network,
        sample=sample,
        batch=batch,
        reader=reader,
        reads=isinstance(trainee, AdapterTrainee) or trainee.frozen,
        base=base,
        size=2 if recipe.dtype == "bfloat16" else 4,
        past=len(set(decays)),
        matrices=recipe.optimizer.matrices if isinstance(recipe.optimizer, Muon) else None,
        accumulate=wish.accumulate or recipe.accumulate,
        recompute=recipe.recompute if wish.recompute is None else wish.recompute,
    )
    return Budget(run=run, devices=devices)


def told(found: Budget, samples: int) -> dict[str, Any]:
    """Return a budget as plain data: gigabytes, operations, samples a second, and days."""
    run, network = found.run, found.run.network
    better = None if found.fits else cheapest(found)
    return {
        "numbers": network.learned + network.frozen + run.reader,
        "learned": found.learned,
        "devices": found.devices.count,
        "gigabytes": {name: size / GB for name, size in found.rows.items()},
        "peak": found.peak / GB,
        "fits": found.fits,
        "change": None if better is None else better[0],
        "peak_then": None if better is None else better[1].peak / GB,
        "sent": {name: size / GB for name, size in found.sent.items()},
        "work_if_all_learn": 3 * network.forward(run.sample),
        "work": found.work,
        "samples_a_second": found.rate,
        "days": samples / found.rate / 86_400,
    }


def table(found: Budget, samples: int) -> str:
    """Return a budget for people to read."""
    run, devices, network = found.run, found.devices, found.run.network
    numbers = network.learned + network.frozen + run.reader
    full = 3 * network.forward(run.sample)
    lines = [
        f"{_short(numbers)} numbers, {_short(found.learned)} of them learn",
        f"{run.batch} x {run.sample.image:,} image tokens a step, {found.piece} at a time, "
        f"on {devices.count} x {devices.memory / GB:g} GB",
        "",
        *_rows("on each device", found.rows),
        _row("  at its peak", found.peak, "B"),
    ]
    if found.sent:
        lines += ["", *_rows("sent by each in a step", found.sent)]
    lines += [
        "",
        "work for a picture",
        _row("  if all weights learn", full, "FLOP"),
        _row("  as it is", found.work, "FLOP"),
        "",
        f"{_short(found.rate).strip()} pictures a second at {devices.utilization:.0%} of "
        f"{_short(devices.speed)}FLOP/s, {samples / found.rate / 86_400:.3g} days for {samples:,}",
        sentence(found),
    ]
    return "\n".join(lines)


def sentence(found: Budget) -> str:
    """Return whether a run fits, and what would make it fit."""
    have, need = found.devices.memory / GB, found.peak / GB
    if found.fits:
        return f"fits: {need:.1f} of {have:.3g} GB"
    said = f"does not fit: it takes {need:.1f} GB of {have:.3g}"
    if (better := cheapest(found)) is None:
        return f"{said}, and nothing here would help"
    change, then = better
    return (
        f"{said}; with {change} it takes {then.peak / GB:.1f}, at {then.rate:.3g} pictures a second"
    )


def foretold(recipe: Recipe, memory: int, ranks: int) -> str | None:
    """Return whether a recipe fits in the memory of each of some devices; None: who can say?"""
    try:
        return sentence(budget(recipe, Wish(), arranged(recipe.parallel, ranks, memory=memory)))
    except RecipeError:
        return None


def arranged(parallel: Parallel, ranks: int | None = None, **more: Any) -> Devices:
    """Return devices arranged by a plan of processes.

    Args:
        parallel: The plan.
        ranks: How many processes there are; None: as many as the plan names.
        more: What else devices are; see `Devices`.

    Raises:
        RecipeError: the plan is for another number of processes.
    """
    shard = parallel.shard or 1 if ranks is None else parallel.shards(ranks)
    ways = {name: getattr(parallel, name) for name in ("tensor", "context", "replicate")}
    return Devices(shard=shard, **ways, **more)


def _rows(title: str, rows: Mapping[str, float]) -> list[str]:
    return [title, *(_row(f"  {name}", size, "B") for name, size in rows.items())]


def _row(name: str, value: int | float, unit: str) -> str:
    number, prefix = _short(value).split(" ")
    return f"{name:<28}{number:>9} {prefix}{unit}"


def _short(value: int | float) -> str:
    """Return a number to three digits and the letter of its power of a thousand, as `20.4 G`."""
    power = next((p for p in (4, 3, 2, 1) if value >= 1000**p), 0)
    return f"{value / 1000**power:.3g} {' kMGT'[power].strip()}"


def _networks(trainee: AdapterTrainee | TextToImageTrainee, model: Path) -> tuple[Network, int]:
    """Return the transformer without its numbers, and how many the conditioner has."""
    config, language = MMDiTConfig(), LanguageConfig()
    if (model / "transformer").is_dir():
        config = MMDiTConfig.from_published(checkpoint.read_config(model / "transformer"))
        language = language_config(checkpoint.read_config(model / "text_encoder"))
    if isinstance(trainee, AdapterTrainee):
        network = Network(config, trainee.change, trainee.layers)
    else:
        network = Network(trainee.mmdit if trainee.start == "fresh" and trainee.mmdit else config)
    with torch.device("meta"):
        reader = LanguageModel(language)
    return network, sum(weight.numel() for weight in reader.parameters())


def _factor(model: Path) -> int:
    """Return the pixels along each side of a latent."""
    if not (model / "vae").is_dir():
        return VAEConfig().factor
    return VAEConfig.from_published(checkpoint.read_config(model / "vae")).factor


def _largest(source: Any, wish: Wish, side: int) -> tuple[Sample, int]:
    """Return a sample of the batches with most tokens, and how many samples these have.

    Args:
        source: Where batches come from.
        wish: What is told beside.
        side: Pixels along each side of a token.
    """
    if isinstance(source, Mixture):
        found = [_largest(part, wish, side) for part in source.parts.values()]
        return max(found, key=lambda each: each[0].tokens * each[1])
    width, height = _size(source, wish, side)
    given = wish.sources
    if given is None:
        given = int(isinstance(source, EditLatents))
    tokens = (width // side) * (height // side)
    # Of a pair both pictures are learned, and of a prompt as many as the model paints.
    pictures = 2 if isinstance(source, PairLatents) else getattr(source, "group", 1)
    batch = (wish.batch or getattr(source, "batch", 1)) * pictures
    return Sample(image=tokens * (1 + given), text=wish.length), batch


def _size(source: Any, wish: Wish, multiple: int) -> tuple[int, int]:
    """Return the width and height of the largest pictures.

    Sources call their sizes so, or have one in what they draw or ask for.
    """
    if wish.size is not None:
        return parse_size(wish.size, (), 1)
    if sizes := getattr(source, "sizes", ()):
        found = [size for scale in scales([*sizes], multiple) for size in scale.sizes]
        return max(found, key=lambda size: size[0] * size[1])
    for name in ("pictures", "asked", "stream"):
        if size := getattr(getattr(source, name, None), "size", None):
            return size
    raise RecipeError("source must tell a size to be planned, got none; give --size 1024x1024.")
