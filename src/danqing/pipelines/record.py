"""Pictures that carry what made them, as JSON in a text chunk of the PNG.

Reading walks the chunks and decodes no pixels. Files come from strangers, so sizes are bounded
and every value is checked before it is used.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor

from danqing.core.config import dump, parse
from danqing.core.errors import DanqingError, RequestError
from danqing.core.files import atomic_path
from danqing.core.log import logger
from danqing.core.pictures import fingerprint
from danqing.pipelines.control import Control, Controlled
from danqing.pipelines.frame import Frame
from danqing.pipelines.request import Request

KEYWORD = "danqing"
LARGEST = 1 << 20
"""Bytes of a record at most; the longest prompts are a tenth of it."""

_log = logger(__name__)

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A picture that another was made of."""

    sha256: str
    """Identifies its pixels, which the record does not hold."""
    frame: Frame
    """How it got onto the grid of tokens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Under:
    """The picture that another was painted over."""

    sha256: str
    """Identifies its pixels."""
    mask: str | None
    """Identifies those of its mask, if there was one."""
    strength: float | None
    """Share of the steps that were walked; None: all."""
    feather: int | None
    """Pixels over which new faded into old; None: as usual."""
    crop: int | None
    """Pixels around the mask that were worked on with it; None: all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything that made one picture."""

    prompt: str
    """What was painted."""
    negative: str
    """What was not."""
    size: tuple[int, int]
    """Width and height in pixels."""
    steps: int
    """Sampling steps."""
    guidance: float
    """Scale of guidance; 1 is off."""
    interval: tuple[float, float]
    """Sigmas at which there was guidance."""
    sampler: str
    """Name of the sampler."""
    shift: float | None = None
    """The constant shift of the noise levels; None: the model's own schedule."""
    seed: int
    """Seed of the first picture of the batch."""
    batch: int
    """Pictures that were painted together."""
    index: int
    """Which of them this is, counted from 0."""
    sources: tuple[Source, ...] = ()
    """Pictures it was made of."""
    sizing: str | None = None
    """Name of the rule by which they got onto the grid of tokens."""
    frame: Frame | None = None
    """How it, or the part of it that was worked on, lay there if it was made of others."""
    under: Under | None = None
    """The picture that it was painted over."""
    model: str
    """Name of the model."""
    weights: str
    """Fingerprint of its weights, LoRAs included."""
    loras: tuple[str, ...] = ()
    """LoRAs that were added to it, as `FILE:STRENGTH`."""
    controls: tuple[Controlled, ...] = ()
    """Pictures that led."""
    dtype: str
    """Number format the networks ran in."""
    device: str
    """Kind of device."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of the programs."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What is read: the prompt and, if there is guidance, the negative prompt."""
        return (self.prompt, self.negative) if self.guidance > 1 else (self.prompt,)

    @property
    def request(self) -> Request:
        """The request that makes this picture again, given the same weights and machine.

        A record cannot hold the pictures that it was made of; see `again`.
        """
        return Request(
            self.prompt,
            sizing=self.sizing or "exact",
            negative=self.negative,
            size=self.size,
            steps=self.steps,
            guidance=self.guidance,
            interval=self.interval,
            sampler=self.sampler,
            shift=self.shift,
            seed=self.seed,
            batch=self.batch,
            index=self.index,
        )

    def again(
        self,
        sources: Sequence[Image] = (),
        over: Image | None = None,
        mask: Image | None = None,
        controls: Sequence[Control] = (),
    ) -> Request:
        """Return the request that makes this picture again of what it was made of.

        Other controls than those that led it make another picture, and are warned of.

        Raises:
            RequestError: these are not the pictures it was made of, or controls are missing.
        """
        if self.controls and not controls:
            led = "; ".join(map(str, self.controls))
            raise RequestError(f"controls must be given again, got none; it was led by {led}.")
        for own, given in zip(self.controls, controls, strict=False):
            if own.picture != fingerprint(given.picture):
                _log.warning("it was led by %s; by another picture it will differ", own)
        if [fingerprint(source) for source in sources] != [own.sha256 for own in self.sources]:
            sizes = " and ".join("{}x{}".format(*own.frame.size) for own in self.sources)
            raise RequestError(
                f"sources must be those that the picture was made of, {sizes or 'none'} in all, "
                f"got {len(sources) or 'none'}; give the same pictures in the same order."
            )
        under = self.under
        marks = tuple(None if one is None else fingerprint(one) for one in (over, mask))
        if marks != ((under.sha256, under.mask) if under else (None, None)):
            wanted = ("a picture" + " and a mask" * bool(under.mask)) if under else "nothing"
            raise RequestError(
                f"what is painted over must be {wanted}, the same as when the picture was made, "
                "got something else; give the same files."
            )
        request = replace(self.request, sources=tuple(sources), controls=tuple(controls))
        if under is None:
            return request
        return replace(
            request,
            over=over,
            mask=mask,
            strength=under.strength,
            feather=under.feather,
            crop=under.crop,
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """An image and what made it."""

    image: Image
    record: Record

    def save(self, path: str | Path) -> Path:
        """Write a PNG with its record, whole or not at all, and return its path.

        Raises:
            RequestError: the name does not end in `.png`.
            StorageError: the disk cannot take it.
        """
        from PIL.PngImagePlugin import PngInfo

        path = check_name(path)
        info = PngInfo()
        info.add_itxt(KEYWORD, json.dumps(dump(self.record), ensure_ascii=False))
        with atomic_path(path) as staged:
            self.image.save(staged, format="PNG", pnginfo=info)
        return path


@dataclass(frozen=True, slots=True)
class Result:
    """What a request came to."""

    pictures: tuple[Picture, ...]
    """The pictures that were asked for."""
    tokens: Float[Tensor, "B I D"]
    """Their canvases, denoised, as packed normalized latents, float32."""

    def save(self, path: str | Path) -> list[Path]:
        """Write the pictures: one to `path`, several to `name-1.png`, `name-2.png`, ...

        Raises:
            RequestError: the name does not end in `.png`.
            StorageError: the disk cannot take them.
        """
        path = Path(path)
        if len(self.pictures) == 1:
            return [self.pictures[0].save(path)]
        return [
            picture.save(path.with_stem(f"{path.stem}-{picture.record.index + 1}"))
            for picture in self.pictures
        ]


def check_name(path: str | Path) -> Path:
    """Return where a picture is to be saved, if its name is one for a picture.

    Raises:
        RequestError: the name does not end in `.png`.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        better = path.with_suffix(".png").name if path.name else "picture.png"
        raise RequestError(
            f"pictures must be saved as .png, which keeps their record, got {path.name or path}; "
            f"try {better}."
        )
    return path


def read(path: str | Path) -> Record:
    """Return the record of a picture.

    Raises:
        RequestError: there is no such picture, it carries no record, or none that makes sense.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            text = next(_texts(file), None)
    except OSError as error:
        raise RequestError(
            f"picture must be a file that can be read, got {path}; check the path."
        ) from error
    if text is None:
        raise RequestError(
            f"{path.name} must be a PNG with a record, got none; "
            "only pictures saved by danqing and not changed by other programs carry one."
        )
    try:
        record = parse(Record, json.loads(text))
        _ = record.request
    except (DanqingError, ValueError, RecursionError, AttributeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise RequestError(f"the record in {path.name} cannot be used: {reason}") from error
    return record


def request_from(
    path: str | Path,
    sources: Sequence[Image] = (),
    over: Image | None = None,
    mask: Image | None = None,
    controls: Sequence[Control] = (),
) -> Request:
    """Return the request that makes a saved picture again of what it was made of.

    Args:
        path: The picture.
        sources: Its sources, given again.
        over: What it was painted over, given again.
        mask: Where it was, given again.
        controls: What led it, given again.

    Raises:
        RequestError: as `read`, or these are not the pictures it was made of.
    """
    return read(path).again(sources, over, mask, controls)


def _texts(file: BinaryIO) -> Iterator[str]:
    """Yield the texts of our keyword in a PNG, none if it is not one."""
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind != b"iTXt" or length > LARGEST:
            file.seek(length + 4, 1)  # 4 bytes of checksum
            continue
        keyword, _, rest = file.read(length).partition(b"\0")
        file.seek(4, 1)
        # Then: compressed or not, how, and two texts for people that end in zeros.
        if keyword == KEYWORD.encode() and rest[:1] == b"\0" and rest.count(b"\0") >= 4:
            yield rest[2:].split(b"\0", 2)[2].decode(errors="replace")
