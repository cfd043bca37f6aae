"""OneIG-Bench's reasoning: how near a picture is to the right answer.

Follows the code of OneIG-Benchmark (41b4983, `scripts/reasoning`; see `danqing.evaluation.oneig`),
whose vectors are those of LLM2CLIP, with Llama 3 for texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.benchmark import Ask, Seen, benchmarks
from danqing.evaluation.folder import document
from danqing.evaluation.oneig import Vectors, whose
from danqing.scorers.base import Score
from danqing.scorers.embed import AnyEmbedder, cosine


@benchmarks.register("oneig_reasoning")
@dataclass(frozen=True, kw_only=True)
class OneIGReasoning(Vectors):
    """225 prompts that ask for knowledge: the cosine of picture and right answer."""

    headline: ClassVar = "reasoning"
    embedder: AnyEmbedder
    """Whose vectors; the benchmark's are LLM2CLIP's."""

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return whose(self.embedder)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt with its answer.

        Raises:
            SourceError: the folder lacks a file, or a prompt its answer.
        """
        suffix = "_zh" if self.language == "zh" else ""
        answers = document(self.folder, f"gt_answer{suffix}.json")
        return [
            self.ask(name, row, name, answer=_answer(answers, row["id"], self.folder))
            for name, row in self.prompts("reasoning")
        ]

    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return the cosine."""
        texts = self.embedder.texts([ask.data["answer"]])
        return {"cosine": float(cosine(self.embedder.images([image]), texts)[0])}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's cosine."""
        return self.each(seen, lambda s: Score(s["cosine"], f"cosine {s['cosine']:.3f}"))


def _answer(answers: Any, id: str, folder: Path) -> str:
    try:
        return str(answers[id])
    except (LookupError, TypeError) as error:
        raise SourceError(
            f"prompts must have an answer, got none for {id} in {folder}; get the files again."
        ) from error
