"""How a kind of model is asked to see: its words, its colours, and what its answers look like."""

from collections.abc import Sequence
from typing import Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core.errors import RequestError
from danqing.core.registry import Registry
from danqing.scorers.world import PALETTE
from danqing.seeing.depth import WORLD, Scale
from danqing.seeing.labels import GROUND, SHAPE_COLORS, Legend, blank, legend
from danqing.seeing.sentences import every, sentence


@runtime_checkable
class Manner(Protocol):
    """How questions are put to a model."""

    @property
    def scale(self) -> Scale:
        """How it shows depth."""
        ...

    def legend(self, classes: Sequence[str]) -> Legend:
        """Return the colours of some classes.

        Raises:
            RequestError: it cannot be asked for them.
        """
        ...

    def unframed(self, source: Image.Image) -> Image.Image:
        """Return what its frames are drawn on."""
        ...

    def depth(self) -> str:
        """Return how depth is asked for."""
        ...

    def segmentation(self, colors: Legend) -> str:
        """Return how classes are asked for."""
        ...

    def detection(self, colors: Legend) -> str:
        """Return how frames are asked for."""
        ...


manners: Final[Registry[type[Manner]]] = Registry("manner")
"""Manners by name."""


@manners.register("small_world")
class SmallWorld:
    """Of models that learned the small world's questions; they know its shapes."""

    scale = WORLD

    def legend(self, classes: Sequence[str]) -> Legend:
        """Return the colours that the shapes have in training."""
        legend(classes)
        for name in classes:
            if name not in SHAPE_COLORS:
                raise RequestError(
                    f"classes must be of {', '.join(SHAPE_COLORS)}, got {name}; "
                    "ask a published model for others."
                )
        return {name: SHAPE_COLORS[name] for name in classes}

    def unframed(self, source: Image.Image) -> Image.Image:
        """Return a plain ground, where frames stand alone."""
        return blank(source.size)

    def depth(self) -> str:
        """Return the first wording of training."""
        return sentence("depth", "en")

    def segmentation(self, colors: Legend) -> str:
        """Return the first wording of training, which leaves colours unsaid."""
        return sentence("segmentation", "en", fields={"things": every(list(colors), "en")})

    def detection(self, colors: Legend) -> str:
        """Return the first wording of training, which leaves colours unsaid."""
        return sentence("detection", "en", fields={"things": every(list(colors), "en")})


@manners.register("plain")
class Plain:
    """Of models that follow plain words, such as published ones: all is said in the sentence."""

    scale = Scale(colors="gray", shows="disparity")

    def legend(self, classes: Sequence[str]) -> Legend:
        """Return a colour for each class, in the order of classes."""
        return legend(classes)

    def unframed(self, source: Image.Image) -> Image.Image:
        """Return the source, which shall stay as it is."""
        return source

    def depth(self) -> str:
        """Return a sentence that says which end is near."""
        return (
            "Turn this picture into its depth map in shades of gray: what is nearest is white, "
            "what is furthest is black."
        )

    def segmentation(self, colors: Legend) -> str:
        """Return a sentence that says each class and its colour."""
        told = ", ".join(f"every {name} in plain {_name(colors, name)}" for name in colors)
        return f"Turn this picture into a segmentation map: {told}, all else in plain {GROUND}."

    def detection(self, colors: Legend) -> str:
        """Return a sentence that says each class and its frames' colour."""
        told = ", ".join(f"every {name} with a frame in {_name(colors, name)}" for name in colors)
        return f"Mark {told}; each frame is a rectangle that fits closely. Change nothing else."


def _name(colors: Legend, name: str) -> str:
    return next(color for color, value in PALETTE.items() if value == colors[name])
