"""Tables of spreadsheets (xlsx) as plain rows, by what every Python has.

An xlsx is a zip of XML: ECMA-376, part 1, 18.3 (sheets) and 18.4 (shared strings).
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from danqing.core.errors import SourceError

Cell = str | float | None

_NS: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRINGS: Final = "xl/sharedStrings.xml"


def sheet(path: Path) -> Iterator[dict[str, Cell]]:
    """Yield the rows below the first one of a file's first sheet, by the first one's names.

    Args:
        path: The file.

    Raises:
        SourceError: it is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            strings = _strings(archive)
            names: dict[str, str] = {}
            with archive.open("xl/worksheets/sheet1.xml") as file:
                for _, element in ElementTree.iterparse(file):
                    if element.tag != f"{_NS}row":
                        continue
                    cells = {_column(cell): _value(cell, strings) for cell in element}
                    element.clear()
                    if not names:
                        names = {key: str(value) for key, value in cells.items()}
                    else:
                        yield {name: cells.get(key) for key, name in names.items()}
    except (OSError, KeyError, IndexError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        raise SourceError(f"tables must be xlsx files, got {path}; check it.") from error


def _strings(archive: zipfile.ZipFile) -> list[str]:
    if _STRINGS not in archive.namelist():
        return []
    with archive.open(_STRINGS) as file:
        return [_text(item) for item in ElementTree.parse(file).getroot()]


def _text(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{_NS}t"))


def _column(cell: ElementTree.Element) -> str:
    return re.sub(r"\d", "", cell.get("r", ""))


def _value(cell: ElementTree.Element, strings: list[str]) -> Cell:
    kind, value = cell.get("t", "n"), cell.find(f"{_NS}v")
    if kind == "inlineStr":
        return _text(cell) or None
    if value is None or value.text is None:
        return None
    if kind == "s":
        return strings[int(value.text)]
    return float(value.text) if kind == "n" else value.text
