"""Findings must be rare where nothing is to be found, and likely where a run was planned so."""

import numpy as np
import pytest

from danqing.core.errors import RecipeError
from danqing.evaluation.compare import differences, holm, paired, smallest_difference


def scores(draw, prompts, pictures, chances):
    return [float(v) for chance in chances for v in draw.random(pictures) < chance]


def test_alike_models_differ_significantly_about_as_rarely_as_promised():
    draw, prompts, pictures = np.random.default_rng(0), 30, 3
    names = [prompt for prompt in range(prompts) for _ in range(pictures)]
    findings = 0
    for seed in range(300):
        chances = draw.beta(2, 2, prompts)
        told = paired(
            scores(draw, prompts, pictures, chances),
            scores(draw, prompts, pictures, chances),
            names,
            resamples=300,
            seed=seed,
        )
        findings += told.p < 0.05
    assert 3 <= findings <= 27


def test_two_names_for_one_model_are_no_finding():
    told = paired([1.0, 0.0, 1.0], [1.0, 0.0, 1.0], "abc", resamples=100)
    assert told.difference == 0
    assert told.p == 1
    assert told.interval == (0, 0)


def test_exchanging_the_models_turns_the_difference_and_keeps_the_chance():
    draw = np.random.default_rng(3)
    first, second = draw.random((2, 40)).tolist()
    names = [index // 2 for index in range(40)]
    one, other = (paired(a, b, names, resamples=500) for a, b in ((first, second), (second, first)))
    assert one.difference == pytest.approx(-other.difference)
    assert one.interval.low == pytest.approx(-other.interval.high)
    assert one.p == other.p
    assert one.clusters == 20


def test_many_pictures_of_one_prompt_are_one_piece_of_evidence():
    alone = paired([1.0] * 20, [0.0] * 20, range(20), resamples=2_000)
    together = paired([1.0] * 20, [0.0] * 20, [0] * 20, resamples=2_000)
    assert alone.p < 0.01 < 0.9 < together.p


def test_a_macro_difference_weighs_categories():
    told = paired([1.0] * 9 + [0.0], [0.0] * 10, range(10), ["easy"] * 9 + ["hard"], resamples=100)
    assert told.difference == pytest.approx(0.5)


def test_no_items_give_no_comparison():
    assert paired([], [], []) is None


def test_holm_agrees_with_a_value_worked_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_order_and_never_makes_a_chance_smaller():
    chances = np.random.default_rng(0).random(20).tolist()
    adjusted = holm(chances)
    assert all(after >= before for before, after in zip(chances, adjusted, strict=True))
    order = np.argsort(chances)
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_a_difference_of_the_planned_size_is_found_about_as_often_as_planned():
    draw, prompts, pictures = np.random.default_rng(1), 60, 2
    gap = smallest_difference(prompts, pictures, share=0.5, within=0.0)
    names = [prompt for prompt in range(prompts) for _ in range(pictures)]
    found = 0
    for seed in range(150):
        first, second = (
            scores(draw, prompts, pictures, [0.5 + side * gap / 2] * prompts) for side in (1, -1)
        )
        found += paired(first, second, names, resamples=300, seed=seed).p < 0.05
    assert 0.70 < found / 150 < 0.90


def test_more_prompts_and_models_that_stumble_alike_sharpen_the_eye():
    plain = smallest_difference(100, 4)
    assert smallest_difference(400, 4) == pytest.approx(plain / 2)
    assert smallest_difference(100, 4, shared=0.5) < plain < smallest_difference(100, 1)
    with pytest.raises(RecipeError, match="prompts must be at least 1, got 0"):
        smallest_difference(0, 4)


def items(category, values, seeds=2):
    """Return items of a run: so many pictures of every prompt, one value each."""
    return [
        {"id": f"{category}{n // seeds}", "seed": n % seeds, "category": category, "value": value}
        for n, value in enumerate(values)
    ]


def test_runs_are_compared_by_category_and_over_all():
    before = items("a", [0.0] * 40) + items("b", [1.0] * 40)
    after = items("a", [1.0] * 40) + items("b", [1.0] * 40)
    better, same, all_ = differences(before, after)
    assert (better.name, better.before, better.after) == ("a", 0, 1)
    assert better.comparison.interval == (1, 1)
    assert better.comparison.p < better.chance < 0.01
    assert (same.comparison.difference, same.chance) == (0, 1)
    assert (all_.before, all_.after, all_.comparison.difference, all_.chance) == (0.5, 1, 0.5, None)
    assert all_.comparison.clusters == 40


def test_pictures_that_one_run_lacks_or_nobody_judged_are_left_out_of_both():
    before, after = items("a", [1.0, 1.0, 0.0, 0.0]), items("a", [0.0, None, 0.0])
    (told,) = differences(before, after)
    assert (told.before, told.after, told.comparison.clusters) == (0.5, 0, 2)
    assert differences(before, []) == []
