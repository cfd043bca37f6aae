"""A name or a folder to a pipeline that is ready to paint, and back.

Folders are in the layout of diffusers: `model_index.json` names the pipeline, every part has a
folder with its configuration and weights. What a part is follows from its configuration, never
from a name. What only we know (a model's name and defaults) stands under `_danqing` in the index,
where other programs leave it alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from danqing.core.config import dump, parse
from danqing.core.device import pick_device, pick_dtype
from danqing.core.download import resolve
from danqing.core.errors import CheckpointError, ModelNotFound, RequestError
from danqing.core.log import logger
from danqing.flow.schedule import from_published
from danqing.memory.packed import PackedTensor, Slots, assemble
from danqing.memory.plan import Plan
from danqing.models import checkpoint, control
from danqing.models.conditioner import names as conditioner_names
from danqing.models.conditioner.model import Conditioner
from danqing.models.conditioner.template import TEMPLATES, Template
from danqing.models.mmdit import names as mmdit_names
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.vae import names as vae_names
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE
from danqing.pipelines.edit import framing, require_eyes
from danqing.pipelines.fit import (
    PIECE,
    READER_TEXT,
    TOKEN,
    USUAL_LAYERS,
    Wish,
    fit,
    nearest,
    this_machine,
)
from danqing.pipelines.latents import parse_size
from danqing.pipelines.loras import wear
from danqing.pipelines.manner import manner_of
from danqing.pipelines.model import Identity, Leader
from danqing.pipelines.over import window_of
from danqing.pipelines.pipeline import Pipeline
from danqing.pipelines.request import Defaults, Request

_log = logger(__name__)

INDEX = "model_index.json"
FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")
"""What is fetched from the hub: nothing that could be a program."""
TEXT_ENCODER = "text_encoder"
WEIGHTS = ("transformer", "vae", TEXT_ENCODER)
PIPELINE = "QwenImagePipeline"
LAYERED = "QwenImageLayeredPipeline"
TEMPLATE_OF = {
    PIPELINE: "text_to_image",
    "QwenImageEditPipeline": "edit",
    "QwenImageEditPlusPipeline": "edit_plus",
    LAYERED: "text_to_image",
}
"""Published pipelines that can be loaded, and the template of each."""
USUAL = {LAYERED: Defaults(sizes=((640, 640), (1024, 1024)))}
"""What models of a kind do best, where it is not what `Defaults` say."""

Read = Callable[[Path], Mapping[str, Tensor]]
"""From a part's folder to its weights by their published names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """What we add to a model's index."""

    name: str | None = None
    """What the model is called; None leaves it to where it was found."""
    defaults: Defaults = field(default_factory=Defaults)
    """What it does best."""
    weights: str | None = None
    """The fingerprint of the weights, where finding it out would mean decoding them all."""


def load(
    name_or_path: str | Path = "danqing-nano",
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
    *,
    loras: Sequence[str] = (),
    packed: bool | None = None,
    request: Request | None = None,
    layers: int = USUAL_LAYERS,
    cap: int | None = None,
) -> Pipeline:
    """Return a pipeline that is ready to paint.

    Args:
        name_or_path: An embedded model's name, a folder, or a hub name such as `Qwen/Qwen-Image`.
        device: Where to run; None takes the fastest there is.
        dtype: Number format to run in; None takes bfloat16 where the device multiplies it.
        loras: LoRAs to add to the transformer, as `FILE` or `FILE:STRENGTH`; one that says how it
            is to be painted with decides the defaults.
        packed: Whether compressed weights stay so and are decoded whenever they are used; None:
            if there is no room for them otherwise. The picture is the same.
        request: What is going to be painted; None: a usual picture of the model's.
        layers: How many layers are going to be, where the model takes pictures apart.
        cap: Bytes of the device's memory that may be used at most.

    Raises:
        ModelNotFound: there is no such model.
        DownloadError: it could not be fetched.
        CheckpointError: its files are missing, damaged, or of another kind of model.
        RequestError: the device is not in this machine, the number format is unknown, or what is
            wished for does not fit.
    """
    where = pick_device(None if device is None else str(device))
    form = pick_dtype(where.device, None if dtype is None else str(dtype).removeprefix("torch."))
    folder = resolve(name_or_path, allow=FILES)
    ours = read_ours(folder)
    manner = manner_of(loras)
    defaults = ours.defaults if manner is None else manner.over(ours.defaults)
    local = Path(name_or_path).is_dir()
    name = ours.name or (folder.resolve().name if local else str(name_or_path))
    _log.info("%s on %s, in %s", name, where.reason, form.reason)
    template = template_of(folder)
    if request and request.sources:
        require_eyes(name, template)
    if manner is not None:
        steps, guidance = defaults.steps, defaults.guidance
        _log.info("%d steps with guidance %g, as the LoRA was made for", steps, guidance)
    wish = wish_of(request or Request("-"), defaults, template.area, layers)
    plan = _plan(folder, wish, where.device, cap)
    if packed is None:
        packed = any(place.way != "plain" for place in plan.places)
    read = reader(packed=packed)
    mmdit = load_mmdit(folder, form.dtype, where.device, read)
    weights = ours.weights or fingerprint(folder)
    schedule = checkpoint.read_config(folder / "scheduler", "scheduler_config.json")
    pipeline = Pipeline(
        mmdit,
        load_vae(folder, form.dtype, where.device),
        Conditioner.load(
            folder, template=template, dtype=form.dtype, device=where.device, read=read
        ),
        from_published(schedule, layered=mmdit.config.layered)
        if manner is None
        else manner.schedule,
        defaults,
        Identity(name=name, weights=wear(mmdit, loras, weights), loras=tuple(loras)),
    )
    for each in wish.leaders:
        load_leader(pipeline, each)
    return pipeline


def find_leader(name: str) -> Path:
    """Return where a control network is on this machine, fetching it from the hub if it must.

    Raises:
        ModelNotFound: there is no such network.
        DownloadError: it could not be fetched.
    """
    file = Path(name).expanduser()
    if file.is_file() or file.suffix == ".safetensors":
        return file
    return resolve(name, allow=FILES)


def load_leader(pipeline: Pipeline, name: str) -> None:
    """Load a control network into a pipeline, under the name that requests call it by.

    Args:
        pipeline: The pipeline.
        name: A folder, a file, or a hub name.

    Raises:
        ModelNotFound: there is no such network.
        DownloadError: it could not be fetched.
        CheckpointError: its files are missing, damaged, of another kind, or for another model.
    """
    path = find_leader(name)
    config = pipeline.mmdit.config
    network, weights = control.read(path, config, pipeline.dtype, pipeline.device)
    pipeline.leaders[name] = Leader(network, weights)


def read_ours(folder: Path) -> Ours:
    """Return what the index of a model's folder says for us.

    Raises:
        ModelNotFound: it is no model's folder.
        CheckpointError: it is that of another kind of model, or damaged.
    """
    if not (folder / INDEX).is_file():
        raise ModelNotFound(
            f"model must be a folder with {INDEX}, got {folder}; "
            "give the folder that holds it, or danqing-nano for the embedded model."
        )
    index = checkpoint.read_config(folder, INDEX)
    if (kind := index.get("_class_name")) not in TEMPLATE_OF:
        raise CheckpointError(
            f"model must be one of {', '.join(TEMPLATE_OF)}, got {kind}; choose another one."
        )
    usual = USUAL.get(kind, Defaults())
    return parse(Ours, {"defaults": dump(usual)} | index.get("_danqing", {}), "_danqing")


def template_of(folder: Path) -> Template:
    """Return what the conditioner of a model's folder is told: what it says itself, or its kind.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    kind = checkpoint.read_config(folder, INDEX).get("_class_name", PIPELINE)
    own = checkpoint.read_config(folder / TEXT_ENCODER).get("template")
    return TEMPLATES[own or TEMPLATE_OF.get(kind, TEMPLATE_OF[PIPELINE])]


def reader(*, packed: bool, streamed: bool = False) -> Read:
    """Return what reads the weights of a part, plain or compressed.

    Args:
        packed: Whether compressed weights stay so. Then those that are used once a picture or
            once a schedule, the text encoder's and the modulations', do not stay in memory.
        streamed: Whether none of the compressed weights stays: each comes from disk, or from the
            host's memory, whenever it is used.
    """
    slots = Slots()

    def read(part: Path) -> Mapping[str, Tensor]:
        if not packed:
            return _plain(assemble(checkpoint.read(part), slots, lambda name: False))
        once = part.name == TEXT_ENCODER

        def kept(name: str) -> bool:
            return not (streamed or once or mmdit_names.steers(mmdit_names.ours(name)))

        return assemble(checkpoint.read(part), slots, kept)

    return read


def load_mmdit(
    folder: Path,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
    read: Read = checkpoint.read,
) -> MMDiT:
    """Return the transformer of a model's folder; None keeps what the files have.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    part = folder / "transformer"
    with torch.device("meta"):
        mmdit = MMDiT(MMDiTConfig.from_published(checkpoint.read_config(part)))
    checkpoint.load_into(mmdit, read(part), mmdit_names.ours, dtype, device=device)
    return mmdit.eval()


def load_vae(
    folder: Path, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> VAE:
    """Return the VAE of a model's folder; None keeps what the files have.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    part = folder / "vae"
    with torch.device("meta"):
        vae = VAE(VAEConfig.from_published(checkpoint.read_config(part)))
    # Convolutions are small and run over every pixel, so they are decoded once.
    tensors = reader(packed=False)(part)
    checkpoint.load_into(vae, tensors, vae_names.ours, dtype, reshape=vae_names.fold, device=device)
    return vae.eval()


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n: t.plain() if isinstance(t, PackedTensor) else t for n, t in tensors.items()}


def wish_of(
    request: Request, defaults: Defaults, seen: int | None = None, layers: int = USUAL_LAYERS
) -> Wish:
    """Return the part of a request that decides memory, as a model understands it.

    Args:
        request: What is going to be painted.
        defaults: What the model does best.
        seen: Pixels of each source as the conditioner sees it; None: too few to count.
        layers: How many layers are going to be, where the model takes pictures apart.

    Raises:
        RequestError: the size is not possible.
    """
    guidance = defaults.guidance if request.guidance is None else request.guidance
    size, sources = parse_size(defaults.wanted(request), defaults.sizes, 1), ()
    if request.sources:
        target, sources = framing(request, defaults, TOKEN)
        size = target.shown
    if request.over is not None:
        size = window_of(request, defaults, TOKEN).frame.shown
    return Wish(
        size=size,
        sources=tuple(source.shown for source in sources),
        length=READER_TEXT + len(sources) * (seen or 0) // PIECE,
        steps=request.steps or defaults.steps,
        guided=guidance > 1,
        batch=request.batch,
        layers=layers,
        leaders={name: find_leader(name) for name in {one.network for one in request.controls}},
    )


def _plan(folder: Path, wish: Wish, device: torch.device, cap: int | None) -> Plan:
    """Return where the parts of a model are to live, or say what would fit instead."""
    machine = this_machine(device)
    plan = fit(folder, wish, machine, cap)
    if plan.fits:
        return plan
    smaller = nearest(folder, wish, machine, cap)
    advice = "choose a smaller model, or one that `danqing compress` made"
    if smaller is not None:
        many = f", batch {smaller.batch}" if wish.batch > 1 else ""
        advice = f"{smaller.size[0]}x{smaller.size[1]}{many} would fit"
    width, height = wish.size
    raise RequestError(
        f"{width}x{height} in batches of {wish.batch} must fit in memory, "
        f"but {plan.sentence()}; {advice}."
    )


def fingerprint(folder: Path) -> str:
    """Identify the weights of a model that paint, eyes of a text encoder if they are used.

    Compressed weights have the fingerprint of the plain ones.

    Raises:
        CheckpointError: files are missing or damaged.
    """
    slots = Slots()
    edits = template_of(folder).picture is not None
    used = conditioner_names.ours if edits else conditioner_names.blind
    return checkpoint.fingerprint(
        {
            f"{part}.{name}": tensor
            for part in WEIGHTS
            for name, tensor in assemble(checkpoint.read(folder / part), slots).items()
            if part != TEXT_ENCODER or used(name)
        }
    )
