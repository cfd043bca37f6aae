"""A vision-language model on this machine, run by `transformers`."""

import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.core.errors import RecipeError
from danqing.scorers.chat.base import PLACES, Answer, Place, Question, chats
from danqing.scorers.published import Network, open_network

if TYPE_CHECKING:
    import torch


@chats.register("transformers")
@dataclass(frozen=True, kw_only=True)
class Transformers:
    """A published network or a folder; it always takes the likeliest word, so answers repeat."""

    model: str = "Qwen/Qwen2.5-VL-7B-Instruct"
    """A hub name or a folder."""
    revision: str | None = None
    """A branch, tag or commit on the hub; None: the default branch."""
    batch: int = 4
    """Questions that it sees at once."""
    max_tokens: int = 1024
    """Tokens of an answer, where the question says nothing of it."""
    device: str | None = None
    """None: the fastest one here."""
    dtype: str | None = None
    """None: bfloat16 where it is native, else float32."""

    def __post_init__(self) -> None:
        if self.batch < 1 or self.max_tokens < 1:
            raise RecipeError("batch and max_tokens must be at least 1.")

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings that shape answers."""
        names = ("model", "revision", "max_tokens", "dtype")
        return {"chat": "transformers", **{name: getattr(self, name) for name in names}}

    def ask(self, questions: Iterable[Question]) -> Generator[Answer, None, None]:
        """Yield one answer a question, in their order.

        Raises:
            RecipeError: the network is not on this machine and cannot be fetched.
            MissingPackage: the network's processor wants a package that is not installed.
        """
        # What is asked together must be alike: so long an answer, with pictures or without.
        for _, alike in groupby(questions, self._kind):
            while group := list(islice(alike, self.batch)):
                yield from self._answers(group)

    def first_token(self, text: str) -> str:
        """Return the first token that a text is spelled with."""
        words = self._loaded.processor.tokenizer
        return words.decode(words.encode(text, add_special_tokens=False)[:1])

    def _kind(self, question: Question) -> tuple[int, int, bool]:
        most = question.max_tokens or self.max_tokens
        return most, question.top, bool(question.images)

    def _answers(self, group: list[Question]) -> list[Answer]:
        import torch

        network, processor, device = self._loaded
        most, top, _ = self._kind(group[0])
        inputs = processor.apply_chat_template(
            [_talk(question) for question in group],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            # Words are written at the right end, so what is shorter is filled up at the left.
            processor_kwargs={"padding": True, "padding_side": "left"},
        ).to(device)
        with torch.inference_mode():
            made = network.generate(
                **inputs,
                max_new_tokens=most,
                do_sample=False,
                return_dict_in_generate=True,
                output_scores=top > 0,
            )
        written = made.sequences[:, inputs["input_ids"].shape[1] :].cpu()
        texts = processor.batch_decode(written, skip_special_tokens=True)
        pad = processor.tokenizer.pad_token_id
        read = inputs["attention_mask"].sum(1).tolist()
        counts = (written != pad).sum(1).tolist()
        # Scores are what the choice was made by, after everything that the network's settings do.
        steps = [step.float().log_softmax(-1).cpu() for step in (made.scores or ())[:PLACES]]
        return [
            Answer(
                question.key,
                text,
                read=int(seen),
                written=int(count),
                places=tuple(
                    self._place(step[row], int(token), top)
                    for step, token in zip(steps[:count], written[row], strict=False)
                ),
            )
            for row, (question, text, seen, count) in enumerate(
                zip(group, texts, read, counts, strict=True)
            )
        ]

    def _place(self, logarithms: "torch.Tensor", chosen: int, top: int) -> Place:
        decode = self._loaded.processor.tokenizer.decode
        found = logarithms.topk(min(top, len(logarithms)))
        ids = {chosen: float(logarithms[chosen])}
        ids |= dict(zip(found.indices.tolist(), found.values.tolist(), strict=True))
        likely: dict[str, float] = {}
        for token, value in ids.items():
            if math.isfinite(value):
                # Several tokens may read alike; what is wanted is how likely the reading is.
                before = likely.get(text := decode([token]), -math.inf)
                likely[text] = float(np.logaddexp(before, value))
        return Place(decode([chosen]), likely)

    @cached_property
    def _loaded(self) -> Network:
        from transformers import AutoModelForImageTextToText

        return open_network(AutoModelForImageTextToText, _processor, self)


def _talk(question: Question) -> list[dict[str, Any]]:
    """Return a question as a conversation of published chat templates."""
    words = [{"type": "text", "text": question.text}]
    pictures = [{"type": "image", "image": image} for image in question.images]
    content = words + pictures if question.text_first else pictures + words
    told = [{"type": "text", "text": question.system}]
    system = [{"role": "system", "content": told}] if question.system else []
    return [*system, {"role": "user", "content": content}]


def _processor(model: str, revision: str | None = None) -> Any:
    """Return what prepares a network's inputs."""
    from transformers import AutoConfig, AutoImageProcessor, AutoProcessor, AutoTokenizer
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    try:
        return AutoProcessor.from_pretrained(model, revision=revision)
    except ImportError:
        kind: Any = PROCESSOR_MAPPING[type(AutoConfig.from_pretrained(model, revision=revision))]
        if "video_processor" not in kind.get_attributes():
            raise

    class Stills(kind):
        """Without the part for videos: it alone wants torchvision, and no video is ever shown."""

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            """Let that part be missing."""
            if argument is not None:
                return super().check_argument_for_proper_class(argument_name, argument)

    tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
    template = (
        kind.get_processor_dict(model, revision=revision)[0].get("chat_template")
        or tokenizer.chat_template
    )
    image_processor = AutoImageProcessor.from_pretrained(model, revision=revision)
    return Stills(image_processor, tokenizer, None, chat_template=template)
