"""What all scorers promise."""

from danqing.scorers.base import Score, Scorer, mean, scorers
from danqing.scorers.ocr import TextScorer
from danqing.scorers.scene import SceneScorer


def test_a_mean_passes_over_the_unscored_and_an_empty_mean_is_unscored():
    assert mean([Score(1.0, ""), Score(None, "no face"), Score(0.0, "")]) == 0.5
    assert mean([Score(None, "no face")]) is None
    assert mean([]) is None


def test_registered_scorers_are_built_from_their_settings_and_can_score():
    assert {scorers["scene"], scorers["text"]} == {SceneScorer, TextScorer}
    assert all(isinstance(scorers[name](), Scorer) for name in ("scene", "text"))
    assert all(issubclass(scorers[name], Scorer) for name in scorers)
