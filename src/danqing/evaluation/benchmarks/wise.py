"""WISE_Verified: prompts that say what is meant only to those who know, judged right or wrong.

Follows Niu et al. 2025 (arXiv:2503.07265) in its verified edition of 2026, and its published
evaluation (PKU-YuanGroup/WISE, commit eb51174), whose judge is Qwen3.5-35B-A3B, not thinking. What
it is told, with the prompt and an explanation of it, is read from `vllm_eval.py`. The overall score
weighs culture by 0.40 and each of the other five by 0.12, which is what they have of the prompts,
so that it is the mean over all.

Officially the first `Score` with a 0 or 1 behind it is one, also in "0.9", or a line that is
nothing else; an answer without is asked for three times, and where one is still without, or a
picture is missing, there is no overall score. Fixed wants lines that say 0 or 1 and nothing else,
all of them the same, and counts 0 for what is missing or cannot be read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from PIL import Image

from danqing.core.errors import SourceError
from danqing.evaluation.asking import fingerprint, said, who
from danqing.evaluation.benchmark import Ask, Item, Mode, Seen, absent, benchmarks, seeds
from danqing.evaluation.folder import document, quoted
from danqing.evaluation.table import Row, Table, average, categories
from danqing.scorers.base import Score
from danqing.scorers.chat import AnyChat, Question
from danqing.scorers.replies import spoken

FILES: Final = ("cultural_common_sense", "spatio-temporal_reasoning", "natural_science")
CATEGORIES: Final = {
    "Cultural knowledge": "culture",
    "time": "time",
    "Space": "space",
    "Biology": "biology",
    "Physical Knowledge": "physics",
    "Chemistry": "chemistry",
}
"""Their names in the files, and in tables."""
SYSTEM: Final = (
    "You are a professional text-to-image quality auditor. "
    "Evaluate the image strictly according to the protocol."
)
"""What the benchmark's own script says first."""

_SCORE: Final = re.compile(r"score\*{0,2}\s*:?\s*([01])\b", re.IGNORECASE)
_ALONE: Final = re.compile(r"^\s*([01])\s*$", re.MULTILINE)
_WHOLE: Final = re.compile(
    r"""[\s*_#"'{]*(?:score[\s*_"':=]*)?([01])(?:\.0)?[\s*_"'}.]*""", re.IGNORECASE
)


@benchmarks.register("wise")
@dataclass(frozen=True, kw_only=True)
class Wise:
    """1,000 prompts of culture, time, space, biology, physics and chemistry."""

    version: ClassVar = 1
    judges: ClassVar = ("Qwen3.5-35B-A3B",)
    mode: Mode = "fixed"
    folder: Path
    """A clone of the benchmark's repository."""
    judge: AnyChat
    """Who answers."""
    seeds: int = 1
    """Pictures of each prompt."""

    @property
    def looker(self) -> str:
        """Who answers."""
        return who(self.judge, system=SYSTEM)

    def asks(self) -> Sequence[Ask]:
        """Return an ask for each prompt, named by its number as the benchmark's pictures are.

        Raises:
            SourceError: the folder lacks a file, or a prompt its explanation.
        """
        return [
            self._ask(record)
            for name in FILES
            for record in document(self.folder, f"{name}_verified.json")
        ]

    def look(self, ask: Ask, image: Image.Image) -> Seen:
        """Return what the judge says."""
        text = self._rules.replace("{Prompt}", ask.prompt)
        text = text.replace("{Explanation}", ask.data["explanation"])
        asked = Question(text=text, images=(image,), system=SYSTEM, text_first=True, lossless=True)
        found = said(self.judge, [asked], legible=lambda a: _official(a.text) is not None, tries=3)
        return {"answers": found}

    def score(self, ask: Ask, seen: Sequence[Seen | None]) -> Sequence[Score]:
        """Return 1 or 0 for each picture."""
        return [
            absent(self.mode) if s is None else self._score(s["answers"][0]["text"]) for s in seen
        ]

    def fold(self, items: Sequence[Item]) -> Table:
        """Return the share of right pictures of each category and of all."""
        overall = average("overall", items)
        if self.mode == "official" and overall.count < len(items):
            overall = Row("overall", None)
        return Table([*categories(items, average), overall], "overall")

    def _score(self, text: str) -> Score:
        value = _official(text) if self.mode == "official" else _whole(text)
        if value is not None:
            return Score(value, text)
        return Score(None if self.mode == "official" else 0.0, "it has no score", {"unread": 1})

    def _ask(self, record: Mapping[str, Any]) -> Ask:
        try:
            id, prompt = str(record["prompt_id"]), record["Prompt"]
            category, why = CATEGORIES[record["Category"]], record["Explanation"]
        except (KeyError, TypeError) as error:
            raise SourceError(
                "prompts must have prompt_id, Prompt, Explanation and one of the Categories of "
                f"WISE_Verified, got {record!r}; get the files again."
            ) from error
        return Ask(
            id=id,
            prompt=prompt,
            category=category,
            seeds=seeds("wise@1", id, self.seeds),
            data={"explanation": why, "rules": fingerprint(self._rules)},
        )

    @cached_property
    def _rules(self) -> str:
        return quoted(self.folder, "vllm_eval.py", "{Explanation}")


def _official(text: str) -> float | None:
    """Return what the script reads."""
    reply = spoken(text)
    if match := _SCORE.search(reply):
        return float(match[1])
    alone = _ALONE.findall(reply)
    return float(alone[0]) if len(alone) == 1 else None


def _whole(text: str) -> float | None:
    """Return the one score that is told by whole lines."""
    told = {match[1] for line in spoken(text).splitlines() if (match := _WHOLE.fullmatch(line))}
    return float(told.pop()) if len(told) == 1 else None
