"""The weights that an optimizer moves, in float32, whatever format the network computes in.

Small updates vanish when they are added to bfloat16 weights, so those are copies of float32
*masters* (mixed precision training, arXiv 1710.03740; bfloat16 needs no loss scaling).
"""

import torch
from torch import nn


class Weights:
    """A module and its float32 masters, by name.

    Attributes:
        module: Computes losses and gradients, in the dtype it was given.
        masters: What the optimizer moves. In float32 they are the module's own parameters.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype = torch.float32) -> None:
        masters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        if dtype == torch.float32:
            self.module, self.masters = module.float(), masters
            return
        self.masters = {n: nn.Parameter(p.detach().float().clone()) for n, p in masters.items()}
        self.module = module.to(dtype)
        # Named once: `named_parameters` walks the whole tree of modules.
        self._copies = {name: p for name, p in module.named_parameters() if p.requires_grad}

    @property
    def dtype(self) -> torch.dtype:
        """The format that the module computes in."""
        return next(self.module.parameters()).dtype

    def collect(self) -> None:
        """Give the masters the gradients of the last backward pass."""
        if self.dtype == torch.float32:
            return
        for master, copy in zip(self.masters.values(), self._copies.values(), strict=True):
            master.grad = None if copy.grad is None else copy.grad.float()
            copy.grad = None

    @torch.no_grad()
    def publish(self) -> None:
        """Give the module the masters' values."""
        if self.dtype != torch.float32:
            for copy, master in zip(self._copies.values(), self.masters.values(), strict=True):
                copy.copy_(master)
