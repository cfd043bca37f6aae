"""Published weights become ours and go back, complete."""

import pytest
import torch

from danqing.core.errors import CheckpointError
from danqing.models import checkpoint
from danqing.models.vae import VAE, VAEConfig
from danqing.models.vae.names import fold, ours, published, unfold


def test_every_name_goes_there_and_back(pair):
    mine = set(pair.vae.state_dict())
    theirs = {name for name in pair.reference.state_dict() if "time_conv" not in name}
    assert {published(name) for name in mine} == theirs
    assert {ours(name) for name in theirs} == mine


def test_what_only_a_video_needs_has_no_name(pair):
    names = [name for name in pair.reference.state_dict() if ours(name) is None]
    assert len(names) == 8
    assert all("time_conv" in name for name in names)


def test_written_weights_have_the_reference_s_names_and_shapes(pair):
    written = {name: tensor.shape for name, tensor in unfold(pair.vae).items()}
    assert written == {name: tensor.shape for name, tensor in pair.reference.state_dict().items()}


def test_the_published_configuration_has_the_published_number_of_weights():
    with torch.device("meta"):
        vae = VAE(VAEConfig())
    assert len(unfold(vae)) == 194
    assert sum(tensor.numel() for tensor in unfold(vae).values()) == 126_892_531


def test_only_the_last_slice_of_time_is_kept_and_written(pair):
    name = "decoder.conv_in.weight"
    kernel = pair.reference.state_dict()[name]
    assert torch.equal(fold(name, kernel), kernel[:, :, 2])
    written = unfold(pair.vae)[name]
    assert torch.equal(written[:, :, 2], kernel[:, :, 2])
    assert not written[:, :, :2].any()


@pytest.mark.parametrize("slim", [False, True])
@pytest.mark.parametrize("kind", ["pair", "nano"])
def test_a_written_network_is_read_bit_for_bit(kind, slim, request, tmp_path):
    vae = request.getfixturevalue(kind).vae
    checkpoint.write(tmp_path / "vae", unfold(vae, slim=slim), vae.config.to_published())
    config = VAEConfig.from_published(checkpoint.read_config(tmp_path / "vae"))
    with torch.device("meta"):
        read = VAE(config)
    checkpoint.load_into(read, checkpoint.read(tmp_path / "vae"), ours, reshape=fold)
    assert config == vae.config
    for name, tensor in vae.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor), name


def test_slim_weights_are_a_third(pair):
    size, slim = (
        sum(tensor.numel() for tensor in unfold(pair.vae, slim=slim).values())
        for slim in (False, True)
    )
    assert slim < 0.4 * size


def test_weights_of_another_network_are_refused_by_name(pair, tmp_path):
    checkpoint.write(tmp_path / "vae", unfold(pair.vae), pair.vae.config.to_published())
    with torch.device("meta"):
        other = VAE(VAEConfig(base=8, image_channels=4))
    with pytest.raises(CheckpointError, match=r"encoder\.conv_in"):
        checkpoint.load_into(other, checkpoint.read(tmp_path / "vae"), ours, reshape=fold)
