"""Stages 6 and 7, rows among all rows: categories in balance, the best of each, rare words kept.

A row's lot is drawn from its key, so the same rows stay in every run, and a row that stays under
one cut stays under every wider one.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import ClassVar, Final

from danqing.data.filters.base import Batch, Cut, Measured, Sketches, filters
from danqing.data.filters.captions import Caption, caption_of

KEYWORDS: Final[dict[str, str]] = {
    "design": r"poster|slide|interface|website|logo|icon|menu|invoice|海报|幻灯片|界面|标志|菜单",
    "art": r"painting|drawing|sketch|sculpture|illustration|anime|绘画|素描|雕塑|插画|动漫|油画",
    "portrait": r"portrait|face|woman|man\b|girl|boy|people|person|肖像|人像|女孩|男孩|女人|人物",
    "sport": r"sport|football|basketball|running|swimming|skiing|运动|足球|篮球|跑步|游泳|滑雪",
    "animal": r"\b(?:cat|dog|bird|horse|animal|fish|insect)s?\b|动物|猫|狗|鸟|马|鱼|昆虫",
    "plant": r"flower|tree|plant|leaf|leaves|garden|花|树|植物|叶|草",
    "food": r"food|dish|cake|fruit|vegetable|soup|meal|食物|菜|蛋糕|水果|汤|面条",
    "city": r"city|street|building|skyline|bridge|城市|街|建筑|楼|桥",
    "landscape": r"mountain|lake|sea|beach|valley|forest|sky|sunset|山|湖|海|森林|天空|日落",
    "indoor": r"room|kitchen|furniture|interior|sofa|table|房间|厨房|家具|室内|沙发|桌",
}
"""Words that tell a category, after the report's tree; the first that fits wins."""

OTHER: Final = "object"
"""What fits no category."""


@filters.register("balance")
@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """A lot that keeps few of common categories and all of rare ones: kept up to 1.

    A category with a share `s` is kept with the chance `sqrt(target / s)`, at most 1: resampling
    by the inverse square root, between leaving all as it is and making all equal.
    """

    needs: ClassVar = ("key", "raw", "recaption", "fused")
    slow: ClassVar = False
    cut: Cut = Cut(high=1.0)
    target: float = 0.1
    """The share up to which a category is kept whole."""
    caption: Caption = "any"
    keywords: dict[str, str] = field(default_factory=lambda: dict(KEYWORDS))
    """Patterns by category, in the order they are tried."""

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return a lot and the category."""
        return [
            json.dumps([_lot(key), category(text or "", self.keywords)]).encode()
            for key, text in zip(batch.columns["key"], caption_of(batch, self.caption), strict=True)
        ]

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return each lot over its category's chance."""
        rows = [json.loads(sketch or b"[0.0, null]") for sketch in sketches]
        count = Counter(name for _, name in rows)
        return [
            Measured(lot / min(1.0, (self.target * len(rows) / count[name]) ** 0.5), name)
            for lot, name in rows
        ]


@filters.register("rare_words")
@dataclass(frozen=True, kw_only=True, slots=True)
class RareWords:
    """A lot that keeps captions with rare words and few of those without: kept up to 1.

    The chance is `sqrt(threshold / f)`, at most 1, of the rarest word's frequency `f` among
    captions: the report resamples text data by the frequency of tokens.
    """

    needs: ClassVar = ("key", "raw", "recaption", "fused")
    slow: ClassVar = False
    cut: Cut = Cut(high=1.0)
    threshold: float = 0.01
    """The share of captions up to which a word counts as rare."""
    caption: Caption = "any"

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return a lot and the caption's words."""
        return [
            json.dumps([_lot(key), _words(text or "")], ensure_ascii=False).encode()
            for key, text in zip(batch.columns["key"], caption_of(batch, self.caption), strict=True)
        ]

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return each lot over its rarest word's chance."""
        rows = [json.loads(sketch or b"[0.0, []]") for sketch in sketches]
        count = Counter(word for _, words in rows for word in words)
        found: list[Measured] = []
        for lot, words in rows:
            rarest = min(words, key=lambda word: (count[word], word), default=None)
            share = count[rarest] / len(rows) if rarest is not None else 1.0
            found.append(Measured(lot / min(1.0, (self.threshold / share) ** 0.5), rarest))
        return found


@filters.register("best_of_category")
@dataclass(frozen=True, kw_only=True, slots=True)
class BestOfCategory:
    """Rank by a score within the row's category, from 0 (worst) to 1 (best).

    One strict threshold for all would thin out categories whose pictures are of another kind.
    """

    needs: ClassVar = ("key", "raw", "recaption", "fused", "pixels")
    slow: ClassVar = False
    cut: Cut = Cut(low=0.2)
    caption: Caption = "any"
    keywords: dict[str, str] = field(default_factory=lambda: dict(KEYWORDS))
    """Patterns by category, in the order they are tried."""

    def sketch(self, batch: Batch) -> list[bytes | None]:
        """Return the category and how clear the picture is."""
        from danqing.data.filters.photometry import Clarity

        texts = caption_of(batch, self.caption)
        return [
            None if m.value is None else
            json.dumps([m.value, category(text or "", self.keywords)]).encode()
            for m, text in zip(Clarity().measure(batch), texts, strict=True)
        ]  # fmt: skip

    def compare(self, sketches: Sketches) -> list[Measured]:
        """Return ranks."""
        groups: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for row, sketch in enumerate(sketches):
            if sketch is not None:
                value, name = json.loads(sketch)
                groups[name].append((value, row))
        found = [Measured(None)] * len(sketches)
        for name, members in groups.items():
            for rank, (_, row) in enumerate(sorted(members)):
                found[row] = Measured((rank + 1) / len(members), name)
        return found


def category(text: str, keywords: dict[str, str]) -> str:
    """Return the first category one of whose words is in a text."""
    return next(
        (name for name, words in keywords.items() if re.search(words, text, re.IGNORECASE)), OTHER
    )


def _lot(key: str) -> float:
    """Return a number in (0, 1] that a key always draws."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / 2.0**64


def _words(text: str) -> list[str]:
    return sorted({word.lower() for word in re.findall(r"[A-Za-z]+|[㐀-鿿]", text)})
