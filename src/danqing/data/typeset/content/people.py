"""Names of people and of firms, in English and Chinese."""

from random import Random
from typing import Final

from danqing.data.typeset.grammar import Rules, say, words
from danqing.scorers.world import Language

_PEOPLE: Final[dict[Language, Rules]] = {
    "en": {
        "name": ("{first} {last}", "{first} {last}", "{first} {initial}. {last}"),
        "first": words(
            "Ada Amir Anna Bruno Clara Daniel Elena Felix Grace Hana Ivan Julia Karim Leah Marco "
            "Nora Omar Paula Rosa Samuel Tara Victor Wendy Yusuf Zoe"
        ),
        "initial": words("A B C D E F G H J K L M N P R S T W"),
        "last": words(
            "Abbott Bauer Chen Dalton Ellis Fischer Garcia Hughes Ibrahim Jensen Keller Lindqvist "
            "Moreau Novak Okafor Patel Quinn Rossi Schmidt Tanaka Varga Walker Young Zimmer"
        ),
    },
    "zh": {
        "name": ("{last}{first}", "{last}{first}{first}"),
        "last": words("王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 马 朱 胡 林 郭 何 高 罗 郑 梁 谢 宋 唐"),
        "first": words(
            "伟 芳 敏 静 丽 强 磊 军 洋 艳 勇 娟 涛 明 超 霞 平 刚 桂 文 辉 玲 建 国 华 婷 雪 晨 宇"
        ),
    },
}
_FIRMS: Final[dict[Language, Rules]] = {
    "en": {
        "firm": ("{Word} {Kind}", "{Word} & {Other} {Kind}", "{Word}{tail} {Kind}"),
        "Word": words("North Harbor Maple Silver Bright Cedar River Stone Lumen Atlas Orchard"),
        "Other": words("Finch Sons Oak Company Field Lane Hill Partners"),
        "tail": words("line gate works field mark"),
        "Kind": words("Studio Trading Supplies Press Foods Textiles Design Logistics Tools"),
    },
    "zh": {
        "firm": ("{city}{word}{kind}有限公司",),
        "city": words("北京 上海 杭州 成都 苏州 南京 青岛 广州 西安"),
        "word": words("远山 明月 青禾 云帆 长风 星河 和光 春晓 松石 海棠"),
        "kind": words("科技 贸易 设计 文化 食品 纺织 物流 印务"),
    },
}
JOBS: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "Product Designer", "Sales Manager", "Architect", "Editor in Chief", "Head of Research",
        "Photographer", "Software Engineer", "Tea Merchant",
    ),
    "zh": ("产品设计师", "销售经理", "建筑师", "主编", "研究主管", "摄影师", "软件工程师",
    "茶艺师"),
}  # fmt: skip


def name(rng: Random, language: Language) -> str:
    """Return the name of a person."""
    return say(rng, _PEOPLE[language], "{name}")


def firm(rng: Random, language: Language) -> str:
    """Return the name of a firm."""
    return say(rng, _FIRMS[language], "{firm}")


def phone(rng: Random, language: Language) -> str:
    """Return a telephone number from ranges kept for fiction, or with a digit too few."""
    if language == "en":
        return f"+44 20 7946 0{rng.randint(100, 999)}"
    return f"010-5550-{rng.randint(100, 999)}"


def mail(rng: Random) -> str:
    """Return an address for mail that nobody has."""
    rules = _PEOPLE["en"]
    first, last = rng.choice(rules["first"]).lower(), rng.choice(rules["last"]).lower()
    return f"{first}.{last}@example.com"
