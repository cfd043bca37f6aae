"""What an annotator is told: the report's annotation task (E.3) in our own words, in two languages.

An instruction is named by a digest of everything that shapes the answer, and every annotation
carries that name, so a change of a word here is a change of name and old answers stay apart.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Final, Literal

from danqing.data.annotate.schema import JSON_SCHEMA

Language = Literal["en", "zh"]
"""What captions are written in."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """The task in one language."""

    language: Language
    task: str
    """What is asked about every picture."""
    once_more: str
    """What is added after an answer that was no use; `{reason}` says why it was not."""

    @property
    def digest(self) -> str:
        """Names this wording, and what answers must look like."""
        whole = json.dumps([self.language, self.task, self.once_more, JSON_SCHEMA])
        return hashlib.blake2b(whole.encode(), digest_size=6).hexdigest()

    def prompt(self, reason: str | None = None) -> str:
        """Return what to ask, given why the last answer was no use, if there was one."""
        if reason is None:
            return self.task
        return f"{self.task}\n\n{self.once_more.format(reason=reason)}"


INSTRUCTIONS: Final[dict[Language, Instruction]] = {
    "en": Instruction(
        "en",
        """\
You describe pictures so that a painter who has never seen them could paint them again.

Look at the picture and answer with one JSON object and nothing else. It has exactly these fields:

"Caption": a description in English, one paragraph of plain, flowing prose. No headings, no lists, \
no asterisks, no links, no line breaks.
- Begin with the main subject. Say of each object that matters what it is, how many there are, its \
colour, material, size, shape, pose, state and expression, as far as they can be seen.
- Say where things stand and what they have to do with each other: left and right, before and \
behind, on and under, holding, looking at.
- Say what surrounds them: place, background, light, time of day, weather, point of view.
- Copy every piece of text in the picture letter by letter between double quotation marks, in its \
own language, with its own capitals and punctuation; never translate, correct or complete it. Say \
where it stands and how it looks. Use double quotation marks for nothing else. What cannot be read \
is called illegible and not guessed.
- Name people, places, brands and works only where the picture itself makes them certain.
- Say only what can be seen. No impressions, no praise, no guesses about meaning, and no sentence \
that would be true of almost any picture.
- Watermarks do not belong in the caption.

"Image Type": what kind of picture it is, in a few English words, such as "photograph", \
"oil painting", "poster", "screenshot" or "3D rendering".

"Image Style": its manner, in a few English words, such as "documentary, natural light" or \
"flat design, pastel colours".

"Watermark List": a list of all watermarks, each a string: marks of owners, agencies, sites or \
cameras laid over the picture that are no part of the scene. Copy their text exactly; call a mark \
without text "logo". The list is empty where there is none.

"Abnormal Element": "yes" where there is a watermark, a QR code, a barcode, a mosaic or blur laid \
over something, or a frame or a bar that is no part of the picture; else "no".""",
        "Your last answer was refused, because {reason}. Look again and answer anew, with one JSON "
        "object as described above.",
    ),
    "zh": Instruction(
        "zh",
        """\
你的任务是描述图片，让从未见过它的画家也能照着重新画出来。

请看图，只用一个 JSON 对象作答，不要输出其他任何内容。对象恰好包含以下字段（字段名保持英文）：

"Caption"：中文描述，写成一段自然流畅的文字，不用标题、列表、星号、链接，也不换行。
- 先写主体。对每个重要的物体，写明它是什么、有几个，\
以及看得见的颜色、材质、大小、形状、姿态、状态和表情。
- 写清物体的位置和相互关系：左右、前后、上下、拿着什么、看向哪里。
- 写清周围环境：地点、背景、光线、时间、天气、视角。
- 图中出现的每一处文字都要逐字照抄，放在中文双引号“”之内，\
保留原来的语言、大小写和标点，不翻译、不改正、不补全，并说明文字的位置和样子。\
双引号不作他用。看不清的文字写明看不清，不要猜。
- 只有图片本身能够确定时，才写出人物、地点、品牌和作品的名称。
- 只写看得见的内容。不写感受，不赞美，不猜测含义，不写放在任何图片上都成立的空话。
- 水印不写进描述。

"Image Type"：图片的种类，用几个中文词，例如“照片”“油画”“海报”“屏幕截图”“三维渲染”。

"Image Style"：图片的风格，用几个中文词，例如“纪实、自然光”“扁平设计、柔和色彩”。

"Watermark List"：列表，列出全部水印，每个水印是一个字符串。\
水印指叠加在画面上、不属于场景的版权、机构、网站或相机标记。\
文字照抄；没有文字的标记写 "logo"。没有水印时列表为空。

"Abnormal Element"：图中有水印、二维码、条形码、打码或遮盖性的模糊、\
不属于画面的边框或黑边时写 "yes"，否则写 "no"。""",
        "你上一次的回答不能采用，原因是：{reason}。"
        "请重新看图，按上面的要求再用一个 JSON 对象作答。",
    ),
}
"""The task by language."""
