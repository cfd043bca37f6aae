"""A training run as a file: what is trained, on what, for how long.

Everything a recipe does not say is a default here. The resolved recipe is written beside the run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from danqing.core.config import at_least, write
from danqing.core.device import DTYPES
from danqing.core.errors import RecipeError
from danqing.training.ema import EMA, Average
from danqing.training.guard import Guard
from danqing.training.loop import train
from danqing.training.objectives import Comparing, Divisible, Objective, objectives
from danqing.training.optim import AdamW, LRSchedule, Optimizer, optimizers
from danqing.training.parallel.plan import Parallel, parallelize
from danqing.training.parallel.world import alone, first, leads, size
from danqing.training.policy import Policy
from danqing.training.samples import Live, Samples, displays, shower
from danqing.training.saved import Saved
from danqing.training.sinks import Sink, opened, sinks
from danqing.training.sources import Batches, BatchSource, OnPolicy, Passing, sources
from danqing.training.sources.rollouts import Rollouts
from danqing.training.sources.walks import Walks
from danqing.training.state import State
from danqing.training.trainees import TextToImageTrainee, Trainee, trainees
from danqing.training.watch import Watch
from danqing.training.weights import Weights


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that decides a training run."""

    model: Path
    """Folder of the model: parts trained earlier are read from it, the result is written to it."""
    run: Path
    """Folder of the run: state, metrics and the resolved recipe. Running again resumes."""
    trainee: Annotated[Trainee, trainees]
    """What is trained."""
    objective: Annotated[Objective | Comparing, objectives]
    """What is minimized."""
    source: Annotated[BatchSource | OnPolicy, sources]
    """Where batches come from."""
    steps: int
    """Optimizer steps in all."""
    optimizer: Annotated[Optimizer, optimizers] = field(default_factory=AdamW)
    """The optimizer."""
    lr_schedule: LRSchedule = field(default_factory=LRSchedule)
    """The learning rate over steps."""
    guard: Guard | None = field(default_factory=Guard)
    """Which steps are skipped because their gradient is out of line; none: no step is."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What the network computes in; the weights that are trained are float32 in any case."""
    ema: float = 0.999
    """Decay of the average of weights, which is what is exported."""
    seed: int = 0
    """Seed of weights, data and noise."""
    log_every: int = 50
    """Steps between lines in `metrics.jsonl`."""
    log: tuple[Annotated[Sink, sinks], ...] = ()
    """Where these lines go too."""
    save_every: int = 500
    """Steps between saved states."""
    accumulate: int = 1
    """Pieces of a batch that are learned one after the other, for less memory in the same step."""
    recompute: float = 0.0
    """Share of the transformer's blocks, from 0 to 1, that keep no activations and compute them
    again: less memory, more time."""
    parallel: Parallel = field(default_factory=Parallel)
    """How the processes that torchrun starts share the work."""
    watch: Watch | None = None
    """How a run that learns from rewards is watched; none: not at all."""
    samples: Annotated[Samples, displays] | None = None
    """What is shown of the run as pictures, in `samples`; none: nothing."""

    def __post_init__(self) -> None:
        at_least(1, accumulate=self.accumulate)
        if not 0 <= self.recompute <= 1:
            raise RecipeError(f"recompute must be from 0 to 1, got {self.recompute}; change it.")
        if self.watch is not None and not isinstance(self.source, Rollouts):
            raise RecipeError(
                f"source must be rollouts to be watched, got {sources.name_of(self.source)}; "
                'set watch = "none".'
            )
        if isinstance(self.source, Walks) and isinstance(self.trainee, TextToImageTrainee):
            told, defaults = (self.source.steps, self.source.schedule), self.trainee.defaults
            if told != (defaults.steps, self.trainee.schedule) or defaults.guidance != 1:
                raise RecipeError(
                    f"trainee must paint as it walks, in {told[0]} steps of {told[1]} without "
                    f"guidance, got {defaults.steps} of {self.trainee.schedule} with guidance "
                    f"{defaults.guidance:g}; change trainee.defaults and trainee.schedule."
                )


def run(recipe: Recipe, on_step: Callable[[int], None] = lambda step: None) -> None:
    """Train to the end, resuming what is in `recipe.run`, and export the averaged weights."""
    if leads():
        write(recipe, recipe.run / "recipe.toml")
    state = prepare(recipe)
    with first():
        batches = _open(recipe, state)
    after = [on_step, *_looks(recipe, state, batches)]

    def told(step: int) -> None:
        for tell in after:
            tell(step)

    if state.step == 0:
        told(0)
    with opened(recipe.log if leads() else (), recipe.run, state.step) as log:
        train(
            state,
            _objective(recipe, state),
            batches,
            steps=recipe.steps,
            lr_schedule=recipe.lr_schedule,
            clip=recipe.optimizer.clip,
            seed=recipe.seed,
            run=recipe.run,
            guard=recipe.guard,
            log_every=recipe.log_every,
            save_every=recipe.save_every,
            on_log=log,
            on_save=batches.passed if isinstance(batches, Passing) else lambda step: None,
            on_step=told,
        )
    if leads():
        export(recipe, state, batches)


def prepare(recipe: Recipe) -> State:
    """Build the module, its optimizer and its averages, and take up the saved state if any.

    Raises:
        RecipeError: The work is to be divided, and the recipe or the plan does not allow it.
    """
    divided = not alone() or recipe.accumulate > 1
    if divided and not isinstance(recipe.objective, Divisible | Comparing):
        raise RecipeError(
            "objective must be a mean over samples to be divided, got "
            f"{objectives.name_of(recipe.objective)}; train without torchrun, with accumulate = 1."
        )
    if not alone() and recipe.samples is not None:
        raise RecipeError(
            f"samples must be none under torchrun, got {displays.name_of(recipe.samples)}; "
            "set samples=none."
        )
    module = recipe.trainee.build(recipe.model, recipe.seed)
    shares, work = parallelize(module, recipe.parallel, recipe.recompute, recipe.accumulate)
    weights = Weights(module, DTYPES[recipe.dtype], shares)
    decays = {
        name: decay
        for part in (recipe.source, recipe.objective)
        if isinstance(part, OnPolicy | Comparing)
        for name, decay in part.past.items()
    }
    state = State(
        weights,
        recipe.optimizer.build(weights.masters, shares),
        EMA(weights.masters, recipe.ema),
        past={name: Average(weights.masters, decay) for name, decay in decays.items()},
        work=work,
    )
    if (recipe.run / "state").exists():
        state.restore(recipe.run / "state")
    return state


def export(recipe: Recipe, state: State, batches: Batches | None = None) -> None:
    """Write the averaged weights of a run, finished or not, into the model's folder.

    Of a run that is watched they are the best so far. `batches` are those of its source, if it is
    open already.
    """
    if recipe.watch is not None and (recipe.run / "best").exists():
        state.restore(recipe.run / "best")
    module = state.weights.module
    if size() == 1:
        state.ema.copy_to(module)
    else:
        # Ranks have boxes of the weights; the state that they saved has all of them.
        module = recipe.trainee.build(recipe.model, recipe.seed)
        averages = Saved(recipe.run / "state", "ema")
        for name, parameter in module.named_parameters():
            if name in averages.shapes:
                parameter.data = averages.read(name)
    batches = _open(recipe, state) if batches is None else batches
    recipe.trainee.export(module.eval(), recipe.model, batches)


def _looks(recipe: Recipe, state: State, batches: Batches) -> Iterator[Callable[[int], None]]:
    """Yield what looks at the run now and then, at its start too."""
    if recipe.samples is not None:
        live = Live(recipe.trainee, recipe.model, state, batches)
        yield shower(recipe.samples, live, recipe.run)
    if recipe.watch is not None:
        assert isinstance(recipe.source, Rollouts)
        yield recipe.watch.begin(recipe.source, state, recipe.model, recipe.run)


def _objective(recipe: Recipe, state: State) -> Objective:
    if isinstance(recipe.objective, Comparing):
        return recipe.objective.against(Policy(state.weights, state.past))
    return recipe.objective


def _open(recipe: Recipe, state: State) -> Batches:
    if isinstance(recipe.source, OnPolicy):
        return recipe.source.paint_with(
            Policy(state.weights, state.past), recipe.model, recipe.seed
        )
    return recipe.source.open(recipe.model, recipe.seed)
