"""Word lists and sentence patterns of our own, in English and Chinese: text to be rendered."""

from typing import Final

from danqing.data.typeset.grammar import Rules, words

ENGLISH: Final[Rules] = {
    "sentence": (
        "The {adj} {place} {was} full of {things} when the {people} {came}.",
        "Every {time}, {people} {verb} {things} {where}.",
        "{A_few} {things} are enough to {do} a {adj} {place}.",
        "In {year}, the {place} had {number} {things} and one {adj} {thing}.",
        "She kept {number} {things} {where}, and never told the {people}.",
        "Nobody could {do} the {thing} without a {adj} {thing}.",
        "A {adj} {thing} is worth more than {number} {adj} {things}.",
        "When {season} comes, the {things} {where} turn {color}.",
        "The oldest {thing} in the {place} dates back to {year}.",
        "Do {people} still {verb} {things} in {season}?",
        'The sign said "{Sign}", but the {people} went in.',
        "It takes {number} minutes to walk from the {place} to the {place}.",
        "We {verb} the {things} first; the {adj} {thing} can wait.",
        "Most {people} {verb} {things} slowly, with care and a little {quality}.",
        "{Quality} matters, but {quality} matters more.",
        "From the {place} you can see {color} hills, {number} boats and a {adj} bridge.",
        "The {people} left a {color} {thing} {where} as a quiet thank-you.",
        "Bring a {adj} {thing}, {number} {things} and plenty of {quality}.",
    ),
    "adj": words(
        "quiet old narrow bright wooden foreign gentle famous hidden simple warm broken polished "
        "distant ordinary curious heavy fragile golden empty friendly modern forgotten careful"
    ),
    "place": words(
        "harbour market library garden station kitchen workshop valley museum village theatre "
        "bakery observatory courtyard orchard bookshop gallery schoolyard lighthouse river"
    ),
    "thing": words(
        "lamp letter clock map violin ladder teapot window kite compass mirror basket drawing "
        "lantern bicycle notebook key bell blanket telescope"
    ),
    "things": words(
        "lamps letters maps apples boats stories paintings lanterns seeds coins tools songs "
        "postcards oranges feathers umbrellas books bells questions photographs"
    ),
    "people": words(
        "children travellers farmers students neighbours sailors bakers musicians gardeners "
        "visitors engineers poets fishermen teachers painters"
    ),
    "verb": words("carry paint collect repair share study measure sell gather admire sort"),
    "do": words("repair open carry find move improve explain brighten"),
    "came": ("arrived", "came home", "opened the doors", "began to sing", "looked up"),
    "was": ("was", "is always", "had been", "seemed"),
    "where": (
        "under the stairs",
        "near the window",
        "behind the old wall",
        "along the coast",
        "on the top shelf",
        "across the square",
        "beside the road",
        "in the attic",
    ),
    "time": ("morning", "evening", "winter", "Sunday", "full moon", "second Tuesday", "summer"),
    "season": ("spring", "summer", "autumn", "winter", "October", "the rainy season"),
    "color": words("red green silver blue amber white crimson violet"),
    "number": words("two three seven twelve 15 24 36 48 60 100 250"),
    "year": words("1768 1842 1889 1907 1926 1954 1978 1993 2004 2017"),
    "quality": words("patience courage kindness practice honesty curiosity humour"),
    "Quality": words("Patience Courage Kindness Practice Honesty Curiosity"),
    "A_few": ("A few", "Two or three", "Half a dozen", "Some"),
    "Sign": ("No entry", "Back at 3 pm", "Quiet, please", "Mind the step", "Closed on Monday"),
}
"""One `{sentence}` at a time."""

CHINESE: Final[Rules] = {
    "sentence": (
        "{time}，{people}总在{where}{verb}{things}。",
        "{place}里的{things}不多，却每一件都很{adj}。",
        "{year}年，这座{place}只有{number}位{people}。",
        "{season}来了，{where}的{things}渐渐变成{color}。",
        "她把{number}封信放在{where}，没有告诉任何人。",
        "从{place}走到{place}，大约需要{number}分钟。",
        "{people}说：“{saying}。”大家都笑了。",
        "最{adj}的{thing}，往往藏在最{adj}的地方。",
        "如果你喜欢{things}，不妨去{place}看一看。",
        "一{measure}{adj}的{thing}，胜过{number}{measure}{adj}的{thing}。",
        "{where}挂着一{measure}{color}的{thing}，远远就能看见。",
        "你知道吗？{people}每天要{verb}{number}次{things}。",
        "做事要有{quality}，也要有{quality}。",
        "天还没亮，{people}已经到了{place}，开始{verb}{things}。",
        "这里没有高楼，只有{place}、{things}和{adj}的{people}。",
        "{things}、{things}和{things}，都是{people}的{quality}。",
        "请记住：{saying}。",
        "雨停以后，{place}显得格外{adj}。",
    ),
    "time": ("清晨", "傍晚", "每到周末", "月圆之夜", "午后", "很久以前", "放学以后"),
    "season": ("春天", "夏天", "秋天", "冬天", "雨季", "十月"),
    "place": words(
        "古镇 图书馆 车站 花园 茶馆 市场 博物馆 码头 书店 学校 山村 剧院 工作室 院子 天文台 面包房"
    ),
    "people": words("孩子们 旅人 农民 学生 邻居 渔夫 老师 画家 工程师 音乐家 客人 诗人"),
    "verb": words("整理 收集 修理 讨论 欣赏 制作 研究 寻找 分享"),
    "things": words("灯笼 书信 地图 茶叶 画卷 种子 工具 故事 照片 雨伞 铜钱 风筝 乐器 石头 瓷器"),
    "thing": words("灯 钟 琴 桌子 镜子 扇子 钥匙 椅子 毯子 望远镜 自行车"),
    "measure": ("件", "样", "种"),
    "adj": words("安静 古老 明亮 温暖 简单 精致 遥远 普通 珍贵 朴素 热闹 可爱 勤劳"),
    "where": words("窗边 屋檐下 河岸上 老墙后 楼梯旁 桥头 广场上 大树下 小巷里"),
    "color": words("红色 金黄色 银白色 深蓝色 翠绿色 淡紫色"),
    "number": words("两 三 七 十二 15 24 36 100 250"),
    "year": words("1768 1842 1889 1907 1926 1954 1978 1993 2004 2017"),
    "quality": words("耐心 勇气 善意 骄傲 快乐 回忆 好奇心 秘密"),
    "saying": (
        "慢慢来，比较快",
        "千里之行，始于足下",
        "读万卷书，行万里路",
        "今天的风很温柔",
        "三人行，必有我师",
        "好的开始是成功的一半",
        "水滴石穿",
        "一年之计在于春",
    ),
}
"""One `{sentence}` at a time."""

TITLES: Final[dict[str, Rules]] = {
    "en": {
        "title": (
            "The {Adj} {Place}",
            "{Things} and {Things}",
            "A Short History of {Things}",
            "Notes from the {Place}",
            "How to Keep a {Adj} {Place}",
            "{Number} {Adj} {Things}",
        ),
        "Adj": words("Quiet Hidden Golden Wooden Gentle Forgotten Curious Distant Paper Silver"),
        "Place": words("Harbour Garden Library Valley Station Workshop Lighthouse River"),
        "Things": words("Lamps Letters Maps Boats Stories Bells Kites Clocks Seeds Lanterns"),
        "Number": words("Three Seven Twelve Forty Ninety"),
    },
    "zh": {
        "title": (
            "{adj}的{place}",
            "{things}与{things}",
            "{place}手记",
            "{things}小史",
            "{season}的{things}",
            "寻找{place}",
        ),
        "adj": words("安静 隐秘 金色 温柔 遥远 古老 明亮"),
        "place": words("花园 图书馆 山谷 车站 港湾 灯塔 古镇 茶馆"),
        "things": words("灯笼 书信 地图 小船 故事 钟声 风筝 种子 星空 瓷器"),
        "season": words("春天 夏天 秋天 冬天"),
    },
}
"""One `{title}` at a time, by language."""
