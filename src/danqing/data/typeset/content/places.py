"""Cities, sights and addresses; cities and sights as pairs of an English and a Chinese name."""

from random import Random
from typing import Final

from danqing.scorers.world import Language

Pair = tuple[str, str]
"""English and Chinese."""

CITIES: Final[tuple[Pair, ...]] = (
    ("Beijing", "北京"), ("Shanghai", "上海"), ("Hangzhou", "杭州"), ("Suzhou", "苏州"),
    ("Chengdu", "成都"), ("Xi'an", "西安"), ("Guilin", "桂林"), ("Lijiang", "丽江"),
    ("Qingdao", "青岛"), ("Xiamen", "厦门"), ("Nanjing", "南京"), ("Harbin", "哈尔滨"),
    ("Kunming", "昆明"), ("Guangzhou", "广州"), ("Paris", "巴黎"), ("London", "伦敦"),
    ("Tokyo", "东京"), ("Berlin", "柏林"), ("Rome", "罗马"), ("Madrid", "马德里"),
    ("Vienna", "维也纳"), ("Lisbon", "里斯本"), ("Boston", "波士顿"), ("Dublin", "都柏林"),
)  # fmt: skip

_ABROAD = 14
"""The first city that is not in China."""

SIGHTS: Final[tuple[tuple[Pair, Pair], ...]] = (
    (("Old Town", "古城"), ("Stone lanes and wooden houses", "石板小巷与木头老屋")),
    (("Night Market", "夜市"), ("Local snacks until midnight", "营业到深夜的地方小吃")),
    (("Lake Park", "湖滨公园"), ("Rent a boat, walk the shore", "可以租船，也可环湖散步")),
    (("City Museum", "城市博物馆"), ("Free entry, closed on Monday", "免费参观，周一闭馆")),
    (("Bell Tower", "钟楼"), ("A wide view over the roofs", "登高可俯瞰全城")),
    (("Tea House", "茶馆"), ("Green tea and quiet music", "一杯绿茶，几段古琴")),
    (("Botanical Garden", "植物园"), ("Best in April and May", "四月和五月最美")),
    (("Harbour Bridge", "海港大桥"), ("Lit up every evening", "每晚亮灯")),
    (("Art Gallery", "美术馆"), ("Modern painting and design", "现代绘画与设计")),
    (("Silk Street", "丝绸街"), ("Scarves, fans and souvenirs", "围巾、扇子和纪念品")),
)  # fmt: skip
"""A sight, and a line about it."""

_STREETS: Final[dict[Language, tuple[str, ...]]] = {
    "en": ("Mill Lane", "Harbour Road", "Station Street", "Garden Row", "Bridge Street"),
    "zh": ("人民路", "中山路", "解放街", "长江路", "花园街", "学院路"),
}


def city(rng: Random, language: Language) -> str:
    """Return the name of a city where the language is spoken, or not far from there."""
    return rng.choice(CITIES[_ABROAD:])[0] if language == "en" else rng.choice(CITIES[:_ABROAD])[1]


def address(rng: Random, language: Language) -> str:
    """Return a street and number."""
    number, street = rng.randint(2, 199), rng.choice(_STREETS[language])
    return f"{number} {street}" if language == "en" else f"{street}{number}号"
