"""`danqing produce`: make batches ready for a training run."""

from pathlib import Path
from typing import Annotated

import tyro


def produce(
    recipe: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    set: tuple[str, ...] = (),
    shards: int | None = None,
    device: str | None = None,
    threads: int | None = None,
) -> None:
    """Fill a spool with latents and texts, from which the batch source `spool` trains.

    Start it as often as there are machines or cores for it, and stop it as you like. The recipe may
    be changed meanwhile; what is trained on is decided by it and its seed alone.

    Args:
        recipe: A TOML file with a model, a spool and a source.
        set: Settings to change, as `budget=50 source.batch=8`.
        shards: Shards after which to end; without end when not given.
        device: Where the VAE and the conditioner work, as `cuda` or `cpu`; the fastest device here
            when not given.
        threads: CPU threads to use; all cores when not given.
    """
    import torch
    from tqdm import tqdm

    from danqing.training.parallel.world import world
    from danqing.training.produce import produce as run

    if threads is not None:
        torch.set_num_threads(threads)
    with world(device), tqdm(unit="shard", dynamic_ncols=True) as bar:

        def show(number: int) -> None:
            bar.update()

        run(recipe, set, stop=shards, show=show)
