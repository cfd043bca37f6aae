"""`danqing evaluate`: how well a model paints the small world."""

from pathlib import Path
from typing import Annotated, Literal

import tyro


def evaluate(
    model: Annotated[str, tyro.conf.Positional] = "danqing-nano",
    /,
    *,
    out: Path = Path("evaluation"),
    per_category: int = 40,
    seeds: int = 2,
    categories: tuple[str, ...] = (),
    split: Literal[
        "dev",
        "test_iid",
        "test_comp",
        "test_pair",
        "test_count",
        "test_para",
        "test_word",
        "test_char",
    ] = "test_iid",
    language: Literal["en", "zh", "both"] = "both",
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
) -> None:
    """Paint held-out prompts of coloured shapes and short words, and judge the pictures.

    The judge is deterministic. Intervals are for 95 %. Run it again to resume. The folder then
    holds every picture, every verdict, the scores as JSON, and a page to look at: index.html.

    Args:
        model: An embedded model, a folder, or a hub name.
        out: A folder for pictures and results.
        per_category: Prompts of each category.
        seeds: Pictures of each prompt.
        categories: Categories to evaluate; all but the compound ones when none is given.
        split: What training has not seen: `test_iid` new scenes, the others whole families.
        language: Language of the prompts.
        size: Width and height in pixels as 256x256, or a ratio; the model's own when not given.
        steps: Sampling steps; the model's own when not given.
        guidance: How closely to follow the prompt; the model's own when not given.
    """
    import json
    from dataclasses import replace

    from tqdm import tqdm

    from danqing.core.config import dump
    from danqing.core.device import pick_device, pick_dtype
    from danqing.core.log import logger
    from danqing.evaluation.in_domain import USUAL_CATEGORIES, prompts, run
    from danqing.evaluation.painter import painter, round_trip
    from danqing.pipelines.load import load
    from danqing.pipelines.request import Request

    wanted = None if language == "both" else language
    asked = prompts(categories or USUAL_CATEGORIES, per_category, split, wanted)

    device, why_device = pick_device()
    dtype, why_dtype = pick_dtype(device)
    logger(__name__).info("%s; %s", why_device, why_dtype)
    pipeline = load(model, device, dtype)
    plan = pipeline.plan(Request("-", size=size, steps=steps, guidance=guidance))
    identity = {
        key: value
        for key, value in dump(replace(plan, versions={})).items()
        if key not in ("prompt", "seed", "batch", "index", "versions")
    }
    with tqdm(total=len(asked) * seeds, unit="picture", dynamic_ncols=True) as bar:
        result = run(
            painter(pipeline, size=size, steps=steps, guidance=guidance),
            out,
            model=json.dumps(identity, sort_keys=True),
            asked=asked,
            seeds=seeds,
            size=plan.size,
            round_trip=round_trip(pipeline.vae),
            watch=lambda done, total: bar.update(done - bar.n),
        )
    print(f"{'category':<15}{'score':>7}{'95 % by prompt':>18}{'floor':>9}{'ceiling':>9}")
    for name, scores in result["categories"].items():
        low, high = scores["clustered"]
        reference = result["references"][name]
        floor = f"{reference['floor']:.3f}" if "floor" in reference else ""
        print(
            f"{name:<15}{scores['score']:>7.3f}{f'{low:.3f} to {high:.3f}':>18}"
            f"{floor:>9}{reference['ceiling']:>9.3f}"
        )
    print(out / "index.html")
