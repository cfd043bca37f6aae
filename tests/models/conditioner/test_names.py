"""Weights are found under the names of either layout."""

from danqing.models.conditioner.names import ours, published


def test_names_on_disk_lead_back_to_those_in_memory(conditioner_for):
    names = list(conditioner_for("nano").state_dict())
    assert [ours(published(name)) for name in names] == names
    assert {"model.embed_tokens.weight", "model.norm.weight"} <= set(map(published, names))


def test_the_newer_layout_is_read_too(language_model, conditioner_for):
    newer = [name for name in language_model.state_dict() if name != "lm_head.weight"]
    assert {"model.visual.merger.ln_q.weight", "model.language_model.norm.weight"} <= set(newer)
    assert sorted(map(ours, newer)) == sorted(conditioner_for("nano").state_dict())


def test_the_head_is_left_out():
    assert ours("lm_head.weight") is None
