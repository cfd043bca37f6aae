"""A process and its children, watched from outside: seconds, work, memory."""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Taken(NamedTuple):
    """What a process took."""

    seconds: float
    cpu: float
    """Seconds of one core, of it and its children."""
    peak: int
    """Bytes of memory of it and its children; pages that they share are counted once."""


def watch(command: Sequence[object], environment: Mapping[str, str] | None = None) -> Taken:
    """Run a command to its end and return what it took.

    Raises:
        SystemExit: it failed; the text ends with what it said last.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as log:
        began, before, peak = time.perf_counter(), _waited_for(), 0
        process = subprocess.Popen(
            words, stdout=log, stderr=subprocess.STDOUT, env=os.environ | dict(environment or {})
        )
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"{' '.join(words)} failed:\n{log.read()[-3000:]}")
    return Taken(seconds, _waited_for() - before, peak)


def memory(process: int) -> int:
    """Return bytes of memory of a process and its children; shared pages are counted once."""
    total = 0
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
        for task in Path(f"/proc/{process}/task").iterdir():
            total += sum(memory(int(child)) for child in (task / "children").read_text().split())
    except OSError:
        pass  # it has just ended
    return total


def _waited_for() -> float:
    """Return the seconds of a core that all children took that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
