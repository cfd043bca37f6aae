"""A model as it is and as it was: the policies of reinforcement learning.

What a model was is told by earlier values of what is learned, and of nothing else. For an adapter
that is little, and its first values are the model without it.

Dimension key:
    B batch    C latent channels    H W latent height and width
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from danqing.flow.guidance import combine
from danqing.pipelines.latents import pack, unpack
from danqing.training.ema import Average
from danqing.training.instruction import reworded
from danqing.training.weights import Weights

Model = Any
"""A callable `(x, captions, sigma) -> velocity` on latents, as `TextToImageModel` is."""


class Policy:
    """A model that can also answer as it would have with other weights.

    Args:
        weights: The model and what it learns.
        past: Other values of what it learns, by name; they may change under way.
    """

    def __init__(self, weights: Weights, past: Mapping[str, Average]) -> None:
        self.weights, self.past = weights, past

    def was(self, name: str) -> Model:
        """Return the model of those weights; it follows them.

        Nothing it computes with asks for gradients, so there are none. They are not switched off,
        as that would choose other kernels: in bfloat16 it rounds as the model that learns does.
        Only a sharded model must take the other values into its own place, between two passes of
        what learns.
        """
        average = self.past[name]

        def model(
            x: Float[Tensor, "B C H W"], captions: Sequence[str], sigma: Float[Tensor, "B"]
        ) -> Float[Tensor, "B C H W"]:
            if self.weights.sharded:
                with self.weights.holding(average.state()):
                    return self.weights.module(x, captions, sigma)
            values = {name: value.to(self.weights.dtype) for name, value in average.state().items()}
            return functional_call(self.weights.module, values, (x, captions, sigma))

        return model


def guided(model: Model, scale: float) -> Model:
    """Return a model that follows captions away from empty ones; at most 1 is no guidance."""
    if scale <= 1:
        return model

    def away(
        x: Float[Tensor, "B C H W"], captions: Sequence[str], sigma: Float[Tensor, "B"]
    ) -> Float[Tensor, "B C H W"]:
        empty = [reworded(caption, " ") for caption in captions]
        both = model(torch.cat([x, x]), [*captions, *empty], torch.cat([sigma, sigma]))
        positive, negative = pack(both).chunk(2)
        return unpack(combine(positive, negative, scale), *x.shape[-2:])

    return away
