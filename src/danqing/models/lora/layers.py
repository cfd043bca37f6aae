"""A linear map that learns small changes of itself.

    y = W x + b + the sum of what its changes make of x

A fresh adapter changes nothing. W and b stay what and where they are, under the same names, frozen:
in bfloat16, compressed, or on disk.

Dimension key:
    D channels in    E channels out
"""

import re
from collections.abc import Callable
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.models.layers import Linear
from danqing.models.lora.changes import Change

Fresh = Callable[[int, int], Change]
"""From the channels in and out of a map to a change of nothing."""


class Adapted(Linear):
    """A linear map and its changes.

    Attributes:
        changes: What is added to it, one after the other.
    """

    def __init__(self, base: Linear) -> None:
        """Take over the weight and bias of a map, and the changes that it has."""
        nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        mine = nn.ModuleList(base.changes if isinstance(base, Adapted) else ())
        self.changes = cast(list[Change], mine)

    def add(self, change: Change) -> "Adapted":
        """Add one more change, which takes the weight's format and place; return the map."""
        self.changes.append(change.to(self.weight.device, self.weight.dtype))
        return self

    def forward(
        self, input: Float[Tensor, "*rows D"], *, gelu: bool = False
    ) -> Float[Tensor, "*rows E"]:
        """Return the changed map of every row, or GELU of it (tanh form)."""
        out = super().forward(input)
        for change in self.changes:
            out = torch.add(out, change(input), alpha=change.scale)
        return F.gelu(out, approximate="tanh") if gelu else out

    @torch.no_grad()
    def merged(self) -> Float[Tensor, "E D"]:
        """Return the weight that does alone what weight and changes do together."""
        wide = self.weight.float()
        for change in self.changes:
            wide = wide + change.matrix()
        return wide.to(self.weight.dtype)


def adapt(network: nn.Module, layers: str, fresh: Fresh) -> None:
    """Freeze a network and give some of its linear maps fresh adapters, which learn.

    Args:
        network: The network.
        layers: Which maps: an expression found in their names.
        fresh: Makes the adapter of each.

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
        change = fresh(base.in_features, base.out_features)
        network.set_submodule(name, Adapted(base).add(change))


def linears(network: nn.Module) -> dict[str, Linear]:
    """Return the linear maps of a network by name."""
    return {name: part for name, part in network.named_modules() if isinstance(part, Linear)}


def adapted(network: nn.Module) -> dict[str, Adapted]:
    """Return the maps of a network that have an adapter, by name."""
    return {name: part for name, part in linears(network).items() if isinstance(part, Adapted)}


def merged(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network by name, its adapters merged into them."""
    layers = adapted(network)
    own = tuple(f"{name}.changes." for name in layers)
    weights = {n: w for n, w in network.state_dict().items() if not n.startswith(own)}
    return weights | {f"{name}.weight": layer.merged() for name, layer in layers.items()}
