"""How much a picture and its sentence are alike to a network with two towers (CLIPScore).

Hessel et al., arXiv 2104.08718. Cosines of different networks mean different things, and even good
matches are far from 1: of CLIP they have about 0.3. So the two cosines between which values lie are
settings, and what is beyond them is cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.scorers.base import Score, Wanted, scorers
from danqing.scorers.embed import AnyEmbedder, Towers, cosine


@scorers.register("alike")
@dataclass(frozen=True, kw_only=True, slots=True)
class AlikeScorer:
    """The cosine of a picture and its sentence, on a scale from 0 to 1."""

    embedder: AnyEmbedder = field(default_factory=Towers)
    """Makes the vectors."""
    low: float = 0.0
    """The cosine whose value is 0, as of a picture and a sentence that have nothing in common."""
    high: float = 1.0
    """The cosine whose value is 1."""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise RecipeError(f"high must be above low, got {self.high} and {self.low}; raise it.")

    def score(self, images: Sequence[Image.Image], wanted: Sequence[Wanted]) -> list[Score]:
        """Return a value from 0 to 1 for each sentence; what is no sentence is unscored.

        The detail `cosine` is neither scaled nor cut.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
        """
        pairs = [(i, w) for i, w in zip(images, wanted, strict=True) if isinstance(w, str)]
        if not pairs:
            return [Score(None, "no sentence was asked for") for _ in wanted]
        shown = self.embedder.images([image for image, _ in pairs])
        said = self.embedder.texts([sentence for _, sentence in pairs])
        cosines = iter(cosine(shown, said).tolist())
        return [
            self._score(next(cosines))
            if isinstance(one, str)
            else Score(None, "no sentence was asked for")
            for one in wanted
        ]

    def _score(self, found: float) -> Score:
        value = (found - self.low) / (self.high - self.low)
        return Score(min(max(value, 0.0), 1.0), f"cosine {found:.3f}", {"cosine": found})
