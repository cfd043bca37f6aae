"""The training loop: batch, loss, step; log and save now and then.

It knows steps and losses only. What is learned is the objective's, from what the source's.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from danqing.core.errors import DanqingError
from danqing.core.log import Metrics, logger
from danqing.core.seed import derive, generator
from danqing.training.guard import Guard
from danqing.training.objectives.base import Objective
from danqing.training.optim import LRSchedule
from danqing.training.parallel.world import leads, size
from danqing.training.sources.base import Batches
from danqing.training.state import State

log = logger(__name__)


class Enough(Exception):
    """Raised by `on_step`: the run ends here as if its steps were over."""


class Means:
    """Averages of what is logged, since they were last taken."""

    def __init__(self) -> None:
        self._values: dict[str, list[torch.Tensor]] = {}
        self._since = time.monotonic()

    def add(self, **values: torch.Tensor) -> None:
        """Add the values of one step; a part may be NaN when no sample of the batch had it."""
        for name, value in values.items():
            self._values.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        """Return the averages and the seconds a step took, and start anew."""
        now = time.monotonic()
        steps = max(map(len, self._values.values()))
        means = {k: torch.stack(v).nanmean().item() for k, v in self._values.items()}
        means["seconds"] = (now - self._since) / steps
        self._values, self._since = {}, now
        return means


def train(
    state: State,
    objective: Objective,
    batches: Batches,
    *,
    steps: int,
    lr_schedule: LRSchedule,
    clip: float,
    seed: int,
    run: Path,
    guard: Guard | None = None,
    log_every: int = 50,
    save_every: int = 500,
    on_log: Callable[[int, Mapping[str, float]], None] = lambda step, values: None,
    on_save: Callable[[int], None] = lambda step: None,
    on_step: Callable[[int], None] = lambda step: None,
) -> None:
    """Train until `steps` steps have been taken, from wherever `state` stands.

    Metrics go to `run/metrics.jsonl`, the state to `run/state`; it is also saved when the loop
    is interrupted. `on_log` is told every line of metrics, `on_save` how many steps the saved state
    has, `on_step` how many steps have been taken; the latter may raise `Enough`.

    Raises:
        DanqingError: The loss or the gradient stopped being finite, or `guard` gave up.
    """
    weights = state.weights
    groups = [group for optimizer in state.optimizers for group in optimizer.param_groups]
    peak = [group["lr"] for group in groups]
    run.mkdir(parents=True, exist_ok=True)
    metrics = Metrics(run / "metrics.jsonl")
    weights.module.train()
    means = Means()

    def save() -> None:
        state.save(run / "state")
        if leads():
            on_save(state.step)

    try:
        while state.step < steps:
            step = state.step
            factor = lr_schedule.factor(step, steps)
            for group, lr in zip(groups, peak, strict=True):
                group["lr"] = lr * factor

            drawn = generator(derive(seed, "step", step))
            loss = state.work.learn(objective, weights, batches[step], drawn)
            norm = weights.clip(clip)
            if not torch.isfinite(norm):
                raise DanqingError(
                    f"the gradient of step {step} must be finite, got {norm.item()} at loss "
                    f"{loss.value.item():.4g}; lower optimizer.lr and resume from {run / 'state'}."
                )
            taken = guard is None or guard.passes(norm.item(), state.recent)
            for optimizer in state.optimizers:
                if taken:
                    optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            weights.publish()
            for average in (state.ema, *state.past.values()):
                average.update(weights.masters, step)
            state.step += 1

            means.add(loss=loss.value.detach(), gradient=norm, **loss.parts)
            if guard is not None:
                means.add(skipped=torch.tensor(float(not taken)))
            if state.step % log_every == 0 or state.step == steps:
                values = {"lr": factor * peak[0], **means.take()}
                if leads():
                    metrics.write(step=state.step, **values)
                    on_log(state.step, values)
            if state.step % save_every == 0:
                save()
            on_step(state.step)
    except Enough as reason:
        log.warning("ended after %d steps: %s", state.step, reason)
    except KeyboardInterrupt:
        # Between `backward` and `step` nothing of the state has changed, so any moment is safe
        # except inside the optimizers; the last whole save stays in place if this one fails.
        # Where ranks share the state, they do not stop at the same step, and none can save it.
        if size() == 1:
            log.warning("interrupted after %d steps; saving %s", state.step, run / "state")
            save()
        raise
    save()
