"""From prompts and pictures to the token ids of one padded batch.

Dimension key:
    B batch    T chat tokens
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from danqing.core.errors import RequestError
from danqing.core.log import logger
from danqing.models.conditioner.template import CLOSING, PICTURE_TOKEN, Template
from danqing.models.conditioner.vision import Patches, Picture, Processor, cut, token_counts

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TRAINED_TOKENS = 512
"""The longest text, in tokens, that the published models were trained with."""

_log = logger(__name__)


class Chat(NamedTuple):
    """Rendered prompts as token ids, padded on the right, and the pictures they speak of."""

    input_ids: Int[Tensor, "B T"]
    attention_mask: Bool[Tensor, "B T"]
    patches: Patches | None = None


class Writer:
    """Puts requests into the words of a template, and these into tokens.

    Attributes:
        drop: Tokens of the template's opening, which conditions nothing.
    """

    def __init__(
        self,
        tokenizer: "Tokenizer",
        template: Template,
        processor: Processor | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.processor = processor
        self.drop = self.count(template.dropped)

    def count(self, text: str) -> int:
        """Return how many tokens a piece of text takes."""
        return len(self.ids(text))

    def ids(self, text: str) -> list[int]:
        """Return the tokens of a piece of text."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def write(
        self,
        prompts: Sequence[str],
        images: Sequence[Sequence[Picture]] | None = None,
        limit: int | None = None,
    ) -> Chat:
        """Return one chat for each prompt and its pictures; see `Conditioner.tokenize`."""
        if any(PICTURE_TOKEN in prompt for prompt in prompts):
            raise RequestError(
                f"prompt must be free of control tokens, got {PICTURE_TOKEN!r}; take it out."
            )
        given = [list(own) for own in images] if images else [[] for _ in prompts]
        if len(given) != len(prompts):
            raise RequestError(
                f"images must be one list for each of {len(prompts)} prompts, "
                f"got {len(given)} lists; give an empty list where there is none."
            )
        chats = [
            self.template.render(prompt, len(own))
            for prompt, own in zip(prompts, given, strict=True)
        ]
        rows, patches = [self.ids(chat) for chat in chats], None
        if shown := [image for own in given for image in own]:
            assert self.processor is not None, "a template with pictures needs a processor"
            if limit is not None:
                raise RequestError(
                    f"limit must be None with pictures, got {limit}; leave it out, "
                    "for a cut could take a picture away."
                )
            patches = cut(shown, self.processor)
            counts = iter(token_counts(patches, self.processor))
            (picture,) = self.ids(PICTURE_TOKEN)
            rows = [_make_room(row, picture, counts) for row in rows]
        ids, mask = _pad(rows)
        self._warn(ids, mask, limit)
        if limit is not None:
            ids, mask = ids[:, : self.drop + limit], mask[:, : self.drop + limit]
        return Chat(ids, mask, patches)

    def _warn(self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], limit: int | None) -> None:
        longest = int(mask.sum(-1).max()) - self.drop
        if limit is not None and longest > limit:
            _log.warning(
                "The prompt is cut from %d to %d tokens, its %d closing tokens among the lost.",
                longest,
                limit,
                self.count(CLOSING),
            )
        (picture,) = self.ids(PICTURE_TOKEN)
        words = int((mask & ids.ne(picture)).sum(-1).max()) - self.drop
        if min(words, limit or words) > TRAINED_TOKENS:
            _log.warning(
                "The prompt is %d tokens long; beyond %d the model was not trained.",
                words,
                TRAINED_TOKENS,
            )


def _pad(rows: Sequence[Sequence[int]]) -> tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]:
    """Return rows side by side, and where they are real; which token pads does not matter."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    return ids, torch.arange(longest) < lengths[:, None]


def _make_room(row: Sequence[int], picture: int, counts: Iterator[int]) -> list[int]:
    """Repeat each picture token as often as its picture has tokens.

    Written out before, hundreds of them would take longer to find than a small model to read.
    """
    repeats = ([token] * (next(counts) if token == picture else 1) for token in row)
    return list(chain.from_iterable(repeats))
