"""OneIG-Bench's diversity: how far apart the pictures of a prompt are.

Follows the code of OneIG-Benchmark (41b4983, `scripts/diversity`; see `danqing.evaluation.oneig`),
whose distance is DreamSim's: 1 - cosine of its vectors. The worse pictures follow their prompt, the
farther apart they are, so this is not to be tuned for. Fixed counts 0 for a pair of which a picture
is black or missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.evaluation.benchmark import Ask, Seen, benchmarks
from danqing.evaluation.oneig import SETS, Vectors, whose
from danqing.scorers.base import Score
from danqing.scorers.embed import AnyEmbedder


@benchmarks.register("oneig_diversity")
@dataclass(frozen=True, kw_only=True)
class OneIGDiversity(Vectors):
    """All 1,120 prompts, or 1,320 in Chinese: the mean of 1 - cosine over pairs of pictures."""

    headline: ClassVar = "diversity"
    embedder: AnyEmbedder
    """Whose vectors; the benchmark's are DreamSim's."""

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise RecipeError(f"seeds must be at least 2, got {self.seeds}; one has no other.")

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return whose(self.embedder)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt; those of texts have the seeds of `oneig_text`.

        Raises:
            SourceError: the folder lacks a file.
        """
        sets = [name for name in SETS if self.language == "zh" or name != "multilingualism"]
        return [self.ask(name, row, name) for name, row in self.prompts(*sets)]

    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return the vector."""
        return {"vector": [round(float(x), 6) for x in self.embedder.images([image])[0]]}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return how far each picture is from the others; the mean is that over pairs."""
        vectors = np.array([s["vector"] for s in seen if s is not None and not s["black"]])
        others = (len(vectors) if self.mode == "official" else len(seen)) - 1
        if others < 1 or not len(vectors):
            return self.each(seen, lambda s: Score(None, "there is no other picture"))
        units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        far = map(float, (1 - units @ units.T).sum(1) / others)
        return self.each(seen, lambda s: Score(one := next(far), f"{one:.3f} from the others"))
