"""Prices and bills that add up, counted in whole cents."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from danqing.scorers.world import Language

SIGNS: Final[dict[Language, tuple[str, ...]]] = {"en": ("$", "£", "€"), "zh": ("¥",)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a bill."""

    name: str
    count: int
    cents: int
    """Of one."""

    @property
    def total(self) -> int:
        """Of all, in cents."""
        return self.count * self.cents


@dataclass(frozen=True, slots=True)
class Bill:
    """Entries, their sum, a tax and the total."""

    entries: tuple[Entry, ...]
    percent: int
    """Of tax."""

    @property
    def sum(self) -> int:
        """Of all entries, in cents."""
        return sum(entry.total for entry in self.entries)

    @property
    def tax(self) -> int:
        """In cents, halves rounded up."""
        return (self.sum * self.percent + 50) // 100

    @property
    def total(self) -> int:
        """Sum and tax, in cents."""
        return self.sum + self.tax


def amount(cents: int, sign: str = "") -> str:
    """Return an amount with two decimals and commas, such as `$1,234.50`."""
    return f"{sign}{cents // 100:,}.{cents % 100:02d}"


def price(rng: Random, low: int, high: int) -> int:
    """Return a price in cents that looks like one: whole, or ending in .50, .90 or .99.

    Args:
        rng: Decides it.
        low: Least whole units.
        high: Most whole units.
    """
    return 100 * rng.randint(low, high) - rng.choice((0, 0, 50, 10, 1))


def bill(rng: Random, names: Sequence[str], count: int, low: int, high: int) -> Bill:
    """Return a bill.

    Args:
        rng: Decides it.
        names: What there is to buy.
        count: Entries, each another name.
        low: Least whole units of a price.
        high: Most whole units of a price.
    """
    entries = tuple(
        Entry(name, rng.randint(1, 12), price(rng, low, high))
        for name in rng.sample(list(names), min(count, len(names)))
    )
    return Bill(entries, rng.choice((5, 6, 8, 10, 13, 20)))
