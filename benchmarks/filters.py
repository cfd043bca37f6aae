"""What filters find of planted faults, and what they find where there is none.

    python benchmarks/filters.py --rows 2000

Each filter looks at every picture with its own cut, whatever the others say. A picture counts for
a filter if its fault was planted for that filter; faults that it may find as well are left out.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import tyro
from race import surroundings

from danqing.core.config import load
from danqing.data.filters import Filter
from danqing.data.run import Recipe, survey
from danqing.data.sources import Planted
from danqing.data.sources.planted import PLANTS
from danqing.data.stages import steps

RECIPE = """
extends = "{folder}/first_two_stages.toml"
corpus = "{corpus}"

[stages.alignment.filters]
token_length = "token_length"
invalid_caption = "invalid_caption"
"""


def main(*, rows: int = 2000, side: int = 384) -> None:
    """Print recall and precision of every filter.

    Args:
        rows: Pictures, half of them sound.
        side: Pixels of a sound picture's shorter side.
    """
    print(surroundings(2))
    folder = Path(__file__).parents[1] / "recipes/filter"
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "recipe.toml"
        path.write_text(RECIPE.format(folder=folder, corpus=Path(temporary) / "corpus"))
        recipe = load(Recipe, path, ["sources.mine.path=none"])
        recipe = Recipe(
            corpus=recipe.corpus,
            stages=recipe.stages,
            sources={"planted": Planted(rows=rows, side=side)},
        )
        began = time.perf_counter()
        corpus = survey(recipe)
        print(f"{rows} pictures made and measured in {time.perf_counter() - began:.0f} s\n")
        keys = corpus.read(["key"])["key"].to_pylist()
        plants = [PLANTS[key.partition("/")[2].partition("-")[2]] for key in keys]
        print(f"{'filter':<18}{'planted':>8}{'recall':>9}{'false':>7}{'precision':>11}")
        for step in steps(recipe.stages):
            if isinstance(step.filter, Filter):
                scores = corpus.scores(step.column).tolist()
            else:
                sketches = corpus.sketches(step.column, range(len(corpus)))
                scores = [m.value for m in step.filter.compare(sketches)]
            found = np.array([
                step.filter.cut.reason(None if s is None or np.isnan(s) else s) is not None
                for s in scores
            ])  # fmt: skip
            mine = np.array([plant.filter == step.label for plant in plants])
            other = np.array([step.label not in (p.filter, *p.also) for p in plants])
            if step.label == "broken":
                scope = ~mine
            else:
                # A broken picture has no pixels to judge.
                scope = other & np.array([plant.filter != "broken" for plant in plants])
            hits, false = int((found & mine).sum()), int((found & scope).sum())
            precision = hits / (hits + false) if hits + false else float("nan")
            print(
                f"{step.label:<18}{mine.sum():>8}{hits / max(1, mine.sum()):>9.3f}{false:>7}"
                f"{precision:>11.3f}"
            )


if __name__ == "__main__":
    tyro.cli(main)
