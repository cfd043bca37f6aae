"""`danqing prefer`: pairs of better and worse pictures, for a model to learn from."""

from pathlib import Path
from typing import Annotated

import tyro


def prefer(
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    prompts: int = 200,
    candidates: int = 4,
    model: str = "danqing-nano",
    lora: tyro.conf.UseAppendAction[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="FILE[:STRENGTH]")]
    ] = (),
    seed: int = 0,
) -> None:
    """Have a model paint scenes several times, and keep the best and the worst of each.

    The scenes are those of the small world's training set, and its deterministic detector is the
    judge: how much of what was asked for is there. Run it again to go on where it stopped. What it
    writes is for the batch source `pairs`; see recipes/train/dpo.toml.

    Args:
        out: A folder for the pictures and for pairs.jsonl, which lists them.
        prompts: How many scenes.
        candidates: How often each is painted.
        model: An embedded model, a folder, or a hub name such as Qwen/Qwen-Image.
        lora: A LoRA file to add to the model, as style.safetensors or style.safetensors:0.8.
        seed: Seed of the scenes and of the pictures.
    """
    from tqdm import tqdm

    from danqing.data.synthesis import Synthesis
    from danqing.pipelines.load import load
    from danqing.scorers.scene import SceneScorer
    from danqing.scorers.world import SCENE_CATEGORIES
    from danqing.training.prefer import prefer as run

    world = Synthesis(seed=seed, categories=dict.fromkeys(SCENE_CATEGORIES, 1.0))
    asked = ((sample.caption, sample.spec) for sample in map(world.sample, range(prompts)))
    pipeline, scorer = load(model, loras=lora), SceneScorer(mode="soft")
    with tqdm(total=prompts, unit="prompt", dynamic_ncols=True) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        file = run(pipeline, asked, scorer, out, candidates=candidates, seed=seed, show=show)
    print(file)
