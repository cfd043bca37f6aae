"""Prompts that are kept from training, to ask a model for what it has never been shown."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from danqing.core.errors import RecipeError
from danqing.data.synthesis.captions import HELD_OUT_TEMPLATES, TRAINING_TEMPLATES, caption
from danqing.data.synthesis.propose import LONGEST_PHRASE, LONGEST_WORD, Limits, propose
from danqing.data.synthesis.split import HELD_OUT_CATEGORIES, Split, bucket
from danqing.data.synthesis.words import CHARACTERS, ILLEGIBLE, UNSEEN_CHARACTERS
from danqing.scorers.world import Language, Specification, TextSpec

ASKED: Final = Limits(min_word=2, max_word=LONGEST_WORD, max_phrase=LONGEST_PHRASE, invented=0.0)
"""What is asked for by default: scenes of the common shapes, and real words of every length."""

_PATIENCE = 2000
"""Proposals without a new prompt after which a split counts as used up."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One thing to ask for."""

    prompt: str
    language: Language
    template: int
    split: Split
    spec: Specification

    @property
    def record(self) -> dict[str, object]:
        """The prompt as one line of the benchmark, in GenEval's shape."""
        digest = hashlib.sha256(normalized(self.prompt).encode()).hexdigest()
        return {
            "id": digest[:16],
            "split": self.split,
            "lang": self.language,
            "template_id": self.template,
            "prompt": self.prompt,
            **self.spec.record,
        }


def normalized(prompt: str) -> str:
    """Return a prompt without what does not change its meaning: width, case, space, points."""
    folded = unicodedata.normalize("NFKC", prompt).casefold()
    return "".join(c for c in folded if c.isalnum())


def digest(prompts: Iterable[Prompt]) -> str:
    """Return the hex sha256 of a list of prompts, to be kept beside every result."""
    lines = (json.dumps(p.record, sort_keys=True, ensure_ascii=False) for p in prompts)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def held_out(
    category: str,
    count: int,
    split: Split = "test_iid",
    lang: Language | None = None,
    limits: Limits = ASKED,
) -> list[Prompt]:
    """Return different prompts of one held-out split, always the same ones in the same order.

    Args:
        category: One of `CATEGORIES`.
        count: How many prompts.
        split: Any split but `train` that the category has.
        lang: The language of the prompts; None: English and Chinese in turn.
        limits: How much of the world to ask for.

    Raises:
        RecipeError: The category has no such split, or the split has fewer prompts.
    """
    if category not in HELD_OUT_CATEGORIES.get(split, ()):
        known = [name for name, categories in HELD_OUT_CATEGORIES.items() if category in categories]
        raise RecipeError(
            f"split of {category!r} must be one of {', '.join(known) or 'none'}, got {split!r}; "
            "choose another."
        )
    source: Split = "test_iid" if split in ("test_para", "test_font") else split
    templates = HELD_OUT_TEMPLATES if split == "test_para" else TRAINING_TEMPLATES
    alphabet = UNSEEN_CHARACTERS if split == "test_char" else CHARACTERS
    # Typefaces do not show in prompts: `test_font` asks what `test_iid` asks.
    stream = "test_para" if split == "test_para" else source
    rng = Random(f"danqing prompts {stream} {category} {lang}")
    found: dict[str, Prompt] = {}
    idle = 0
    while len(found) < count and idle < _PATIENCE:
        idle += 1
        spec = propose(rng, category, limits, alphabet)
        if bucket(spec) != source or (isinstance(spec, TextSpec) and spec.string in ILLEGIBLE):
            continue
        language: Language = lang or ("en", "zh")[len(found) % 2]
        template = rng.choice(templates)
        prompt = Prompt(caption(spec, language, template), language, template, split, spec)
        if found.setdefault(normalized(prompt.prompt), prompt) is prompt:
            idle = 0
    if len(found) < count:
        raise RecipeError(
            f"count must be at most {len(found)} for {split} of {category}, got {count}; lower it."
        )
    return list(found.values())
