"""Interfaces: a conversation, settings, a dashboard, a sign-in form."""

from random import Random
from typing import Final

from danqing.data.typeset.content import calendar, people
from danqing.data.typeset.templates.base import Values, template
from danqing.data.typeset.templates.nodes import (
    Art,
    Each,
    Layers,
    Node,
    Rule,
    Space,
    column,
    over,
    row,
    text,
)
from danqing.scorers.world import Language

_SCREENS: Final = ("sky", "slate", "mint", "plum", "ocean", "night", "royal")


def _bubble(words: str, tone: str, fill: str) -> Node:
    said = text(words, "message", 0.04, tone=tone, lines=2, leading=1.3)
    return column((1.0, said), fill=fill, round=0.03, pad=(0.035, 0.014))


_TALK: Final = column(
    (0.8, row(
        (0.5, Art(name="person")),
        (2.0, column(
            (1.0, text("{name}", "name", 0.05, voice="strong", stand="bottom")),
            (0.8, text("{state}", "state", 0.03, tone="muted")),
        )),
        gap=0.02, pad=(0.04, 0.015), fill="panel",
    )),
    (
        4.6,
        column(
            (0.3, text("{day}", "day", 0.028, tone="muted", align="center")),
            *(
                part
                for number in (1, 2)
                for part in (
                    (1.0, row((2.2, _bubble(f"{{they{number}}}", "ink", "panel")), (0.8, Space()))),
                    (1.0, row((0.8, Space()), (2.2, _bubble(f"{{me{number}}}", "on_accent",
                                                           "accent")))),
                )
            ),
            pad=(0.045, 0.02),
            gap=0.025,
        ),
    ),
    (0.6, row(
        (3.0, column((1.0, text("{write}", "hint", 0.034, tone="muted")), fill="panel",
                     round=0.04, pad=(0.04, 0.005))),
        (0.8, column((1.0, text("{send}", "send", 0.034, voice="strong", tone="on_accent",
                                align="center")), fill="accent", round=0.04, pad=(0.01, 0.005))),
        gap=0.02, pad=(0.04, 0.012),
    )),
)  # fmt: skip

_TALKS: Final = {
    "en": (
        ("Are we still on for Saturday?", "Yes! Ten at the station?",
         "Perfect. I will bring the tickets.", "Great, see you there."),
        ("The parcel has arrived.", "Already? That was quick.",
         "It is bigger than I thought.", "I will pick it up after work."),
        ("How was the exhibition?", "Small, but really lovely.",
         "Worth the trip?", "For the lanterns alone, yes."),
    ),
    "zh": (
        ("星期六还去吗？", "去！十点在车站见？", "好的，我来带车票。", "太好了，到时候见。"),
        ("包裹已经到了。", "这么快？", "比我想的要大。", "下班以后我去取。"),
        ("展览怎么样？", "不大，但很精致。", "值得去一趟吗？", "光看灯笼就值得。"),
    ),
}  # fmt: skip


@template("chat", _TALK, en="a messaging app", zh="聊天界面", ratios=(0.42, 0.85), smallest=384,
          palettes=_SCREENS, looks=(0,))  # fmt: skip
def _talk(rng: Random, language: Language) -> Values:
    they1, me1, they2, me2 = rng.choice(_TALKS[language])
    clock = calendar.clock(rng)
    said = {
        "en": {"state": "online", "day": f"Today {clock}", "write": "Message", "send": "Send"},
        "zh": {"state": "在线", "day": f"今天 {clock}", "write": "输入消息", "send": "发送"},
    }
    return {
        **said[language],
        "name": people.name(rng, language),
        "they1": they1, "me1": me1, "they2": they2, "me2": me2,
    }  # fmt: skip


_SETTING: Final = column(
    (1.0, row(
        (2.4, column(
            (1.0, text("{label}", "setting", 0.038, voice="strong", stand="bottom")),
            (0.8, text("{about}", "about", 0.026, tone="muted")),
        )),
        (1.0, text("{value}", "value", 0.034, tone="accent", align="right")),
    )),
    (0.04, Rule()),
)  # fmt: skip
_SETTINGS: Final = column(
    (0.8, text("{title}", "title", 0.085, voice="title")),
    (5.0, column((1.0, Each(of="settings", node=_SETTING)), fill="panel", round=0.025,
                 pad=(0.045, 0.015))),
    (0.6, row(
        (1.0, column((1.0, text("{cancel}", "button", 0.036, align="center")), edge="accent",
                     round=0.02, pad=(0.01, 0.004))),
        (1.0, column((1.0, text("{save}", "button", 0.036, tone="on_accent", align="center")),
                     fill="accent", round=0.02, pad=(0.01, 0.004))),
        gap=0.03,
    )),
    pad=(0.055, 0.045),
    gap=0.025,
)  # fmt: skip

_CHOICES: Final = {
    "en": (
        ("Language", "Of menus and messages", ("English", "French")),
        ("Dark mode", "Follows the time of day", ("On", "Off", "Auto")),
        ("Notifications", "Sounds and banners", ("All", "Important", "Off")),
        ("Storage", "Pictures and videos", ("12.4 GB", "3.1 GB")),
        ("Text size", "In all windows", ("Small", "Medium", "Large")),
        ("Backup", "Every night over Wi-Fi", ("On", "Off")),
        ("Location", "While the app is open", ("Allowed", "Denied")),
    ),
    "zh": (
        ("语言", "菜单与提示的语言", ("简体中文", "英语")),
        ("深色模式", "随时间自动切换", ("开", "关", "自动")),
        ("通知", "声音与横幅", ("全部", "仅重要", "关闭")),
        ("存储空间", "图片与视频", ("12.4 GB", "3.1 GB")),
        ("字体大小", "应用于所有窗口", ("小", "中", "大")),
        ("备份", "每晚通过无线网络", ("开", "关")),
        ("位置", "仅在使用时允许", ("允许", "禁止")),
    ),
}


@template("settings", _SETTINGS, en="a settings screen", zh="设置界面", ratios=(0.45, 1.3),
          smallest=352, palettes=_SCREENS, looks=(0,))  # fmt: skip
def _settings(rng: Random, language: Language) -> Values:
    said = {
        "en": {"title": "Settings", "cancel": "Cancel", "save": "Save"},
        "zh": {"title": "设置", "cancel": "取消", "save": "保存"},
    }
    return {
        **said[language],
        "settings": [
            {"label": label, "about": about, "value": rng.choice(values)}
            for label, about, values in rng.sample(_CHOICES[language], 5)
        ],
    }


def _card(number: int) -> Node:
    return column(
        (0.7, text(f"{{label{number}}}", "label", 0.028, tone="muted")),
        (1.2, text(f"{{value{number}}}", "figure", 0.07, voice="title")),
        (0.6, text(f"{{change{number}}}", "change", 0.026, tone="accent")),
        fill="panel",
        round=0.018,
        pad=(0.028, 0.018),
    )


_DASHBOARD: Final = row(
    (0.8, column(
        (0.8, text("{brand}", "brand", 0.042, voice="strong", tone="on_accent")),
        (3.0, Each(of="menu", node=text("{entry}", "entry", 0.03, tone="on_accent"))),
        (2.0, Space()),
        fill="accent", pad=(0.03, 0.035),
    )),
    (3.2, column(
        (0.6, text("{title}", "title", 0.055, voice="title")),
        (1.3, row((1.0, _card(1)), (1.0, _card(2)), (1.0, _card(3)), gap=0.02)),
        (2.4, column(
            (0.4, text("{chart}", "head", 0.034, voice="strong")),
            (2.0, Art(name="trend")),
            fill="panel", round=0.018, pad=(0.028, 0.022), gap=0.012,
        )),
        pad=(0.04, 0.035), gap=0.022,
    )),
)  # fmt: skip


@template("dashboard", _DASHBOARD, en="a dashboard", zh="数据看板", ratios=(1.2, 2.2), smallest=352,
          palettes=("sky", "slate", "mint", "plum", "ocean", "forest"), looks=(0,))  # fmt: skip
def _dashboard(rng: Random, language: Language) -> Values:
    labels = {
        "en": ("Visitors", "Orders", "Revenue", "New users", "Returns", "Open tickets"),
        "zh": ("访客", "订单", "收入", "新用户", "退货", "待办事项"),
    }[language]
    said = {
        "en": {"title": "Overview", "chart": "Visitors, last nine weeks"},
        "zh": {"title": "总览", "chart": "最近九周访客"},
    }
    menu = {
        "en": ("Overview", "Orders", "Customers", "Reports", "Settings"),
        "zh": ("总览", "订单", "客户", "报表", "设置"),
    }
    cards: dict[str, str] = {}
    for number, label in enumerate(rng.sample(labels, 3), start=1):
        cards[f"label{number}"] = label
        cards[f"value{number}"] = f"{rng.randint(120, 99_999):,}"
        cards[f"change{number}"] = f"{rng.choice('+-')}{rng.uniform(0.1, 30):.1f}%"
    return {
        **said[language],
        **cards,
        "brand": {"en": "Lumen", "zh": "流明数据"}[language],
        "menu": [{"entry": entry} for entry in menu[language]],
    }


def _field(label: str, value: str) -> tuple[float, Node]:
    return (1.2, column(
        (0.6, text(label, "label", 0.032, tone="muted")),
        (1.0, column((1.0, text(value, "field", 0.038)), fill="ground", edge="line", round=0.012,
                     pad=(0.025, 0.004))),
        gap=0.004,
    ))  # fmt: skip


_SIGN_IN: Final = Layers(
    parts=(
        ((0.0, 0.0, 1.0, 1.0), Art(name="bands")),
        (
            (0.12, 0.12, 0.88, 0.88),
            column(
                (0.9, text("{title}", "title", 0.085, voice="title", align="center")),
                (0.5, text("{line}", "line", 0.034, tone="muted", align="center")),
                _field("{mail_label}", "{mail}"),
                _field("{word_label}", "{word}"),
                (0.9, over(column((1.0, text("{button}", "button", 0.042, voice="strong",
                                             tone="on_accent", align="center")), fill="accent",
                                  round=0.012, pad=(0.02, 0.01)))),
                (0.5, text("{help}", "help", 0.03, tone="accent", align="center")),
                fill="panel",
                round=0.025,
                pad=(0.07, 0.045),
                gap=0.02,
            ),
        ),
    )
)  # fmt: skip


@template("sign-in form", _SIGN_IN, en="a sign-in form", zh="登录界面", ratios=(0.6, 1.6),
          smallest=288, palettes=_SCREENS, looks=(0,))  # fmt: skip
def _sign_in(rng: Random, language: Language) -> Values:
    said = {
        "en": {"title": rng.choice(("Welcome back", "Sign in")), "line": "Good to see you again.",
               "mail_label": "E-mail", "word_label": "Password", "button": "Sign in",
               "help": "Forgot your password?"},
        "zh": {"title": rng.choice(("欢迎回来", "账号登录")), "line": "很高兴再次见到你。",
               "mail_label": "电子邮箱", "word_label": "密码", "button": "登录",
               "help": "忘记密码？"},
    }  # fmt: skip
    return {**said[language], "mail": people.mail(rng), "word": "*" * rng.randint(8, 14)}
