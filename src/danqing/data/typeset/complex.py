"""Complex rendering: a scenario template, filled and painted."""

from collections.abc import Sequence
from random import Random

from danqing.data.typeset.colors import name as color_name
from danqing.data.typeset.fonts import Face
from danqing.data.typeset.grammar import capital
from danqing.data.typeset.placed import Picture, Refused
from danqing.data.typeset.templates.catalog import templates
from danqing.data.typeset.templates.nodes import fill
from danqing.data.typeset.templates.paint import paint
from danqing.data.typeset.templates.theme import theme
from danqing.scorers.world import Language


def complex_page(
    rng: Random,
    size: tuple[int, int],
    language: Language,
    among: Sequence[Face],
    names: Sequence[str] | None = None,
) -> Picture:
    """Return a designed page.

    Args:
        rng: Decides everything else.
        size: Width and height in pixels.
        language: Of the page, and of its caption where the page has both.
        among: The typefaces there are.
        names: Templates to choose from; none means all of them.

    Raises:
        Refused: no template suits the size, the words do not fit, or a glyph is missing.
    """
    able = [name for name in (names or templates) if templates[name].suits(size)]
    if not able:
        raise Refused(f"no template suits {size[0]}x{size[1]}")
    chosen = rng.choice(able)
    template = templates[chosen]
    languages: tuple[Language, ...] = ("en", "zh") if template.both else (language,)
    look = theme(rng, among, languages, template.palettes, template.looks)
    tree = fill(template.tree, template.words(rng, language))
    image, strings = paint(tree, size, look, language, rng.getrandbits(32))
    ground = look.palette.ground
    return Picture(
        image=image,
        strings=strings,
        kind="complex",
        template=chosen,
        language=language,
        said={
            "en": f"{capital(template.said['en'])} on a {color_name(ground, 'en')} background",
            "zh": f"{color_name(ground, 'zh')}背景的{template.said['zh']}",
        },
    )
