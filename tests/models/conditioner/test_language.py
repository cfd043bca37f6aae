"""The language model's places and rotations are those of `transformers`."""

from copy import deepcopy

import pytest
import torch

from danqing.core.errors import CheckpointError
from danqing.models.conditioner.config import language_config
from danqing.models.conditioner.language import LanguageConfig, places, rotation, turn

PICTURE, MERGE = 9, 2


def walk(model, ids, grids, mask):
    """Ask `transformers` for the places, in our order."""
    kinds = ids.eq(PICTURE).int()
    theirs, _ = model.get_rope_index(ids, kinds, torch.tensor(grids), attention_mask=mask)
    return theirs.permute(1, 2, 0)


def test_places_of_pictures_follow_the_reference(language_model):
    grids = [[1, 4, 6], [1, 8, 2], [1, 2, 2]]
    first = [1, 2, *[PICTURE] * 6, 3, *[PICTURE] * 4, 4, 5]
    second = [1, *[PICTURE] * 1, 2, 3]
    ids = torch.tensor([first, second + [0] * (len(first) - len(second))])
    mask = torch.ones_like(ids)
    mask[1, len(second) :] = 0
    ours = places(ids, grids, PICTURE, MERGE)
    theirs = walk(language_model.model, ids, grids, mask)
    assert torch.equal(ours[mask.bool()], theirs[mask.bool()])


def test_without_pictures_places_count_tokens():
    assert torch.equal(places(torch.zeros(2, 5, dtype=torch.long))[1, :, 2], torch.arange(5))


def test_angles_of_each_section_turn_with_one_axis():
    where = torch.tensor([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    cos, _ = rotation(where, head=16, theta=100.0, sections=(2, 3, 3))
    turned = cos[0, :, 0] != 1
    assert turned.int().tolist() == [
        [1, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 1, 1],
    ]


def test_what_two_tokens_mean_to_each_other_depends_on_their_distance_only():
    q, k = torch.randn(2, 1, 1, 2, 16)
    scores = []
    for start in (0, 1000):
        at = torch.tensor([[[start] * 3], [[start + 7] * 3]]).transpose(0, 1)
        turns = rotation(at, head=16, theta=1e4, sections=(2, 3, 3))
        first = turn(q, tuple(t[:, :1] for t in turns))
        second = turn(k, tuple(t[:, 1:] for t in turns))
        scores.append((first * second).sum(-1))
    torch.testing.assert_close(*scores, atol=1e-4, rtol=0)


def test_both_layouts_of_the_published_settings_are_read():
    sizes = {
        "vocab_size": 152064,
        "hidden_size": 3584,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "intermediate_size": 18944,
    }
    older = sizes | {
        "rope_theta": 1e6,
        "rope_scaling": {"rope_type": "default", "mrope_section": [16, 24, 24], "type": "default"},
    }
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
    newer = {"text_config": sizes | {"rope_parameters": rope}}
    assert language_config(older) == language_config(newer) == LanguageConfig()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"text_config": {"vocab_size": 1}}, "must say hidden_size"),
        ({"rope_scaling": {"rope_type": "yarn"}}, "rope_type .* must be default, got yarn"),
    ],
)
def test_settings_that_cannot_be_read_are_refused(settings, words):
    with pytest.raises(CheckpointError, match=words):
        language_config(settings)


def test_bfloat16_states_are_as_near_to_float32_as_those_of_the_reference(
    conditioner_for, published_folder, language_model
):
    """We round less often than `transformers`, so not the same bits, and no farther away."""
    from danqing.models.conditioner.model import Conditioner

    prompt = "two red circles on the left of a blue circle"
    exact = conditioner_for("nano").read([prompt]).text
    ours = Conditioner.load(published_folder, dtype=torch.bfloat16)
    ours.writer = conditioner_for("nano").writer
    ids = conditioner_for("nano").tokenize([prompt]).input_ids
    reference = deepcopy(language_model.model.language_model).to(torch.bfloat16)
    with torch.no_grad():
        theirs = reference(input_ids=ids).last_hidden_state
    drop = ours.writer.drop
    error_ours = (ours.read([prompt]).text.float() - exact).square().mean()
    error_theirs = (theirs[:, drop:].float() - exact).square().mean()
    assert error_ours < 1.2 * error_theirs
