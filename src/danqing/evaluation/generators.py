"""Who paints: our pipeline, its VAE, any command or images endpoint, or a folder of pictures."""

import base64
import io
import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, runtime_checkable

from PIL import Image

from danqing.core import web
from danqing.core.config import dump
from danqing.core.errors import RecipeError, SourceError
from danqing.core.registry import Registry
from danqing.evaluation.benchmark import Ask

_MOST_PIXELS: Final = 64 << 20
_LARGEST: Final = 64 << 20
"""Bytes of a reply with a picture."""


@runtime_checkable
class Generator(Protocol):
    """Anything that makes pictures of prompts."""

    def identity(self) -> Mapping[str, Any]:
        """All that decides a picture besides prompt, seed and sources, as plain data."""
        ...

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Return a picture for each of an ask's seeds, or why there is none."""
        ...


generators: Final[Registry[type[Generator]]] = Registry("generator")
"""Generators by name."""

AnyGenerator = Annotated[Generator, generators]


@generators.register("model")
@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of our own pipelines: embedded, a folder, or a hub name."""

    model: str = "danqing-nano"
    """Its name."""
    size: str | None = None
    """Width and height as `256x256`, or a ratio; None: the model's own."""
    steps: int | None = None
    """Sampling steps; None: the model's own."""
    guidance: float | None = None
    """Scale of guidance; None: the model's own."""
    anchored: bool = False
    """Whether the pixels of a source that an edit left as they were are put back."""

    @cached_property
    def pipeline(self) -> Any:
        """The pipeline, loaded when it is first needed."""
        from danqing.core.device import pick_device, pick_dtype
        from danqing.core.log import logger
        from danqing.pipelines.load import load

        device, why_device = pick_device()
        dtype, why_dtype = pick_dtype(device)
        logger(__name__).info("%s; %s", why_device, why_dtype)
        return load(self.model, device, dtype)

    @cached_property
    def plan(self) -> Any:
        """The settings of a picture, as the model fills them in."""
        from danqing.pipelines.request import Request

        request = Request("-", size=self.size, steps=self.steps, guidance=self.guidance)
        return self.pipeline.plan(request)

    def identity(self) -> Mapping[str, Any]:
        """What a picture's record would say, without prompt and seed."""
        told = dump(replace(self.plan, versions={}))
        left = ("prompt", "seed", "batch", "index", "versions")
        anchored = {"anchored": True} if self.anchored else {}
        return {key: value for key, value in told.items() if key not in left} | anchored

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Paint all seeds; those that follow each other together."""
        from danqing.core.errors import RequestError
        from danqing.core.pictures import read_picture
        from danqing.evaluation.painter import painter

        try:
            sources = tuple(read_picture(source).image for source in ask.sources)
            paint = painter(
                self.pipeline,
                size=self.size,
                steps=self.steps,
                guidance=self.guidance,
                sources=sources,
            )
            painted = paint([ask.prompt] * len(ask.seeds), list(ask.seeds))
        except RequestError as error:
            if not ask.sources:
                raise
            # A picture that cannot be changed is one of many, and never the end of a run.
            return [str(error)] * len(ask.seeds)
        anchors = sources[:1] if self.anchored else ()
        return [self._anchored(image, *anchors) for image in painted]

    def _anchored(self, image: Image.Image, source: Image.Image | None = None) -> Image.Image:
        """Return what was made of a source with what is left of it; without one, as it is."""
        from danqing.pipelines.chain import chain, reconstruct

        if source is None:
            return image
        (link,) = chain(source, [lambda _: image], lambda one: reconstruct(self.pipeline, one))
        return link.image

    def round_trip(self, image: Image.Image) -> Image.Image:
        """Return a picture as the model's VAE keeps it."""
        from danqing.evaluation.painter import round_trip

        return round_trip(self.pipeline.vae)(image)


@generators.register("vae")
@dataclass(frozen=True, kw_only=True)
class RoundTrip:
    """The VAE of a model, which gives a picture back as it keeps it."""

    model: str = "danqing-nano"
    """The model's name."""

    @cached_property
    def whole(self) -> Model:
        """The model whose VAE it is."""
        return Model(model=self.model)

    def identity(self) -> Mapping[str, Any]:
        """The model's name and weights."""
        of = self.whole.pipeline.identity
        return {"name": f"{of.name}, VAE only", "weights": of.weights}

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Encode and decode an ask's first picture, in the same way for each seed."""
        image = _read(ask.sources[0].read_bytes()) if ask.sources else "there is nothing to keep"
        if not isinstance(image, str):
            factor = self.whole.pipeline.vae.factor
            if image.width % factor or image.height % factor:
                image = f"{image.width}x{image.height} is no multiple of {factor}"
            else:
                image = self.whole.round_trip(image)
        return [image] * len(ask.seeds)


@generators.register("command")
@dataclass(frozen=True, kw_only=True)
class Command:
    """Any program that writes a picture: another system, with its own command line."""

    run: str
    """The command, such as `sd --prompt {prompt} --seed {seed} -o {out}`; no shell reads it.
    `{source}` is the picture to be changed."""
    called: str
    """Its name in results; another version needs another one."""
    timeout: float = 600.0
    """Seconds after which a picture has failed."""

    def __post_init__(self) -> None:
        if "{prompt}" not in self.run or "{out}" not in self.run:
            raise RecipeError(
                f"run must have {{prompt}} and {{out}} in it, got {self.run!r}; add them."
            )

    def identity(self) -> Mapping[str, Any]:
        """Its name and command."""
        return {"name": self.called, "command": self.run}

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Run the command once a seed."""
        with tempfile.TemporaryDirectory() as folder:
            return [self._one(ask, seed, Path(folder) / f"{seed}.png") for seed in ask.seeds]

    def _one(self, ask: Ask, seed: int, out: Path) -> Image.Image | str:
        told = {"prompt": ask.prompt, "seed": str(seed), "out": str(out)}
        told["source"] = str(ask.sources[0]) if ask.sources else ""
        words = [_filled(word, told) for word in shlex.split(self.run)]
        try:
            done = subprocess.run(words, capture_output=True, timeout=self.timeout, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"the command failed ({_sentence(error)})"
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            return f"the command ended with {done.returncode} ({said[-1][:160] if said else ''})"
        return _read(out.read_bytes()) if out.exists() else "the command wrote no picture"


@generators.register("endpoint")
@dataclass(frozen=True, kw_only=True)
class ImagesEndpoint:
    """Any OpenAI-compatible images API."""

    url: str
    """Where pictures are made, such as `http://localhost:8000/v1/images/generations`."""
    model: str
    """The model's name there."""
    size: str = "1024x1024"
    """Width and height."""
    key: str = ""
    """The environment variable with the key, never the key itself; empty: none is sent."""
    extra: dict[str, Any] | None = None
    """Further fields of a request, such as `{"quality": "high"}`."""
    timeout: float = 300.0
    """Seconds after which a picture has failed."""

    def __post_init__(self) -> None:
        web.require_url(self.url, self.key)

    def identity(self) -> Mapping[str, Any]:
        """The model and what is asked of it."""
        told = {"model": self.model, "size": self.size, "extra": self.extra or {}}
        return {"endpoint": self.url, **told}

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Ask once a seed; whether seeds mean anything is up to the other side."""
        if ask.sources:
            return ["this endpoint changes no pictures"] * len(ask.seeds)
        return [self._one(ask.prompt, seed) for seed in ask.seeds]

    def _one(self, prompt: str, seed: int) -> Image.Image | str:
        body = {
            "model": self.model,
            "prompt": prompt,
            "size": self.size,
            "n": 1,
            "seed": seed,
            "response_format": "b64_json",
            **(self.extra or {}),
        }
        key, sent = web.secret(self.key), json.dumps(body).encode()
        try:
            reply = web.post(self.url, sent, key, timeout=self.timeout, largest=_LARGEST)
            if reply.status != 200:
                return f"the endpoint answers {reply.status}"
            return _read(base64.b64decode(json.loads(reply.body)["data"][0]["b64_json"]))
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            return f"the endpoint gave no picture ({_sentence(error)})"


@generators.register("folder")
@dataclass(frozen=True, kw_only=True)
class Folder:
    """Pictures that were made elsewhere."""

    path: Path
    """The folder."""
    called: str
    """What made them, as results will say."""
    pattern: str = "{id}/{number:05d}.png"
    """Where a picture lies below it: `{id}` of the prompt, `{number}` of the picture from 0."""

    def identity(self) -> Mapping[str, Any]:
        """The name."""
        return {"name": self.called, "folder": str(self.path.resolve())}

    def paint(self, ask: Ask) -> Sequence[Image.Image | str]:
        """Return the pictures that are there.

        Raises:
            SourceError: the folder is not there.
        """
        if not self.path.is_dir():
            raise SourceError(f"folder must exist, got {self.path}; check its path.")
        files = [
            self.path / self.pattern.format(id=ask.id, number=number)
            for number in range(len(ask.seeds))
        ]
        return [
            _read(file.read_bytes()) if file.is_file() else f"{file.name} is not there"
            for file in files
        ]


def _filled(word: str, told: Mapping[str, str]) -> str:
    # In one pass: a prompt may have braces of its own.
    return re.sub(r"\{(\w+)\}", lambda match: told.get(match[1], match[0]), word)


def _read(data: bytes) -> Image.Image | str:
    """Return a stranger's picture, or what is wrong with it."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            if image.width * image.height > _MOST_PIXELS:
                return f"it is {image.width}x{image.height}, which is too large"
            return image.convert("RGB")
    # Parsers of strangers' bytes raise whatever they like.
    except Exception as error:
        return f"it is no picture ({_sentence(error)})"


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
