"""`danqing prefer`: pairs of better and worse pictures, for a model to learn from."""

from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg


def prefer(
    out: Annotated[Path, tyro.conf.Positional, arg(metavar="FOLDER")],
    /,
    *,
    prompts: Annotated[
        Path | None, arg(metavar="FILE", help_behavior_hint="(default: the small world's)")
    ] = None,
    rewards: Annotated[
        Path | None, arg(metavar="FILE", help_behavior_hint="(default: the small world's)")
    ] = None,
    count: Annotated[
        int | None, arg(metavar="N", help_behavior_hint="(default: 200, or all of the file)")
    ] = None,
    texts: float = 0.0,
    candidates: int = 4,
    model: str = "danqing-nano",
    lora: tyro.conf.UseAppendAction[
        Annotated[tuple[str, ...], arg(metavar="FILE[:STRENGTH]")]
    ] = (),
    seed: int = 0,
) -> None:
    """Have a model paint prompts several times, and keep the best and the worst of each.

    The prompts are those of a file, or else of the small world's training set. Of the latter,
    scenes are judged by a deterministic detector (how much of what was asked for is there), written
    texts by a reader (how far they are spelled right); other prompts need other judges. Run it
    again to go on where it stopped. What it writes is for the batch source `pairs`; see
    recipes/train/dpo.toml.

    Args:
        out: A folder for the pictures and for pairs.jsonl, which lists them.
        prompts: A .txt file with a prompt in every line, or JSONL with what is asked for.
        rewards: A TOML file with tables [[rewards]], as a training recipe has them.
        count: How many prompts.
        texts: The share of the small world's prompts that ask for a text, half of them in Chinese.
        candidates: How often each is painted.
        model: An embedded model, a folder, or a hub name such as Qwen/Qwen-Image.
        lora: A LoRA file to add to the model, as style.safetensors or style.safetensors:0.8.
        seed: Seed of the prompts and of the pictures.
    """
    from tqdm import tqdm

    from danqing.core.config import load as read
    from danqing.core.errors import RequestError
    from danqing.pipelines.load import load
    from danqing.training.prefer import Judges, small_world
    from danqing.training.prefer import prefer as run
    from danqing.training.prompts import read_prompts

    if not 0 <= texts <= 1:
        raise RequestError(f"texts must be a share from 0 to 1, got {texts:g}; try 0.3.")
    if prompts is None:
        asked = small_world(200 if count is None else count, texts, seed)
    else:
        asked = read_prompts(prompts)[:count]
    judges = Judges() if rewards is None else read(Judges, rewards)
    judges.check(asked)
    pipeline = load(model, loras=lora)
    with tqdm(total=len(asked), unit="prompt", dynamic_ncols=True) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        file = run(
            pipeline, asked, judges.rewards, out, candidates=candidates, seed=seed, show=show
        )
    print(file)
