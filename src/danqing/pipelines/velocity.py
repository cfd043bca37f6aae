"""Where sampler and network meet: a transformer as the velocity that a sampler asks for.

Dimension key:
    B batch    I image tokens    S tokens of sources    D channels of a token    E text channels
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from danqing.models.mmdit.model import Branch, MMDiT
from danqing.models.mmdit.rope import Layout
from danqing.models.mmdit.trunk import After, untouched
from danqing.pipelines.steering import Steerer

Leads = Callable[[Tensor, float], After]
"""From a state and its noise level to what changes the image stream inside the transformer."""


def unled(x: Tensor, sigma: float) -> After:
    """Return that nothing is changed."""
    return untouched


@dataclass(frozen=True, slots=True)
class Towards:
    """The velocity towards what a text says, and if there is a second text, away from that.

    The state may be wider than the network; it is cast at the network's door.
    """

    mmdit: MMDiT
    steerer: Steerer
    layout: Layout
    texts: Sequence[Float[Tensor, "B _ E"]]
    """What the conditioner made of the prompt, then of the negative prompt."""
    sources: Float[Tensor, "#B S D"] | None = None
    """Tokens that are looked at and stay as they are, after those of the state."""
    leads: Leads = unled
    """Changes the image stream inside the transformer."""

    def __call__(self, x: Float[Tensor, "B I D"], sigma: float) -> Float[Tensor, "B I D"]:
        """Return the velocity of the first text."""
        return self._ask(self.texts[:1], x, sigma)[0]

    def pair(
        self, x: Float[Tensor, "B I D"], sigma: float
    ) -> tuple[Float[Tensor, "B I D"], Float[Tensor, "B I D"]]:
        """Return the velocities of both texts, which share one way through the weights."""
        positive, negative = self._ask(self.texts, x, sigma)
        return positive, negative

    def _ask(
        self, texts: Sequence[Float[Tensor, "B _ E"]], x: Float[Tensor, "B I D"], sigma: float
    ) -> list[Tensor]:
        tokens = x.to(self.mmdit.dtype)
        after = self.leads(tokens, sigma)
        if self.sources is not None:
            sources = self.sources.to(tokens.dtype).expand(len(tokens), -1, -1)
            tokens = torch.cat((tokens, sources), dim=1)
        branches = [Branch(tokens, text, [self.layout]) for text in texts]
        velocities = self.mmdit.side_by_side(branches, self.steerer(sigma), after)
        return [velocity[:, : x.shape[1]].to(x.dtype) for velocity in velocities]
