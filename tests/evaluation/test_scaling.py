"""Runs are put over a number that all their results have."""

import pytest

from danqing.core.errors import RecipeError
from danqing.evaluation.scaling import numbers, scaling


def result(steps, score, interval=(0.2, 0.8)):
    row = {"name": "all", "score": score, "interval": None if score is None else list(interval)}
    other = {"name": "part", "score": 0.9, "interval": None}
    return {
        "generator": {"steps": steps, "fast": True, "size": [8, 8]},
        "pictures": 3,
        "table": {"headline": "all", "rows": [other, row]},
    }


def test_numbers_have_paths_and_truth_and_lists_are_none():
    assert dict(numbers(result(4, 0.5))) == {"generator.steps": 4, "pictures": 3}


def test_the_headline_is_plotted_with_its_interval():
    plot = scaling([("a", result(4, 0.5)), ("b", result(8, 0.7))], "generator.steps")
    assert "<h2>all over generator.steps</h2>" in plot
    assert "a: 0.5" in plot
    assert "b: 0.7" in plot
    assert plot.count('class="range"') == 2


def test_what_lies_far_apart_is_plotted_by_ratios():
    def ticks(*steps):
        plot = scaling([("", result(n, 0.5)) for n in steps], "generator.steps")
        return [text.split("<")[0] for text in plot.split('text-anchor="middle">')[1:-1]]

    assert ticks(1, 19) == ["0", "5", "10", "15", "20"]
    assert ticks(1, 20) == ["1", "2", "5", "10", "20"]
    assert "0" in ticks(0, 20)


def test_runs_without_a_score_are_left_out_and_none_gives_no_plot():
    runs = [("a", result(4, None)), ("b", result(8, 0.7))]
    assert scaling(runs, "pictures").count("<circle") == 1
    assert scaling(runs[:1], "pictures") == ""


def test_a_number_that_one_lacks_is_refused_with_those_there_are():
    runs = [("a", result(4, 0.5)), ("b", result(None, 0.7))]
    with pytest.raises(RecipeError, match=r"unknown number 'generator.steps'.* of b\."):
        scaling(runs, "generator.steps")
