"""A pipeline to a folder in the layout of diffusers, which `load` reads."""

from pathlib import Path

from danqing.core.config import dump
from danqing.core.files import atomic_folder
from danqing.flow.schedule import to_published
from danqing.models import checkpoint
from danqing.models.conditioner.template import TEMPLATES
from danqing.models.lora import merged
from danqing.models.mmdit import names as mmdit_names
from danqing.models.mmdit.model import MMDiT
from danqing.models.vae import names as vae_names
from danqing.models.vae.model import VAE
from danqing.pipelines.load import INDEX, LAYERED, PIPELINE, TEMPLATE_OF, Ours
from danqing.pipelines.pipeline import Pipeline


def save(pipeline: Pipeline, folder: str | Path) -> None:
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
    """Write the transformer into a model's folder, its adapters merged into it.

    Raises:
        StorageError: the disk cannot take it.
    """
    tensors = {mmdit_names.published(name): t for name, t in merged(mmdit).items()}
    checkpoint.write(folder / "transformer", tensors, mmdit.config.to_published())


def save_vae(vae: VAE, folder: Path) -> None:
    """Write the VAE into a model's folder.

    Raises:
        StorageError: the disk cannot take it.
    """
    # The published code knows no patches, so nobody but us will read such a VAE.
    tensors = vae_names.unfold(vae, slim=vae.config.patch > 1)
    checkpoint.write(folder / "vae", tensors, vae.config.to_published())


def save_index(pipeline: Pipeline, folder: Path) -> None:
    """Write what is no network into a model's folder: the index and the schedule.

    Raises:
        StorageError: the disk cannot take it.
    """
    schedule = to_published(pipeline.schedule)
    ours = Ours(name=pipeline.identity.name, defaults=pipeline.defaults)
    own = TEMPLATES.name_of(pipeline.conditioner.writer.template)
    edits = next((kind for kind, told in TEMPLATE_OF.items() if told == own), PIPELINE)
    index = {
        "_class_name": LAYERED if pipeline.mmdit.config.layered else edits,
        "_danqing": dump(ours),
        "scheduler": ["diffusers", schedule["_class_name"]],
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "QwenImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }
    if edits != PIPELINE:
        index["processor"] = ["transformers", "Qwen2VLProcessor"]
    checkpoint.write_config(folder / "scheduler", schedule, "scheduler_config.json")
    checkpoint.write_config(folder, index, INDEX)
