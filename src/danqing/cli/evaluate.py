"""`danqing evaluate` and `danqing compare`: how good pictures are, and whose are better."""

from pathlib import Path
from typing import Annotated, Final

import tyro

_BOUNDS: Final = ("floor", "ceiling", "oracle")
"""What luck, the truth after a VAE, and the truth score."""


def evaluate(
    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")] = "danqing-nano",
    /,
    *,
    on: str = "in_domain",
    out: Path = Path("evaluation"),
    set: tuple[str, ...] = (),
    size: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    hands: int = 1,
) -> None:
    """Have a model paint what a benchmark asks for, and score the pictures.

    The benchmark is by default that of coloured shapes and short words, whose judge is
    deterministic. Run it again to resume; a finished run paints and asks nothing. The folder then
    holds every picture, all that was seen of it, every verdict, the scores with intervals of 95 %
    as JSON, and a page to look at: index.html.

    Args:
        target: An embedded model, a folder, a hub name; or a TOML file that names another
            generator: a command, an images endpoint, a folder of pictures.
        on: A benchmark's name, or a TOML file with its name and settings.
        out: A folder for pictures and results.
        set: Settings of the benchmark, as `split=test_comp per_category=10`.
        size: Width and height in pixels as 256x256, or a ratio; the model's own when not given.
        steps: Sampling steps; the model's own when not given.
        guidance: How closely to follow the prompt; the model's own when not given.
        hands: Pictures that are judged at once; for judges behind a network.
    """
    from tqdm import tqdm

    from danqing.core.log import logger
    from danqing.evaluation.compare import smallest_difference
    from danqing.evaluation.harness import run
    from danqing.evaluation.recipe import read

    told = {"size": size, "steps": steps, "guidance": guidance}
    job = read(target, on, set, {name: value for name, value in told.items() if value is not None})
    if asks := job.benchmark.asks():
        pictures = sum(len(ask.seeds) for ask in asks)
        logger(__name__).info(
            "%d prompts, %d pictures: a share of two models must differ by %.3f to be told apart, "
            "four times in five",
            len(asks),
            pictures,
            smallest_difference(len(asks), round(pictures / len(asks))),
        )
    with tqdm(unit="picture", dynamic_ncols=True) as bar:

        def watch(what: str, done: int, total: int) -> None:
            bar.set_description_str(what, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        result = run(job.benchmark, job.generator, out, hands=hands, watch=watch)
    references = result.get("references", {})
    kinds = [kind for kind in _BOUNDS if any(kind in about for about in references.values())]
    bounds = "".join(f"{kind:>9}" for kind in kinds)
    print(f"{'':<24}{'score':>8}{'95 % by prompt':>20}{'pictures':>10}{bounds}")
    for row in result["table"]["rows"]:
        score = "" if row["score"] is None else f"{row['score']:.3f}"
        interval = "" if row["interval"] is None else "{:.3f} to {:.3f}".format(*row["interval"])
        about = references.get(row["name"], {})
        values = (about.get(kind) for kind in kinds)
        bounds = "".join(f"{'' if value is None else f'{value:.3f}':>9}" for value in values)
        print(f"{row['name'][:23]:<24}{score:>8}{interval:>20}{row['count']:>10,}{bounds}")
    if result["missing"]:
        counted = " and count as wrong" if job.benchmark.mode == "fixed" else ""
        print(f"{len(result['missing']):,} pictures are missing{counted}")
    print(out / "index.html")


def compare(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN")],
    /,
    *,
    out: Path = Path("comparison.html"),
    over: str | None = None,
) -> None:
    """Put runs of one benchmark side by side: a matrix of scores, and every prompt's pictures.

    By how much each differs from the first is printed too, prompt by prompt, with an interval of
    95 % and the chance of it if both were alike, after Holm.

    Args:
        runs: Folders that `danqing evaluate` wrote, all of one benchmark.
        out: The page to write; it finds pictures in the runs' folders.
        over: A number in every result.json over which scores are plotted, as generator.steps.
    """
    from danqing.evaluation.recipe import compare as write

    for folder, found in write(runs, out, over):
        print(f"{folder} against {runs[0]}")
        for one in found:
            low, high = one.comparison.interval
            chance = "" if one.chance is None else f"p {one.chance:.3f}"
            print(
                f"  {one.name:22}{one.before:7.3f}{one.after:7.3f}"
                f"{one.comparison.difference:+8.3f}  {low:+.3f} to {high:+.3f}  {chance}".rstrip()
            )
    print(out)
