"""VIEScore for edits: what a judge is asked about them, and which numbers it said.

It is asked twice: about the source and the edited picture (has the edit succeeded, was too much
edited?), and about the edited picture alone (is it natural, is it free of artifacts?). Each answer
has two numbers from 0 to 10, and the lesser one counts. Follows Ku et al. 2023, "VIEScore"
(arXiv:2312.14867), as GEdit-Bench has it (stepfun-ai/Step1X-Edit, commit 570eba6).
"""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from danqing.core.errors import SourceError
from danqing.scorers.replies import LONGEST, Mode, number, score_list

PLACE: Final = "<instruction>"
"""Where the instruction of an edit stands in a rubric."""
_FORM: Final = '{"score": [first, second], "reasoning": "one short sentence"}'
_MOST: Final = 1e6
_PAIR: Final = re.compile(r"\[\d+, ?\d+\]")
_CONTEXT: Final = "_context_no_delimit"
_EDITS: Final = (_CONTEXT, "_prompts_0shot_two_image_edit_rule", "_prompts_0shot_tie_rule_SC")
_LOOKS: Final = (_CONTEXT, "_prompts_0shot_rule_PQ")
"""Names of the texts that the official questions consist of."""


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a judge is asked."""

    edit: str
    """Of the source and the edited picture; has `PLACE`."""
    look: str
    """Of the edited picture."""


OWN: Final = Rubric(
    f"""\
The first picture is the original, the second one is the same after an edit. What was wanted:
{PLACE}

Give two whole numbers from 0 to 10.
First, success: 10 if all that was wanted is there, as it was wanted; 0 if nothing of it is, also
where both pictures are the same.
Second, restraint: 10 if nothing else has changed; 0 if the original cannot be recognized.

Answer with this JSON object and nothing else: {_FORM}""",
    f"""\
Look at this picture as a critical retoucher would. Give two whole numbers from 0 to 10.
First, naturalness: 10 if light, shadows, perspective and sizes are as they would be; 0 if nothing
of it could be so.
Second, cleanness: 10 if there is no seam, blur, watermark, bent face or body, or part that fits
badly; 0 if most of the picture is spoiled by them.

Answer with this JSON object and nothing else: {_FORM}""",
)
"""The same questions in our own words."""


def rubric(path: Path) -> Rubric:
    """Return the official questions.

    Args:
        path: `vie_prompts.py` of GEdit-Bench or VIEScore; it is read, not run.

    Raises:
        SourceError: it is not that file.
    """
    try:
        texts = {
            ast.unparse(statement.targets[0]): ast.literal_eval(statement.value)
            for statement in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(statement, ast.Assign)
        }
        edit, look = ("\n".join(texts[name] for name in names) for names in (_EDITS, _LOOKS))
    except (OSError, SyntaxError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            f"rubric must be the vie_prompts.py of GEdit-Bench, got {path}; check its path."
        ) from error
    return Rubric(edit, look)


def least(text: str, mode: Mode) -> float | None:
    """Return the least of the numbers in an answer; None: it has none that can be read.

    Args:
        text: The answer.
        mode: `fixed` takes exactly two numbers from 0 to 10, in the one JSON object; `official`
            takes as many as there are, of any size, from what stands between the first and the last
            brace, or without braces from a list of two or a number alone.
    """
    if mode == "fixed":
        return min(score_list(text, 2, 0.0, 10.0) or [], default=None)
    text = text[:LONGEST]
    try:
        if braced(text):
            inside = text[text.find("{") : text.rfind("}") + 1]
            found = json.loads(inside.replace("\n", ""))["score"]
        elif pair := _PAIR.fullmatch(text[text.find("[") : text.rfind("]") + 1]):
            found = json.loads(pair[0])
        else:
            found = number(int(text), 0.0, 10.0)
    except (ValueError, KeyError, RecursionError):
        return None
    told: list[Any] = found if isinstance(found, list) else [found]
    # The script stops at what is no number, and at the root of a negative one.
    whole = all(isinstance(n, int | float) and 0 <= n < _MOST for n in told)
    return min(map(float, told), default=None) if whole else None


def braced(text: str) -> bool:
    """Return whether there are braces in an answer, so that the official script guesses nothing."""
    return "{" in text and "}" in text
