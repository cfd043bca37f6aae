"""What does it look like from elsewhere? Solids, and the same ones turned.

The proportions of the solids that the benchmark `solids` has are kept from training, with all their
turns, so training has others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from PIL import Image

from danqing.data.seeing.question import Size, Told, questions
from danqing.data.synthesis.captions import COLORS_SAID
from danqing.data.synthesis.instructions import TURNS
from danqing.data.synthesis.solids import ASKED, TRAINED, Turn, draw_solid, propose
from danqing.data.synthesis.split import Dealt, part_of
from danqing.scorers.polyhedra import BOTTOM
from danqing.scorers.world import Language
from danqing.seeing.sentences import SOLIDS_ZH, VIEWS


@questions.register("viewpoint")
@dataclass(frozen=True, slots=True)
class Viewpoint(Told):
    """A solid that is to be turned."""

    turn: Turn

    @classmethod
    def propose(cls, rng: Random) -> "Viewpoint":
        """Return a random question of any part."""
        return cls(propose(rng, rng.choice(TURNS), rng.choice((TRAINED, ASKED))))

    @property
    def part(self) -> Dealt:
        """What the proportions say; that of what is asked for as in the benchmark `solids`."""
        long, deep, high = self.turn.solid.extent
        lengths, heights = TRAINED
        if long in lengths and deep in lengths and high in heights:
            return "train"
        return part_of(self.turn.id)

    def pictures(self, size: Size) -> tuple[Image.Image, Image.Image]:
        """Return the solid, and the solid turned."""
        before, after = (
            draw_solid(seen, self.turn.ground, Random(self.turn.id), size=size)
            for seen in (self.turn.solid, self.turn.outcome)
        )
        return before, after

    def fields(self, language: Language) -> Mapping[str, str]:
        """Return the solid, how it is to be seen, and the colours that come into view."""
        view, faces = VIEWS[self.turn.change][language]
        seen, said = self.turn.outcome, COLORS_SAID[language]
        colors = {"left": seen.left, "right": seen.right, "bottom": seen.colors[BOTTOM]}
        kind = seen.kind if language == "en" else SOLIDS_ZH[seen.kind]
        told = faces.format_map({place: said[color] for place, color in colors.items()})
        return {"kind": kind, "view": view, "faces": told}
