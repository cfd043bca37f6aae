"""The conditioner: Qwen2.5-VL reads prompts and pictures, its last hidden states are the text.

No token is generated. The hidden states after the final norm, less those of the template's
opening, condition the picture (Qwen-Image technical report, arXiv 2508.02324, section 2.2;
`QwenImagePipeline` and `QwenImageEditPlusPipeline` of diffusers). Picture tokens have places in
three dimensions, as in training; diffusers loses them with transformers 5 (huggingface/diffusers
issue 14194).

Dimension key:
    B batch    T chat tokens    L language tokens = T less the template's opening    E width
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from danqing.core.errors import CheckpointError
from danqing.core.files import atomic_folder
from danqing.models import checkpoint
from danqing.models.conditioner.chat import Chat, Writer
from danqing.models.conditioner.config import (
    MODEL_TYPE,
    ConditionerConfig,
    EyesConfig,
    language_config,
    with_eyes,
    with_vocabulary,
)
from danqing.models.conditioner.language import LanguageModel, places
from danqing.models.conditioner.names import blind, ours, published
from danqing.models.conditioner.template import TEMPLATES, Template, with_pictures
from danqing.models.conditioner.tokenizer import load_tokenizer, save_tokenizer
from danqing.models.conditioner.vision import (
    Patches,
    Picture,
    Vision,
    load_processor,
    restore_rotations,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NETWORK, TOKENIZER, PROCESSOR = "text_encoder", "tokenizer", "processor"
"""Where diffusers keeps the three parts of a conditioner in a model's folder."""
_SPREAD: Final = 0.5
"""Standard deviation of embeddings that have learned nothing yet."""


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the mmdit is told about a picture."""

    text: Float[Tensor, "B L E"]
    """Hidden states of the conditioner; zero where padded."""
    mask: Bool[Tensor, "B L"] | None
    """True where the text is real; None when nothing is padded."""


class Conditioner(nn.Module):
    """A language model, the tokenizer and the template it is read with, and eyes if it needs them.

    `settings` is the published `config.json`, which a saved conditioner gets back.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        tokenizer: "Tokenizer",
        template: Template,
        vision: Vision | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.language = LanguageModel(language_config(settings))
        self.vision = vision
        self.writer = Writer(tokenizer, template, vision and vision.processor)

    @classmethod
    def build(
        cls,
        config: ConditionerConfig,
        tokenizer: "Tokenizer",
        template: Template | None = None,
    ) -> "Conditioner":
        """Return a conditioner with random weights, to be trained; None: with a nano's template."""
        settings = config.to_published(tokenizer)
        if template is None:
            template = TEMPLATES["nano_edit_plus" if config.eyes else "nano"]
        conditioner = cls(settings, tokenizer, template, _fresh(settings, config.eyes))
        for name, weight in conditioner.language.layers.named_parameters():
            if weight.ndim == 2:
                # Larger, and the layers' outputs would drown the words they are about.
                nn.init.normal_(weight, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
        nn.init.normal_(conditioner.language.embed.weight, std=_SPREAD)
        return conditioner

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        template: Template | None = None,
        eyes: bool | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
        read: Callable[[Path], Mapping[str, Tensor]] = checkpoint.read,
    ) -> "Conditioner":
        """Return the conditioner of a model folder in the layout of diffusers.

        Weights are mapped from the files; they are copied only to change dtype or device.

        Args:
            folder: Holds `text_encoder`, `tokenizer` and, for pictures, `processor`.
            template: How requests are put; by default what the folder names, as only folders
                written by `save` do, or else that of text to image.
            eyes: Whether to load the vision tower; None: if the template takes pictures.
            dtype: Of the weights; as stored if None.
            device: Where the weights go.
            read: Gives the weights of a folder.

        Raises:
            CheckpointError: A part is missing or damaged, or weights do not fit the settings.
        """
        folder = Path(folder)
        settings = checkpoint.read_config(folder / NETWORK)
        if (kind := settings.get("model_type")) != MODEL_TYPE:
            raise CheckpointError(
                f"model_type in {folder / NETWORK} must be {MODEL_TYPE}, "
                f"got {kind}; choose a Qwen-Image model of the first generation."
            )
        template = template or TEMPLATES[settings.get("template", "text_to_image")]
        if eyes is None:
            eyes = template.picture is not None
        tokenizer = load_tokenizer(folder / TOKENIZER)
        described = folder / PROCESSOR
        processor = load_processor(described if described.is_dir() else None) if eyes else None
        with torch.device("meta"):
            vision = Vision(settings.get("vision_config", {}), processor) if processor else None
            conditioner = cls(settings, tokenizer, template, vision)

        rename = ours if eyes else blind
        checkpoint.load_into(conditioner, read(folder / NETWORK), rename, dtype, device=device)
        if conditioner.vision is not None:
            restore_rotations(conditioner.vision.tower)
        return conditioner.eval()

    @torch.no_grad()
    def with_vocabulary(self, tokenizer: "Tokenizer") -> "Conditioner":
        """Return a conditioner that reads with another tokenizer; both share only their eyes.

        What both tokenizers know as a whole keeps its row; other rows are random. The settings
        must have the language model's in a table of their own, as those that we write do.
        """
        settings = with_vocabulary(self.settings, tokenizer)
        other = Conditioner(settings, tokenizer, self.writer.template, self.vision)
        rows = other.language.embed.weight
        nn.init.normal_(rows, std=_SPREAD)
        known = self.writer.tokenizer.get_vocab()
        for entry, row in tokenizer.get_vocab().items():
            if entry in known:
                rows[row] = self.language.embed.weight[known[entry]]
        kept = {k: v for k, v in self.state_dict().items() if k != "language.embed.weight"}
        other.load_state_dict(kept, strict=False)
        return other

    def with_eyes(self, eyes: EyesConfig) -> "Conditioner":
        """Return a conditioner that sees too, with fresh eyes; it reads prompts alone as this one.

        The settings must have the language model's in a table of their own, as those that we
        write do.

        Raises:
            RequestError: The template has no other that takes pictures.
        """
        settings = with_eyes(self.settings, eyes)
        template, vision = with_pictures(self.writer.template), _fresh(settings, eyes)
        other = Conditioner(settings, self.writer.tokenizer, template, vision)
        other.language.load_state_dict(self.language.state_dict())
        return other

    def save(self, folder: str | Path) -> None:
        """Write the conditioner into a model folder, in the layout of diffusers.

        Its template must be one of `TEMPLATES`; the name goes into `text_encoder/config.json`.
        Without eyes nothing of a vision tower is written.

        Raises:
            StorageError: The disk is full, read-only or not ours.
        """
        folder = Path(folder)
        weights = {published(name): tensor for name, tensor in self.state_dict().items()}
        settings = {**self.settings, "template": TEMPLATES.name_of(self.writer.template)}
        checkpoint.write(folder / NETWORK, weights, settings, stem="model")
        save_tokenizer(self.writer.tokenizer, folder / TOKENIZER)
        if self.vision is not None:
            with atomic_folder(folder / PROCESSOR) as staged:
                self.vision.processor.save_pretrained(staged)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.language.embed.weight.device

    def tokenize(
        self,
        prompts: Sequence[str],
        images: Sequence[Sequence[Picture]] | None = None,
        *,
        limit: int | None = None,
    ) -> Chat:
        """Return requests, each within the template, as one batch for `forward`.

        Args:
            prompts: What is asked for.
            images: The pictures of each prompt, in the size in which they are to be seen.
            limit: Tokens to keep of each text, counted after the template's opening;
                None keeps all. It is a blunt cut, there to match the reference's
                `max_sequence_length`.

        Raises:
            RequestError: The pictures do not fit the prompts or the template, a prompt
                contains the token that stands for a picture, or a limit would cut a picture.
        """
        ids, mask, patches = self.writer.write(prompts, images, limit)
        if patches is not None:
            patches = Patches(*(part.to(self.device) for part in patches))
        return Chat(ids.to(self.device), mask.to(self.device), patches)

    def forward(
        self,
        input_ids: Int[Tensor, "B T"],
        attention_mask: Bool[Tensor, "B T"],
        patches: Patches | None = None,
    ) -> tuple[Float[Tensor, "B L E"], Bool[Tensor, "B L"] | None]:
        """Return the text of a chat and its mask, as in `Conditioning`, with gradients.

        Rows must be padded on the right, and every picture token must have its patches.
        """
        x, at = self._enter(Chat(input_ids, attention_mask, patches))
        states = self.language(x, at)
        text, mask = states[:, self.writer.drop :], attention_mask[:, self.writer.drop :]
        if mask.all():
            return text, None
        return text.masked_fill(~mask[..., None], 0), mask

    def _enter(self, chat: Chat) -> tuple[Float[Tensor, "B T E"], Int[Tensor, "B T 3"]]:
        """Return what the language model is given of a chat: embeddings and their places."""
        ids, patches = chat.input_ids, chat.patches
        x = self.language.embed(ids)
        if patches is None:
            return x, places(ids)
        assert self.vision is not None, "pictures were given to a conditioner without eyes"
        picture, merge = self.settings["image_token_id"], self.vision.processor.merge_size
        seen = self.vision(patches).to(x.dtype)
        x = x.masked_scatter(ids.eq(picture)[..., None], seen)
        return x, places(ids, patches.grids.tolist(), picture, merge)

    @torch.no_grad()
    def read(
        self,
        prompts: Sequence[str],
        images: Sequence[Sequence[Picture]] | None = None,
        *,
        limit: int | None = None,
    ) -> Conditioning:
        """Return the conditioning of prompts and their pictures; arguments as in `tokenize`."""
        return Conditioning(*self(*self.tokenize(prompts, images, limit=limit)))

    @torch.no_grad()
    def read_each(
        self, prompts: Sequence[str], images: Sequence[Sequence[Picture]] | None = None
    ) -> list[Float[Tensor, "1 _ E"]]:
        """Return the text of each prompt with its pictures, bit for bit as it reads alone.

        The weights are gone through once for all of them; see `language`.
        """
        own = images or [[] for _ in prompts]
        chats = [self.tokenize([p], [i] if i else None) for p, i in zip(prompts, own, strict=True)]
        entered = [self._enter(chat) for chat in chats]
        states = self.language.side_by_side([x for x, _ in entered], [at for _, at in entered])
        return [text[:, self.writer.drop :] for text in states]


def _fresh(settings: Mapping[str, Any], eyes: EyesConfig | None) -> Vision | None:
    return eyes and Vision.fresh(settings["vision_config"], eyes.area, _SPREAD)
