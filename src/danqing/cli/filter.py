"""`danqing filter ...`: raw pictures through the stages of a recipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import tyro

RecipePath = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RECIPE")]


def filter() -> None:
    """Take raw pictures through the stages of a recipe: run, calibrate, plan, find, export."""


def run(recipe: RecipePath, /, *, set: tuple[str, ...] = ()) -> None:
    """Take pictures into a corpus and drop what a recipe's filters find; run it again to resume.

    Nothing is deleted: every filter's number is a column, and a row's fate follows from the
    columns and the cuts. So a run with other cuts measures nothing twice. The corpus's folder then
    holds `manifest.json`, `drops.parquet` with a reason for every drop, and `report.html` to look
    at.

    Args:
        recipe: A TOML file such as `recipes/filter/seven_stages.toml`.
        set: Settings to change, as `corpus=/data/mine stages.quality.filters.luma.cut.low=30`.
    """
    from danqing.core.config import load
    from danqing.data.corpus import Corpus
    from danqing.data.report import write
    from danqing.data.run import Recipe
    from danqing.data.run import run as run_recipe

    settings = load(Recipe, recipe, set)
    with _bar() as show:
        manifest = run_recipe(settings, show)
    page = settings.corpus / "report.html"
    write(Corpus(settings.corpus), settings.stages, manifest, page)
    left = manifest["rows"]
    print(f"{'stage':<14}{'filter':<20}{'dropped':>10}{'left':>10}")
    for stage, by_filter in manifest["dropped"].items():
        for label, gone in by_filter.items():
            left -= gone
            print(f"{stage:<14}{label:<20}{gone:>10,}{left:>10,}")
    print(f"{manifest['kept']:,} of {manifest['rows']:,} kept; {page} shows them")


def calibrate(recipe: RecipePath, /, *, tail: float = 0.01, set: tuple[str, ...] = ()) -> None:
    """Measure everything with a recipe's filters and propose cuts from how the numbers lie.

    The report behind Qwen-Image cuts both ends of each filter's histogram. Nothing is dropped.
    `calibration.html` in the corpus's folder draws the histograms with the proposed cuts; the lines
    that are printed can be put into the recipe.

    Args:
        recipe: A TOML file such as `recipes/filter/seven_stages.toml`.
        tail: The share of rows that a proposed cut drops at each end that is cut at all.
        set: Settings to change, as `corpus=/data/mine`.
    """
    from danqing.core.config import load
    from danqing.core.errors import RecipeError
    from danqing.data.histogram import proposals
    from danqing.data.report import write_histograms
    from danqing.data.run import Recipe, survey

    if not 0 < tail < 0.5:
        raise RecipeError(f"tail must be between 0 and 0.5, got {tail}; the default is 0.01.")
    settings = load(Recipe, recipe, set)
    with _bar() as show:
        corpus = survey(settings, show)
    proposed = proposals(corpus, settings.stages, tail)
    for step, cut in proposed:
        ends = {"low": cut.low, "high": cut.high}
        bounds = [f"{end} = {value:.6g}" for end, value in ends.items() if value is not None]
        print("\n".join([f"[stages.{step.stage}.filters.{step.label}.cut]", *bounds, ""]))
    page = settings.corpus / "calibration.html"
    write_histograms(corpus, proposed, page)
    print(f"{page} draws them")


def find(
    recipe: RecipePath,
    /,
    *,
    words: str = "",
    like: Path | None = None,
    count: int = 20,
    set: tuple[str, ...] = (),
) -> None:
    """List rows of a recipe's corpus by words of their captions, or by likeness to a picture.

    To see what there is of something that a model gets wrong, and which filter took it away. Rows
    that were dropped are listed, too. The source `corpus` takes what is found here into another
    recipe.

    Args:
        recipe: The recipe that was run.
        words: Words that captions must have, all of them: English ones whole, Chinese anywhere.
        like: A picture; the most alike come first. Likeness is what `semantic_duplicate` sees where
            the recipe has it, and else what `duplicate` sees: colours and shapes in their places.
        count: Rows at most.
        set: Settings that were changed for the run.
    """
    from danqing.core.config import load
    from danqing.core.errors import RecipeError
    from danqing.data.corpus import Corpus
    from danqing.data.retrieve import find as find_rows
    from danqing.data.run import Recipe
    from danqing.data.stages import steps

    if not words.split() and like is None:
        raise RecipeError("what to find must be words or a picture, got neither; name one.")
    settings = load(Recipe, recipe, set)
    corpus = Corpus(settings.corpus)
    if not corpus.exists:
        raise RecipeError(f"{settings.corpus} must be a corpus; run danqing filter run first.")
    found = find_rows(corpus, steps(settings.stages), words=words, like=like, count=count)
    for match in found:
        alike = "" if match.likeness is None else f"{match.likeness:.3f}  "
        print(f"{match.row:>9}  {alike}{match.key}: {match.caption or 'no caption'}")
        if match.dropped is not None:
            print(f"{'':>11}dropped by {match.dropped}")
    gone = sum(match.dropped is not None for match in found)
    print(f"{len(found):,} found, {gone:,} of them dropped")


def export(
    recipe: RecipePath,
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")],
    /,
    *,
    format: Literal["webdataset", "parquet"] = "webdataset",
    stage: str | None = None,
    shard: int = 1000,
    set: tuple[str, ...] = (),
) -> None:
    """Write what passed a recipe's stages as shards for other trainers.

    Args:
        recipe: The recipe that was run.
        out: A folder for the shards.
        format: `webdataset` tars, or `parquet` as the hub reads it.
        stage: The last stage that rows must have passed; all of them when not given.
        shard: Rows of a shard.
        set: Settings that were changed for the run.
    """
    from tqdm import tqdm

    from danqing.core.config import load
    from danqing.data import export as exporting
    from danqing.data.corpus import Corpus
    from danqing.data.run import Recipe

    settings = load(Recipe, recipe, set)
    corpus = Corpus(settings.corpus)
    rows = exporting.passed(corpus, stage)
    with tqdm(total=len(rows), unit="row", dynamic_ncols=True) as bar:

        def show(count: int) -> None:
            bar.update(count)

        written = exporting.export(corpus, rows, out, format, shard=shard, show=show)
    print(f"{out}: {len(rows):,} rows in {len(written)} shards")


def plan(
    recipe: RecipePath,
    /,
    *,
    pairs: float = 1e9,
    days: float = 7.0,
    gpu_speedup: float = 100.0,
    set: tuple[str, ...] = (),
) -> None:
    """Say what a recipe would take for very many pairs: cores, GPUs, storage, network.

    Run the recipe on a sample first, of some thousand pictures like the ones there will be; what it
    measured is scaled up. Networks ran on a CPU, so the hours of GPUs rest on `gpu-speedup`.

    Args:
        recipe: The recipe that was run.
        pairs: Pairs of a picture and a caption.
        days: The time in which all is to be done.
        gpu_speedup: How many times as quick as one core a GPU is taken to be at networks.
        set: Settings that were changed for the run.
    """
    from danqing.core.config import load
    from danqing.data.corpus import Corpus
    from danqing.data.plan import plan as make_plan
    from danqing.data.run import Recipe

    settings = load(Recipe, recipe, set)
    corpus = Corpus(settings.corpus)
    found = make_plan(corpus.manifest, settings.stages, pairs, corpus.sizes())
    print(f"{'stage':<16}{'filter':<18}{'rows':>10}{'s a row':>10}{'core-hours':>14}")
    for line in found.lines:
        where = " (GPU)" if line.network else ""
        print(
            f"{line.stage:<16}{line.label:<18}{line.rows:>10.3g}{line.seconds:>10.2g}"
            f"{line.core_hours:>14,.0f}{where}"
        )
    hours = days * 24
    gpu = found.gpu_hours(gpu_speedup)
    pictures, columns, latents = (
        size / 1e12 for size in (found.picture_bytes, found.column_bytes, found.latent_bytes)
    )
    rate = found.picture_bytes * 8 / (hours * 3600) / 1e9
    print(
        f"\n{found.kept:.3g} of {found.pairs:.3g} pairs kept, in {days:g} days:\n"
        f"cores    {found.core_hours / hours:,.0f}, for {found.core_hours:,.0f} core-hours\n"
        f"GPUs     {gpu / hours:,.1f}, for {gpu:,.0f} GPU-hours, each taken to be {gpu_speedup:g} "
        f"times as quick as a core\n"
        f"storage  {pictures + columns + latents:,.1f} TB: {pictures:,.1f} pictures, "
        f"{columns:,.2f} columns, {latents:,.1f} latents\n"
        f"network  {rate:,.2f} Gbit/s to read every picture once"
    )


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from tqdm import tqdm

    with tqdm(dynamic_ncols=True) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description_str(what, refresh=False)
            bar.total = total
            bar.update(done - bar.n)

        yield show
