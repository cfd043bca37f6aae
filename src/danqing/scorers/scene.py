"""Whether a picture of shapes holds what was asked for, in three ways.

`strict`   everything asked for and nothing else: the headline
`geneval`  extras are forgiven, except where things are counted, and grounds are not looked at
`soft`     the mean of graded demands (shape, number, colour, place, ground, nothing else), for
           rewards; `soft_product` is their geometric mean, as in Soft-TIFA (GenEval 2)
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations, product
from math import prod
from typing import Literal, NamedTuple

from PIL import Image

from danqing.scorers.base import Score, Wanted, scorers
from danqing.scorers.detector import Detection, ShapeDetector, Sight
from danqing.scorers.relations import relations
from danqing.scorers.world import Object, Scene

Mode = Literal["strict", "geneval", "soft", "soft_product"]

_MOST = 16
"""The surest things of a kind that are looked at, as in GenEval."""


class Demand(NamedTuple):
    """One atom of a specification and how far a picture meets it."""

    name: str
    met: float
    """From 0 to 1."""
    complaint: str
    """What is wrong where it is not met."""


@scorers.register("scene")
@dataclass(frozen=True, kw_only=True, slots=True)
class SceneScorer:
    """Judges pictures of scenes with the deterministic detector."""

    mode: Mode = "strict"
    """Which of the ways gives the value; the details hold all of them."""
    detector: ShapeDetector = field(default_factory=ShapeDetector)

    def score(self, images: Sequence[Image.Image], wanted: Sequence[Wanted]) -> list[Score]:
        """Return a value from 0 to 1 for each scene; what is no scene is unscored."""
        return [self._score(image, scene) for image, scene in zip(images, wanted, strict=True)]

    def _score(self, image: Image.Image, scene: Wanted) -> Score:
        if not isinstance(scene, Scene):
            return Score(None, "no scene was asked for")
        sight = self.detector.look(image)
        atoms = demands(sight, scene)
        values: dict[Mode, float] = {
            "strict": float(strict(sight, scene)),
            "geneval": float(geneval(sight, scene)),
            "soft": sum(atom.met for atom in atoms) / len(atoms),
            "soft_product": prod(atom.met for atom in atoms) ** (1 / len(atoms)),
        }
        details = {
            **values,
            "demands": {atom.name: atom.met for atom in atoms},
            "background": sight.background,
            "detections": [asdict(thing) for thing in sight.detections],
        }
        complaints = [atom.complaint for atom in atoms if atom.met < 1]
        return Score(values[self.mode], "; ".join(complaints) or "as asked", details)


def strict(sight: Sight, scene: Scene) -> bool:
    """Return whether a picture shows the scene and nothing else."""
    if len(sight.detections) != sum(thing.count for thing in scene.objects):
        return False
    return scene.background in (None, sight.background) and _holds(sight.detections, scene)


def geneval(sight: Sight, scene: Scene) -> bool:
    """Return whether a picture shows the scene, with extras forgiven unless they are counted."""
    if scene.category == "counting":
        for thing in scene.objects:
            if len(_of(Object(thing.shape), sight.detections)) > thing.count:
                return False
    return _holds(sight.detections, scene)


def demands(sight: Sight, scene: Scene) -> list[Demand]:
    """Return the atoms of a scene with how far each is met; all are met where `strict` holds."""
    seen = sight.detections
    atoms: list[Demand] = []
    for index, thing in enumerate(scene.objects):
        alike = len(_of(Object(thing.shape), seen))
        name = f"{index} {thing.shape}"
        atoms.append(Demand(name, min(alike, 1), f"no {thing.shape}"))
        if thing.count > 1:
            met = max(0.0, 1 - abs(alike - thing.count) / thing.count)
            complaint = f"{alike} {thing.shape} where {thing.count} were asked for"
            atoms.append(Demand(f"{name} count", met, complaint))
        if thing.color:
            right = min(len(_of(thing, seen)), thing.count)
            complaint = f"{right} {thing.color} {thing.shape} where {thing.count} were asked for"
            atoms.append(Demand(f"{name} color", right / thing.count, complaint))
        if thing.position:
            relation, anchor = thing.position
            pairs = list(product(_of(thing, seen), _of(scene.objects[anchor], seen)))
            met = sum(relation in relations(a.box, b.box) for a, b in pairs) / max(len(pairs), 1)
            complaint = f"{thing.shape} not {relation} {scene.objects[anchor].shape}"
            atoms.append(Demand(f"{name} position", met, complaint))
    if scene.background:
        complaint = f"{sight.background} ground where {scene.background} was asked for"
        atoms.append(Demand("ground", float(sight.background == scene.background), complaint))
    total = sum(thing.count for thing in scene.objects)
    complaint = f"{len(seen)} things where {total} were asked for"
    atoms.append(Demand("nothing else", total / max(len(seen), total), complaint))
    return atoms


def _holds(seen: Sequence[Detection], scene: Scene) -> bool:
    """Return whether the objects can be found among what is seen, each in its place."""
    return any(
        all(
            thing.position[0] in relations(a.box, b.box)
            for thing, group in zip(scene.objects, groups, strict=True)
            if thing.position
            for a, b in product(group, groups[thing.position[1]])
        )
        for groups in _groups(seen, scene.objects)
    )


def _groups(
    seen: Sequence[Detection], objects: Sequence[Object]
) -> Iterator[list[tuple[Detection, ...]]]:
    """Give every way to find the objects among what is seen, no thing twice."""
    if not objects:
        yield []
        return
    first, *rest = objects
    for group in combinations(_of(first, seen)[:_MOST], first.count):
        left = [thing for thing in seen if thing not in group]
        for groups in _groups(left, rest):
            yield [group, *groups]


def _of(wanted: Object, seen: Sequence[Detection]) -> list[Detection]:
    """Return what is seen of an object's shape and, where it names one, its colour."""
    return [
        thing
        for thing in seen
        if thing.shape == wanted.shape and wanted.color in (None, thing.color)
    ]
