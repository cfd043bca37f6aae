"""The straight path between a picture and noise, and what each point of it tells.

    x = (1 - sigma) x0 + sigma noise        velocity = dx / dsigma = noise - x0

so `x` and its velocity together give both ends (Lipman et al., arXiv 2210.02747; Liu et al.,
arXiv 2209.03003). A sigma may be a number or any tensor that broadcasts, such as `"B 1 1 1"`.
"""

from jaxtyping import Float
from torch import Tensor

Sigma = float | Float[Tensor, "..."]


def mix(x0: Float[Tensor, "*s"], noise: Float[Tensor, "*s"], sigma: Sigma) -> Float[Tensor, "*s"]:
    """Return the point of the path at noise level `sigma`."""
    return (1 - sigma) * x0 + sigma * noise


def velocity(x0: Float[Tensor, "*s"], noise: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Return the direction of the path, the same at every point of it."""
    return noise - x0


def denoised(x: Float[Tensor, "*s"], v: Float[Tensor, "*s"], sigma: Sigma) -> Float[Tensor, "*s"]:
    """Return the picture's end of the path through `x` along `v`."""
    return x - sigma * v


def noise_of(x: Float[Tensor, "*s"], v: Float[Tensor, "*s"], sigma: Sigma) -> Float[Tensor, "*s"]:
    """Return the noise's end of the path through `x` along `v`."""
    return x + (1 - sigma) * v
