"""Everything a run needs to go on as if it had never stopped, without pickle.

A state is a folder: `model`, `ema` and `optimizer` as safetensors, the step and recent gradients in
`progress.json`, with `past_*` where a source needs weights that the model had before.
Batches and noise follow from the seed and the step, so no generator is saved.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.core.files import atomic_folder
from danqing.training.ema import EMA, Average
from danqing.training.guard import Recent
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

    def save(self, folder: Path) -> None:
        """Write the state, replacing an earlier one only when this one is whole."""
        with atomic_folder(folder) as part:
            save_file(_contiguous(self.weights.masters), part / "model.safetensors")
            save_file(_contiguous(self.ema.state()), part / "ema.safetensors")
            for name, average in self.past.items():
                save_file(_contiguous(average.state()), part / f"past_{name}.safetensors")
            save_file(_contiguous(_flatten(self.optimizers)), part / "optimizer.safetensors")
            progress = {"step": self.step, "recent": asdict(self.recent)}
            (part / "progress.json").write_text(json.dumps(progress) + "\n")

    @torch.no_grad()
    def restore(self, folder: Path) -> None:
        """Take up a saved state.

        Raises:
            CheckpointError: The state belongs to a model of another shape, or to another source.
        """
        saved = load_file(folder / "model.safetensors")
        named = self.weights.masters
        odd = [k for k in named.keys() | saved.keys() if _shape(named, k) != _shape(saved, k)]
        if odd:
            raise CheckpointError(
                f"the state in {folder} must fit the recipe's model, got {len(odd)} other tensors "
                f"(first: {min(odd)}); start a new run folder or restore the old recipe."
            )
        for name, parameter in named.items():
            parameter.copy_(saved[name])
        self.weights.publish()
        self.ema.restore(load_file(folder / "ema.safetensors"))
        for name, average in self.past.items():
            if not (path := folder / f"past_{name}.safetensors").exists():
                raise CheckpointError(
                    f"the state in {folder} must have the weights {path.name}, got none; "
                    "start a new run folder or restore the old recipe."
                )
            average.restore(load_file(path))
        _unflatten(self.optimizers, load_file(folder / "optimizer.safetensors"))
        progress = json.loads((folder / "progress.json").read_text())
        self.step = progress["step"]
        # States of before there was a guard have none.
        self.recent = Recent(**progress.get("recent", {}))


def _shape(tensors: Mapping[str, Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _flatten(optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return the optimizers' tensors as `<optimizer>.<weight>.<key>`, the first two numbers."""
    return {
        f"{index}.{number}.{key}": torch.as_tensor(value)
        for index, optimizer in enumerate(optimizers)
        for number, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
    }


def _unflatten(optimizers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimizers]
    for name, tensor in tensors.items():
        index, number, key = name.split(".", 2)
        states[int(index)].setdefault(int(number), {})[key] = tensor
    for optimizer, state in zip(optimizers, states, strict=True):
        # Settings come from the recipe, so a changed learning rate takes effect on resuming.
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})
