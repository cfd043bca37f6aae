"""The weights that an optimizer moves, in float32, whatever format the network computes in.

Small updates vanish when they are added to bfloat16 weights, so those are copies of float32
*masters* (mixed precision training, arXiv 1710.03740; bfloat16 needs no loss scaling). Masters are
plain tensors on every rank, its boxes of the weights where ranks share them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from danqing.training.parallel.shares import Shares, local


class Weights:
    """A module and its float32 masters, by name.

    Attributes:
        module: Computes losses and gradients, in the dtype it was given.
        masters: What the optimizer moves. In float32 they are the module's own parameters, unless
            these are sharded.
        shares: What the masters are of the whole weights.
    """

    def __init__(
        self,
        module: nn.Module,
        dtype: torch.dtype = torch.float32,
        shares: Shares | None = None,
    ) -> None:
        self.shares = shares or Shares()
        own = {name: p for name, p in module.named_parameters() if p.requires_grad}
        apart = dtype != torch.float32 or any(local(p) is not p for p in own.values())
        self.masters = own
        if apart:
            masters = {name: local(p.detach()).float().clone() for name, p in own.items()}
            self.masters = {name: nn.Parameter(master) for name, master in masters.items()}
        self.module = module.to(dtype)
        # Named once: `named_parameters` walks the whole tree of modules.
        named = module.named_parameters() if apart else ()
        self._copies = {name: p for name, p in named if p.requires_grad}

    @property
    def sharded(self) -> bool:
        """Whether ranks share all weights, and the module puts them together as it needs them."""
        return hasattr(self.module, "reshard")

    @property
    def dtype(self) -> torch.dtype:
        """The format that the module computes in."""
        return next(self.module.parameters()).dtype

    def collect(self) -> None:
        """Add the gradients of the last backward pass to those of the masters."""
        for name, copy in self._copies.items():
            if copy.grad is not None:
                gradient, master = local(copy.grad).float(), self.masters[name]
                master.grad = gradient if master.grad is None else master.grad + gradient
                copy.grad = None

    def complete(self) -> None:
        """Add up over ranks what collected gradients lack."""
        self.shares.complete(self.masters)

    def clip(self, most: float) -> Tensor:
        """Scale the gradient of all weights together to a norm of at most `most`; return it."""
        return self.shares.clip(self.masters, most)

    @torch.no_grad()
    def publish(self, values: Mapping[str, Tensor] | None = None) -> None:
        """Give the module the masters' values, or others."""
        values = self.masters if values is None else values
        for name, copy in self._copies.items():
            local(copy).copy_(values[name])

    @contextmanager
    def holding(self, values: Mapping[str, Tensor]) -> Iterator[None]:
        """Give a sharded module other values for a while, in which nothing is learned."""
        self.publish(values)
        try:
            with torch.no_grad():
                yield
        finally:
            # What its last forward pass has put together is of the other values.
            self.module.reshard()  # pyright: ignore
            self.publish()
