"""Rules that text benchmarks share: what counts as text, what matches, what is nearest.

They follow the code of OneIG-Benchmark (41b4983) and of X-Omni's LongText-Bench (2b8237b), whose
rules of characters are the same, and of TIIF-Bench (3aae750).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from danqing.scorers.ocr import distance

KEYWORDS: Final = ("addCriterion", "No text recognized")
"""What a vision-language model says of a picture without its being there.

The second one is what it is told to say. Official code takes it out only with a full stop, so
that what was said without one counts as read.
"""

_LETTERS = r"\u4e00-\u9fa5a-zA-Z0-9àâäéèêëîïôöùûüçÀÂÄÉÈÊËÎÏÔÖÙÛÜÇ"
_OTHER = re.compile(rf"[^{_LETTERS}\s]")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def without(text: str, keywords: Iterable[str] = KEYWORDS) -> str:
    """Return a text without some words."""
    for keyword in keywords:
        text = text.replace(keyword, "")
    return text


def spaced(text: str) -> str:
    """Return letters and digits with single spaces: punctuation vanishes and parts no words."""
    return " ".join(_OTHER.sub("", text).split())


def unspaced(text: str) -> str:
    """Return letters and digits alone, as Chinese is compared."""
    return "".join(_OTHER.sub("", text).split())


def has_chinese(text: str) -> bool:
    """Return whether any character is a Chinese one."""
    return _CHINESE.search(text) is not None


def overlap(read: Iterable[str], target: Iterable[str]) -> int:
    """Return how many words or characters of a target were read, each used once."""
    return (Counter(read) & Counter(target)).total()


def unlikeness(text: str, target: str) -> float:
    """Return the edit distance over the longer length: 0 for equal texts, 1 for unlike ones."""
    return distance(text, target) / max(len(text), len(target), 1)


def cheapest(costs: Sequence[Sequence[float]]) -> float:
    """Return the least cost of pairing rows with columns, as many pairs as there can be.

    The Hungarian method with potentials, in time rows² · columns (Kuhn, 1955; Munkres, 1957).

    Args:
        costs: One number for each row and column; all rows are equally long.
    """
    if not costs or not costs[0]:
        return 0.0
    if len(costs) > len(costs[0]):
        costs = list(zip(*costs, strict=True))
    width = len(costs[0])
    # Row 0 and column 0 stand for "none yet", so rows and columns count from 1.
    row_price, column_price = [0.0] * (len(costs) + 1), [0.0] * (width + 1)
    partner = [0] * (width + 1)
    for row in range(1, len(costs) + 1):
        partner[0], column = row, 0
        slack, before, seen = [float("inf")] * (width + 1), [0] * (width + 1), [False] * (width + 1)
        while partner[column]:
            seen[column] = True
            here = partner[column]
            for other in range(1, width + 1):
                if not seen[other]:
                    rest = costs[here - 1][other - 1] - row_price[here] - column_price[other]
                    if rest < slack[other]:
                        slack[other], before[other] = rest, column
            step, column = min((slack[j], j) for j in range(1, width + 1) if not seen[j])
            for other in range(width + 1):
                if seen[other]:
                    row_price[partner[other]] += step
                    column_price[other] -= step
                else:
                    slack[other] -= step
        while column:
            partner[column] = partner[before[column]]
            column = before[column]
    return sum(costs[partner[j] - 1][j - 1] for j in range(1, width + 1) if partner[j])
