"""From an RGB VAE to an RGBA one that starts where the other stopped.

Qwen-Image-Layered (arXiv:2512.15603) widens the first layer of the encoder and the last layer of
the decoder: alpha is at first not seen, and painted as opaque.
"""

from dataclasses import replace

import torch

from danqing.models.vae.model import VAE


def with_alpha(rgb: VAE) -> VAE:
    """Return an RGBA network that paints what `rgb` paints, with alpha 1 (opaque) everywhere.

    Weights that stay as they are, are shared with `rgb`.
    """
    assert rgb.config.image_channels == 3, "alpha is the fourth channel"
    with torch.device("meta"):
        rgba = VAE(replace(rgb.config, image_channels=4))
    weights = rgb.state_dict()
    for name, opaque in {
        "encoder.conv_in.weight": 0.0,
        "decoder.head.conv.weight": 0.0,
        "decoder.head.conv.bias": 1.0,
    }.items():
        # A patch's channels are ordered by colour first, so alpha's come last.
        wide = torch.full_like(rgba.get_parameter(name), opaque, device=weights[name].device)
        wide = wide.to(weights[name].dtype)
        wide[tuple(slice(size) for size in weights[name].shape)] = weights[name]
        weights[name] = wide
    rgba.load_state_dict(weights, assign=True)
    return rgba.train(rgb.training)
