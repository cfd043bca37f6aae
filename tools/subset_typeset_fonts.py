"""Cut open fonts down to the characters that typeset pictures show.

Run it where the full fonts are installed (on Debian: fonts-lato, fonts-ebgaramond,
fonts-liberation2, fonts-lobster, fonts-comic-neue, fonts-firacode, fonts-noto-cjk,
fonts-noto-cjk-extra, fonts-lxgw-wenkai) and fontTools is importable:

    python tools/subset_typeset_fonts.py [/usr/share/fonts]

A Chinese face gets every Chinese character that stands in the sources of the package, and the
first of them the 3,755 most common ones (GB 2312, level 1) too, for texts of the user's. A subset
is a modified font, and the licences keep the original names for unmodified ones, so every subset
gets a name of its own.
"""

import re
import string
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

PACKAGE = Path(__file__).parents[1] / "src/danqing/data/typeset"

LATIN = string.printable.strip() + " " + "".join(map(chr, range(0xA1, 0x100)))
LATIN += "–—‘’“”…•€→←↑↓✓★"
MARKS = "\u3000¥£€×÷°±，。、；：？！（）《》「」『』【】〈〉〔〕“”‘’…—～·％℃￥￥№①②③④⑤⑥⑦⑧⑨⑩○●→←↑↓★"

SOURCES = {
    "plain": ("truetype/lato/Lato-Regular.ttf", 0, "Danqing Plain Sans", "Regular"),
    "plain-bold": ("truetype/lato/Lato-Bold.ttf", 0, "Danqing Plain Sans", "Bold"),
    "garden": (
        "opentype/ebgaramond/EBGaramond12-Regular.otf",
        0,
        "Danqing Garden Serif",
        "Regular",
    ),
    "press": (
        "truetype/liberation2/LiberationSerif-Regular.ttf",
        0,
        "Danqing Press Serif",
        "Regular",
    ),
    "press-bold": (
        "truetype/liberation2/LiberationSerif-Bold.ttf",
        0,
        "Danqing Press Serif",
        "Bold",
    ),
    "lobby": ("opentype/lobster/lobster.otf", 0, "Danqing Lobby Script", "Regular"),
    "balloon": ("opentype/comic-neue/ComicNeue-Bold.otf", 0, "Danqing Balloon Comic", "Bold"),
    "grid": ("truetype/firacode/FiraCode-Regular.ttf", 0, "Danqing Grid Mono", "Regular"),
    # Face 2 of the collections is simplified Chinese.
    "hei": ("opentype/noto/NotoSansCJK-Regular.ttc", 2, "Danqing Hei", "Regular"),
    "hei-bold": ("opentype/noto/NotoSansCJK-Bold.ttc", 2, "Danqing Hei", "Bold"),
    "song": ("opentype/noto/NotoSerifCJK-Regular.ttc", 2, "Danqing Song", "Regular"),
    "song-bold": ("opentype/noto/NotoSerifCJK-Bold.ttc", 2, "Danqing Song", "Bold"),
    "kai": ("truetype/lxgw-wenkai/LXGWWenKai-Regular.ttf", 0, "Danqing Kai", "Regular"),
}
"""Our file: the original below the folder of fonts, the face inside it, our family and style."""

CHINESE = ("hei", "hei-bold", "song", "song-bold", "kai")


def common() -> str:
    """Return level 1 of GB 2312: rows 16 to 55."""
    codes = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", "ignore") for code in codes)


def written() -> str:
    """Return every Chinese character in the sources of the package."""
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py")))
    return "".join(sorted(set(re.findall(r"[\u3400-\u9fff]", text))))


def cut(folder: Path, name: str, characters: str) -> TTFont:
    """Return one font with nothing but `characters`, under its new name."""
    file, index, family, style = SOURCES[name]
    options = subset.Options(
        layout_features=[],  # Pillow's basic layout reads the old `kern` table only
        legacy_kern=True,
        hinting=False,
        name_IDs=[0, 1, 2, 3, 4, 6, 13, 14],
        notdef_outline=True,
        font_number=index,
    )
    options.drop_tables += ["GPOS", "GSUB"]
    font = subset.load_font(str(folder / file), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    script = f"{family}-{style}".replace(" ", "")
    ours = {1: family, 2: style, 3: f"{family} {style} subset", 4: f"{family} {style}", 6: script}
    for record in font["name"].names:
        record.string = ours.get(record.nameID, record.string)
    if "CFF " in font:
        font["CFF "].cff.fontNames = [script]
    return font


def main(folder: Path = Path("/usr/share/fonts")) -> None:
    """Write every face into the package."""
    for name in SOURCES:
        characters = LATIN
        if name in CHINESE:
            characters = string.printable.strip() + " " + MARKS + written()
        if name == CHINESE[0]:
            characters += common()
        target = PACKAGE / "fonts" / f"{name}.otf"
        cut(folder, name, characters).save(target)
        print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
