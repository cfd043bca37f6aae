"""How fast edits are drawn, and what they look like.

python benchmarks/edits.py                               # edits a second, by task
python benchmarks/edits.py --sheet docs/images/edits.png # two of each task, before and after
python benchmarks/edits.py --sheet edited.png --run evaluation/nano-edits  # as a model painted
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from danqing.data.edits import TASKS, Edits
from danqing.scorers.world import Language
from danqing.training.sheet import Row, sheet

COLUMNS = 4
SHOWN: dict[Language, int] = {"en": 3, "zh": 21}
"""The index of the edit that is shown, by its language."""


def rate(task: str, count: int) -> float:
    """Return edits of a task drawn in a second of processor time, typefaces being loaded."""
    edits = Edits(tasks={task: 1.0})
    edits.sample(-1)
    start = time.process_time()
    for index in range(count):
        edits.sample(index)
    return count / (time.process_time() - start)


def drawn() -> list[Row]:
    """Return an English and a Chinese edit of each task, sources first."""
    return [
        Row(sample.instruction, [image.reduce(2) for image in (*sample.sources, sample.target)])
        for task in TASKS
        for language in SHOWN
        for sample in [Edits(tasks={task: 1.0}, languages={language: 1.0}).sample(SHOWN[language])]
    ]


def painted(runs: Sequence[Path]) -> list[Row]:
    """Return the first English and Chinese edit of each task of runs, whatever became of them."""
    first: dict[tuple[str, str], Row] = {}
    for run in runs:
        for line in (run / "items.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            key = item["category"], item["language"]
            if item["file"] is not None and key not in first:
                files = (*item["sources"], item["file"])
                images = [Image.open(run / file).reduce(2) for file in files]
                first[key] = Row(item["prompt"], images)
    return list(first.values())


def contact_sheet(rows: Sequence[Row]) -> Image.Image:
    """Return all rows in columns."""
    each = -(-len(rows) // COLUMNS)
    columns = [sheet(rows[start : start + each]) for start in range(0, len(rows), each)]
    gap = 24
    whole = Image.new(
        "RGB",
        (sum(c.width + gap for c in columns) - gap, max(c.height for c in columns)),
        "white",
    )
    left = 0
    for column in columns:
        whole.paste(column, (left, 0))
        left += column.width + gap
    return whole


def main() -> None:
    """Time all tasks, or show them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sheet", type=Path, help="where to save a picture of all tasks")
    parser.add_argument(
        "--run", type=Path, nargs="+", help="runs of `danqing evaluate --on edits` to show"
    )
    parser.add_argument("--count", type=int, default=200, help="edits of each task to be timed")
    arguments = parser.parse_args()
    if arguments.sheet:
        rows = painted(arguments.run) if arguments.run else drawn()
        contact_sheet(rows).save(arguments.sheet, optimize=True)
        return
    for task in TASKS:
        print(f"{task:14}{rate(task, arguments.count):6.0f}")


if __name__ == "__main__":
    main()
