"""The numbers that make one MMDiT differ from another, in our words and in the published ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from danqing.core.config import parse
from danqing.core.errors import RecipeError, unknown

CLASS = "QwenImageTransformer2DModel"

PUBLISHED = {
    "patch": "patch_size",
    "in_channels": "in_channels",
    "out_channels": "out_channels",
    "depth": "num_layers",
    "heads": "num_attention_heads",
    "head_dim": "attention_head_dim",
    "text_channels": "joint_attention_dim",
    "rope_axes": "axes_dims_rope",
    "zero_cond_t": "zero_cond_t",
    "addition_t_cond": "use_additional_t_cond",
    "layered": "use_layer3d_rope",
    "exact_timestep": "exact_timestep",
}
"""What the published `config.json` calls our fields; the last one only we write."""

SILENT = {"guidance_embeds", "pooled_projection_dim"}
"""Published settings that no released model uses and the reference never reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MMDiTConfig:
    """Sizes and variants; the defaults are Qwen-Image."""

    patch: int = 2
    """Side, in latents, of the square that becomes one token."""
    in_channels: int = 64
    """Channels of an input token."""
    out_channels: int = 16
    """Latent channels of the velocity; an output token has `patch` squared times as many."""
    depth: int = 60
    """Blocks."""
    heads: int = 24
    """Attention heads."""
    head_dim: int = 128
    """Channels of a head."""
    text_channels: int = 3584
    """Channels of a text state."""
    rope_axes: tuple[int, int, int] = (16, 56, 56)
    """Channels of a head that turn with frame, height and width."""
    zero_cond_t: bool = False
    """Whether source tokens are modulated as at sigma 0 (Qwen-Image-Edit-2511)."""
    addition_t_cond: bool = False
    """Whether a flag is added to the time embedding (Qwen-Image-Layered)."""
    layered: bool = False
    """Whether frames are layers and the last picture is the condition (Qwen-Image-Layered)."""
    exact_timestep: bool = False
    """Whether the timestep stays float32; the published models round it to their dtype."""

    def __post_init__(self) -> None:
        if sum(self.rope_axes) != self.head_dim or any(size % 2 for size in self.rope_axes):
            raise RecipeError(
                f"rope_axes must be even and add up to head_dim ({self.head_dim}), "
                f"got {self.rope_axes}; share the head's channels out anew."
            )

    @property
    def width(self) -> int:
        """Channels of a token inside the network."""
        return self.heads * self.head_dim

    @classmethod
    def from_published(cls, config: Mapping[str, Any]) -> "MMDiTConfig":
        """Read a published `config.json`.

        Raises:
            RecipeError: it is of another network, or has settings this one does not know.
        """
        kind = config.get("_class_name", CLASS)
        if kind != CLASS:
            raise RecipeError(f"transformer must be a {CLASS}, got {kind}; choose another model.")
        ours = {published: name for name, published in PUBLISHED.items()}
        settings = {}
        for key, value in config.items():
            if key in ours:
                settings[ours[key]] = value
            elif not key.startswith("_") and key not in SILENT:
                raise RecipeError(unknown("transformer setting", key, ours))
        if config.get("out_channels", 0) is None:
            settings["out_channels"] = settings.get("in_channels", cls.in_channels)
        return parse(cls, settings, "transformer")

    def to_published(self) -> dict[str, Any]:
        """Return what `config.json` says of this network."""
        settings = {PUBLISHED[name]: value for name, value in asdict(self).items()}
        settings["axes_dims_rope"] = list(self.rope_axes)
        if not self.exact_timestep:
            del settings["exact_timestep"]
        return {"_class_name": CLASS, **settings, "guidance_embeds": False}
