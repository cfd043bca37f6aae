"""Spreadsheets are read as rows, whichever way they keep their texts."""

import zipfile

import pytest

from danqing.core.errors import SourceError
from danqing.evaluation.sheet import sheet

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def write(path, cells, strings=None):
    rows = "".join(f"<row>{''.join(row)}</row>" for row in cells)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        )
        if strings is not None:
            told = "".join(f"<si>{text}</si>" for text in strings)
            archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{told}</sst>')
    return path


def test_shared_texts_numbers_and_gaps(tmp_path):
    path = write(
        tmp_path / "a.xlsx",
        [
            ['<c r="A1" t="s"><v>0</v></c>', '<c r="B1" t="s"><v>1</v></c>'],
            ['<c r="A2" t="s"><v>2</v></c>', '<c r="B2"><v>1.5</v></c>'],
            ['<c r="B3"><v>2</v></c>', '<c r="C3"><v>9</v></c>'],
        ],
        ["<t>name</t>", "<t>sc</t><t>ore</t>", "<r><t>牛 &amp; </t></r><r><t>x</t></r>"],
    )
    assert list(sheet(path)) == [
        {"name": "牛 & x", "score": 1.5},
        {"name": None, "score": 2.0},
    ]


def test_texts_within_their_cells(tmp_path):
    path = write(
        tmp_path / "a.xlsx",
        [
            ['<c r="A1" t="inlineStr"><is><t>q</t></is></c>', '<c r="AB1" t="str"><v>f</v></c>'],
            ['<c r="A2" t="inlineStr"/>', '<c r="AB2" t="str"><v>yes</v></c>'],
        ],
    )
    assert list(sheet(path)) == [{"q": None, "f": "yes"}]


def test_what_is_no_table_is_refused(tmp_path):
    path = tmp_path / "a.xlsx"
    for make in (lambda: None, lambda: path.write_bytes(b"PK"), lambda: write(path, [["<c"]])):
        make()
        with pytest.raises(SourceError, match="tables must be xlsx files, got"):
            list(sheet(path))
