"""What a conditioner made of prompts, kept.

A text encoder of 13 GB is read once for a prompt, so what it said is remembered: the last few
texts in memory, and those of a large encoder on disk too, 7 KB a token. The key is everything that
decides a text: the weights, the template, the format, the prompt and the pictures beside it.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from PIL.Image import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from danqing.core.cache import Rolling, cache_folder
from danqing.core.log import logger
from danqing.core.pictures import fingerprint
from danqing.models.conditioner.model import Conditioner

WORTH_KEEPING = 1 << 30
"""Bytes of a text encoder from which on its texts are kept on disk."""

REMEMBERED = 8
"""Texts that are kept in memory."""

BUDGET = 4 << 30
"""Bytes of texts on disk: some thousand prompts of a large encoder."""

_log = logger(__name__)


class Reader:
    """Gives the text of prompts, each read once."""

    def __init__(
        self,
        conditioner: Conditioner,
        weights: str,
        *,
        keep: bool | None = None,
        budget: int = BUDGET,
    ) -> None:
        """Remember a conditioner.

        Args:
            conditioner: The conditioner.
            weights: The identity of its model; other weights say other things.
            keep: Whether to keep texts on disk; None: if the encoder is large.
            budget: Bytes of all texts on disk; those not read for longest make room.
        """
        self.conditioner = conditioner
        self.weights = weights
        if keep is None:
            layers = conditioner.language.layers.parameters()
            large = sum(w.numel() * w.element_size() for w in layers) >= WORTH_KEEPING
            keep = large and weights != "unknown"
        self.kept = Rolling(cache_folder("prompts"), budget) if keep else None
        self._texts: OrderedDict[str, Tensor] = OrderedDict()

    def __call__(
        self, prompts: Sequence[str], pictures: Sequence[Image] = ()
    ) -> list[Float[Tensor, "1 _ E"]]:
        """Return the text of each prompt, as it reads alone, all with the same pictures."""
        shown = [fingerprint(picture) for picture in pictures]
        names = {prompt: self._name(prompt, shown) for prompt in prompts}
        for name in names.values():
            if name not in self._texts and (kept := self._read(name)) is not None:
                self._texts[name] = kept
        missing = [prompt for prompt, name in names.items() if name not in self._texts]
        if missing:
            texts = self.conditioner.read_each(missing, [pictures] * len(missing))
            for prompt, text in zip(missing, texts, strict=True):
                self._texts[names[prompt]] = text
                self._write(names[prompt], text)
        found = [self._texts[names[prompt]] for prompt in prompts]
        for name in names.values():
            self._texts.move_to_end(name)
        while len(self._texts) > max(REMEMBERED, len(names)):
            self._texts.popitem(last=False)
        return found

    def _name(self, prompt: str, shown: Sequence[str]) -> str:
        template = repr(self.conditioner.writer.template)
        dtype = str(self.conditioner.language.embed.weight.dtype)
        device = self.conditioner.device.type
        parts = [self.weights, template, dtype, device, torch.__version__, prompt, *shown]
        return f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]}.safetensors"

    def _read(self, name: str) -> Tensor | None:
        if self.kept is None or (file := self.kept.find(name)) is None:
            return None
        try:
            return load_file(file)["text"].to(self.conditioner.device)
        except (SafetensorError, OSError, KeyError) as error:
            _log.warning("%s is damaged (%s) and made anew", file, str(error).splitlines()[0])
            return None

    def _write(self, name: str, text: Tensor) -> None:
        if self.kept is not None:
            with self.kept.write(name) as staged:
                save_file({"text": text.cpu().contiguous()}, staged, metadata={"format": "pt"})
