"""Conditioner and transformer as one network, as it is trained.

Dimension key:
    B batch    C latent channels    H W latent height and width    I image tokens, sources included
    L text tokens    E text channels    D channels of a token
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from danqing.core.errors import RecipeError
from danqing.models.checkpoint import fingerprint
from danqing.models.conditioner.model import Conditioner
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.rope import Grid, Layout
from danqing.pipelines.latents import pack, unpack
from danqing.pipelines.reading import Reader
from danqing.training.instruction import Instruction, Latents, pictures_of, sources_of
from danqing.training.sources.base import ReadCaption

Read = Callable[[Sequence[str]], list[Float[Tensor, "1 _ E"]]]
"""Gives the text of each caption."""


class TextToImageModel(nn.Module):
    """Noisy latents and captions in, velocity out; a caption may be an `Instruction`."""

    def __init__(
        self, mmdit: MMDiT, conditioner: Conditioner | None, reader: Read | None = None
    ) -> None:
        """Put both together.

        Args:
            mmdit: The transformer.
            conditioner: The conditioner; None: captions come read.
            reader: Reads captions in its place where it does not learn; None: it learns.
        """
        super().__init__()
        self.mmdit = mmdit
        self.conditioner = conditioner
        if conditioner is not None:
            conditioner.requires_grad_(reader is None)
        self.reader = reader

    def forward(
        self, x: Float[Tensor, "B C H W"], captions: Sequence[str], sigma: Float[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        """Return the velocity at `x` for each caption, where `x` is; weights may be elsewhere."""
        text, text_mask = self._read(captions)
        there = x
        x, sigma = x.to(self.mmdit.device), sigma.to(self.mmdit.device)
        tokens, token_mask, layouts = _with_sources(x, [sources_of(c) for c in captions])
        velocity = self.mmdit(
            tokens.to(text.dtype), text, sigma, layouts, text_mask=text_mask, token_mask=token_mask
        )
        height, width = x.shape[-2:]
        return unpack(velocity[:, : layouts[0][0].tokens], height, width).to(there)

    def _read(
        self, captions: Sequence[str]
    ) -> tuple[Float[Tensor, "B L E"], Bool[Tensor, "B L"] | None]:
        """Return the text of each caption and where it is."""
        if self.reader is not None:
            mmdit = self.mmdit
            return _padded([text.to(mmdit.device, mmdit.dtype) for text in self._still(captions)])
        assert self.conditioner is not None
        if any(isinstance(caption, ReadCaption) for caption in captions):
            raise RecipeError(
                "captions must be read by the conditioner that learns, got some that are; "
                "set trainee.reads = false."
            )
        images = [pictures_of(c) for c in captions] if self._sees else []
        return self.conditioner(
            *self.conditioner.tokenize(captions, images if any(images) else None)
        )

    @property
    def _sees(self) -> bool:
        """Whether pictures are shown to the conditioner; one without eyes has only the words."""
        return self.conditioner is not None and self.conditioner.vision is not None

    def _still(self, captions: Sequence[str]) -> list[Float[Tensor, "_ E"]]:
        """Return the text of each caption, as a conditioner that does not learn reads it."""
        assert self.reader is not None

        def shown(caption: str) -> bool:
            return self._sees and isinstance(caption, Instruction)

        words = [c for c in captions if not isinstance(c, ReadCaption) and not shown(c)]
        read = dict(zip(words, self.reader(words), strict=True)) if words else {}
        texts: list[Tensor] = []
        for caption in captions:
            if isinstance(caption, ReadCaption):
                texts.append(caption.text)
            elif shown(caption):
                assert self.conditioner is not None
                texts += self.conditioner.read_each([caption], [pictures_of(caption)])[0]
            else:
                texts.append(read[caption][0])
        return texts


def _with_sources(
    x: Float[Tensor, "B C H W"], sources: Sequence[Sequence[Latents]]
) -> tuple[Float[Tensor, "B I D"], Bool[Tensor, "B I"] | None, list[Layout]]:
    """Return targets and their sources as tokens, which of these are real, and their layouts."""
    layouts: list[Layout] = [
        tuple(map(_grid, (target, *own))) for target, own in zip(x, sources, strict=True)
    ]
    targets = pack(x)
    if not any(sources):
        return targets, None, layouts[:1]
    rows = [
        torch.cat([target, *(pack(one[None].to(x))[0] for one in own)])
        for target, own in zip(targets, sources, strict=True)
    ]
    tokens, mask = _padded(rows)
    return tokens, mask, layouts


def _grid(latents: Latents) -> Grid:
    return Grid(1, latents.shape[-2] // 2, latents.shape[-1] // 2)


def _padded(
    rows: Sequence[Float[Tensor, "_ D"]],
) -> tuple[Float[Tensor, "B T D"], Bool[Tensor, "B T"] | None]:
    """Return rows side by side, and where they are real; None: nothing is padded."""
    lengths = torch.tensor([len(row) for row in rows], device=rows[0].device)
    whole = pad_sequence(list(rows), batch_first=True)
    mask = torch.arange(whole.shape[1], device=whole.device) < lengths[:, None]
    return whole, None if mask.all() else mask


def still(conditioner: Conditioner, kept: float) -> Reader:
    """Return what reads captions in the place of a conditioner that does not learn.

    Args:
        conditioner: The conditioner.
        kept: Gigabytes of disk for the texts; 0 keeps none of them.
    """
    weights = fingerprint(conditioner.state_dict())
    budget = int(kept * 1e9)
    return Reader(conditioner, weights, keep=budget > 0, budget=budget)


def unread(captions: Sequence[str]) -> list[Float[Tensor, "1 _ E"]]:
    """Refuse to read captions.

    Raises:
        RecipeError: always.
    """
    raise RecipeError(
        f"captions must come read, got {captions[0]!r}; set trainee.reads = true, or train from a "
        "spool."
    )
