"""What makes one VAE differ from another, in our words and in the published ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from danqing.core.config import parse
from danqing.core.errors import RecipeError, unknown

CLASS = "AutoencoderKLQwenImage"

PUBLISHED = {
    "base": "base_dim",
    "latent_channels": "z_dim",
    "multipliers": "dim_mult",
    "res_blocks": "num_res_blocks",
    "image_channels": "input_channels",
    "patch": "patch_size",
    "temporal_downsample": "temperal_downsample",
    "latents_mean": "latents_mean",
    "latents_std": "latents_std",
}
"""What the published `config.json` calls our fields; `patch_size` only we write."""

FIXED = {"attn_scales": [], "dropout": 0.0}
"""Published settings that every released model leaves at these values, as we do."""

MEAN = (
    *(-0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508),
    *(0.4134, -0.0715, 0.5517, -0.3632, -0.1922, -0.9497, 0.2503, -0.2921),
)
STD = (
    *(2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743),
    *(3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253, 2.8251, 1.9160),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VAEConfig:
    """Sizes and variants; the defaults are Qwen-Image's."""

    base: int = 96
    """Channels at full resolution."""
    latent_channels: int = 16
    """Channels of the latents."""
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    """Channels of each level as multiples of `base`; the sides halve between levels."""
    res_blocks: int = 2
    """Residual blocks of an encoder level; a decoder level has one more."""
    image_channels: int = 3
    """3 for RGB, 4 for RGBA."""
    patch: int = 1
    """Side, in pixels, of the square that is folded into channels before the encoder."""
    temporal_downsample: tuple[bool, ...] | None = None
    """Which halvings of the published video network halve time too; None: all but the first.

    A picture has no time, so this only says which kernels a checkpoint holds in vain."""
    latents_mean: tuple[float, ...] = MEAN
    """Mean of each raw latent channel."""
    latents_std: tuple[float, ...] = STD
    """Standard deviation of each raw latent channel."""

    def __post_init__(self) -> None:
        halvings = len(self.multipliers) - 1
        if self.temporal_downsample is None:
            flags = tuple(level > 0 for level in range(halvings))
            object.__setattr__(self, "temporal_downsample", flags)
        for name, count in {
            "temporal_downsample": halvings,
            "latents_mean": self.latent_channels,
            "latents_std": self.latent_channels,
        }.items():
            if (got := len(getattr(self, name))) != count:
                raise RecipeError(
                    f"{name} must have {count} entries, got {got}; correct the VAE's configuration."
                )
        if any(width % 2 for width in self.widths[1:]):
            raise RecipeError(
                f"base and multipliers must make even widths, got {list(self.widths)}; "
                "upsampling halves them."
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level, from full resolution down."""
        return tuple(self.base * multiplier for multiplier in self.multipliers)

    @property
    def factor(self) -> int:
        """Pixels per latent, along each side."""
        return self.patch * 2 ** (len(self.multipliers) - 1)

    @property
    def patch_channels(self) -> int:
        """Channels of a picture whose squares are folded into them."""
        return self.image_channels * self.patch**2

    @classmethod
    def from_published(cls, config: Mapping[str, Any]) -> "VAEConfig":
        """Read a published `config.json`.

        Raises:
            RecipeError: it is of another network, or has settings this one does not know.
        """
        kind = config.get("_class_name", CLASS)
        if kind != CLASS:
            raise RecipeError(f"vae must be an {CLASS}, got {kind}; choose another model.")
        ours = {published: name for name, published in PUBLISHED.items()}
        settings = {}
        for key, value in config.items():
            if key in ours:
                settings[ours[key]] = value
            elif key in FIXED and value != FIXED[key]:
                raise RecipeError(
                    f"vae.{key} must be {FIXED[key]}, got {value}; choose another model."
                )
            elif key not in FIXED and not key.startswith("_"):
                raise RecipeError(unknown("vae setting", key, ours))
        square = settings.get("patch", 1) ** 2
        channels = settings.get("image_channels", 3 * square)
        if channels % square:
            raise RecipeError(
                f"vae.input_channels must be a multiple of {square}, the pixels of a patch, "
                f"got {channels}; choose another model."
            )
        return parse(cls, settings | {"image_channels": channels // square}, "vae")

    def to_published(self) -> dict[str, Any]:
        """Return what `config.json` says of this network."""
        settings = {PUBLISHED[name]: value for name, value in asdict(self).items()}
        lists = {key: list(value) for key, value in settings.items() if isinstance(value, tuple)}
        if self.patch == 1:
            del settings["patch_size"]
        channels = {"input_channels": self.patch_channels}
        return {"_class_name": CLASS, **settings, **lists, **channels, **FIXED}
