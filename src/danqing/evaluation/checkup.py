"""Whether a run's judge can be believed: golden items are asked before anything new is looked at.

What was seen of a run's pictures may be of several days, and a judge behind a URL may change from
one to the next. So all that was ever said to golden items stays in the run's folder.
"""

import json
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from danqing.core.files import atomic_path
from danqing.core.log import logger
from danqing.scorers.chat import Chat, live
from danqing.scorers.health import Health, check, drift, read_health
from danqing.scorers.judge import Judge

FILE: Final = "health.json"


def examine(chat: Chat, folder: Path) -> None:
    """Ask golden items, and add what was said to the folder's file; a replay is asked nothing.

    Raises:
        DownloadError: nobody is there to ask.
        StorageError: the file cannot be written.
    """
    if (asked := live(chat)) is None:
        return
    now = check(Judge(asked))
    checks = [*_checks(folder), now]
    text = json.dumps([one.record() for one in checks], indent=1, ensure_ascii=False)
    with atomic_path(folder / FILE) as staged:
        staged.write_text(text + "\n", encoding="utf-8")
    for change in _changes(_of(chat, checks)[-2:]):
        logger(__name__).warning("the judge has changed: %s", change)


def health(chat: Chat, folder: Path) -> dict[str, Any] | None:
    """Return how a chat did when it was last asked, and all that has changed since the first time.

    Returns:
        Plain data, or None where it never was asked.
    """
    checks = _of(chat, _checks(folder))
    if not checks:
        return None
    last = checks[-1]
    return {
        "when": last.when,
        "served": list(last.served),
        "items": len(last.truth),
        "accuracy": last.accuracy,
        "sensitivity": last.sensitivity,
        "specificity": last.specificity,
        "wrong": last.wrong,
        "checks": len(checks),
        "drift": list(_changes(checks)),
    }


def _checks(folder: Path) -> list[Health]:
    file = folder / FILE
    if not file.exists():
        return []
    return [read_health(record) for record in json.loads(file.read_text(encoding="utf-8"))]


def _of(chat: Chat, checks: Iterable[Health]) -> list[Health]:
    """Return the checks of a chat; those of others in the same folder say nothing about it."""
    who = json.dumps(Judge(chat).identity, sort_keys=True)
    return [one for one in checks if json.dumps(one.judge, sort_keys=True) == who]


def _changes(checks: Iterable[Health]) -> Iterable[str]:
    return (change for before, now in pairwise(checks) for change in drift(before, now))
