"""What a training run takes of every device, and how fast it can be, before it is begun.

Weights that learn, and everything that follows them, are divided among the devices that `shard`
or `tensor` split them over; samples among those of `shard` and `replicate`; tokens among those of
`context`. Compressed weights are divided by nothing. Frozen weights live as `danqing.memory.plan`
has it: plain, compressed, or streamed.

Bytes for every number that learns: 4 of its master, 4 of its gradient, 4 of the average that is
shipped and of each of its past values; of AdamW 8, of Muon's matrices 4; 2 of a bfloat16 copy.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Final, Literal

from danqing.core.errors import RequestError
from danqing.memory.plan import Machine, Part, Place, Way, ways
from danqing.training.sizes import Network, Sample

Base = Literal["plain", "packed", "streamed"]

WAYS: Final[dict[Base, Way]] = {
    "plain": "plain",
    "packed": "compressed",
    "streamed": "streamed from host",
}

PACKED: Final = 10.95 / 16
"""Bytes of compressed weights as a share of plain ones, measured on one of the published size
(`benchmarks/full_size_...`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """What a run has: so many devices of one kind, arranged in a grid."""

    memory: int
    """Bytes of a device's memory."""
    shard: int = 1
    """Devices that share weights and samples (FSDP)."""
    tensor: int = 1
    """Devices that share heads and hidden channels."""
    context: int = 1
    """Devices that share the tokens of a sample."""
    replicate: int = 1
    """Copies of all these, which share samples."""
    speed: float = 989e12
    """Operations a second that a device can do at most; as it is, an H100's in bfloat16."""
    utilization: float = 0.4
    """The share of them that is done."""
    decode: float = 400e9
    """Bytes of plain weights that a device decodes in a second."""
    link: float = 12e9
    """Bytes a second from the host to the device."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if (value := getattr(self, one.name)) <= 0:
                raise RequestError(f"{one.name} must be above 0, got {value:g}; raise it.")

    @property
    def count(self) -> int:
        """How many there are."""
        return self.shard * self.tensor * self.context * self.replicate


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What is trained, and how."""

    network: Network
    sample: Sample
    batch: int
    """Samples of a step."""
    reader: int
    """Numbers of the conditioner."""
    reads: bool
    """Whether it is frozen; if not, it learns."""
    base: Base = "plain"
    """How frozen weights are kept."""
    size: int = 2
    """Bytes of a number in the network: 2 or 4."""
    past: int = 0
    """Earlier values of what learns that are kept beside it."""
    matrices: str | None = None
    """Which weights Muon moves, an expression found in their names; None: AdamW moves all."""
    accumulate: int = 1
    """Pieces of a device's share of a batch, one after the other."""
    recompute: float = 0.0
    """Share of blocks whose activations are computed again."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A run on some devices."""

    run: Training
    devices: Devices

    @property
    def piece(self) -> int:
        """Samples that a device computes with at a time."""
        share = math.ceil(self.run.batch / (self.devices.shard * self.devices.replicate))
        return math.ceil(share / self.run.accumulate)

    @property
    def learned(self) -> int:
        """Numbers that learn."""
        return self.run.network.learned + (0 if self.run.reads else self.run.reader)

    @cached_property
    def frozen(self) -> list[Place]:
        """Where frozen weights live; streamed ones in the host's memory."""
        run, devices = self.run, self.devices
        passes = math.ceil(run.accumulate * (2 + run.recompute))
        split = devices.shard * devices.tensor if run.base == "plain" else 1
        machine = Machine(
            device=devices.memory, host=sys.maxsize, decode=devices.decode, link=devices.link
        )
        found: list[Place] = []
        for name, numbers, uses in (
            ("transformer", run.network.frozen - run.network.steering, passes),
            ("modulations", run.network.steering, passes),
            ("text encoder", run.reader if run.reads else 0, 1),
        ):
            # What is used once in a while does not stay where it is compressed.
            base = "streamed" if run.base == "packed" and name != "transformer" else run.base
            plain = run.size * numbers // split
            part = Part(
                name=name,
                plain=plain,
                packed=int(plain * PACKED),
                largest=run.size * run.network.largest,
                uses=uses,
            )
            found += [place for place in ways(part, machine) if place.way == WAYS[base] and numbers]
        return found

    @cached_property
    def rows(self) -> dict[str, float]:
        """Bytes of a device's memory by what takes them, not all of it at one time."""
        run, devices = self.run, self.devices
        split = devices.shard * devices.tensor
        mine = self.learned / split
        matrices = _moved_by_muon(run.network, run.matrices) / split
        room = run.size * run.network.largest if run.base != "plain" else 0
        kept = run.network.kept(
            run.sample, run.size, recompute=run.recompute, tensor=devices.tensor
        )
        rows = {
            "frozen weights": sum(place.device for place in self.frozen) + room,
            "weights that learn": (run.size * mine if run.size < 4 else 0),
            "float32 masters": 4 * mine,
            "optimizer": 8 * mine - 4 * matrices,
            "average": 4 * mine,
            "past weights": 4 * mine * run.past,
            "blocks put together": self._gathered,
            "gradients": 4 * mine,
            "matrices made orthogonal": 8 * _together(run.network, run.matrices) / split,
            "activations": kept * self.piece / devices.context,
        }
        return {name: float(size) for name, size in rows.items() if size}

    @property
    def peak(self) -> float:
        """Bytes of a device's memory that the run takes at most, the program apart.

        Gradients come as activations go, except where several pieces add theirs up; the update
        follows when these are gone.
        """
        rows = self.rows
        gradients, activations = rows["gradients"], rows["activations"]
        update = rows.get("matrices made orthogonal", 0)
        held = sum(rows.values()) - gradients - activations - update
        before = activations if self.run.accumulate == 1 else activations + gradients
        return held + max(before, gradients + update)

    @property
    def fits(self) -> bool:
        """Whether there is room."""
        return self.peak <= self.devices.memory

    @cached_property
    def sent(self) -> dict[str, float]:
        """Bytes that a device sends in a step, by what they are for.

        Weights are gathered in the network's format for each pass and gradients scattered in
        float32; replicas sum theirs in a ring; tensor parallelism sums both streams twice a block
        and direction; context parallelism swaps heads for tokens (queries, keys, values and what
        is read, forth and back).
        """
        run, devices = self.run, self.devices
        passes = run.accumulate * (2 + run.recompute)
        frozen = run.network.frozen if run.network.adapted and run.base == "plain" else 0
        whole = (self.learned + frozen) / devices.tensor
        tokens = run.sample.tokens * run.network.config.width * run.size / devices.context
        streams = tokens * self.piece * run.accumulate * run.network.config.depth
        mine = 4 * self.learned / (devices.shard * devices.tensor)
        rows = {
            "weights": passes * run.size * whole * _others(devices.shard),
            "gradients": 4 * self.learned / devices.tensor * _others(devices.shard)
            + 2 * mine * _others(devices.replicate),
            "heads": 2 * (4 + 2 * run.recompute) * streams * _others(devices.tensor),
            "tokens": (8 + 4 * run.recompute) * streams * _others(devices.context) / devices.tensor,
        }
        return {name: float(size) for name, size in rows.items() if size}

    @property
    def work(self) -> float:
        """Operations that a sample takes; each of the past weights is asked once."""
        run = self.run
        asked = float(run.past * run.network.forward(run.sample))
        return run.network.work(run.sample, run.recompute) + asked

    @property
    def rate(self) -> float:
        """Samples a second of all devices together."""
        run, devices = self.run, self.devices
        share = math.ceil(run.batch / (devices.shard * devices.replicate))
        speed = devices.tensor * devices.context * devices.speed * devices.utilization
        return run.batch / (share * self.work / speed + sum(place.seconds for place in self.frozen))

    @property
    def _gathered(self) -> float:
        """Bytes of the block that is used and of the next one, put together from all shards."""
        run, devices = self.run, self.devices
        divided = devices.shard > 1 and not (run.network.adapted and run.base != "plain")
        return 2.0 * run.size * run.network.block / devices.tensor if divided else 0.0


def changes(budget: Budget) -> Iterator[tuple[str, Budget]]:
    """Yield what could be done about a lack of memory, one change at a time and all together."""
    run, devices = budget.run, budget.devices
    share = budget.piece * run.accumulate
    smaller: list[tuple[str, Training]] = [("", run)]
    if share > 1:
        smaller.append((f"accumulate = {share}", replace(run, accumulate=share)))
    kinds: Sequence[Base] = ("plain", "packed", "streamed") if run.network.adapted else ("plain",)
    for said, one in smaller:
        for again in dict.fromkeys((run.recompute, 1.0)):
            for base in kinds[kinds.index(run.base) :]:
                told = [said] if said else []
                told += [f"recompute = {again:g}"] if again != run.recompute else []
                told += [f"a {base} base"] if base != run.base else []
                trained = replace(one, recompute=again, base=base)
                if told:
                    yield " and ".join(told), Budget(run=trained, devices=devices)


def cheapest(budget: Budget) -> tuple[str, Budget] | None:
    """Return the change that makes a run fit and leaves it fastest; more devices, if none does."""
    fitting = [(said, one) for said, one in changes(budget) if one.fits]
    if fitting:
        return max(fitting, key=lambda pair: pair[1].rate)
    everything = Budget(
        run=replace(budget.run, recompute=1.0, accumulate=budget.piece * budget.run.accumulate),
        devices=budget.devices,
    )
    for power in range(1, 11):
        shard = budget.devices.shard * 2**power
        for said, one in (("", budget), (" and recompute = 1", everything)):
            wider = replace(one, devices=replace(one.devices, shard=shard))
            if wider.fits:
                return f"shard = {shard}{said}", wider
    return None


def _moved_by_muon(network: Network, matrices: str | None) -> int:
    return sum(network.matrices(matrices).values()) if matrices else 0


def _together(network: Network, matrices: str | None) -> int:
    """Return the numbers of the matrices of one shape, which Muon stacks, at most."""
    return max(network.matrices(matrices).values(), default=0) if matrices else 0


def _others(devices: int) -> float:
    """Return the share of a ring that is somebody else's."""
    return (devices - 1) / devices
