"""OneIG-Bench's reasoning, style and diversity: what vectors of pictures are near to.

Follows the code of OneIG-Benchmark (41b4983, `scripts/{reasoning,style,diversity}`; see
`danqing.evaluation.oneig`). How the scores are made is here; the networks that make its vectors are
not: LLM2CLIP with Llama 3 for reasoning, CSD and the OneIG-StyleEncoder for style, DreamSim for
diversity. Register each as an embedder (`danqing.scorers.embed.embedders`) and set it as
`embedder`, `csd` or `encoder`. With other vectors, such as CLIP's, figures rank pictures of one
run, and must not be compared with published ones; a result's `looker` says whose they are.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar, Final

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.core.errors import RecipeError, SourceError
from danqing.evaluation.benchmark import Ask, Seen, benchmarks
from danqing.evaluation.folder import document, find
from danqing.evaluation.oneig import SETS, Part, black
from danqing.scorers.base import Score
from danqing.scorers.embed import AnyEmbedder, Embedder, cosine

REFERENCES: Final = ("CSD_embed.pt", "SE_embed.pt")
"""Vectors of pictures of each style, by the benchmark's two networks."""


@dataclass(frozen=True, kw_only=True)
class _Vectors(Part):
    """A part that sees vectors; a black picture is not shown to a network."""

    version: ClassVar = 1

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return what vectors tell of a picture, and whether it is black."""
        dark = black(image)
        return {"black": dark, **({} if dark else self.told(ask, image))}

    @abstractmethod
    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return what vectors tell of a picture, as plain data."""
        ...


@benchmarks.register("oneig_reasoning")
@dataclass(frozen=True, kw_only=True)
class OneIGReasoning(_Vectors):
    """225 prompts that ask for knowledge: the cosine of picture and right answer."""

    headline: ClassVar = "reasoning"
    embedder: AnyEmbedder
    """Whose vectors; the benchmark's are LLM2CLIP's."""

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return _whose(self.embedder)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt with its answer.

        Raises:
            SourceError: the folder lacks a file, or a prompt its answer.
        """
        suffix = "_zh" if self.language == "zh" else ""
        answers = document(self.folder, f"gt_answer{suffix}.json")
        return [
            self.ask(name, row, name, answer=_of(answers, row["id"], "answer", self.folder))
            for name, row in self.prompts("reasoning")
        ]

    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return the cosine."""
        texts = self.embedder.texts([ask.data["answer"]])
        return {"cosine": float(cosine(self.embedder.images([image]), texts)[0])}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's cosine."""
        return self.each(seen, lambda s: Score(s["cosine"], f"cosine {s['cosine']:.3f}"))


@benchmarks.register("oneig_style")
@dataclass(frozen=True, kw_only=True)
class OneIGStyle(_Vectors):
    """114 prompts of 29 styles: the cosine with the nearest of a style's pictures, by two networks.

    A cosine below 0 counts as 0, and the score is the mean of both. The benchmark has vectors of
    the style's pictures, not these, so only its two networks can be compared with them.
    """

    headline: ClassVar = "style"
    csd: AnyEmbedder
    """Whose vectors are compared with `CSD_embed.pt`: CSD's."""
    encoder: AnyEmbedder
    """Whose vectors are compared with `SE_embed.pt`: the OneIG-StyleEncoder's."""

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return _whose(self.csd, self.encoder)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt that wants a style, which is its category.

        Raises:
            SourceError: the folder lacks a file.
        """
        return [
            self.ask(name, row, row["class"].lower().replace(" ", "_"))
            for name, row in self.prompts("anime")
            if row.get("class")
        ]

    def told(self, ask: Ask, image: Image.Image) -> Mapping[str, Any]:
        """Return for both networks the cosine with the nearest picture of the style.

        Raises:
            RecipeError: a network's vectors are not as long as the benchmark's.
            SourceError: there are no vectors of the style.
        """
        cosines: list[float] = []
        pairs = zip((self.csd, self.encoder), self._references, REFERENCES, strict=True)
        for embedder, styles, file in pairs:
            known = _of(styles, ask.category, "vectors", self.folder)
            own = embedder.images([image])[0]
            if known.shape[1] != len(own):
                raise RecipeError(
                    f"vectors must be of {known.shape[1]} numbers as those in {file}, got "
                    f"{len(own)}; set the network that they are of."
                )
            cosines.append(float((known @ own).max()))
        return {"cosines": cosines}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return each picture's mean of both cosines."""
        return self.each(seen, _styled)

    @cached_property
    def _references(self) -> list[dict[str, Float[np.ndarray, "N D"]]]:
        return [_styles(find(self.folder, name)) for name in REFERENCES]


@benchmarks.register("oneig_diversity")
@dataclass(frozen=True, kw_only=True)
class OneIGDiversity(_Vectors):
    """All prompts: how far apart the pictures of one are, as 1 - cosine over their pairs.

    The worse pictures follow their prompt, the farther apart they are. Fixed counts 0 for a pair
    of which a picture is missing.
    """

    headline: ClassVar = "diversity"
    embedder: AnyEmbedder
    """Whose vectors; the benchmark's are DreamSim's, whose distance is the same."""

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise RecipeError(f"seeds must be at least 2, got {self.seeds}; one has no other.")

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return _whose(self.embedder)

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


def _styled(seen: Seen) -> Score:
    csd, encoder = seen["cosines"]
    value = (max(csd, 0.0) + max(encoder, 0.0)) / 2
    return Score(value, f"CSD {csd:.3f}, StyleEncoder {encoder:.3f}")


def _whose(*embedders: Embedder) -> str:
    return json.dumps([dict(one.identity) for one in embedders], sort_keys=True)


def _of(table: Mapping[str, Any], key: str, what: str, folder: Path) -> Any:
    if key not in table:
        raise SourceError(f"{what} must be there for {key}, got none in {folder}; "
                          "get the files again.")  # fmt: skip
    return table[key]


def _styles(path: Path) -> dict[str, Float[np.ndarray, "N D"]]:
    """Return the vectors of each style; nothing in the file is run."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {name: rows.float().numpy() for name, rows in found.items()}
    except (OSError, RuntimeError, AttributeError, UnpicklingError, EOFError) as error:
        raise SourceError(f"{path.name} must have vectors by style, got {path}; get it "
                          "again.") from error  # fmt: skip
