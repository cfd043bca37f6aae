"""A page of a comic: four panels, two figures, and what they say."""

from random import Random
from typing import Final

from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Layers,
    Node,
    Rule,
    Stack,
    column,
    row,
    text,
)
from danqing.scorers.world import Language


def _panel(number: int, scene: str, *, left: bool) -> Node:
    """Return a panel with a caption, two figures, and a balloon over the one that speaks."""
    balloon = (0.06, 0.17, 0.8, 0.5) if left else (0.2, 0.17, 0.94, 0.5)
    tail = "tail left" if left else "tail right"
    words = text(f"{{say{number}}}", "speech", 0.046, voice="hand", tone="ink", align="center",
                 lines=3, leading=1.2)  # fmt: skip
    return Stack(
        parts=(
            (
                1.0,
                Layers(
                    parts=(
                        ((0.0, 0.0, 1.0, 1.0), Art(name=scene, tone="second")),
                        ((0.08, 0.56, 0.44, 1.0), Art(name="figure", tone="accent")),
                        ((0.56, 0.56, 0.92, 1.0), Art(name="figure", tone="ink")),
                        (balloon, Art(name=tail, tone="ink")),
                        (
                            (balloon[0], balloon[1], balloon[2], 0.42),
                            column((1.0, words), pad=(0.025, 0.012)),
                        ),
                        (
                            (0.0, 0.0, 0.72, 0.12),
                            column(
                                (1.0, text(f"{{tell{number}}}", "caption", 0.032, voice="strong")),
                                fill="panel", edge="ink", pad=(0.015, 0.004), weight=0.003,
                            ),
                        ),
                    )
                ),
            ),
        ),
        edge="ink",
        weight=0.006,
    )  # fmt: skip


_PAGE: Final = column(
    (0.5, text("{title}", "title", 0.085, voice="hand", tone="accent", align="center")),
    (0.06, Rule(tone="ink", weight=0.004)),
    (2.0, row((1.0, _panel(1, "landscape", left=True)), (1.0, _panel(2, "landscape", left=False)),
              gap=0.025)),
    (2.0, row((1.0, _panel(3, "city", left=True)), (1.0, _panel(4, "city", left=False)),
              gap=0.025)),
    pad=(0.04, 0.035),
    gap=0.02,
)  # fmt: skip

_STORIES: Final = {
    "en": (
        ("The Missing Map", ("One morning...", "A little later", "In the city", "At last!"),
         ("Have you seen my map?", "You are standing on it!", "So we turn left here?",
          "No, that is a coffee stain.")),
        ("Cat on the Roof", ("Monday", "Still Monday", "Tuesday", "Wednesday"),
         ("Is she coming down?", "She says not before lunch.", "Shall we call somebody?",
          "She just called us!")),
    ),
    "zh": (
        ("丢失的地图", ("一天早上", "过了一会儿", "进城以后", "终于"),
         ("你看见我的地图了吗？", "你正踩在上面！", "那我们在这里左转？", "不，那是咖啡渍。")),
        ("屋顶上的猫", ("星期一", "还是星期一", "星期二", "星期三"),
         ("它什么时候下来？", "它说午饭以前不下来。", "要不要找人帮忙？",
         "它刚刚给我们打了电话！")),
    ),
}  # fmt: skip


@template("comic", _PAGE, en="a comic of four panels", zh="四格漫画", ratios=(0.65, 1.25),
          smallest=384, palettes=("paper", "sky", "sunset", "mint", "rose"))  # fmt: skip
def _comic(rng: Random, language: Language) -> Values:
    title, tells, says = rng.choice(_STORIES[language])
    words = {f"tell{i}": tell for i, tell in enumerate(tells, start=1)}
    words |= {f"say{i}": say for i, say in enumerate(says, start=1)}
    return {"title": title, **words}
