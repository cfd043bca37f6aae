"""A name or a folder to a pipeline that is ready to paint, and back.

Folders are in the layout of diffusers: `model_index.json` names the pipeline, every part has a
folder with its configuration and weights. What a part is follows from its configuration, never
from a name. What only we know (a model's name and defaults) stands under `_danqing` in the index,
where other programs leave it alone.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from danqing.core.config import dump, parse
from danqing.core.device import pick_device, pick_dtype
from danqing.core.download import resolve
from danqing.core.errors import CheckpointError, ModelNotFound
from danqing.core.files import atomic_folder
from danqing.core.log import logger
from danqing.flow.schedule import from_published, to_published
from danqing.models import checkpoint
from danqing.models.conditioner import names as conditioner_names
from danqing.models.conditioner.model import Conditioner
from danqing.models.mmdit import names as mmdit_names
from danqing.models.mmdit.config import MMDiTConfig
from danqing.models.mmdit.model import MMDiT
from danqing.models.vae import names as vae_names
from danqing.models.vae.config import VAEConfig
from danqing.models.vae.model import VAE
from danqing.pipelines.request import Defaults
from danqing.pipelines.text_to_image import Identity, TextToImage

_log = logger(__name__)

INDEX = "model_index.json"
FILES = ("*.json", "*.safetensors", "*.txt", "*.jinja")
"""What is fetched from the hub: nothing that could be a program."""
WEIGHTS = ("transformer", "vae", "text_encoder")
PIPELINE = "QwenImagePipeline"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ours:
    """What we add to a model's index."""

    name: str | None = None
    """What the model is called; None leaves it to where it was found."""
    defaults: Defaults = field(default_factory=Defaults)
    """What it does best."""


def load(
    name_or_path: str | Path = "danqing-nano",
    device: str | torch.device | None = None,
    dtype: str | torch.dtype | None = None,
) -> TextToImage:
    """Return a pipeline that is ready to paint.

    Args:
        name_or_path: An embedded model's name, a folder, or a hub name such as `Qwen/Qwen-Image`.
        device: Where to run; None takes the fastest there is.
        dtype: Number format to run in; None takes bfloat16 where the device multiplies it.

    Raises:
        ModelNotFound: there is no such model.
        DownloadError: it could not be fetched.
        CheckpointError: its files are missing, damaged, or of another kind of model.
        RequestError: the device is not in this machine, or the number format is unknown.
    """
    where = pick_device(None if device is None else str(device))
    form = pick_dtype(where.device, None if dtype is None else str(dtype).removeprefix("torch."))
    folder = resolve(name_or_path, allow=FILES)
    if not (folder / INDEX).is_file():
        raise ModelNotFound(
            f"model must be a folder with {INDEX}, got {folder}; "
            "give the folder that holds it, or danqing-nano for the embedded model."
        )
    index = checkpoint.read_config(folder, INDEX)
    if (kind := index.get("_class_name")) != PIPELINE:
        raise CheckpointError(
            f"model must be a {PIPELINE}, got {kind}; choose a text-to-image model."
        )
    ours = parse(Ours, index.get("_danqing", {}), "_danqing")
    local = Path(name_or_path).is_dir()
    name = ours.name or (folder.resolve().name if local else str(name_or_path))
    _log.info("%s on %s, in %s", name, where.reason, form.reason)
    return TextToImage(
        load_mmdit(folder, form.dtype, where.device),
        load_vae(folder, form.dtype, where.device),
        Conditioner.load(folder, dtype=form.dtype, device=where.device),
        from_published(checkpoint.read_config(folder / "scheduler", "scheduler_config.json")),
        ours.defaults,
        Identity(name=name, weights=_fingerprint(folder)),
    )


def load_mmdit(
    folder: Path, dtype: torch.dtype | None = None, device: torch.device | str | None = None
) -> MMDiT:
    """Return the transformer of a model's folder; None keeps what the files have.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    part = folder / "transformer"
    with torch.device("meta"):
        mmdit = MMDiT(MMDiTConfig.from_published(checkpoint.read_config(part)))
    checkpoint.load_into(mmdit, part, mmdit_names.ours, dtype, device=device)
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
    checkpoint.load_into(vae, part, vae_names.ours, dtype, reshape=vae_names.fold, device=device)
    return vae.eval()


def save(pipeline: TextToImage, folder: str | Path) -> None:
    """Write a pipeline as a folder that `load` reads: all of it or nothing.

    Raises:
        StorageError: the disk cannot take it.
    """
    with atomic_folder(folder) as staged:
        save_mmdit(pipeline.mmdit, staged)
        save_vae(pipeline.vae, staged)
        pipeline.conditioner.save(staged)
        save_index(pipeline, staged)


def save_mmdit(mmdit: MMDiT, folder: Path) -> None:
    """Write the transformer into a model's folder.

    Raises:
        StorageError: the disk cannot take it.
    """
    tensors = {mmdit_names.published(name): t for name, t in mmdit.state_dict().items()}
    checkpoint.write(folder / "transformer", tensors, mmdit.config.to_published())


def save_vae(vae: VAE, folder: Path) -> None:
    """Write the VAE into a model's folder.

    Raises:
        StorageError: the disk cannot take it.
    """
    # The published code knows no patches, so nobody but us will read such a VAE.
    tensors = vae_names.unfold(vae, slim=vae.config.patch > 1)
    checkpoint.write(folder / "vae", tensors, vae.config.to_published())


def save_index(pipeline: TextToImage, folder: Path) -> None:
    """Write what is no network into a model's folder: the index and the schedule.

    Raises:
        StorageError: the disk cannot take it.
    """
    schedule = to_published(pipeline.schedule)
    ours = Ours(name=pipeline.identity.name, defaults=pipeline.defaults)
    index = {
        "_class_name": PIPELINE,
        "_danqing": dump(ours),
        "scheduler": ["diffusers", schedule["_class_name"]],
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "QwenImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }
    checkpoint.write_config(folder / "scheduler", schedule, "scheduler_config.json")
    checkpoint.write_config(folder, index, INDEX)


def _fingerprint(folder: Path) -> str:
    """Identify the weights that paint: the eyes of a text encoder have no part in it."""
    return checkpoint.fingerprint(
        {
            f"{part}.{name}": tensor
            for part in WEIGHTS
            for name, tensor in checkpoint.read(folder / part).items()
            if part != "text_encoder" or conditioner_names.blind(name)
        }
    )
