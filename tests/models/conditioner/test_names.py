"""Weights are found under the names of either layout."""

from danqing.models.conditioner.names import ours, published


def test_names_on_disk_lead_back_to_those_in_memory(language_model):
    names = list(language_model.model.state_dict())
    assert [ours(published(name)) for name in names] == names
    assert "model.embed_tokens.weight" in map(published, names)


def test_the_newer_layout_is_read_too(language_model):
    in_memory = [ours(name) for name in language_model.state_dict() if name != "lm_head.weight"]
    assert in_memory == list(language_model.model.state_dict())


def test_the_head_is_left_out():
    assert ours("lm_head.weight") is None
