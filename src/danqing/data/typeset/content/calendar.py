"""Dates and times of day, said as each language says them."""

import datetime
from random import Random
from typing import Final

from danqing.scorers.world import Language

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("一", "二", "三", "四", "五", "六", "日"),
}
"""From Monday on, as the head of a calendar says them."""


def day(rng: Random) -> datetime.date:
    """Return a day of the years 2018 to 2030."""
    return datetime.date(2018, 1, 1) + datetime.timedelta(days=rng.randrange(365 * 13))


def long(date: datetime.date, language: Language) -> str:
    """Return a date in words, such as `14 March 2027` or `2027年3月14日`."""
    if language == "zh":
        return f"{date.year}年{date.month}月{date.day}日"
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def short(date: datetime.date) -> str:
    """Return a date in digits, such as `2027-03-14`."""
    return date.isoformat()


def clock(rng: Random, first: int = 6, last: int = 22) -> str:
    """Return a time of day on a full five minutes.

    Args:
        rng: Decides it.
        first: Earliest hour.
        last: Latest hour.
    """
    return f"{rng.randint(first, last):02d}:{rng.randrange(0, 60, 5):02d}"


def later(time: str, minutes: int) -> str:
    """Return the time of day so many minutes after another."""
    hours, past = (int(part) for part in time.split(":"))
    total = (60 * hours + past + minutes) % (24 * 60)
    return f"{total // 60:02d}:{total % 60:02d}"
