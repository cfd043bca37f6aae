"""TIIF-Bench's 39 kinds of prompts, and how their shares become those of groups and of all.

Follows the code of TIIF-Bench (3aae750, `eval/summary_dimension_results.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from danqing.evaluation.benchmark import Item
from danqing.evaluation.table import Row, Value, detail, pooled

Kinds = Sequence[str]

BASIC: Final[Mapping[str, Kinds]] = {
    "attribute": ("shape+color", "color+texture", "texture+color", "shape+texture"),
    "relation": ("2d_spatial_relation", "3d_spatial_relation", "action+2d", "action+3d"),
    "reasoning": ("numeracy", "negation", "differentiation", "comparison"),
}
ADVANCED: Final[Mapping[str, Kinds]] = {
    "attribute+relation": (
        "action+color", "action+texture", "color+2d", "color+3d", "shape+2d", "shape+3d",
        "texture+2d", "texture+3d",
    ),
    "attribute+reasoning": tuple(
        f"{kind}+{to}" for kind in BASIC["reasoning"] for to in ("color", "texture")
    ),
    "relation+reasoning": tuple(
        f"{kind}+{to}" for kind in BASIC["reasoning"] for to in ("2d", "3d")
    ),
    "text": ("text",),
    "style": ("style",),
}  # fmt: skip
REAL: Final[Mapping[str, Kinds]] = {"real world": ("real_world",)}
GROUPS: Final = {**BASIC, **ADVANCED, **REAL}
"""The kinds of each group."""


def shown() -> Iterator[tuple[str, Sequence[Kinds]]]:
    """Yield the rows of a table and their groups: each alone, and those above them."""
    for name, groups in (("basic", BASIC), ("advanced", ADVANCED)):
        yield name, [[kind for kinds in groups.values() for kind in kinds]]
        yield from ((group, [kinds]) for group, kinds in groups.items())
    yield "real world", list(REAL.values())
    yield "overall", list(GROUPS.values())


def row(name: str, items: Sequence[Item], groups: Sequence[Kinds]) -> Row:
    """Return the mean over groups of the means over kinds of shares of right answers.

    Args:
        name: The row's name.
        items: With their `kind` among their data; those of other kinds are left out.
        groups: The kinds of each; a kind without answers is left out of its group's mean.
    """
    kinds = [kind for some in groups for kind in some]
    mine = [item for item in items if item.ask.data["kind"] in kinds]
    columns = [_of(kind, key) for key in ("yes", "questions") for kind in kinds]

    def statistic(*sums: Any) -> Any:
        right, asked = np.split(np.asarray(sums, float), 2)
        share = dict(zip(kinds, right / np.maximum(asked, 1), strict=True))
        there = dict(zip(kinds, asked > 0, strict=True))
        means = [_mean([share[k] for k in some], [there[k] for k in some]) for some in groups]
        return _mean(means, [np.any([there[k] for k in some], axis=0) for some in groups])

    return pooled(name, mine, columns, statistic)


def _of(kind: str, key: str) -> Value:
    """Return what counts an item's `key` under its own kind, and 0 under others."""
    found = detail(key)
    return lambda item: found(item) if item.ask.data["kind"] == kind else 0.0


def _mean(values: Sequence[Any], there: Sequence[Any]) -> Any:
    """Return the mean of the values that are there, in each draw."""
    return np.sum(np.multiply(values, there), axis=0) / np.maximum(np.sum(there, axis=0), 1)
