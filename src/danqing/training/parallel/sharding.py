"""Sharding: ranks share all weights, and a block's are whole only while it computes (FSDP2).

Gradients are summed, not averaged, because every rank's loss is its share of the batch's. The
modulations of blocks are asked for before the blocks are, so they are sharded apart from them.
"""

import warnings

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh

from danqing.models.conditioner.language import Layer
from danqing.models.mmdit.block import MMDiTBlock


def shard(module: nn.Module, mesh: DeviceMesh) -> None:
    """Shard a module, a block at a time.

    Args:
        module: What is trained.
        mesh: The ranks that share weights; with an axis before, groups of these that have all each.
    """
    from torch.distributed.fsdp import (
        FSDPModule,
        MixedPrecisionPolicy,
        fully_shard,
        register_fsdp_forward_method,
    )

    # Each rank asks these when it likes, as a reader that remembers texts does: so each has all.
    ignored = {
        weight
        for part in module.children()
        if not any(weight.requires_grad for weight in part.parameters())
        for weight in part.parameters()
    }
    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32)
    # What these maps give is a view, of which FSDP warns those who would write to it; nobody does.
    warnings.filterwarnings("ignore", message=r"FSDP2-wrapped module .* returned a view tensor")
    for part in module.modules():
        if isinstance(part, MMDiTBlock):
            apart: list[nn.Module] = [part.text.modulate, part.image.modulate]
            fully_shard(apart, mesh=mesh, mp_policy=policy, ignored_params=ignored)
        if isinstance(part, MMDiTBlock | Layer):
            fully_shard(part, mesh=mesh, mp_policy=policy, ignored_params=ignored)
    fully_shard(module, mesh=mesh, mp_policy=policy, ignored_params=ignored)
    for name in ("encode", "decode"):
        if hasattr(module, name):
            register_fsdp_forward_method(module, name)
    for part in module.modules():
        if isinstance(part, FSDPModule):
            part.set_gradient_divide_factor(1.0)
            # Gloo can sum, but not sum and scale.
            part.set_force_sum_reduction_for_comms(True)
