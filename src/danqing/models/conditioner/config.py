"""The sizes of a conditioner: said in our words for a new one, read from the published ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from danqing.core.errors import CheckpointError, RequestError
from danqing.models.conditioner.language import LanguageConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL_TYPE = "qwen2_5_vl"

CONTROL = ("image_pad", "video_pad", "vision_start", "vision_end")
"""Control tokens whose ids the published configuration gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EyesConfig:
    """A vision tower; the defaults are the nano's."""

    depth: int = 2
    """Layers; the last one sees the whole picture, others 112 px windows."""
    width: int = 64
    """Channels of the tower."""
    heads: int = 2
    """Heads of the tower."""
    mlp: int = 128
    """Hidden channels of its MLP."""
    area: int = 112**2
    """Pixels to which every picture is resized before it is seen; 28x28 of them are a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionerConfig:
    """A Qwen2.5-VL language model, with or without eyes; the defaults are the nano's."""

    width: int = 192
    """Channels of the language model, and of the text it gives."""
    depth: int = 2
    """Layers of the language model."""
    heads: int = 6
    """Query heads; width / heads must be a multiple of 16."""
    kv_heads: int = 6
    """Key and value heads, a divisor of heads."""
    mlp: int = 512
    """Hidden channels of the gated MLP."""
    eyes: EyesConfig | None = None
    """The vision tower; None: no picture can be read."""
    max_tokens: int = 32768
    """The longest sequence the model is meant for."""

    def to_published(self, tokenizer: "Tokenizer") -> dict[str, Any]:
        """Return the `config.json` of these sizes with the ids of a tokenizer.

        Raises:
            RequestError: The head width cannot be divided among the three position axes.
        """
        head = self.width // self.heads
        if head * self.heads != self.width or head % 16:
            raise RequestError(
                f"width / heads must be a multiple of 16, got {self.width} / {self.heads}; "
                f"try width {16 * self.heads * max(1, round(self.width / self.heads / 16))}."
            )
        language = {
            "model_type": f"{MODEL_TYPE}_text",
            "hidden_size": self.width,
            "num_hidden_layers": self.depth,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "intermediate_size": self.mlp,
            "hidden_act": "silu",
            "max_position_embeddings": self.max_tokens,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                # Time, height, width share the angles as 2 : 3 : 3, as in the published model.
                "mrope_section": [head // 8, head * 3 // 16, head * 3 // 16],
            },
        }
        settings = {
            "architectures": ["Qwen2_5_VLForConditionalGeneration"],
            "model_type": MODEL_TYPE,
            "text_config": language,
            # Nothing is generated, so the head costs nothing when it is the embedding.
            "tie_word_embeddings": True,
        }
        return with_vocabulary(with_eyes(settings, self.eyes), tokenizer)


def with_eyes(settings: Mapping[str, Any], eyes: EyesConfig | None) -> dict[str, Any]:
    """Return a `config.json` of our layout with the sizes of a vision tower, or of none."""
    sizes = eyes or EyesConfig(depth=0)
    vision = {
        "model_type": f"{MODEL_TYPE}_vision",
        "depth": sizes.depth,
        "hidden_size": sizes.width,
        "num_heads": sizes.heads,
        "intermediate_size": sizes.mlp,
        "out_hidden_size": settings["text_config"]["hidden_size"],
        "fullatt_block_indexes": [sizes.depth - 1] if sizes.depth else [],
    }
    return {**settings, "vision_config": vision}


def with_vocabulary(settings: Mapping[str, Any], tokenizer: "Tokenizer") -> dict[str, Any]:
    """Return a `config.json` of our layout with the size and the ids of a tokenizer."""
    text = {
        **settings["text_config"],
        "vocab_size": tokenizer.get_vocab_size(),
        "bos_token_id": tokenizer.token_to_id("<|endoftext|>"),
        "eos_token_id": tokenizer.token_to_id("<|im_end|>"),
        "pad_token_id": tokenizer.token_to_id("<|endoftext|>"),
    }
    ids = {
        f"{name.removesuffix('_pad')}_token_id": tokenizer.token_to_id(f"<|{name}|>")
        for name in CONTROL
    }
    return {**settings, "text_config": text, **ids}


def language_config(published: Mapping[str, Any]) -> LanguageConfig:
    """Read the language model's sizes from a published `config.json`, of either layout.

    `transformers` wrote them at the top level until version 4.51, then in a table of their own.

    Raises:
        CheckpointError: A size is missing, or the model is of another kind.
    """
    text = published.get("text_config") or published
    rope = text.get("rope_parameters") or text.get("rope_scaling") or {}
    if (kind := rope.get("rope_type", "default")) not in ("default", "mrope"):
        raise CheckpointError(
            f"rope_type of the text encoder must be default, got {kind}; choose another model."
        )
    try:
        return LanguageConfig(
            vocabulary=text["vocab_size"],
            width=text["hidden_size"],
            depth=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            kv_heads=text["num_key_value_heads"],
            mlp=text["intermediate_size"],
            eps=text.get("rms_norm_eps", 1e-6),
            theta=rope.get("rope_theta", text.get("rope_theta", 1e6)),
            sections=tuple(rope.get("mrope_section", (16, 24, 24))),
        )
    except KeyError as missing:
        raise CheckpointError(
            f"config.json of the text encoder must say {missing.args[0]}; download the model again."
        ) from None
