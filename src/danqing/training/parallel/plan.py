"""The plan of a run over processes, and how it is laid over a module.

The order is fixed, because each step works on what the one before has left:

    tensor -> context -> recompute -> shard

Blocks that a trainee compiles are so at their first call, within what shards them and around what
recomputes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from danqing.core.config import at_least
from danqing.core.errors import RecipeError
from danqing.training.parallel.context import share_tokens
from danqing.training.parallel.recompute import recompute
from danqing.training.parallel.sharding import shard
from danqing.training.parallel.shares import Share, Shares, local
from danqing.training.parallel.tensor import share_heads
from danqing.training.parallel.work import Work
from danqing.training.parallel.world import alone, device, size


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel:
    """Into how many ranks the processes of a run are divided, along each way of sharing work."""

    shard: int | None = None
    """Ranks that share all weights, and the samples of a batch; none: all that there are."""
    replicate: int = 1
    """Groups of such ranks that share the samples, and have all weights each."""
    tensor: int = 1
    """Ranks that share the heads and hidden channels of blocks; neighbours, so of one machine."""
    context: int = 1
    """Ranks that share the tokens of each sample, for pictures too large for one."""

    def __post_init__(self) -> None:
        at_least(1, shard=1 if self.shard is None else self.shard)
        at_least(1, replicate=self.replicate, tensor=self.tensor, context=self.context)

    def shards(self, ranks: int) -> int:
        """Return how many ranks share all weights and the samples.

        Raises:
            RecipeError: the plan is for another number of processes.
        """
        others = self.replicate * self.tensor * self.context
        shards = self.shard or max(1, ranks // others)
        if shards * others != ranks:
            raise RecipeError(
                f"parallel must be a plan for {ranks} processes, got one for {shards * others}; "
                f"start as many with torchrun --nproc-per-node {shards * others}."
            )
        return shards


def parallelize(
    module: nn.Module, plan: Parallel, share: float, rounds: int
) -> tuple[Shares, Work]:
    """Lay a plan over a module; return what this rank has of its weights and does of the work.

    Args:
        module: What is trained, the same on all ranks.
        plan: The plan.
        share: Of the blocks, whose activations are not kept but computed again.
        rounds: Pieces of a batch that each rank takes one after the other.

    Raises:
        RecipeError: the plan does not fit the processes or the module.
    """
    shards = plan.shards(size())
    if alone():
        recompute(module, share)
        module.to(device())
        return Shares(), Work(rounds=rounds)
    kind, samples = device().type, plan.replicate * shards
    weights = init_device_mesh(
        kind,
        (plan.replicate, shards * plan.context, plan.tensor),
        mesh_dim_names=("replicate", "shard", "tensor"),
    )
    work = init_device_mesh(
        kind,
        (samples, plan.context, plan.tensor),
        mesh_dim_names=("samples", "context", "tensor"),
    )
    cuts: dict[str, Share] = {}
    summed: list[str] = []
    if plan.tensor > 1:
        cuts, summed = share_heads(module, weights.get_group("tensor"))
    if plan.context > 1:
        share_tokens(module, work.get_group("context"))
    recompute(module, share)
    if samples * plan.context > 1:
        shard(module, weights["replicate", "shard"] if plan.replicate > 1 else weights["shard"])
    # What is sharded is there already; it may be too much for one device before that.
    module.to(device())
    shares = Shares(
        dict(_shares(module, weights, cuts)), tuple(summed), weights.get_group("tensor")
    )
    return shares, Work(work.get_local_rank("samples"), samples, rounds, plan.context)


def _shares(
    module: nn.Module, mesh: DeviceMesh, cuts: dict[str, Share]
) -> Iterator[tuple[str, Share]]:
    replica, row, column = (mesh.get_local_rank(axis) for axis in ("replicate", "shard", "tensor"))
    for name, weight in module.named_parameters():
        share = cuts.get(name) or Share.all_of(weight)
        answers = replica == 0 and (name in cuts or column == 0)
        if local(weight) is not weight:
            share = share.cut(0, row, mesh["shard"].size())
        else:
            answers = answers and row == 0
        yield name, replace(share, answers=answers)
