"""The conditioner: Qwen2.5-VL reads prompts and pictures, its last hidden states are the text.

No token is generated. The hidden states after the final norm, less those of the template's
opening, condition the picture (Qwen-Image technical report, arXiv 2508.02324, section 2.2;
`QwenImagePipeline` and `QwenImageEditPlusPipeline` of diffusers). Attention is causal and rows
are padded on the right, so real tokens never see padding: no attention mask is built, and a
prompt reads in a batch as it does alone. Picture tokens have places in three dimensions, as in
training; diffusers loses them with transformers 5 (huggingface/diffusers issue 14194).

Dimension key:
    B batch    T chat tokens    L language tokens = T less the template's opening    E width
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from PIL.Image import Image
from torch import Tensor, nn

from danqing.core.errors import CheckpointError
from danqing.core.files import atomic_folder
from danqing.models import checkpoint
from danqing.models.conditioner.chat import Chat, Writer
from danqing.models.conditioner.config import ConditionerConfig
from danqing.models.conditioner.names import ours, published
from danqing.models.conditioner.template import TEMPLATES, Template
from danqing.models.conditioner.vision import Patches, Processor

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NETWORK, TOKENIZER, PROCESSOR = "text_encoder", "tokenizer", "processor"
"""Where diffusers keeps the three parts of a conditioner in a model's folder."""


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the mmdit is told about a picture."""

    text: Float[Tensor, "B L E"]
    """Hidden states of the conditioner; zero where padded."""
    mask: Bool[Tensor, "B L"] | None
    """True where the text is real; None when nothing is padded."""


class Conditioner(nn.Module):
    """A vision-language model, the tokenizer that feeds it, and the template it is read with.

    `language_model` is a `Qwen2_5_VLModel` of `transformers`, vision tower included; `processor`
    prepares pictures for it and may be None where there are none.
    """

    language_model: Any  # its type knows neither its parts nor plain tensors

    def __init__(
        self,
        language_model: nn.Module,
        tokenizer: "PreTrainedTokenizerBase",
        template: Template,
        processor: Processor | None = None,
    ) -> None:
        super().__init__()
        self.language_model = language_model
        self.writer = Writer(tokenizer, template, processor)

    @classmethod
    def build(
        cls,
        config: ConditionerConfig,
        tokenizer: "PreTrainedTokenizerBase",
        template: Template = TEMPLATES["nano"],
    ) -> "Conditioner":
        """Return a conditioner with random weights, to be trained."""
        from transformers import Qwen2_5_VLModel
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
            Qwen2VLImageProcessorPil,
        )

        model = Qwen2_5_VLModel(config.to_transformers(tokenizer))
        # At the usual 0.02 the layers' outputs would drown the words they are about.
        nn.init.normal_(model.language_model.embed_tokens.weight, std=0.5)
        return cls(model, tokenizer, template, Qwen2VLImageProcessorPil())

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        template: Template | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> "Conditioner":
        """Return the conditioner of a model folder in the layout of diffusers.

        Weights are mapped from the files; they are copied only to change dtype or device.

        Args:
            folder: Holds `text_encoder`, `tokenizer` and, for pictures, `processor`.
            template: How requests are put; by default what the folder names, as only folders
                written by `save` do, or else that of text to image.
            dtype: Of the weights; as stored if None.
            device: Where the weights go.

        Raises:
            CheckpointError: A part is missing or damaged, or weights do not fit the settings.
        """
        from transformers import AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLModel
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
            Qwen2VLImageProcessorPil,
        )

        folder = Path(folder)
        config = checkpoint.read_config(folder / NETWORK)
        if (kind := config.get("model_type")) != Qwen2_5_VLConfig.model_type:
            raise CheckpointError(
                f"model_type in {folder / NETWORK} must be {Qwen2_5_VLConfig.model_type}, "
                f"got {kind}; choose a Qwen-Image model of the first generation."
            )
        words, eyes = folder / TOKENIZER, folder / PROCESSOR
        if not words.is_dir():
            raise CheckpointError(f"{words} is missing; download the model again.")
        with torch.device("meta"):
            model = Qwen2_5_VLModel(Qwen2_5_VLConfig.from_dict(config))
        checkpoint.load_into(model, folder / NETWORK, ours, dtype, device=device)
        _restore_rotations(model)
        tokenizer = AutoTokenizer.from_pretrained(words)
        processor = Qwen2VLImageProcessorPil.from_pretrained(eyes) if eyes.is_dir() else None
        template = template or TEMPLATES[config.get("template", "text_to_image")]
        return cls(model, tokenizer, template, processor).eval()

    def save(self, folder: str | Path) -> None:
        """Write the conditioner into a model folder, in the layout of diffusers.

        Its template must be one of `TEMPLATES`; the name goes into `text_encoder/config.json`.

        Raises:
            StorageError: The disk is full, read-only or not ours.
        """
        folder, writer = Path(folder), self.writer
        weights = {
            published(name): tensor for name, tensor in self.language_model.state_dict().items()
        }
        config = self.language_model.config.to_diff_dict() | {
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "template": TEMPLATES.name_of(writer.template),
        }
        checkpoint.write(folder / NETWORK, weights, config, stem="model")
        with atomic_folder(folder / TOKENIZER) as staged:
            writer.tokenizer.save_pretrained(staged)
        if writer.processor is not None:
            with atomic_folder(folder / PROCESSOR) as staged:
                writer.processor.save_pretrained(staged)

    def tokenize(
        self,
        prompts: Sequence[str],
        images: Sequence[Sequence[Image]] | None = None,
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
        device = self.language_model.device
        if patches is not None:
            patches = Patches(*(part.to(device) for part in patches))
        return Chat(ids.to(device), mask.to(device), patches)

    def forward(
        self,
        input_ids: Int[Tensor, "B T"],
        attention_mask: Bool[Tensor, "B T"],
        patches: Patches | None = None,
    ) -> tuple[Float[Tensor, "B L E"], Bool[Tensor, "B L"] | None]:
        """Return the text of a chat and its mask, as in `Conditioning`, with gradients.

        Rows must be padded on the right, and every picture token must have its patches.
        """
        seen = {}
        if patches is not None:
            is_picture = input_ids.eq(self.language_model.config.image_token_id)
            positions, _ = self.language_model.get_rope_index(
                input_ids,
                mm_token_type_ids=is_picture.int(),
                image_grid_thw=patches.grids,
                attention_mask=attention_mask,
            )
            seen = {
                "position_ids": positions,
                "pixel_values": patches.values,
                "image_grid_thw": patches.grids,
            }
        states = self.language_model(input_ids=input_ids, use_cache=False, **seen).last_hidden_state
        text, mask = states[:, self.writer.drop :], attention_mask[:, self.writer.drop :]
        if mask.all():
            return text, None
        return text.masked_fill(~mask[..., None], 0), mask

    @torch.no_grad()
    def read(
        self,
        prompts: Sequence[str],
        images: Sequence[Sequence[Image]] | None = None,
        *,
        limit: int | None = None,
    ) -> Conditioning:
        """Return the conditioning of prompts and their pictures; arguments as in `tokenize`."""
        return Conditioning(*self(*self.tokenize(prompts, images, limit=limit)))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Conditioner":
        super()._apply(fn, recurse)
        _restore_rotations(self.language_model)
        return self


def _restore_rotations(model: nn.Module) -> None:
    """Compute rotary frequencies anew unless they are float32 and where the weights are.

    They are buffers: no file holds them, and `to(torch.bfloat16)` would round them.
    """
    device = next(model.parameters()).device
    for module in model.modules():
        frequencies = getattr(module, "inv_freq", None)
        if not isinstance(frequencies, Tensor):
            continue
        if frequencies.dtype != torch.float32 or frequencies.device != device:
            for name, buffer in type(module)(config=module.config).named_buffers():
                setattr(module, name, buffer.to(device))
