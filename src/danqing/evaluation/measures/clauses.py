"""What GenEval makes of things that were found: which of them count, and whether they are as asked.

Follows Ghosh et al. 2023 (arXiv:2310.11513) and its published evaluation (djghosh13/geneval, commit
af4902f). A prompt's clauses decide: each has a class and a count, and may have a colour and a place
relative to the things of an earlier one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from danqing.evaluation.measures.overlap import box_ious
from danqing.scorers.relations import relations
from danqing.scorers.things import Thing

CONFIDENCE: Final = 0.3
COUNTING_CONFIDENCE: Final = 0.9
"""A thing counts if it is surer than this; counts are about nothing doubtful."""
MOST: Final = 16
"""Things of a class, the surest ones."""

Found = Mapping[str, Sequence[Thing]]
"""What counts, by class, the surest first."""


class Verdict(NamedTuple):
    """Whether a picture is right."""

    right: bool
    reason: str


def counted(things: Sequence[Thing], tag: str, same: float | None = None) -> Found:
    """Return what counts of all that was found.

    Args:
        things: What was found.
        tag: The kind of the prompt.
        same: IoU from which a thing is one with a surer one of its class; None: never.
    """
    least = COUNTING_CONFIDENCE if tag == "counting" else CONFIDENCE
    found: dict[str, list[Thing]] = {}
    for one in sorted(things, key=lambda one: -one.confidence):
        if one.confidence > least:
            found.setdefault(one.label, []).append(one)
    # The most are taken first, as the benchmark's own code does it.
    return {label: _once(some[:MOST], same) for label, some in found.items()}


def verdict(found: Found, record: Mapping[str, Any]) -> Verdict:
    """Return whether all that is included is there and nothing that is excluded.

    Args:
        found: What counts.
        record: The prompt's record: `include` and `exclude`, lists of `class` and `count`, of which
            the former may have a `color`, and a `position`: a relation and the number of the clause
            whose things it is to.
    """
    reasons: list[str] = []
    groups: list[Sequence[Thing] | None] = []
    for clause in record.get("include", []):
        group = found.get(clause["class"], ())[: clause["count"]]
        trouble = _trouble(clause, group, groups)
        groups.append(None if trouble else group)
        reasons += [trouble] if trouble else []
    for clause in record.get("exclude", []):
        if (count := len(found.get(clause["class"], ()))) >= clause["count"]:
            reasons.append(f"{count} {clause['class']} where fewer than {clause['count']} may be")
    return Verdict(not reasons, "; ".join(reasons) or "as asked")


def no_more(found: Found, record: Mapping[str, Any]) -> bool:
    """Return whether there is no more of any class that is included than is asked for."""
    asked: Counter[str] = Counter()
    for clause in record.get("include", []):
        asked[clause["class"]] += clause["count"]
    return all(len(found.get(label, ())) <= count for label, count in asked.items())


def _trouble(
    clause: Mapping[str, Any], group: Sequence[Thing], groups: Sequence[Sequence[Thing] | None]
) -> str:
    """Return what is wrong with the surest things of a clause; nothing: they are right."""
    label, count = clause["class"], clause["count"]
    if len(group) < count:
        return f"{len(group)} of {count} {label}"
    if (color := clause.get("color")) is not None:
        colors = [str(one.color) for one in group]
        if colors.count(color) < count:
            return f"{label} {' and '.join(colors)} where {color} was asked"
    if (position := clause.get("position")) is not None:
        relation, number = position
        if (anchors := groups[number]) is None:
            return f"nothing for {label} to be {relation}"
        for one in group:
            for anchor in anchors:
                if relation not in (true := relations(one.box, anchor.box)):
                    shown = " and ".join(sorted(true)) or "nowhere clear of"
                    return f"{label} {shown} {anchor.label} where {relation} was asked"
    return ""


def _once(things: Sequence[Thing], same: float | None) -> list[Thing]:
    if same is None:
        return list(things)
    boxes = np.array([one.box for one in things])
    ious = box_ious(boxes, boxes)
    kept: list[int] = []
    for place in range(len(things)):
        if all(ious[place, other] < same for other in kept):
            kept.append(place)
    return [things[place] for place in kept]
