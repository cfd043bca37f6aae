"""Plots put every figure where its axis says, and say in words what they show."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.plot import Mark, linear, logarithmic, scatter, whiskers

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False)
POSITIVE = st.floats(1e-9, 1e12)


def holds(scale, values):
    shares = [scale.share(value) for value in values]
    assert all(-1e-9 <= share <= 1 + 1e-9 for share in shares)
    assert scale.share(scale.ticks[0]) == 0
    assert scale.share(scale.ticks[-1]) == pytest.approx(1)
    assert sorted(set(scale.ticks)) == list(scale.ticks)


@given(st.lists(NUMBERS, min_size=1))
def test_a_scale_holds_all_values_in_few_even_steps(values):
    scale = linear(values)
    holds(scale, values)
    assert 2 <= len(scale.ticks) <= 11


@given(st.lists(POSITIVE, min_size=1))
def test_a_scale_of_ratios_holds_all_values_and_begins_and_ends_next_to_them(values):
    scale = logarithmic(values)
    holds(scale, values)
    assert len(scale.ticks) == 2 or (scale.ticks[1] > min(values) and scale.ticks[-2] < max(values))


@pytest.mark.parametrize(
    ("make", "values", "ticks"),
    [
        (linear, [0.31, 0.87], [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
        (linear, [0, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (linear, [982, 1018], [980, 985, 990, 995, 1000, 1005, 1010, 1015, 1020]),
        (linear, [5], [4.4, 4.6, 4.8, 5.0, 5.2, 5.4, 5.6]),
        (linear, [0], [-1, -0.5, 0, 0.5, 1]),
        (logarithmic, [3, 60], [2, 5, 10, 20, 50, 100]),
        (logarithmic, [4, 1_000, 200_000], [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (logarithmic, [1], [1, 2]),
    ],
)
def test_ticks_are_round(make, values, ticks):
    assert make(list(map(float, values))).ticks == pytest.approx(ticks)


def parsed(svg):
    """Return the plot, and its elements of each kind in the order of drawing."""
    root = ET.fromstring(svg)
    return root, lambda kind: [dict(part.attrib) | {"said": part.text} for part in root.iter(kind)]


def places(svg):
    """Return where each tick that is a plain number stands, by what it says."""
    _, find = parsed(svg)
    texts = [text for text in find("text") if re.fullmatch(r"[-\d.]+", text["said"])]
    below = {float(t["said"]): float(t["x"]) for t in texts if t["text-anchor"] == "middle"}
    beside = {float(t["said"]): float(t["y"]) - 4 for t in texts if t["text-anchor"] == "end"}
    return below, beside


def test_dots_and_whiskers_stand_where_the_ticks_say():
    marks = [Mark("up", 1000.0, ((940.0, 1080.0), (960.0, 1040.0))), Mark("down", 900.0)]
    svg = whiskers(marks, "ratings")
    below, _ = places(svg)
    _, find = parsed(svg)
    across = (below[1000] - below[900]) / 100

    def at(value):
        return below[900] + (value - 900) * across

    up, down = find("circle")
    assert (float(up["cx"]), float(down["cx"])) == (below[1000], below[900])
    assert float(down["cy"]) - float(up["cy"]) == 26
    wide, tight = [line for line in find("line") if line["class"] != "grid"]
    assert [wide["class"], tight["class"]] == ["wide", "range"]
    for line, ends in ((wide, (940, 1080)), (tight, (960, 1040))):
        assert [float(line["x1"]), float(line["x2"])] == pytest.approx(list(map(at, ends)), abs=0.1)
        assert line["y1"] == line["y2"] == up["cy"]


def test_figures_stand_over_their_numbers_and_better_is_higher():
    points = [(n, Mark(f"{n}", score, [(score - 0.1, score + 0.1)]))
              for n, score in ((10.0, 0.5), (20.0, 0.6), (40.0, 0.7))]  # fmt: skip
    svg = scatter(points, "score over steps", "steps")
    below, beside = places(svg)
    _, find = parsed(svg)
    ranges = [line for line in find("line") if line["class"] == "range"]
    for (number, mark), dot, line in zip(points, find("circle"), ranges, strict=True):
        assert float(dot["cx"]) == below[number] == float(line["x1"]) == float(line["x2"])
        assert float(dot["cy"]) == pytest.approx(beside[mark.value], abs=0.1)
        low, high = (round(end, 1) for end in mark.ranges[0])
        assert float(line["y1"]) == pytest.approx(beside[low], abs=0.1)
        assert float(line["y2"]) == pytest.approx(beside[high], abs=0.1)
    assert beside[0.8] < beside[0.4]
    assert find("text")[-1]["said"] == "steps"


def test_equal_ratios_are_equal_ways_where_that_is_wanted():
    points = [(n, Mark("", 1.0)) for n in (1.0, 10.0, 100.0)]
    _, find = parsed(scatter(points, "", "", log=True))
    first, second, third = (float(dot["cx"]) for dot in find("circle"))
    assert second - first == pytest.approx(third - second, abs=0.11)


def test_everything_lies_within_the_plot():
    marks = [Mark("x" * 99, float(n), [(n - 9.0, n + 9.0)]) for n in range(5)]
    for svg in (whiskers(marks, ""), scatter([(m.value, m) for m in marks], "", "n")):
        root, find = parsed(svg)
        for axis, size in (("x", "width"), ("y", "height")):
            names = (axis, f"{axis}1", f"{axis}2", f"c{axis}")
            found = [float(part[name]) for kind in ("line", "circle", "text")
                     for part in find(kind) for name in names if name in part]  # fmt: skip
            assert min(found) >= 0
            assert max(found) <= float(root.attrib[size])


def test_names_and_titles_are_words_and_never_markup():
    name = "<script>&\"'"
    for svg in (whiskers([Mark(name, 1.0)], name), scatter([(1.0, Mark(name, 1.0))], name, name)):
        root, _ = parsed(svg)
        assert root.attrib["role"] == "img"
        assert root[0].tag == "title"
        assert root[0].text == name
        assert "<script>" not in svg
        assert [title.text for title in root.iter("title")] == [name, f"{name}: 1"]


@pytest.mark.parametrize(
    ("number", "said"),
    [(1e3, "1000"), (2e4, "20k"), (20e6, "20M"), (20e9, "20G"), (3e12, "3T")],
)
def test_large_numbers_are_short(number, said):
    _, find = parsed(scatter([(0.0, Mark("", 0.0)), (number, Mark("", 1.0))], "", ""))
    assert said in [text["said"] for text in find("text")]


def test_the_same_numbers_give_the_same_plot():
    marks = [Mark("a", 1 / 3, [(0.1, 0.7)])]
    assert whiskers(marks, "t") == whiskers(list(marks), "t")
