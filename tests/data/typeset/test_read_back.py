"""What was rendered is read again by a machine that knows nothing of us."""

from collections import Counter

import pytest

from danqing.core.errors import MissingPackage
from danqing.data.typeset.source import RenderedText
from danqing.scorers.ocr import normalized, read_lines, require_reader

EXACT = 0.97
"""Share of characters that must be read, whatever their order; pages may have columns."""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pure_pages_read_back(language):
    try:
        require_reader()
    except MissingPackage as missing:
        pytest.skip(str(missing))
    source = RenderedText(kinds={"pure": 1.0}, languages={language: 1.0}, side=320, seed=11)
    asked = found = 0
    for number in range(2):
        picture = source.picture(number)
        want = Counter(normalized("".join(string.text for string in picture.strings)))
        got = Counter(normalized("".join(line.text for line in read_lines(picture.image))))
        asked += want.total()
        found += (want & got).total()
    assert found / asked >= EXACT
