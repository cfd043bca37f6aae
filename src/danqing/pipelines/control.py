"""Pictures that lead a picture: what a request says of them, and what a record keeps."""

import re
from dataclasses import KW_ONLY, dataclass

from PIL import Image

from danqing.core.errors import RequestError
from danqing.core.log import logger
from danqing.core.pictures import fingerprint, read_picture
from danqing.pipelines.tracing import tracers

_log = logger(__name__)

STRONGEST = 10.0
"""Scale of a control at most; beyond it a typing error is likelier than a wish."""


@dataclass(frozen=True, slots=True)
class Control:
    """A picture that leads, such as edges or depth, and the network that reads it.

    Raises:
        RequestError: a setting is not possible; the text says what is.
    """

    network: str
    """A control network: a folder, a file, or a hub name."""
    picture: Image.Image
    """What it reads; of the ratio of the picture to paint."""
    _: KW_ONLY
    mask: Image.Image | None = None
    """White where all is to be painted anew; for networks that inpaint."""
    scale: float = 1.0
    """How strongly it leads."""
    interval: tuple[float, float] = (0.0, 1.0)
    """The shares of the steps before and after which it does not."""

    def __post_init__(self) -> None:
        # Said this way round, NaN is refused too.
        if not 0 <= self.scale <= STRONGEST:
            raise RequestError(
                f"scale of a control must be from 0 to {STRONGEST:g}, got {self.scale}; try 1."
            )
        if not 0 <= self.interval[0] <= self.interval[1] <= 1:
            raise RequestError(
                "interval of a control must be two rising shares from 0 to 1, "
                f"got {self.interval}; try 0 and 1."
            )
        if self.mask is not None and self.mask.size != self.picture.size:
            (width, height), (wide, high) = self.picture.size, self.mask.size
            raise RequestError(
                f"mask must have the size of its picture, {width}x{height}, got {wide}x{high}; "
                "save it at that size."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Controlled:
    """What a record keeps of a control."""

    network: str
    """What it was called."""
    weights: str
    """Fingerprint of its weights."""
    picture: str
    """Fingerprint of its picture."""
    size: tuple[int, int]
    """Width and height of it."""
    mask: str | None = None
    """Fingerprint of its mask."""
    scale: float
    """How strongly it led."""
    interval: tuple[float, float]
    """The shares of the steps before and after which it did not."""

    def __str__(self) -> str:
        width, height = self.size
        return f"{self.network}:{width}x{height}:{self.scale:g}, picture {self.picture[:12]}"


def controlled(control: Control, weights: str) -> Controlled:
    """Return what a record keeps of a control, given the fingerprint of its network."""
    return Controlled(
        network=control.network,
        weights=weights,
        picture=fingerprint(control.picture),
        size=control.picture.size,
        mask=None if control.mask is None else fingerprint(control.mask),
        scale=control.scale,
        interval=control.interval,
    )


def parse_control(told: str) -> Control:
    """Return what a text such as `canny@NETWORK:photo.jpg:0.8` means.

    In full it is `[TRACER@]NETWORK:PICTURE[+MASK][:SCALE[:START-END]]`.

    Raises:
        RequestError: it means nothing, or a file cannot be used.
        UnknownName: there is no such tracer.
    """
    match = _CONTROL.fullmatch(told)
    if match is None:
        raise RequestError(
            f"control must be NETWORK:PICTURE, got {told!r}; "
            "try canny@InstantX/Qwen-Image-ControlNet-Union:photo.jpg:0.8."
        )
    tracer, network, picture, mask, scale, start, end = match.groups()
    trace = tracers[tracer] if tracer else None
    image = _read(picture)
    return Control(
        network,
        trace(image) if trace else image,
        mask=_read(mask) if mask else None,
        scale=float(scale or 1),
        interval=(float(start or 0), float(end or 1)),
    )


def _read(path: str) -> Image.Image:
    image, remarks = read_picture(path)
    for remark in remarks:
        _log.info("%s: %s", path, remark)
    return image


_NUMBER = r"(\d+\.?\d*|\.\d+)"
_CONTROL = re.compile(
    rf"(?:([\w-]+)@)?([^:@]+):([^:+]+)(?:\+([^:]+))?(?::{_NUMBER}(?::{_NUMBER}-{_NUMBER})?)?"
)
