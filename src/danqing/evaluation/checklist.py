"""Questions of yes or no about a picture: how answers become its score, and scores a row."""

from collections.abc import Mapping, Sequence
from typing import Any

from danqing.evaluation.benchmark import Item, Mode, absent
from danqing.evaluation.table import Row, detail, micro
from danqing.scorers.base import Score


def checked(questions: Sequence[str], held: Sequence[bool | None], /, **details: Any) -> Score:
    """Return the share of questions that hold; the reason names those that do not.

    Args:
        questions: In words, at least one.
        held: Whether each holds; None: its answer cannot be read, and it does not.
        details: What is kept beside `yes`, `questions` and `unread`, or instead of them.
    """
    lost = [question for question, holds in zip(questions, held, strict=True) if not holds]
    met = len(held) - len(lost)
    counts = {"yes": met, "questions": len(held), "unread": list(held).count(None)}
    reason = f"not so: {' '.join(lost)}" if lost else "all hold"
    return Score(met / len(held), reason, counts | details)


def unseen(mode: Mode, questions: Sequence[str]) -> Score:
    """Return the score of a picture that is not there: none of its questions holds."""
    return absent(mode, details={"yes": 0, "questions": len(questions), "unread": 0})


def pooled_yes(name: str, items: Sequence[Item]) -> Row:
    """Return the share of all questions that hold, whatever picture they belong to."""
    return micro(name, items, detail("yes"), detail("questions"))


def heeded(
    given: Mapping[int, float], parents: Mapping[int, Sequence[int]], *, onward: bool = True
) -> dict[int, float]:
    """Return answers with 0 for each question that has a parent of 0.

    Args:
        given: 1 or 0, by question.
        parents: Those of each question, in the order in which questions are walked.
        onward: Whether what is set to 0 is seen by the questions that follow (DPG-Bench), or
            parents count as they were answered (OneIG-Bench).

    Raises:
        KeyError: a parent is no question, and none before it is 0.
    """
    held = dict(given)
    above = held if onward else given
    for number, over in parents.items():
        if any(above[parent] == 0 for parent in over):
            held[number] = 0.0
    return held
