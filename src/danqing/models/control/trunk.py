"""Control by a second, shorter trunk, as InstantX trains it (`QwenImageControlNetModel`).

It reads what the transformer reads and the control picture on top. What it has after each of its
K blocks goes through a map that starts at zero and is added to the transformer's image stream
after each of a K-th of its blocks (ControlNet, arXiv 2302.05543).

Dimension key:
    B batch    I image tokens    C token channels    D width
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from danqing.core.errors import RecipeError
from danqing.models.layers import ZeroLinear
from danqing.models.mmdit import config as mmdit_config
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.trunk import Branch, Trunk

CLASS = "QwenImageControlNetModel"
EXTRA = "extra_condition_channels"

Adds = Callable[[int, Tensor], Tensor]
"""From the number of a block, and the target's tokens after it, to what is added to them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkControlConfig:
    """The trunk, and what its control picture has beyond latents."""

    trunk: MMDiTConfig
    """Sizes of the trunk; its `out_channels` mean nothing."""
    extra: int = 0
    """Channels of a control token beyond those of latents: a mask's, of a network that inpaints."""

    def __post_init__(self) -> None:
        if self.extra not in (0, self.trunk.patch**2):
            raise RecipeError(
                f"{EXTRA} must be 0 or {self.trunk.patch**2}, those of a mask, got {self.extra}; "
                "choose another control network."
            )

    @classmethod
    def from_published(cls, config: Mapping[str, Any]) -> "TrunkControlConfig":
        """Read a published `config.json`.

        Raises:
            RecipeError: it is of another network, or has settings this one does not know.
        """
        if (kind := config.get("_class_name", CLASS)) != CLASS:
            raise RecipeError(f"control network must be a {CLASS}, got {kind}; choose another.")
        trunk = {name: value for name, value in config.items() if name != EXTRA}
        trunk["_class_name"] = mmdit_config.CLASS
        return cls(trunk=MMDiTConfig.from_published(trunk), extra=config.get(EXTRA, 0))


class TrunkControl(Trunk):
    """A shortened trunk whose image stream is handed over after every block."""

    sampled = True
    """Latents of its control picture are drawn from the posterior, as in the reference."""

    def __init__(self, config: TrunkControlConfig) -> None:
        super().__init__(config.trunk)
        trunk = config.trunk
        self.masked = config.extra > 0
        self.control_in = ZeroLinear(trunk.in_channels + config.extra, trunk.width)
        self.outs = nn.ModuleList(ZeroLinear(trunk.width, trunk.width) for _ in range(trunk.depth))

    @property
    def needs(self) -> dict[str, int]:
        """What the configuration of a transformer that it leads must say."""
        names = ("width", "in_channels", "text_channels")
        return {name: getattr(self.config, name) for name in names}

    def lead(
        self, control: Float[Tensor, "#B I _"], branch: Branch, sigma: float, depth: int
    ) -> Adds:
        """Return what is added to the image stream of a transformer.

        Args:
            control: Tokens of the control picture.
            branch: What is denoised, with the text of the prompt.
            sigma: Its noise level.
            depth: Blocks of the transformer.
        """
        added: list[Float[Tensor, "B I D"]] = []

        def hand_over(number: int, images: Sequence[Tensor]) -> Sequence[Tensor]:
            added.append(self.outs[number](images[0]))
            return images

        entered = self.image_in(branch.tokens) + self.control_in(control)
        rows = self.steer_blocks(self.embed(self.moment(sigma)))
        self.streams([branch], [entered], rows, hand_over)
        span = math.ceil(depth / len(added))
        return lambda number, image: added[number // span]
