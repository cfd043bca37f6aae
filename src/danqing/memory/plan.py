"""Where every part of a model is to live: as fast as fits, and said in a sentence.

A part may be *plain* (bfloat16 in the memory of the device), *compressed* there and decoded
whenever it is used, or *streamed* from the host's memory or from disk, a weight at a time. Each
way costs memory and seconds; there are few parts, so all combinations are tried and the fastest
that fits is taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

Way = Literal["plain", "compressed", "streamed from host", "streamed from disk"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Weights that are used together."""

    name: str
    """What people call it."""
    plain: int
    """Bytes of its weights as bfloat16."""
    packed: int | None = None
    """Bytes of them compressed; None if they are not."""
    largest: int
    """Bytes of its largest weight, plain."""
    uses: int
    """How often a picture goes through all of them."""
    fixed: bool = False
    """Whether they must be plain."""

    @property
    def stored(self) -> int:
        """Bytes that come from disk."""
        return self.plain if self.packed is None else self.packed


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What there is to live in, and how fast it is."""

    device: int
    """Bytes of the device's memory that are free."""
    host: int | None = None
    """Bytes of the host's memory that are free; None if it is the device's own."""
    decode: float = 6e9
    """Bytes of plain weights that are decoded in a second."""
    link: float = 12e9
    """Bytes a second from the host to the device."""
    disk: float = 1e9
    """Bytes a second from disk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A part, and the way it lives."""

    part: Part
    way: Way
    device: int
    """Bytes of the device's memory that it takes."""
    host: int
    """Bytes of the host's memory that it takes."""
    seconds: float
    """What living so adds to a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The places of all parts."""

    places: tuple[Place, ...]
    machine: Machine
    reserve: int
    """Bytes of the device's memory for everything that is no weight."""

    @property
    def peak(self) -> int:
        """Bytes of the device's memory that a picture takes at most, reserve included."""
        return self.reserve + sum(place.device for place in self.places) + self.room

    @property
    def room(self) -> int:
        """Bytes of the one weight that is decoded at a time."""
        decoded = (p.part.largest for p in self.places if p.way != "plain")
        return max(decoded, default=0)

    @property
    def seconds(self) -> float:
        """What living so adds to a picture, against all of it plain in memory."""
        return sum(place.seconds for place in self.places)

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        host = sum(place.host for place in self.places)
        return self.peak <= self.machine.device and host <= (self.machine.host or host)

    def sentence(self) -> str:
        """Return the plan as a person would say it."""
        have, need = self.machine.device / 1e9, self.peak / 1e9
        if not self.fits:
            return f"does not fit: it takes at least {need:.1f} GB and {have:.1f} GB are free"
        groups: dict[Way, list[str]] = {}
        for place in self.places:
            groups.setdefault(place.way, []).append(place.part.name)
        ways = "; ".join(f"{_listed(names)} {way}" for way, names in groups.items())
        extra = f", {self.seconds:.1f} s a picture" if self.seconds >= 0.05 else ""
        return f"fits in {need:.1f} GB of {have:.1f} GB free: {ways}{extra}"

    def table(self) -> str:
        """Return a line for every part, a line for the rest, and a line for all."""
        lines = [f"{'part':<18}{'way':<20}{'memory':>10}{'host':>10}{'s a picture':>13}"]
        rows = [
            (place.part.name, place.way, place.device, place.host, place.seconds)
            for place in self.places
        ]
        rows.append(("one weight", "decoded", self.room, 0, 0.0))
        rows.append(("everything else", "", self.reserve, 0, 0.0))
        rows.append(("all", "", self.peak, sum(p.host for p in self.places), self.seconds))
        for name, way, device, host, seconds in rows:
            kept = f"{host / 1e9:>7.2f} GB" if host else " " * 10
            spent = f"{seconds:>13.2f}" if seconds else ""
            lines.append(f"{name:<18}{way:<20}{device / 1e9:>7.2f} GB{kept}{spent}".rstrip())
        return "\n".join(lines)


def make_plan(
    parts: Sequence[Part], machine: Machine, reserve: int, cap: int | None = None
) -> Plan:
    """Return the fastest plan that fits, or the smallest one if none does.

    Args:
        parts: What must live somewhere.
        machine: Where.
        reserve: Bytes for activations and the program itself.
        cap: Bytes of the device's memory that may be used at most.
    """
    if cap is not None:
        limited = min(machine.device, cap)
        machine = Machine(
            device=limited,
            host=machine.host,
            decode=machine.decode,
            link=machine.link,
            disk=machine.disk,
        )
    plans = [
        Plan(places=places, machine=machine, reserve=reserve)
        for places in product(*(tuple(ways(part, machine)) for part in parts))
    ]
    fitting = [plan for plan in plans if plan.fits]
    if fitting:
        return min(fitting, key=lambda plan: (plan.seconds, plan.peak))
    return min(plans, key=lambda plan: plan.peak)


def ways(part: Part, machine: Machine) -> Iterator[Place]:
    """Yield the places where a part may live on a machine."""
    decoding = 0.0 if part.packed is None else part.plain / machine.decode
    read = part.stored / machine.disk
    apart = machine.host is not None
    yield Place(part=part, way="plain", device=part.plain, host=0, seconds=0.0)
    if part.fixed:
        return
    if part.packed is not None:
        spent = part.uses * decoding
        yield Place(part=part, way="compressed", device=part.packed, host=0, seconds=spent)
    if apart:
        spent = part.uses * (decoding + part.stored / machine.link)
        yield Place(part=part, way="streamed from host", device=0, host=part.stored, seconds=spent)
    spent = part.uses * (decoding + read)
    yield Place(part=part, way="streamed from disk", device=0, host=0, seconds=spent)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
