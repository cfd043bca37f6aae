"""A corpus of plain pictures, and an endpoint that describes them."""

import json
from typing import Any

import pytest
from PIL import Image

from danqing.data.corpus import Corpus
from danqing.data.sources.folder import Folder


def answer(row: int, **fields: Any) -> str:
    """Return a good answer about a row."""
    found = {
        "Caption": f"A plain grey square fills the whole picture; it is square number {row}.",
        "Image Type": "drawing",
        "Image Style": "flat, one colour",
        "Watermark List": [],
        "Abnormal Element": "no",
    }
    return json.dumps(found | fields)


def picture(row: int, side: int = 64) -> Image.Image:
    """Return the picture of a row."""
    return Image.new("RGB", (side, side), (4 * row,) * 3)


@pytest.fixture
def endpoint(endpoint):
    """An endpoint whose network is a good annotator."""
    endpoint.play = lambda asked: endpoint.reply(answer(asked.row))
    return endpoint


@pytest.fixture
def make_corpus(tmp_path):
    """A function that makes a corpus of so many pictures, some with a caption of their own."""

    def make(rows: int, name: str = "corpus") -> Corpus:
        folder = tmp_path / f"{name}-pictures"
        folder.mkdir()
        for row in range(rows):
            picture(row).save(folder / f"{row:03d}.png")
            if row % 3 == 0:
                captions = {"raw": f"square {row}", "recaption": f"somebody's words on {row}"}
                (folder / f"{row:03d}.json").write_text(json.dumps(captions))
        corpus = Corpus(tmp_path / name)
        corpus.add("test", Folder(path=folder))
        return corpus

    return make
