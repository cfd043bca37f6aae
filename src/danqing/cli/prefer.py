"""`danqing prefer`: pairs of better and worse pictures, for a model to learn from."""

from pathlib import Path
from typing import Annotated

import tyro


def prefer(
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")],
    /,
    *,
    prompts: int = 200,
    texts: float = 0.0,
    candidates: int = 4,
    model: str = "danqing-nano",
    lora: tyro.conf.UseAppendAction[
        Annotated[tuple[str, ...], tyro.conf.arg(metavar="FILE[:STRENGTH]")]
    ] = (),
    seed: int = 0,
) -> None:
    """Have a model paint prompts several times, and keep the best and the worst of each.

    The prompts are those of the small world's training set. Scenes are judged by its deterministic
    detector (how much of what was asked for is there), written texts by a reader (how far they are
    spelled right). Run it again to go on where it stopped. What it writes is for the batch source
    `pairs`; see recipes/train/dpo.toml.

    Args:
        out: A folder for the pictures and for pairs.jsonl, which lists them.
        prompts: How many prompts.
        texts: The share of them that ask for a text, half of these in Chinese.
        candidates: How often each is painted.
        model: An embedded model, a folder, or a hub name such as Qwen/Qwen-Image.
        lora: A LoRA file to add to the model, as style.safetensors or style.safetensors:0.8.
        seed: Seed of the prompts and of the pictures.
    """
    from tqdm import tqdm

    from danqing.core.errors import RequestError
    from danqing.data.synthesis import Synthesis
    from danqing.pipelines.load import load
    from danqing.scorers.ocr import TextScorer
    from danqing.scorers.scene import SceneScorer
    from danqing.scorers.world import SCENE_CATEGORIES, TEXT_CATEGORIES
    from danqing.training.prefer import prefer as run
    from danqing.training.rewards import Reward

    if not 0 <= texts <= 1:
        raise RequestError(f"texts must be a share from 0 to 1, got {texts:g}; try 0.3.")
    scenes, written = (1 - texts) / len(SCENE_CATEGORIES), texts / len(TEXT_CATEGORIES)
    categories = dict.fromkeys(SCENE_CATEGORIES, scenes) | dict.fromkeys(TEXT_CATEGORIES, written)
    world = Synthesis(seed=seed, categories={k: v for k, v in categories.items() if v})
    asked = ((sample.caption, sample.spec) for sample in map(world.sample, range(prompts)))
    pipeline = load(model, loras=lora)
    rewards = (
        Reward(scorer=SceneScorer(mode="soft")),
        Reward(scorer=TextScorer(page=False), detail="similarity"),
    )
    with tqdm(total=prompts, unit="prompt", dynamic_ncols=True) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        file = run(pipeline, asked, rewards, out, candidates=candidates, seed=seed, show=show)
    print(file)
