"""A small tokenizer: a known word is one token, everything else is spelled.

So is whatever stands in quotation marks, known or not: it is to be drawn letter by letter, and
the network must see its letters. A character that is not in the vocabulary is spelled by its
bytes, so that every string can be read and is given back unchanged (up to Unicode normalization
form C). The byte alphabet and the control tokens are those of the Qwen tokenizers, whose
templates it therefore understands.
"""

import json
import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.core.errors import CheckpointError
from danqing.core.files import atomic_folder

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD, END = "<|endoftext|>", "<|im_end|>"
CONTROL = (
    PAD,
    "<|im_start|>",
    END,
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
"""The control tokens of Qwen2.5-VL that templates use; here they get the first ids."""

FILE = "tokenizer.json"
"""What the library calls a whole tokenizer."""

ROLES = ("system", "user", "assistant", "Picture")
PUNCTUATION = "“”「」『』，。、：；！？"

_QUOTED = r'"[^"\n]{0,64}"|“[^”\n]{0,64}”|「[^」\n]{0,64}」|『[^』\n]{0,64}』'
_IN_QUOTES = r'(?m:.)(?=(?>[^"”」』]{0,64})["”」』]\z)'  # only quoted pieces end in such a mark
_LETTER = r"[[\p{L}\p{M}]&&[^\p{Han}]]"
_CHINESE = re.compile("[\u3400-\u9fff]+")


def build_tokenizer(words: Iterable[str], characters: Iterable[str]) -> "Tokenizer":
    """Return a tokenizer that knows some words and some characters as wholes.

    Args:
        words: Words in the spelling that prompts use. Chinese ones are found wherever they
            stand, the longest first; others only as whole words, each with and without a
            space before it.
        characters: Single characters to be known as one token instead of as their bytes.

    Returns:
        A tokenizer whose ids follow the order of the arguments.
    """
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
    )

    in_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)

    def spelling(text: str) -> str:
        return "".join(piece for piece, _ in in_bytes.pre_tokenize_str(text))

    words = [*ROLES, *words]
    chinese = [word for word in words if _CHINESE.fullmatch(word)]
    spaced = [word for word in words if not _CHINESE.fullmatch(word)]
    entries = chain(
        CONTROL,
        sorted(pre_tokenizers.ByteLevel.alphabet()),
        map(spelling, PUNCTUATION),
        map(spelling, characters),
        map(spelling, chinese),
        (spelling(word) for plain in spaced for word in (plain, f" {plain}")),
    )
    vocabulary = {entry: index for index, entry in enumerate(dict.fromkeys(entries))}
    word = rf"(?: |(?<!{_LETTER}))(?:{_any_of(spaced)})(?!{_LETTER})"
    pieces = "|".join((_IN_QUOTES, word, _any_of(chinese), r"(?m:.)"))
    # Takes the longest entries from the left: here the whole piece, or its bytes.
    model = models.WordPiece(
        vocabulary,
        unk_token=PAD,
        continuing_subword_prefix="",
        max_input_chars_per_word=max(map(len, vocabulary)),
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QUOTED), "isolated"),
            pre_tokenizers.Split(Regex(pieces), "isolated"),
            in_bytes,
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL])
    return tokenizer


def load_tokenizer(folder: Path) -> "Tokenizer":
    """Return the tokenizer of a folder, ours or a published one.

    Raises:
        CheckpointError: The folder is missing or damaged.
    """
    from tokenizers import Tokenizer

    if not folder.is_dir():
        raise CheckpointError(f"{folder} is missing; download the model again.")
    if not (file := folder / FILE).is_file():
        # Older folders hold words and merges alone, which take long to put together.
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(folder).backend_tokenizer
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library has no other
        raise CheckpointError(f"{file} is damaged; download the model again.") from error


def save_tokenizer(tokenizer: "Tokenizer", folder: Path) -> None:
    """Write a tokenizer as `load_tokenizer`, and the `AutoTokenizer` of `transformers`, read it.

    Raises:
        StorageError: The disk is full, read-only or not ours.
    """
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": END,
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
    }
    with atomic_folder(folder) as staged:
        (staged / FILE).write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")
        text = json.dumps(settings, indent=2) + "\n"
        (staged / "tokenizer_config.json").write_text(text, encoding="utf-8")


def _any_of(words: Iterable[str]) -> str:
    """Return an expression for any of some words, longest first; its time hardly grows with them.

    A plain list of alternatives would be tried one by one at every character.
    """
    by_letter: dict[str, list[str]] = {}
    for word in words:
        by_letter.setdefault(word[:1], []).append(word[1:])
    ends_here = by_letter.pop("", None) is not None
    if not by_letter:
        return "" if ends_here else "(?!)"
    branches = "|".join(re.escape(letter) + _any_of(rest) for letter, rest in by_letter.items())
    return f"(?:{branches}){'?' if ends_here else ''}"
