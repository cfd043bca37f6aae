"""A linear map that learns a small change of itself, of low rank (LoRA, arXiv 2106.09685).

    y = W x + b + scale up (down x)        scale = alpha / rank

`up` starts at zero, so a fresh adapter changes nothing. W and b stay what and where they are, under
the same names, frozen: in bfloat16, compressed, or on disk. Two adapters of one layer are one
adapter whose rank is the sum of theirs.

Dimension key:
    D channels in    E channels out    R rank
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.models.layers import Linear, linear


class Adapted(Linear):
    """A linear map and its adapter.

    Attributes:
        down: Into the rank.
        up: Out of it.
        scale: What the adapter's part is multiplied with.
        active: Whether there is an adapter's part.
    """

    def __init__(
        self,
        base: Linear,
        down: Float[Tensor, "R D"],
        up: Float[Tensor, "E R"],
        scale: float = 1.0,
    ) -> None:
        """Take over the weight and bias of a map; the adapter takes their format and place."""
        nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.down = nn.Parameter(down.to(base.weight.device, base.weight.dtype))
        self.up = nn.Parameter(up.to(base.weight.device, base.weight.dtype))
        self.scale, self.active = scale, True

    def forward(
        self, input: Float[Tensor, "*rows D"], *, gelu: bool = False
    ) -> Float[Tensor, "*rows E"]:
        """Return the changed map of every row, or GELU of it (tanh form)."""
        if not self.active:
            return super().forward(input, gelu=gelu)
        change = linear(linear(input, self.down), self.up)
        out = torch.add(super().forward(input), change, alpha=self.scale)
        return F.gelu(out, approximate="tanh") if gelu else out

    @torch.no_grad()
    def merged(self) -> Float[Tensor, "E D"]:
        """Return the weight that does alone what weight and adapter do together."""
        change = self.scale * (self.up.float() @ self.down.float())
        return (self.weight.float() + change).to(self.weight.dtype)


def with_adapter(base: Linear, down: Float[Tensor, "R D"], up: Float[Tensor, "E R"]) -> Adapted:
    """Return a map with one more adapter, of scale 1."""
    if isinstance(base, Adapted):
        down = torch.cat((base.down.detach(), down.to(base.down)))
        up = torch.cat((base.scale * base.up.detach(), up.to(base.up)), dim=1)
    return Adapted(base, down, up)


def adapt(network: nn.Module, layers: str, rank: int, alpha: float) -> None:
    """Freeze a network and give some of its linear maps fresh adapters, which learn.

    Args:
        network: The network.
        layers: Which maps: an expression found in their names.
        rank: The rank of each adapter.
        alpha: Rank times scale, so that other ranks learn at about the same pace.

    Raises:
        RecipeError: no map has such a name.
    """
    network.requires_grad_(False)
    maps = linears(network)
    chosen = [name for name in maps if re.search(layers, name)]
    if not chosen:
        raise RecipeError(
            f"layers must be found in names of linear maps, got {layers!r}; "
            f"they look like {next(iter(maps), 'nothing')}."
        )
    for name in chosen:
        base = maps[name]
        # As PyTorch starts a linear map, and as others start theirs.
        bound = base.in_features**-0.5
        down = torch.empty(rank, base.in_features).uniform_(-bound, bound)
        up = torch.zeros(base.out_features, rank)
        network.set_submodule(name, Adapted(base, down, up, alpha / rank))


def linears(network: nn.Module) -> dict[str, Linear]:
    """Return the linear maps of a network by name."""
    return {name: part for name, part in network.named_modules() if isinstance(part, Linear)}


def adapted(network: nn.Module) -> dict[str, Adapted]:
    """Return the maps of a network that have an adapter, by name."""
    return {name: part for name, part in linears(network).items() if isinstance(part, Adapted)}


@contextmanager
def off(network: nn.Module) -> Iterator[None]:
    """Make a network what it was without its adapters."""
    layers = [layer for layer in adapted(network).values() if layer.active]
    for layer in layers:
        layer.active = False
    try:
        yield
    finally:
        for layer in layers:
            layer.active = True


def merged(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network by name, its adapters merged into them."""
    layers = adapted(network)
    own = {f"{name}.{part}" for name in layers for part in ("down", "up")}
    weights = {name: weight for name, weight in network.state_dict().items() if name not in own}
    return weights | {f"{name}.weight": layer.merged() for name, layer in layers.items()}
