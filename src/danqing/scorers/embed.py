"""What pictures and texts are alike: vectors of networks with two towers, such as CLIP and SigLIP.

Dimension key:
    N  pictures or texts    D  numbers of a vector
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Annotated, Any, Final, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float
from PIL import Image

from danqing.core.errors import RecipeError
from danqing.core.registry import Registry
from danqing.scorers.published import Network, open_network

T = TypeVar("T")


@runtime_checkable
class Embedder(Protocol):
    """Anything that makes vectors of unit length, so that products are cosines.

    An embedder is a frozen dataclass whose fields are its settings.
    """

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape vectors, as plain data."""
        ...

    def images(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "N D"]:
        """Return a vector for each picture."""
        ...

    def texts(self, texts: Sequence[str]) -> Float[np.ndarray, "N D"]:
        """Return a vector for each text; what is too long for the network is cut."""
        ...


embedders: Final[Registry[type[Embedder]]] = Registry("embedder")
"""Embedders by name."""

AnyEmbedder = Annotated[Embedder, embedders]


@embedders.register("towers")
@dataclass(frozen=True, kw_only=True)
class Towers:
    """A published network with a tower for pictures and one for texts, run by `transformers`."""

    model: str = "openai/clip-vit-large-patch14"
    """A hub name or a folder; CLIP, Chinese-CLIP, SigLIP and SigLIP 2 have been tried."""
    revision: str | None = None
    """A branch, tag or commit on the hub; None: the default branch."""
    batch: int = 16
    """Pictures or texts that it sees at once."""
    device: str | None = None
    """None: the fastest one here."""
    dtype: str | None = None
    """None: bfloat16 where it is native, else float32."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise RecipeError(f"batch must be at least 1, got {self.batch}.")

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape vectors."""
        names = ("model", "revision", "dtype")
        return {"embedder": "towers", **{name: getattr(self, name) for name in names}}

    def images(self, images: Sequence[Image.Image]) -> Float[np.ndarray, "N D"]:
        """Return a vector of unit length for each picture.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
        """
        network, process, device = self._loaded
        return _unit(
            network.get_image_features(
                **process(images=[image.convert("RGB") for image in some], return_tensors="pt")
                .to(device, network.dtype)
            )
            for some in _batches(images, self.batch)
        )  # fmt: skip

    def texts(self, texts: Sequence[str]) -> Float[np.ndarray, "N D"]:
        """Return a vector of unit length for each text.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
        """
        network, process, device = self._loaded
        return _unit(
            # SigLIP was trained on texts of one length, and CLIP does not mind it.
            network.get_text_features(
                **process(text=some, padding="max_length", truncation=True, return_tensors="pt").to(
                    device
                )
            )
            for some in _batches(texts, self.batch)
        )

    @cached_property
    def _loaded(self) -> Network:
        from transformers import AutoModel, AutoProcessor

        loaded = open_network(AutoModel, AutoProcessor.from_pretrained, self)
        if not hasattr(loaded.network, "get_image_features"):
            raise RecipeError(
                f"model must have a tower for pictures and one for texts, got {self.model}; "
                "name one such as openai/clip-vit-large-patch14."
            )
        return loaded


def cosine(a: Float[np.ndarray, "N D"], b: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N"]:
    """Return the cosine of each row of one with the same row of the other."""
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def _batches(things: Sequence[T], size: int) -> Iterator[list[T]]:
    left = iter(things)
    while some := list(islice(left, size)):
        yield some


def _unit(features: Iterator[Any]) -> Float[np.ndarray, "N D"]:
    """Return what a tower says of all batches, each row of unit length."""
    import torch

    with torch.inference_mode():
        # Newer versions of the library give all that the tower made, older ones the vectors alone.
        rows = [getattr(told, "pooler_output", told).float().cpu() for told in features]
        if not rows:
            return np.zeros((0, 0), np.float32)
        return torch.nn.functional.normalize(torch.cat(rows), dim=-1).numpy()
