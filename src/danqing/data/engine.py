"""Hand spans of rows out to workers: threads of this machine, or a cluster, by one setting.

Daft does it (see `docs/decisions/0021-data-engine.md`); nothing else in the house knows of it.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from danqing.core.errors import MissingPackage, RecipeError

if TYPE_CHECKING:
    from danqing.data.run import Task
    from danqing.data.stages import Step

Runner = Literal["native", "ray"]


def hand_out(
    tasks: Sequence["Task"], group: Sequence["Step"], runner: Runner, workers: int | None
) -> Iterator[int]:
    """Do all tasks, in any order; yield a 1 for each that is done.

    Raises:
        MissingPackage: Daft, or Ray where it is asked for, is not installed.
    """
    from danqing.data.run import Task, measure_span

    if not tasks:
        return
    daft = _daft(runner, workers)
    steps = list(group)

    # A lambda travels to other processes as it is; what it calls is found there by name.
    work = daft.func.batch(return_dtype=daft.DataType.int64(), batch_size=1)(
        lambda uri, out, rows: [
            measure_span(Task(*task), steps) for task in zip(uri, out, rows, strict=True)
        ]
    )
    spans = daft.from_pydict(
        {name: [getattr(task, name) for task in tasks] for name in Task._fields}
    )
    if runner == "ray":
        spans = spans.into_partitions(min(len(tasks), 4 * (workers or os.cpu_count() or 1)))
    done = spans.select(work(spans["uri"], spans["out"], spans["rows"]).alias("done"))
    with warnings.catch_warnings(action="ignore"):
        for row in done.iter_rows():
            yield int(row["done"])


def _daft(runner: Runner, workers: int | None) -> Any:
    # Daft would tell its makers of every import.
    os.environ["DO_NOT_TRACK"] = "true"
    try:
        import daft
    except ImportError as error:
        raise MissingPackage(
            'filtering must have daft, got no such package; run pip install "danqing[data]".'
        ) from error
    if runner == "ray":
        try:
            import ray  # noqa: F401  # pyright: ignore
        except ImportError as error:
            raise MissingPackage(
                'runner = "ray" must have ray, got no such package; '
                'run pip install "danqing[cluster]".'
            ) from error
    errors: Any = daft.exceptions
    try:
        daft.set_runner_ray() if runner == "ray" else daft.set_runner_native(workers)
    except errors.DaftCoreException as error:
        # A process has one runner, which the first run chose.
        if daft.get_or_create_runner().name != runner:
            raise RecipeError(
                f'runner must be the same for all runs of a process, got "{runner}"; '
                "start another process."
            ) from error
    return daft
