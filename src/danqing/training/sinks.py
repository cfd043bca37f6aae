"""Where metrics go beside `metrics.jsonl`, for those who watch many runs in one place."""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from danqing.core.errors import MissingPackage
from danqing.core.registry import Registry

Write = Callable[[int, Mapping[str, float]], None]
"""Takes the number of steps taken and the values of a line."""


@runtime_checkable
class Sink(Protocol):
    """A place for metrics."""

    def open(self, run: Path, step: int) -> AbstractContextManager[Write]:
        """Return what writes to it; lines after `step` that are there already come again."""
        ...


sinks: Registry[type[Sink]] = Registry("sink of metrics")


@contextmanager
def opened(chosen: Sequence[Sink], run: Path, step: int) -> Iterator[Write]:
    """Give what writes to several sinks, open meanwhile.

    Raises:
        MissingPackage: one of them needs a package that is not installed.
    """
    with ExitStack() as stack:
        writes = [stack.enter_context(sink.open(run, step)) for sink in chosen]

        def write(step: int, values: Mapping[str, float]) -> None:
            for each in writes:
                each(step, values)

        yield write


@sinks.register("tensorboard")
@dataclass(frozen=True, kw_only=True, slots=True)
class TensorBoard:
    """Event files in `run/tensorboard`."""

    @contextmanager
    def open(self, run: Path, step: int) -> Iterator[Write]:
        """Give what adds scalars.

        Raises:
            MissingPackage: `tensorboard` is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise _missing("tensorboard") from error
        with SummaryWriter(run / "tensorboard", purge_step=step + 1) as writer:

            def write(step: int, values: Mapping[str, float]) -> None:
                for name, value in values.items():
                    writer.add_scalar(name, value, step)

            yield write


@sinks.register("wandb")
@dataclass(frozen=True, kw_only=True, slots=True)
class WandB:
    """Weights & Biases; without a network, lines wait in `run/wandb` for `wandb sync`."""

    project: str = "danqing"
    """The project that the run is listed under."""
    mode: Literal["offline", "online"] = "offline"
    """Whether lines are sent at once."""

    @contextmanager
    def open(self, run: Path, step: int) -> Iterator[Write]:
        """Give what logs to one run, however often it is resumed.

        Raises:
            MissingPackage: `wandb` is not installed.
        """
        try:
            import wandb  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise _missing("wandb") from error
        known = run / "wandb.txt"
        if not known.exists():
            known.write_text(secrets.token_hex(8))
        # Steps that come again after a kill have the same values, and wandb drops them.
        with wandb.init(
            project=self.project,
            name=run.name,
            id=known.read_text(),
            resume="allow",
            dir=run,
            mode=self.mode,
        ) as live:
            yield lambda step, values: live.log(dict(values), step=step)


def _missing(package: str) -> MissingPackage:
    return MissingPackage(
        f"package {package} must be installed to log there, got none; pip install {package}."
    )
