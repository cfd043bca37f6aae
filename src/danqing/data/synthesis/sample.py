"""An endless stream of drawn pictures with exact captions, for training."""

from dataclasses import dataclass, field
from random import Random

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.data.synthesis.captions import TRAINING_TEMPLATES, caption
from danqing.data.synthesis.draw import draw
from danqing.data.synthesis.fonts import FACES
from danqing.data.synthesis.prompts import Prompt
from danqing.data.synthesis.propose import propose
from danqing.data.synthesis.split import bucket
from danqing.data.synthesis.world import World, pick, weighted
from danqing.scorers.world import CATEGORIES, Language, Specification


@dataclass(frozen=True, slots=True)
class Sample:
    """One drawn picture and what it shows."""

    image: Image.Image
    """RGB, of the stream's size."""
    caption: str
    spec: Specification
    language: Language
    """The language of the caption."""


@dataclass(frozen=True, kw_only=True)
class Synthesis(World):
    """An endless training set: `sample(i)` depends on the settings and `i`, and on nothing else.

    Only specifications of the `train` bucket, training wordings and training typefaces occur.
    """

    categories: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CATEGORIES, 1.0))
    """Weight of each category; those not named do not occur."""

    def __post_init__(self) -> None:
        super().__post_init__()
        weighted("categories", self.categories, CATEGORIES)
        for script, category in (("en", "text_en"), ("zh", "text_zh")):
            if category in self.categories and not any(
                FACES[name].script == script for name in self.fonts
            ):
                raise RecipeError(f"fonts must have one for {category}, got {self.fonts}; add one.")

    def sample(self, index: int) -> Sample:
        """Return the picture of an index, always the same one.

        Args:
            index: Which picture, from 0; any integer is fine.
        """
        rng, prompt = self._ask(index)
        image = draw(prompt.spec, rng, size=self.size, style=self)
        return Sample(image, prompt.prompt, prompt.spec, prompt.language)

    def prompt(self, index: int) -> Prompt:
        """Return what the picture of an index is asked for by, without drawing it."""
        return self._ask(index)[1]

    def _ask(self, index: int) -> tuple[Random, Prompt]:
        rng = Random(f"danqing synthesis {self.seed} {index}")
        category, language = pick(rng, self.categories), pick(rng, self.languages)
        spec = propose(rng, category, self)
        while bucket(spec) != "train":
            spec = propose(rng, category, self)
        template = rng.choice(TRAINING_TEMPLATES)
        sentence = caption(spec, language, template)
        return rng, Prompt(sentence, language, template, "train", spec)
