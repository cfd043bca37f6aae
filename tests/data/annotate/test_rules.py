"""Every rule catches something, and leaves alone what looks like it."""

import json

import pytest
from PIL import Image, ImageDraw

from danqing.data.annotate.rules import Context, broken, quotations, rules, worth_reading
from danqing.data.annotate.run import _seen
from danqing.data.annotate.schema import Annotation
from danqing.data.synthesis.fonts import FACES

EN = (
    "A red enamel mug with the word “TEA” painted on its side in white stands on a scratched oak "
    "table, to the left of a folded blue napkin. Behind it, a window with four panes lets in the "
    "light of a grey morning."
)
ZH = (
    "一只红色搪瓷杯放在有划痕的橡木桌上，杯身用白漆写着“TEA”，右边是一块叠好的蓝色餐巾。"
    "杯子后面有一扇四格窗，透进阴天早晨的光线。"
)

CASES = {
    # rule: [(caught, left alone)], each a caption or a mapping of what differs
    "caption": [
        ("I'm sorry, but I cannot describe the people in this picture.", EN),
        (
            "a dog runs and a dog runs and a dog runs and a dog runs and a dog runs and a dog",
            "A dog runs after a ball, and a second dog runs after the first one along the beach.",
        ),
        (
            "Sorry! I am unable to describe this picture in any detail.",
            "A child holds a sign up over a plate of cookies, the cookie at its edge broken.",
        ),
        (
            "<b>A mug</b> stands on a table beside a napkin.",
            'A sign reads "I\'m sorry, <b>closed</b>, click here" and hangs on a green door.',
        ),
    ],
    "markup": [
        ("**A red mug** stands on a table beside a napkin.", EN),
        ("# A mug\nA red mug stands on a table.", "Jersey number #7 is printed on the red shirt."),
        (
            "- a red mug\n- a blue napkin\n- an oak table",
            "A blue-grey, hand-made mug stands on the table.",
        ),
        ("1. A red mug.\n2. A blue napkin.", "The clock shows 1.30 and the sign says “2. Floor”."),
        ("A [mug](mug.png) stands on a table.", 'A screen shows the words "**bold**" in white.'),
    ],
    "generality": [
        ("The image shows a beautiful scene with a mug on a table.", EN),
        (
            "A mug stands on a table, evoking a sense of calm and quiet.",
            "A woman with a calm face looks at a beautiful butterfly on her hand.",
        ),
        (
            "The overall mood of the picture is warm and inviting to all.",
            "A mechanic in denim overalls stands beside a car with its hood open.",
        ),
        ("整个画面给人一种宁静的感觉，桌上放着一只杯子。", {"caption": ZH, "language": "zh"}),
    ],
    "language": [
        (ZH, EN),
        ({"caption": EN, "language": "zh"}, {"caption": ZH, "language": "zh"}),
        (
            "A shop sign above the door reads 欢迎光临，请进来看看我们的新货 in red.",
            "A shop sign above the door reads “欢迎光临，请进来看看我们的新货” in red.",
        ),
    ],
    "length": [
        ("A red mug.", "A red mug stands on oak."),
        ({"caption": "红色的杯子。", "language": "zh"}, {"caption": ZH, "language": "zh"}),
        ("A very long walk. " * 130, "One two three four five. " * 60),
    ],
    "fields": [
        (EN + " Image Type: photograph.", "The type of image on the wall is a photograph in oil."),
        (EN + " {}", 'The sign reads "Image Type: JSON" in white letters.'),
    ],
    "quotation marks": [
        ('A sign reads "OPEN in red letters on a door.', 'A sign reads "OPEN" on a door.'),
        ("A sign reads “OPEN in red letters.", 'A 12" record lies on a table beside a red mug.'),
    ],
    "quotations": [
        ({"caption": 'A sign reads "CLOSED".', "seen": "OPEN"}, {"caption": EN, "seen": "T E A"}),
        (
            {"caption": 'A sign reads "Harbour Street 24".', "seen": ""},
            {"caption": 'A sign reads "Harbour Street 24".', "seen": "24 HARBOUR STRET shop"},
        ),
        (
            {"caption": "牌子上写着“欢迎光临”。", "seen": "谢谢惠顾", "language": "zh"},
            {"caption": 'A sign reads "OPEN".'},  # nobody looked
        ),
    ],
    "watermark names": [
        ({"watermarks": ("No watermark",)}, {"watermarks": ("None of Us Photography",)}),
        ({"watermarks": ("无",)}, {"watermarks": ("logo",)}),
    ],
    "watermark leak": [
        (EN + " A watermark covers the lower corner.", EN),
        (
            {"caption": EN + " Below stands “Shutterpix”.", "watermarks": ("Shutterpix",)},
            {"caption": EN + " Below stands “Shutters”.", "watermarks": ("Shutterpix",)},
        ),
        (
            {"caption": EN + " At the foot is shutterpix.com.", "watermarks": ("Shutterpix.com",)},
            {"caption": "An ant sits on a green leaf by the water.", "watermarks": ("an",)},
        ),
        (
            {"caption": ZH + "右下角有水印。", "language": "zh"},
            'The poster says "Watermark Hotel" above a door.',
        ),
    ],
    "watermark unread": [
        (
            {"watermarks": ("Shutterpix.com",), "seen": ""},
            {"watermarks": ("Shutterpix.com",), "seen": "Shutterplx"},
        ),
        ({"watermarks": ("版权所有翻印必究",), "seen": " "}, {"watermarks": ("logo",), "seen": ""}),
    ],
    "abnormal element": [
        ({"watermarks": ("Shutterpix",)}, {"watermarks": ("Shutterpix",), "abnormal": True}),
        (EN + " A QR code hangs on the wall.", EN),
        (
            {"caption": ZH + "墙上贴着二维码。", "language": "zh"},
            {"caption": ZH + "墙上贴着二维码。", "language": "zh", "abnormal": True},
        ),
    ],
}


def judged(case, names=None):
    case = {"caption": case} if isinstance(case, str) else case
    annotation = Annotation(
        caption=case.get("caption", EN),
        image_type="photograph",
        image_style="natural light",
        watermarks=case.get("watermarks", ()),
        abnormal=case.get("abnormal", False),
    )
    context = Context(language=case.get("language", "en"), seen=case.get("seen"))
    return broken(annotation, context, names)


def test_every_rule_has_cases():
    assert set(CASES) == set(rules)


@pytest.mark.parametrize(
    ("rule", "caught", "left"), [(rule, *pair) for rule, pairs in CASES.items() for pair in pairs]
)
def test_a_rule_catches_and_leaves_alone(rule, caught, left):
    (reason,) = judged(caught, [rule]).values()
    assert reason
    assert len(reason) < 200
    assert judged(left, [rule]) == {}


@pytest.mark.parametrize("case", [EN, {"caption": ZH, "language": "zh", "seen": "tea"}])
def test_a_good_caption_breaks_no_rule(case):
    assert judged(case) == {}


def test_quotations_of_all_kinds_are_found():
    caption = 'One "a b", two “c”, three 「丁」, four 『戊』; no “end'
    assert quotations(caption) == ["a b", "c", "丁", "戊"]


def test_a_picture_is_read_only_where_it_matters():
    plain = Annotation(caption="A mug.", image_type="-", image_style="-")
    quoting = Annotation(caption='A "mug".', image_type="-", image_style="-")
    assert not worth_reading(plain, list(rules))
    assert worth_reading(quoting, list(rules))
    assert not worth_reading(quoting, ["length"])


def test_what_a_picture_says_is_read_from_the_picture():
    image = Image.new("RGB", (320, 96), "white")
    ImageDraw.Draw(image).text((20, 20), "HARBOUR", "black", font=FACES["grotesque"].at(48))
    for word, expected in (("HARBOUR", []), ("LIGHTHOUSE", ["quotations"])):
        caption = f'A white sign with the word "{word}" in black letters.'
        annotation = Annotation(caption=caption, image_type="-", image_style="-")
        seen = _seen(image, json.dumps(annotation.fields()), list(rules))
        assert list(broken(annotation, Context(language="en", seen=seen))) == expected
