"""What a scenario template is, and where all of them are filed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from danqing.core.registry import Registry
from danqing.data.typeset.templates.nodes import Node
from danqing.data.typeset.templates.theme import LIGHT, PLAIN
from danqing.scorers.world import Language

Values = Mapping[str, Any]
"""Strings by placeholder, and lists of such mappings by name."""

Words = Callable[[Random, Language], Values]


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A kind of designed page."""

    tree: Node
    said: dict[Language, str]
    """What such a page is, to begin a caption with."""
    words: Words
    """Draws what its placeholders are replaced by."""
    ratios: tuple[float, float]
    """Least and most width divided by height."""
    smallest: int
    """Root of the area in pixels below which its print is too small."""
    palettes: tuple[str, ...] = LIGHT
    looks: tuple[int, ...] = PLAIN
    """Which pairs of typefaces suit it."""
    both: bool = False
    """Whether it is written in both languages at once."""

    def suits(self, size: tuple[int, int]) -> bool:
        """Return whether the page may have a size in pixels."""
        width, height = size
        fits = self.ratios[0] <= width / height <= self.ratios[1]
        return fits and width * height >= self.smallest**2


templates: Final[Registry[Template]] = Registry("template")
"""Scenario templates by name."""


def template(name: str, tree: Node, en: str, zh: str, **settings: Any) -> Callable[[Words], Words]:
    """Return a decorator that files a template under the function that draws its words.

    Args:
        name: What it is chosen by.
        tree: The page.
        en: What it is, in English, such as `a restaurant menu`.
        zh: Likewise in Chinese.
        **settings: The template's other fields.
    """

    def file(words: Words) -> Words:
        said: dict[Language, str] = {"en": en, "zh": zh}
        templates.register(name)(Template(tree=tree, said=said, words=words, **settings))
        return words

    return file
