"""The sizes of a conditioner, said in our words and handed to `transformers` in its own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from danqing.core.errors import RequestError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2_5_VLConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionerConfig:
    """A Qwen2.5-VL language model with its vision tower; the defaults are the nano's."""

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
    vision_width: int = 64
    """Channels of the vision tower."""
    vision_depth: int = 2
    """Layers of the vision tower; the last one sees the whole picture, others 112 px windows."""
    vision_heads: int = 2
    """Heads of the vision tower."""
    vision_mlp: int = 128
    """Hidden channels of the vision tower's MLP."""
    max_tokens: int = 32768
    """The longest sequence the model is meant for."""

    def to_transformers(self, tokenizer: "PreTrainedTokenizerBase") -> "Qwen2_5_VLConfig":
        """Return the same sizes as `transformers` wants them, with the ids of a tokenizer.

        Raises:
            RequestError: The head width cannot be divided among the three position axes.
        """
        from transformers import Qwen2_5_VLConfig

        head = self.width // self.heads
        if head * self.heads != self.width or head % 16:
            raise RequestError(
                f"width / heads must be a multiple of 16, got {self.width} / {self.heads}; "
                f"try width {16 * self.heads * max(1, round(self.width / self.heads / 16))}."
            )
        control = {
            f"{name}_token_id": tokenizer.convert_tokens_to_ids(f"<|{token}|>")
            for name, token in (
                ("image", "image_pad"),
                ("video", "video_pad"),
                ("vision_start", "vision_start"),
                ("vision_end", "vision_end"),
            )
        }
        language = {
            "vocab_size": len(tokenizer),
            "hidden_size": self.width,
            "num_hidden_layers": self.depth,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "intermediate_size": self.mlp,
            "max_position_embeddings": self.max_tokens,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1e6,
                # Time, height, width share the angles as 2 : 3 : 3, as in the published model.
                "mrope_section": [head // 8, head * 3 // 16, head * 3 // 16],
            },
            "bos_token_id": tokenizer.pad_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
        }
        vision = {
            "depth": self.vision_depth,
            "hidden_size": self.vision_width,
            "num_heads": self.vision_heads,
            "intermediate_size": self.vision_mlp,
            "out_hidden_size": self.width,
            "fullatt_block_indexes": [self.vision_depth - 1],
        }
        # Nothing is generated, so the head costs nothing when it is the embedding.
        parts = {"text_config": language, "vision_config": vision, "tie_word_embeddings": True}
        return Qwen2_5_VLConfig.from_dict(parts | control)
