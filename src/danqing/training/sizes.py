"""What a transformer costs to train, told by the network itself without its weights.

The network is built on the meta device, where tensors have shapes and no numbers. Its linear maps
tell the floating point operations of a sample: two for every number of a weight and every token
that meets it, beside 4 D T^2 for the attention of T tokens in a block. A backward pass takes twice
as many, half for the gradients of what goes in and half for those of the weights.

What a block keeps for its backward pass was listed once from the tensors that autograd saves, and
a test holds the list against them. In bytes for every token and channel,

    4 e                x, what the attention reads, x after it, what the MLP reads
    11 e + 4 a + 8     queries and keys before their norm, all that attention takes and gives, what
                       leaves it, the MLP's hidden channels before and after GELU; norms in float32
    4 e                where modulations learn: both norms' outputs, and what both gates let through

with e bytes for a number and a for one inside attention, which a CPU computes in float32. Without
gradients of the norms' weights the 8 bytes go too.

Dimension key:
    T tokens    D width
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from danqing.models.lora import Adapted, adapt
from danqing.models.lora.layers import Fresh, linears
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.mmdit.names import steers


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What decides the cost of a sample."""

    image: int
    """Image tokens."""
    text: int
    """Text tokens."""

    @property
    def tokens(self) -> int:
        """Tokens of the joint sequence."""
        return self.image + self.text

    def rows(self, name: str) -> int:
        """Return how many rows the linear map of a name multiplies."""
        if steers(f"{name}."):
            return 1
        return self.text if "text" in name else self.image


class Network:
    """A transformer without numbers, in whole or with adapters that alone learn.

    Args:
        config: Its sizes.
        fresh: Makes the adapter of a map; None: all weights learn.
        layers: Which maps are adapted.
    """

    def __init__(self, config: MMDiTConfig, fresh: Fresh | None = None, layers: str = "") -> None:
        self.config, self.adapted = config, fresh is not None
        with torch.device("meta"):
            self.module = MMDiT(config)
            if fresh is not None:
                adapt(self.module, layers, fresh)
        # Named once: it walks the whole tree of modules.
        self._weights = dict(self.module.named_parameters())
        self._maps = linears(self.module)

    def count(self, chosen: Callable[[str, nn.Parameter], bool]) -> int:
        """Return how many numbers the chosen weights are."""
        return sum(weight.numel() for name, weight in self._weights.items() if chosen(name, weight))

    @cached_property
    def learned(self) -> int:
        """Numbers that learn."""
        return self.count(lambda name, weight: weight.requires_grad)

    @cached_property
    def frozen(self) -> int:
        """Numbers that do not."""
        return self.count(lambda name, weight: not weight.requires_grad)

    @cached_property
    def steering(self) -> int:
        """Numbers of the frozen weights that depend on the noise level alone."""
        return self.count(lambda name, weight: steers(name) and not weight.requires_grad)

    def matrices(self, pattern: str) -> dict[torch.Size, int]:
        """Return the numbers of matrices that learn and whose names a pattern finds, by shape."""
        found: dict[torch.Size, int] = {}
        for name, weight in self._weights.items():
            if weight.requires_grad and weight.ndim == 2 and re.search(pattern, name):
                found[weight.shape] = found.get(weight.shape, 0) + weight.numel()
        return found

    @cached_property
    def block(self) -> int:
        """Numbers of a block."""
        return self.count(lambda name, weight: name.startswith("blocks.0."))

    @cached_property
    def largest(self) -> int:
        """Numbers of the largest weight."""
        return max(weight.numel() for weight in self._weights.values())

    def forward(self, sample: Sample) -> int:
        """Return the floating point operations from a sample to its velocity, without adapters."""
        attention = 4 * self.config.width * sample.tokens**2 * self.config.depth
        return attention + sum(
            2 * layer.weight.numel() * sample.rows(name) for name, layer in self._maps.items()
        )

    def adapters(self, sample: Sample) -> int:
        """Return the floating point operations of the adapters alone, about."""
        return sum(
            2 * weight.numel() * sample.rows(name)
            for name, layer in self._maps.items()
            if isinstance(layer, Adapted)
            for change in layer.changes
            for weight in change.parameters()
        )

    def work(self, sample: Sample, recompute: float = 0.0) -> float:
        """Return the operations that a step does for a sample, forward and backward.

        Frozen weights need no gradients, so adapters save a third of it; what is computed again
        adds to it.

        Args:
            sample: The sample.
            recompute: The share of blocks whose activations are computed again.
        """
        forward, small = self.forward(sample), self.adapters(sample)
        passes = (2 if self.adapted else 3) + recompute
        return passes * forward + (3 + recompute) * small

    def kept(
        self,
        sample: Sample,
        size: int,
        *,
        recompute: float = 0.0,
        tensor: int = 1,
        inside: int | None = None,
    ) -> float:
        """Return the bytes that are kept of a sample for the backward pass, at their peak.

        Args:
            sample: The sample.
            size: Bytes of a number.
            recompute: The share of blocks that keep only what enters them; one at a time is then
                computed again.
            tensor: Devices that share the heads and the MLP's hidden channels.
            inside: Bytes of a number inside attention; None: as everywhere.
        """
        inside = size if inside is None else inside
        whole, split = 4 * size, 11 * size + 4 * inside
        if not self.adapted:
            whole, split = whole + 4 * size, split + 8
        block = whole + split / tensor
        depth = self.config.depth
        again = round(recompute * depth)
        blocks = (depth - again) * block + again * size + (block if again else 0)
        # On the way back: gradients of x, and of the MLP's hidden channels before and after GELU.
        passing = size * (2 + 8 / tensor)
        return (blocks + passing) * sample.tokens * self.config.width
