"""`danqing annotate`: a vision-language model describes the pictures of a corpus."""

from pathlib import Path
from typing import Annotated

import tyro


def annotate(
    recipe: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECIPE")],
    /,
    *,
    set: tuple[str, ...] = (),
) -> None:
    """Have pictures of a corpus described by a vision-language model; run it again to resume.

    Every answer is kept, and checked by a schema and by rules; what is of no use is asked again,
    with the reason. The corpus then has the columns `annotation`, `annotation_note` and
    `recaption`, and its folder `annotations.json` with counts, tokens and cost.

    Args:
        recipe: A TOML file such as `recipes/annotate/endpoint.toml`.
        set: Settings to change, as `most=20 annotator.concurrency=4`.
    """
    from tqdm import tqdm

    from danqing.core.config import load
    from danqing.data.annotate.run import Recipe, run

    settings = load(Recipe, recipe, set)
    with tqdm(unit="row", dynamic_ncols=True) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        manifest = run(settings, show)
    rows, tokens = manifest["rows"], manifest["tokens"]
    for why, count in manifest["refused answers"].items():
        print(f"{count:>10,} answers refused: {why}")
    print(
        f"{rows['annotated']:,} of {rows['wanted']:,} annotated, {rows['given up']:,} given up, "
        f"{rows['open']:,} open; {tokens['read']:,} tokens read, {tokens['written']:,} written"
    )
    if manifest["cost"] is not None:
        print(f"cost so far: {manifest['cost']:,.2f}")
    if manifest["stopped"]:
        print(f"stopped: {manifest['stopped']}; run it again to go on")
