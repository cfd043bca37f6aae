"""`danqing train`: run a recipe."""

import logging
from pathlib import Path
from typing import Annotated

import tyro


def train(
    recipe: Annotated[Path, tyro.conf.Positional],
    /,
    *,
    set: tuple[str, ...] = (),
    export_only: bool = False,
    device: str | None = None,
    threads: int | None = None,
) -> None:
    """Train what a recipe describes; run it again to resume.

    The state is saved now and then and on Ctrl-C. At the end the averaged weights are written
    into the recipe's model folder, ready for `danqing generate --model`. To train with many
    processes, start it with `torchrun --nproc-per-node 8 -m danqing train RECIPE`.

    Args:
        recipe: A TOML file such as `recipes/train/nano/1_singles.toml`.
        set: Settings to change, as `optimizer.lr=1e-3 steps=500`.
        export_only: Write the weights of the saved state without training on.
        device: Where to train, as `cuda` or `cpu`; the fastest device here when not given.
        threads: CPU threads to use; all cores when not given.
    """
    import torch
    from tqdm import tqdm

    from danqing.core.config import load
    from danqing.core.errors import RecipeError
    from danqing.core.log import logger
    from danqing.training.parallel.world import leads, memory_of_each, size, world
    from danqing.training.plan import foretold
    from danqing.training.recipe import Recipe, export, prepare, run

    if threads is not None:
        torch.set_num_threads(threads)
    settings = load(Recipe, recipe, set)
    if export_only:
        if not (settings.run / "state").exists():
            raise RecipeError(
                f"the run must have a saved state to export, got none in {settings.run}; "
                "train first."
            )
        export(settings, prepare(settings))
        return
    with world(device):
        if not leads():
            logger("danqing").setLevel(logging.CRITICAL)
        elif (told := foretold(settings, memory_of_each(), size())) is not None:
            logger(__name__).info("%s", told)
        quiet = not leads()
        with tqdm(total=settings.steps, unit="step", dynamic_ncols=True, disable=quiet) as bar:

            def show(step: int) -> None:
                bar.update(step - bar.n)

            run(settings, show)
