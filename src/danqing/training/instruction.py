"""What is asked of pictures: a caption that brings them along.

Whatever takes captions (objectives, policies, painters, mixtures) so takes instructions too, and in
one batch some captions may have pictures and others none. Only three ask what a caption brings: the
model, what drops words for guidance, and what weighs a loss.

Dimension key:
    C latent channels    h w latent height and width
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from danqing.models.conditioner.vision import Picture

Latents = Float[Tensor, "C _ _"]


class Instruction(str):
    """Words about pictures.

    Attributes:
        pictures: As the conditioner is shown them: whole, or cut into patches already.
        sources: Their normalized latents, as the transformer reads them; sizes may differ.
        changed: What share of each latent of the answer is to be another than the first picture's;
            None where nobody knows.
    """

    __slots__ = ("changed", "pictures", "sources")

    def __new__(
        cls,
        words: str,
        pictures: Sequence[Picture],
        sources: Sequence[Latents],
        changed: Float[Tensor, "h w"] | None = None,
    ) -> "Instruction":
        """Put words and what they are about together."""
        made = super().__new__(cls, words)
        made.pictures, made.sources, made.changed = tuple(pictures), tuple(sources), changed
        return made


def reworded(caption: str, words: str) -> str:
    """Return other words about the same pictures, or the words alone if there are none."""
    if not isinstance(caption, Instruction):
        return words
    return Instruction(words, caption.pictures, caption.sources, caption.changed)


def pictures_of(caption: str) -> Sequence[Picture]:
    """Return what the conditioner is shown along with a caption."""
    return caption.pictures if isinstance(caption, Instruction) else ()


def sources_of(caption: str) -> Sequence[Latents]:
    """Return the latents that come with a caption."""
    return caption.sources if isinstance(caption, Instruction) else ()
