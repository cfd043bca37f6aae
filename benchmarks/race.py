"""Two programs in turns on one machine, and what that machine is."""

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import torch

from danqing.core.device import native_bf16


def race(contestants: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Return the median seconds of each contestant.

    Each repeat runs them all, so that a busy machine slows all alike; the ratio of the medians is
    what counts. They should have run once before, to warm up.
    """
    seconds: list[list[float]] = [[] for _ in contestants]
    for _ in range(repeats):
        for run, times in zip(contestants, seconds, strict=True):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]


def surroundings(threads: int) -> str:
    """Return the date, the machine and the versions that a result belongs to."""
    import diffusers

    native = "native" if native_bf16("cpu") else "emulated"
    return (
        f"{date.today()}, {processor()}, {threads} threads, python {platform.python_version()},\n"
        f"torch {torch.__version__}, diffusers {diffusers.__version__}, bfloat16 {native}"
    )


def processor() -> str:
    """Return the name of this machine's processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
