"""Cut the fonts of the drawn pictures down to the characters that are drawn.

Run it where the full fonts are installed (on Debian: fonts-dejavu-core, fonts-dejavu-extra,
fonts-liberation2, fonts-cabin, fonts-noto-cjk, fonts-noto-cjk-extra, fonts-lxgw-wenkai) and
fontTools is importable:

    python tools/subset_fonts.py [/usr/share/fonts]

A subset is a modified font, and the licences keep the original names for unmodified ones, so
every subset gets a name of its own.
"""

import string
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from danqing.data.synthesis.fonts import FACES, FOLDER
from danqing.data.synthesis.words import CHARACTERS, UNSEEN_CHARACTERS

SOURCES = {
    "grotesque": ("truetype/liberation2/LiberationSans-Bold.ttf", 0),
    "broad": ("truetype/dejavu/DejaVuSans-Bold.ttf", 0),
    "humanist": ("opentype/cabin/Cabin-Bold.otf", 0),
    "serif": ("truetype/dejavu/DejaVuSerif-Bold.ttf", 0),
    # Face 2 of the collections is simplified Chinese.
    "hei": ("opentype/noto/NotoSansCJK-Bold.ttc", 2),
    "kai": ("truetype/lxgw-wenkai/LXGWWenKai-Bold.ttf", 0),
    "song": ("opentype/noto/NotoSerifCJK-Bold.ttc", 2),
    "world": ("truetype/dejavu/DejaVuSans-Bold.ttf", 0),
}
"""Our name of a font: its file below the folder of fonts, and the face inside it."""

WORLD = "".join(map(chr, [*range(0x386, 0x3CF), *range(0x400, 0x460)])) + " "
"""Greek and Cyrillic: what filters must call neither English nor Chinese."""

NAME_RECORDS = {1: "Danqing {}", 3: "Danqing {} subset", 4: "Danqing {}", 6: "Danqing-{}"}
"""Name identifiers (OpenType `name` table) that carry a font's own name."""


def cut(folder: Path, name: str, characters: str) -> TTFont:
    """Return one font with nothing but `characters`, under its new name."""
    file, face = SOURCES[name]
    options = subset.Options(
        layout_features=["kern"],
        hinting=False,
        name_IDs=[0, 1, 2, 3, 4, 6, 13, 14],
        notdef_outline=True,
        font_number=face,
    )
    font = subset.load_font(str(folder / file), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in NAME_RECORDS:
            record.string = NAME_RECORDS[record.nameID].format(name.capitalize())
    if "CFF " in font:
        font["CFF "].cff.fontNames = [NAME_RECORDS[6].format(name.capitalize())]
    return font


def main(folder: Path = Path("/usr/share/fonts")) -> None:
    """Write every face of `FACES`, and the one for other scripts, into the package."""
    letters = "".join(sorted(set(string.printable) - set(string.whitespace))) + " "
    alphabets = {"en": letters, "zh": CHARACTERS + UNSEEN_CHARACTERS}
    wanted = {face.name: alphabets[face.script] for face in FACES.values()} | {"world": WORLD}
    for name, characters in wanted.items():
        target = FOLDER / f"{name}.otf"
        cut(folder, name, characters).save(target)
        print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
