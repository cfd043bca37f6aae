"""Steering for a whole schedule, made before the first step.

The modulation weights, a third of Qwen-Image's transformer, see the noise level and nothing else.
All levels of a schedule are known beforehand, so the rows they make are computed once and these
weights are not touched while denoising. Of a large model the rows are kept on disk too, for a
schedule comes back with every picture of a size: 1 to 4 MB a step, against 13.6 GB of weights.

Each level is computed alone, as it would be in its step: the same bits, on any device.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from danqing.core.cache import cache_folder
from danqing.core.files import atomic_path
from danqing.core.log import logger
from danqing.models.mmdit.model import MMDiT, Steering
from danqing.models.mmdit.names import steers

WORTH_KEEPING = 1 << 30
"""Bytes of modulation weights from which on their rows are kept on disk."""

_log = logger(__name__)


class Steerer:
    """Gives the steering of noise levels, each made once."""

    def __init__(self, mmdit: MMDiT, weights: str, *, keep: bool | None = None) -> None:
        """Remember a transformer.

        Args:
            mmdit: The transformer.
            weights: Its identity; another file is kept for other weights.
            keep: Whether to keep rows on disk; None: if the weights behind them are large.
        """
        self.mmdit = mmdit
        self.weights = weights
        if keep is None:
            keep = weights != "unknown" and modulation_bytes(mmdit) >= WORTH_KEEPING
        self.keep = keep
        self._known: dict[float, Steering] = {}

    def prepare(self, sigmas: Iterable[float]) -> None:
        """Make, or find, the steering of all levels of a schedule; what was known is let go."""
        levels = list(dict.fromkeys(sigmas))
        self._known = {sigma: self._known[sigma] for sigma in levels if sigma in self._known}
        missing = [sigma for sigma in levels if sigma not in self._known]
        if not missing:
            return
        if not self.keep:
            self._known |= {sigma: self._make(sigma) for sigma in missing}
            return
        file = self._file(levels)
        found = self._read(file, levels)
        if found is None:
            _log.info("modulations of %d steps are computed once and kept in %s", len(levels), file)
            found = {sigma: self._make(sigma) for sigma in levels}
            self._write(file, found)
        self._known = found

    def __call__(self, sigma: float) -> Steering:
        """Return the steering of a level, made now if it was not prepared."""
        if sigma not in self._known:
            self._known[sigma] = self._make(sigma)
        return self._known[sigma]

    def _make(self, sigma: float) -> Steering:
        # The flag tells plain pictures from layers; the published pipeline says 0 to both.
        flagged = self.mmdit.config.addition_t_cond
        addition = torch.zeros(1, dtype=torch.long, device=self.mmdit.device) if flagged else None
        return self.mmdit.steer(self.mmdit.moment(sigma), addition)

    def _file(self, levels: list[float]) -> Path:
        parts = [
            self.weights,
            str(self.mmdit.dtype),
            self.mmdit.device.type,
            torch.__version__,
            levels,
        ]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
        return cache_folder("modulations") / f"{key}.safetensors"

    def _read(self, file: Path, levels: list[float]) -> dict[float, Steering] | None:
        """Return what a file holds; None if there is none, or it is not whole."""
        if not file.exists():
            return None
        depth = self.mmdit.config.depth
        try:
            with safe_open(file, framework="pt") as opened:
                return {
                    sigma: Steering(
                        [
                            (
                                opened.get_tensor(f"{step}.{block}.text").to(self.mmdit.device),
                                opened.get_tensor(f"{step}.{block}.image").to(self.mmdit.device),
                            )
                            for block in range(depth)
                        ],
                        opened.get_tensor(f"{step}.out").to(self.mmdit.device),
                    )
                    for step, sigma in enumerate(levels)
                }
        except (SafetensorError, OSError) as error:
            _log.warning("%s is damaged (%s) and made anew", file, str(error).splitlines()[0])
            return None

    def _write(self, file: Path, rows: dict[float, Steering]) -> None:
        with atomic_path(file) as staged:
            save_file(dict(_name(rows.values())), staged, metadata={"format": "pt"})


def modulation_bytes(mmdit: MMDiT) -> int:
    """Return the bytes, as plain weights, that steering alone needs."""
    return sum(
        weight.numel() * weight.element_size()
        for name, weight in mmdit.named_parameters()
        if steers(name)
    )


def _name(steps: Iterable[Steering]) -> Iterator[tuple[str, Tensor]]:
    for step, steering in enumerate(steps):
        for block, (text, image) in enumerate(steering.blocks):
            yield f"{step}.{block}.text", text.cpu().contiguous()
            yield f"{step}.{block}.image", image.cpu().contiguous()
        yield f"{step}.out", steering.out.cpu().contiguous()
