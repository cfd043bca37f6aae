"""Everything a run needs to go on as if it had never stopped, without pickle.

A state is a folder: `model`, `ema` and `optimizer` as safetensors, the step and recent gradients in
`progress.json`, with `past_*` where a source or an objective needs weights that the model had
before. Where ranks share a run, each has files of its own; any number of ranks can go on from them.
Batches and noise follow from the seed and the step, so no generator is saved.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.training.ema import EMA, Average
from danqing.training.guard import Recent
from danqing.training.parallel.shares import Share
from danqing.training.parallel.work import Work
from danqing.training.parallel.world import leads, rank, size
from danqing.training.saved import Saved, shared_folder, write
from danqing.training.weights import Weights


@dataclass(slots=True)
class State:
    """The live parts of a run, and the number of steps already taken."""

    weights: Weights
    optimizers: Sequence[torch.optim.Optimizer]
    ema: EMA
    step: int = 0
    past: Mapping[str, Average] = field(default_factory=dict[str, Average])
    """Weights that the model had before, by name: what its pictures are painted with."""
    recent: Recent = field(default_factory=Recent)
    """What tells whether the next gradient is in line."""
    work: Work = field(default_factory=Work)
    """The part of each step that is done here."""

    def save(self, folder: Path) -> None:
        """Write the state, replacing an earlier one only when this one is whole."""
        weights = {
            stem: {name: (self._share(name), tensor) for name, tensor in tensors.items()}
            for stem, tensors in self._weights().items()
        }
        own = "" if size() == 1 else f"-{rank()}"
        with shared_folder(folder) as part:
            for stem, tensors in {**weights, "optimizer": dict(self._flatten())}.items():
                write(part / f"{stem}{own}.safetensors", tensors)
            if leads():
                progress = {"step": self.step, "recent": asdict(self.recent)}
                (part / "progress.json").write_text(json.dumps(progress) + "\n")

    @torch.no_grad()
    def restore(self, folder: Path) -> None:
        """Take up a saved state.

        Raises:
            CheckpointError: The state belongs to a model of another shape, or to another source.
        """
        saved = Saved(folder, "model").shapes
        named = {name: self._share(name).whole for name in self.weights.masters}
        odd = [k for k in named.keys() | saved.keys() if named.get(k) != saved.get(k)]
        if odd:
            raise CheckpointError(
                f"the state in {folder} must fit the recipe's model, got {len(odd)} other tensors "
                f"(first: {min(odd)}); start a new run folder or restore the old recipe."
            )
        for stem, tensors in self._weights().items():
            if not (saved := Saved(folder, stem)):
                raise CheckpointError(
                    f"the state in {folder} must have the weights {stem}.safetensors, got none; "
                    "start a new run folder or restore the old recipe."
                )
            for name, tensor in tensors.items():
                tensor.copy_(saved.read(name, self._share(name)))
        self.weights.publish()
        self._unflatten(Saved(folder, "optimizer"))
        progress = json.loads((folder / "progress.json").read_text())
        self.step = progress["step"]
        # States of before there was a guard have none.
        self.recent = Recent(**progress.get("recent", {}))

    def _weights(self) -> dict[str, Mapping[str, Tensor]]:
        """Return all weights, and what they were, by the stem of their files."""
        past = {f"past_{name}": average.state() for name, average in self.past.items()}
        return {"model": self.weights.masters, "ema": self.ema.state(), **past}

    def _share(self, name: str) -> Share:
        return self.weights.shares.of(name, self.weights.masters[name])

    def _shares(self, optimizer: torch.optim.Optimizer) -> list[Share]:
        """Return the shares of an optimizer's weights, in its order."""
        names = {id(master): name for name, master in self.weights.masters.items()}
        groups = optimizer.param_groups
        return [self._share(names[id(weight)]) for group in groups for weight in group["params"]]

    def _flatten(self) -> Iterator[tuple[str, tuple[Share, Tensor]]]:
        """Yield the optimizers' tensors as `<optimizer>.<weight>.<key>`, the first two numbers."""
        for index, optimizer in enumerate(self.optimizers):
            shares = self._shares(optimizer)
            for number, values in optimizer.state_dict()["state"].items():
                for key, value in values.items():
                    tensor = torch.as_tensor(value)
                    # A number that counts steps is nobody's box: all have it.
                    share = shares[number] if tensor.ndim else Share.all_of(tensor)
                    yield f"{index}.{number}.{key}", (share, tensor)

    def _unflatten(self, saved: Saved) -> None:
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.optimizers]
        shares = [self._shares(optimizer) for optimizer in self.optimizers]
        for name, shape in saved.shapes.items():
            index, number, key = name.split(".", 2)
            share = shares[int(index)][int(number)] if shape else None
            tensor = saved.read(name, share)
            states[int(index)].setdefault(int(number), {})[key] = tensor
        for optimizer, state in zip(self.optimizers, states, strict=True):
            # Settings come from the recipe, so a changed learning rate takes effect on resuming.
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
