"""How likely a network was to give an answer, whatever way it is spelled (Soft-TIFA, GenEval 2).

An endpoint tells the likeliest tokens at each place of the one answer that it wrote. So an answer
of one token is known exactly, one of several only along what was written; what cannot be known is
told beside what is.
"""

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from danqing.scorers.chat import Place

NUMBERS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty",
)  # fmt: skip
"""Numbers as words, by what they are."""
_DIGITS: Final = {word: str(number) for number, word in enumerate(NUMBERS)}
_MARKS: Final = str.maketrans("Ġ▁", "  ")
"""How some tokenizers write the space before a word."""
_ENDS: Final = (".", "<", "\n", "!", ",", ";")


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability of which a part may be unknown."""

    value: float
    """What is known to be the answer's, from 0 to 1."""
    unsure: float = 0.0
    """What may be the answer's besides: alternatives that nobody followed or told."""


def spellings(answer: str) -> tuple[str, ...]:
    """Return the spellings that GenEval 2's own script accepts: case, leading space, digits.

    Its digits reach ten; ours go on to twenty, where its would be the word "other".
    """
    words = [answer, answer.capitalize()]
    words += [_DIGITS[answer]] if answer in _DIGITS else []
    return tuple(space + word for word in words for space in ("", " "))


def official_chance(
    place: Place, accepted: Iterable[str], first: Callable[[str], str] = lambda text: text
) -> float:
    """Return the probability that GenEval 2's own script gives to an answer.

    It sums over the first tokens of all accepted spellings, also where two spellings share one,
    or where a first token (that of " 7" may be a space) says nothing.

    Args:
        place: The first place of the reply.
        accepted: Spellings.
        first: The first token of a spelling by the network's tokenizer, as
            `Transformers.first_token` tells it; endpoints are believed to have whole words.
    """
    missing = -math.inf
    return sum(math.exp(place.likely.get(first(text), missing)) for text in accepted)


def chance(places: Sequence[Place], answer: str) -> Chance | None:
    """Return the probability of an answer, summed over all its spellings; None: nothing is told.

    Case, spaces, digits for words, and a full stop do not matter. Each token counts once. A token
    that is only the beginning of the answer counts as far as what was written goes on with it; one
    that is all of it counts whole, unless what was written goes on with the same word.
    """
    if not places:
        return None
    target = _plain(answer)
    forms = {target, _DIGITS.get(target, target)}
    forms |= {word for word, digits in _DIGITS.items() if digits == target}
    value, unsure, before, reach = 0.0, 0.0, "", 1.0
    for place, after in zip_longest(places, places[1:]):
        told, goes_on = 0.0, False
        for token, logarithm in place.likely.items():
            share = reach * math.exp(logarithm)
            told += share
            text = _plain(before + token)
            followed = after if token == place.token else None
            if text in forms:
                value += share * (1.0 if followed is None else _ending(followed))
            elif any(form.startswith(text) for form in forms):
                goes_on = goes_on or followed is not None
                unsure += share if followed is None else 0.0
        unsure += max(0.0, reach - told)
        if not goes_on:
            break
        before += place.token
        reach *= math.exp(place.likely[place.token])
    value = min(value, 1.0)
    return Chance(value, min(unsure, 1.0 - value))


def _plain(text: str) -> str:
    spaced = unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold()
    return spaced.strip().rstrip(".")


def _ending(place: Place) -> float:
    """Return the probability, among what is told, that an answer has ended before this place."""
    shares = {token: math.exp(value) for token, value in place.likely.items()}
    ended = sum(share for token, share in shares.items() if _ends(token))
    return ended / sum(shares.values())


def _ends(token: str) -> bool:
    """Return whether a token goes on with no word: a space, an end mark, or the network's own."""
    text = token.translate(_MARKS)
    return not text or text[0].isspace() or text[0] in _ENDS
