"""What goes over the wire to an endpoint and comes back, believed in nothing.

What comes back is a stranger's: numbers may be no numbers, lists may have no end, and log-
probabilities may be above zero. What cannot be believed is left out, never repaired.
"""

import base64
import email.utils
import io
import json
import math
import re
import time
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from PIL import Image

from danqing.scorers.chat.base import PLACES, Place, Question

G = TypeVar("G", int, None)

_MOST_TOKENS: Final = 10_000_000
"""A count above this is no count."""
_MOST_LIKELY: Final = 256
"""Alternatives for a token that are read; endpoints tell about 20."""
_LONGEST_TOKEN: Final = 256
"""Characters."""


class Said(NamedTuple):
    """What a good reply says."""

    text: str
    refusal: str
    """Why there is no text; empty where there is some."""
    read: int
    written: int | None
    """None: it is not told."""
    served: str
    places: tuple[Place, ...]


def request(
    question: Question,
    *,
    model: str,
    max_tokens: int,
    extra: Mapping[str, Any],
    structured: bool,
) -> bytes:
    """Return the body of a request."""
    pictures = [
        {"type": "image_url", "image_url": {"url": _picture(image, question.lossless)}}
        for image in question.images
    ]
    words = [{"type": "text", "text": question.text}]
    content = words + pictures if question.text_first else pictures + words
    system = [{"role": "system", "content": question.system}] if question.system else []
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": question.max_tokens or max_tokens,
        "messages": [*system, {"role": "user", "content": content}],
        **extra,
    }
    if question.top:
        body |= {"logprobs": True, "top_logprobs": question.top}
    if structured and question.schema is not None:
        schema = {"name": "answer", "strict": True, "schema": question.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return json.dumps(body).encode()


def reply(body: bytes, guess: int) -> Said | None:
    """Return what a good reply says; None: it is none.

    Args:
        body: What came.
        guess: Tokens that the question has, for endpoints that do not count them.
    """
    try:
        found = json.loads(body)
        choice, usage = found["choices"][0], found.get("usage")
        message, served = choice["message"], found.get("model")
        text, refusal = message.get("content"), message.get("refusal")
        told = choice.get("logprobs")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    counts = usage if isinstance(usage, dict) else {}
    return Said(
        text=text if isinstance(text, str) else "",
        refusal=refusal if isinstance(refusal, str) else "a reply without text",
        read=_count(counts.get("prompt_tokens"), guess),
        written=_count(counts.get("completion_tokens"), None),
        served=served if isinstance(served, str) else "",
        places=_places(told),
    )


def guess(question: Question) -> int:
    """Return about how many tokens a question has: a token is half a word or 28 x 28 pixels."""
    pixels = sum(image.width * image.height for image in question.images)
    return (len(question.text) + len(question.system)) // 3 + pixels // 784


def seconds(after: str) -> float | None:
    """Read a Retry-After header: seconds, or a date."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", after.strip()):
        return float(after)
    try:
        date = email.utils.parsedate_to_datetime(after)
        return max(0.0, date.timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _picture(image: Image.Image, lossless: bool) -> str:
    file = io.BytesIO()
    if lossless:
        # Packing harder takes four times as long and saves a tenth.
        image.save(file, "PNG", compress_level=1)
    else:
        # Colour at full resolution: halved, it smears the edges of letters.
        image.save(file, "JPEG", quality=92, subsampling=0)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _places(told: Any) -> tuple[Place, ...]:
    """Return the places of an answer up to the first one that cannot be believed."""
    found: list[Place] = []
    content = told.get("content") if isinstance(told, dict) else None
    for entry in islice(content if isinstance(content, list) else (), PLACES):
        place = _place(entry)
        if place is None:
            break
        found.append(place)
    return tuple(found)


def _place(entry: Any) -> Place | None:
    if not isinstance(entry, dict):
        return None
    others = entry.get("top_logprobs")
    likely: dict[str, float] = {}
    for other in [entry, *(others if isinstance(others, list) else ())][:_MOST_LIKELY]:
        if not isinstance(other, dict):
            continue
        token, value = _token(other), _log_probability(other.get("logprob"))
        # What is told twice counts once: the chosen token also stands among the likeliest.
        if token is not None and value is not None:
            likely.setdefault(token, value)
    chosen = _token(entry)
    sound = chosen in likely and sum(map(math.exp, likely.values())) < 1.01
    return Place(chosen, likely) if chosen is not None and sound else None


def _token(entry: Mapping[str, Any]) -> str | None:
    token = entry.get("token")
    return token if isinstance(token, str) and len(token) <= _LONGEST_TOKEN else None


def _log_probability(value: Any) -> float | None:
    """Return a logarithm of a probability; None: it is none, or that of nothing."""
    if type(value) not in (int, float) or not -1e4 < value <= 1e-3:
        return None  # NaN compares as false.
    return min(float(value), 0.0)


def _count(value: Any, guess: G) -> int | G:
    """Return a count of tokens, or the guess where there is none that can be believed."""
    believable = type(value) is int and 0 <= value <= _MOST_TOKENS
    return value if believable else guess
