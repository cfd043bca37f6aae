"""OneIG-Bench's style: how near a picture is to the nearest picture of the style, by two networks.

Follows the code of OneIG-Benchmark (41b4983, `scripts/style`; see `danqing.evaluation.oneig`),
whose networks are CSD and the OneIG-StyleEncoder. It has their vectors of pictures of each style,
not the pictures, so only these two networks can be compared with them.
"""

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
from danqing.evaluation.folder import find
from danqing.evaluation.oneig import Vectors, whose
from danqing.scorers.base import Score
from danqing.scorers.embed import AnyEmbedder

REFERENCES: Final = ("CSD_embed.pt", "SE_embed.pt")
"""Vectors of pictures of each style, by the benchmark's two networks."""


@benchmarks.register("oneig_style")
@dataclass(frozen=True, kw_only=True)
class OneIGStyle(Vectors):
    """114 prompts of 29 styles: the mean of both networks' cosines, of which none is below 0."""

    headline: ClassVar = "style"
    csd: AnyEmbedder
    """Whose vectors are compared with `CSD_embed.pt`: CSD's."""
    encoder: AnyEmbedder
    """Whose vectors are compared with `SE_embed.pt`: the OneIG-StyleEncoder's."""

    @property
    def looker(self) -> str:
        """Whose vectors."""
        return whose(self.csd, self.encoder)

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
            if (known := styles.get(ask.category)) is None:
                raise SourceError(
                    f"{file} must have vectors of {ask.category}, got none; get it again."
                )
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


def _styled(seen: Seen) -> Score:
    csd, encoder = seen["cosines"]
    value = (max(csd, 0.0) + max(encoder, 0.0)) / 2
    return Score(value, f"CSD {csd:.3f}, StyleEncoder {encoder:.3f}")


def _styles(path: Path) -> dict[str, Float[np.ndarray, "N D"]]:
    """Return the vectors of each style; nothing in the file is run."""
    import torch

    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        return {name: rows.float().numpy() for name, rows in found.items()}
    except (OSError, RuntimeError, AttributeError, UnpicklingError, EOFError) as error:
        raise SourceError(f"{path.name} must have vectors by style, got {path}; get it "
                          "again.") from error  # fmt: skip
