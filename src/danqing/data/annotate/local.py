"""A vision-language model on this machine, run by `transformers`."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from danqing.core.errors import DanqingError, MissingPackage, RecipeError
from danqing.data.annotate.annotators import Answer, Question, annotators

if TYPE_CHECKING:
    import torch


class _Loaded(NamedTuple):
    """A network and what prepares its inputs."""

    network: Any
    processor: Any
    device: "torch.device"


@annotators.register("transformers")
@dataclass(frozen=True, kw_only=True)
class Transformers:
    """A published network or a folder; it always takes the likeliest word, so answers repeat."""

    model: str = "Qwen/Qwen2.5-VL-7B-Instruct"
    """A hub name or a folder."""
    batch: int = 4
    """Pictures that it sees at once."""
    max_tokens: int = 1024
    """Tokens of an answer."""
    device: str | None = None
    """None: the fastest one here."""
    dtype: str | None = None
    """None: bfloat16 where it is native, else float32."""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.max_tokens < 1:
            raise RecipeError("batch and max_tokens must be at least 1.")

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in their order.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
            MissingPackage: the network's processor wants a package that is not installed.
        """
        waiting = iter(questions)
        while group := list(islice(waiting, self.batch)):
            yield from self._answers(group)

    def _answers(self, group: list[Question]) -> list[Answer]:
        import torch

        network, processor, device = self._loaded
        talks = [
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "image": question.image},
                        {"type": "text", "text": question.prompt},
                    ],
                }
            ]
            for question in group
        ]
        inputs = processor.apply_chat_template(
            talks,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            # Words are written at the right end, so what is shorter is filled up at the left.
            processor_kwargs={"padding": True, "padding_side": "left"},
        ).to(device)
        with torch.inference_mode():
            ids = network.generate(**inputs, max_new_tokens=self.max_tokens, do_sample=False)
        written = ids[:, inputs["input_ids"].shape[1] :].cpu()
        texts = processor.batch_decode(written, skip_special_tokens=True)
        pad = processor.tokenizer.pad_token_id
        read = inputs["attention_mask"].sum(1).tolist()
        counts = (written != pad).sum(1).tolist()
        return [
            Answer(question.row, text, read=int(seen), written=int(count))
            for question, text, seen, count in zip(group, texts, read, counts, strict=True)
        ]

    @cached_property
    def _loaded(self) -> _Loaded:
        from transformers import AutoModelForImageTextToText

        from danqing.core.device import pick_device, pick_dtype

        device = pick_device(self.device).device
        dtype = pick_dtype(device, self.dtype).dtype
        try:
            processor = _processor(self.model)
            # Weights are safetensors, never pickles, and code is never fetched.
            network = AutoModelForImageTextToText.from_pretrained(
                self.model, dtype=dtype, use_safetensors=True
            )
        except ImportError as error:
            raise MissingPackage(
                f"{self.model} must have a package that is not here, got: {_first_line(error)}; "
                "install it, or name another model."
            ) from error
        except (OSError, ValueError, DanqingError) as error:
            raise RecipeError(
                f"the network {self.model} must be on this machine or on the hub "
                f"({_first_line(error)}); download it, or name another as `model`."
            ) from error
        network.eval().to(device)  # pyright: ignore[reportArgumentType]
        return _Loaded(network, processor, device)


def _processor(model: str) -> Any:
    """Return what prepares a network's inputs."""
    from transformers import AutoConfig, AutoImageProcessor, AutoProcessor, AutoTokenizer
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    try:
        return AutoProcessor.from_pretrained(model)
    except ImportError:
        kind: Any = PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(model))]
        if "video_processor" not in kind.get_attributes():
            raise

    class Stills(kind):
        """Without the part for videos: it alone wants torchvision, and no video is ever shown."""

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            """Let that part be missing."""
            if argument is not None:
                return super().check_argument_for_proper_class(argument_name, argument)

    tokenizer = AutoTokenizer.from_pretrained(model)
    template = kind.get_processor_dict(model)[0].get("chat_template") or tokenizer.chat_template
    image_processor = AutoImageProcessor.from_pretrained(model)
    return Stills(image_processor, tokenizer, None, chat_template=template)


def _first_line(error: Exception) -> str:
    return next(filter(None, str(error).strip().splitlines()), type(error).__name__)[:160]
