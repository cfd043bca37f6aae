"""Sentences from tables: a name in braces is replaced by one of its phrases, again and again."""

import re
from collections.abc import Mapping, Sequence
from random import Random

Rules = Mapping[str, Sequence[str]]
"""Phrases by name; a phrase may have names in braces in it."""

_NAME = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeioAEIO])")


def say(rng: Random, rules: Rules, phrase: str) -> str:
    """Return a phrase with every name in it replaced, the same name by another phrase each time.

    Args:
        rng: Chooses between phrases of one name.
        rules: The phrases; they must not lead back to themselves without an end.
        phrase: What to begin with, such as `{sentence}`.
    """
    said: dict[str, list[str]] = {}
    while found := _NAME.search(phrase):
        name = found[1]
        before = said.setdefault(name, [])
        choice = rng.choice([p for p in rules[name] if p not in before] or rules[name])
        before.append(choice)
        phrase = phrase[: found.start()] + choice + phrase[found.end() :]
    return _ARTICLE.sub(r"\1n ", phrase)


def words(line: str) -> tuple[str, ...]:
    """Return the words of a line, for tables of many short phrases."""
    return tuple(line.split())


def capital(text: str) -> str:
    """Return a text whose first letter is a capital."""
    return text[:1].upper() + text[1:]
