"""What is kept of text that was read in a picture.

A reading keeps every line with its box, so that whatever a benchmark's rules make of it, nothing
has to be read again.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from danqing.core.cache import cache_folder
from danqing.evaluation.memory import Memory
from danqing.scorers.readers import Reader


def reading(reader: Reader, image: Image.Image) -> dict[str, Any]:
    """Return what is kept of a picture: its lines, its size, and whether it is black all over."""
    image = image.convert("RGB")
    lines = [
        {
            "text": line.text,
            "box": [[round(float(x), 1), round(float(y), 1)] for x, y in line.corners],
            "sure": round(line.sure, 4),
        }
        for line in reader.lines(image)
    ]
    return {"lines": lines, "size": list(image.size), "black": image.getbbox() is None}


def kept_reading(reader: Reader, image: Image.Image) -> Mapping[str, Any]:
    """Return a picture's reading from the cache of this machine, where it is put if need be.

    For pictures of the truth, which are the same in every run.
    """
    memory = _memory(cache_folder("benchmarks") / "readings.jsonl")
    told = f"{reader.identity}, {image.size}, {image.mode}".encode() + image.tobytes()
    key = hashlib.sha256(told).hexdigest()[:24]
    found = memory.get(key)
    if found is None:
        memory.put(key, found := reading(reader, image))
    return found


def in_order(seen: Mapping[str, Any]) -> list[str]:
    """Return the lines of a reading from top to bottom, those beside each other from the left.

    Two lines are beside each other if their middles are nearer than half the upper one's height;
    lines of one box keep their order.
    """
    rows: list[list[tuple[float, float, float, str]]] = []
    for place in sorted(map(_place, seen["lines"]), key=lambda place: place[:3]):
        middle, _, height, _ = rows[-1][0] if rows else (0.0, 0.0, -1.0, "")
        if place[0] - middle <= height / 2:
            rows[-1].append(place)
        else:
            rows.append([place])
    return [text for row in rows for _, _, _, text in sorted(row, key=lambda place: place[1])]


def edges(line: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """Return the left, upper, right and lower edge of a line's box, in pixels."""
    across, down = zip(*line["box"], strict=True)
    left, top, right, bottom = min(across), min(down), max(across), max(down)
    return float(left), float(top), float(right), float(bottom)


def _place(line: Mapping[str, Any]) -> tuple[float, float, float, str]:
    left, top, _, bottom = edges(line)
    return (top + bottom) / 2, left, bottom - top, line["text"]


@lru_cache(maxsize=4)
def _memory(path: Path) -> Memory:
    return Memory(path)
