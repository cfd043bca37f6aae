"""Published networks of `transformers`, loaded in one way.

Weights are safetensors, never pickles; code is never fetched; what goes wrong is one line.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from danqing.core.errors import DanqingError, MissingPackage, RecipeError

if TYPE_CHECKING:
    import torch


class Network(NamedTuple):
    """A network and what prepares its inputs."""

    network: Any
    processor: Any
    device: "torch.device"


@runtime_checkable
class Settings(Protocol):
    """What a part says about its network."""

    @property
    def model(self) -> str:
        """A hub name or a folder."""
        ...

    @property
    def revision(self) -> str | None:
        """A branch, tag or commit on the hub; None: the default branch."""
        ...

    @property
    def device(self) -> str | None:
        """None: the fastest one here."""
        ...

    @property
    def dtype(self) -> str | None:
        """None: bfloat16 where it is native, else float32."""
        ...


def open_network(kind: Any, prepare: Callable[..., Any], settings: Settings) -> Network:
    """Load a network, ready to be asked, and what prepares its inputs.

    Args:
        kind: One of the library's Auto classes.
        prepare: From a name and a `revision` to what prepares inputs.
        settings: Which network, where and in which number format.

    Raises:
        RecipeError: it is not there, or is no such thing.
        MissingPackage: it wants a package that is not installed.
    """
    from danqing.core.device import pick_device, pick_dtype

    device = pick_device(settings.device).device
    dtype = pick_dtype(device, settings.dtype).dtype
    model, revision = settings.model, settings.revision
    with _told(model, "download it, or name another as `model`"):
        processor = prepare(model, revision=revision)
        network = kind.from_pretrained(model, revision=revision, dtype=dtype, use_safetensors=True)
    return Network(network.eval().to(device), processor, device)


def load(kind: Any, model: str, advice: str) -> Any:
    """Load a network as it was published, or what prepares its inputs.

    Args:
        kind: One of the library's Auto classes.
        model: A hub name or a folder.
        advice: What to do where it is not there, without a full stop.

    Raises:
        RecipeError: it is not there, or is no such thing.
        MissingPackage: it wants a package that is not installed.
    """
    settings = {} if "Processor" in kind.__name__ else {"use_safetensors": True}
    with _told(model, advice):
        loaded = kind.from_pretrained(model, **settings)
    return loaded.eval() if hasattr(loaded, "eval") else loaded


@contextmanager
def _told(model: str, advice: str) -> Iterator[None]:
    """Say in one line why a network cannot be loaded."""
    try:
        yield
    except ImportError as error:
        raise MissingPackage(
            f"{model} must have a package that is not here, got: {_first_line(error)}; "
            "install it, or name another model."
        ) from error
    except (OSError, ValueError, DanqingError) as error:
        raise RecipeError(
            f"the network {model} must be on this machine or on the hub ({_first_line(error)}); "
            f"{advice}."
        ) from error


def _first_line(error: Exception) -> str:
    return next(filter(None, str(error).strip().splitlines()), type(error).__name__)[:160]
