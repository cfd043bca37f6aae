"""A conditioner on disk is what diffusers and transformers read and write."""

import json

import pytest
import torch
from safetensors import safe_open

from danqing.core.errors import CheckpointError
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.template import TEMPLATES

PROMPTS = ["a red circle", 'the word "LOVE"']


@pytest.fixture
def folder(conditioner_for, tmp_path):
    conditioner_for("nano_edit_plus").save(tmp_path)
    return tmp_path


def stored(folder):
    with safe_open(folder / "text_encoder" / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_what_is_saved_is_loaded(folder, conditioner_for, pictures):
    images = [pictures[:1], pictures[1:]]
    before = conditioner_for("nano_edit_plus").read(PROMPTS, images)
    conditioner = Conditioner.load(folder)
    after = conditioner.read(PROMPTS, images)
    assert torch.equal(after.text, before.text)
    assert conditioner.writer.template is TEMPLATES["nano_edit_plus"]
    assert not conditioner.training


def test_a_folder_that_transformers_wrote_is_loaded(published_folder):
    assert "model.layers.0.mlp.up_proj.weight" in stored(published_folder)
    assert Conditioner.load(published_folder).writer.template is TEMPLATES["text_to_image"]
    assert Conditioner.load(published_folder, template=TEMPLATES["edit"]).vision is not None


def test_eyes_are_left_out_where_no_picture_is_looked_at(published_folder, conditioner_for):
    blind = Conditioner.load(published_folder)
    assert blind.vision is None
    seeing = conditioner_for("text_to_image")
    assert torch.equal(blind.read(PROMPTS).text, seeing.read(PROMPTS).text)


def test_transformers_loads_a_folder_that_we_wrote(folder, language_model):
    from transformers import Qwen2_5_VLForConditionalGeneration

    model, report = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder / "text_encoder", output_loading_info=True
    )
    assert not any(report.values())
    for name, tensor in language_model.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_weights_are_mapped_and_not_copied(folder):
    from danqing.models import checkpoint

    seen = {}

    def read(path):
        seen.update(checkpoint.read(path))
        return dict(seen)

    conditioner = Conditioner.load(folder, read=read)
    places = {parameter.data_ptr() for parameter in conditioner.parameters()}
    assert places == {tensor.data_ptr() for tensor in seen.values()}


def test_rotary_frequencies_stay_float32_in_any_dtype(folder, conditioner_for):
    expected = dict(conditioner_for("nano").named_buffers())
    assert expected
    for conditioner in (
        Conditioner.load(folder, dtype=torch.bfloat16),
        Conditioner.load(folder).to(torch.bfloat16),
        torch.nn.Sequential(Conditioner.load(folder)).bfloat16()[0],
    ):
        assert conditioner.read(["a red circle"]).text.dtype == torch.bfloat16
        buffers = dict(conditioner.named_buffers())
        assert buffers.keys() == expected.keys()
        for name, buffer in buffers.items():
            assert torch.equal(buffer, expected[name])


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: t.pop("model.norm.weight"), r"missing .*norm\.weight"),
        (lambda t: t.update({"model.extra": torch.zeros(1)}), r"unknown \(model\.extra"),
        (lambda t: t.update({"visual.merger.ln_q.weight": torch.zeros(3)}), "misshapen .*ln_q"),
    ],
)
def test_weights_that_do_not_fit_are_named(folder, change, fault):
    from safetensors.torch import save_file

    tensors = {name: tensor.clone() for name, tensor in stored(folder).items()}
    change(tensors)
    save_file(tensors, folder / "text_encoder" / "model.safetensors")
    with pytest.raises(CheckpointError, match=fault):
        Conditioner.load(folder)


def test_another_kind_of_network_is_refused(folder):
    file = folder / "text_encoder" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_type": "qwen3_vl"}))
    with pytest.raises(CheckpointError, match="must be qwen2_5_vl, got qwen3_vl"):
        Conditioner.load(folder)


def test_a_folder_without_a_tokenizer_is_refused(folder):
    (folder / "tokenizer").rename(folder / "elsewhere")
    with pytest.raises(CheckpointError, match="tokenizer is missing"):
        Conditioner.load(folder)
