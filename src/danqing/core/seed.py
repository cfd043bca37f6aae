"""Randomness that is passed, never global."""

import hashlib

import torch


def generator(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a fresh generator.

    The same seed gives the same numbers on the same kind of device only, so what must not depend
    on the device (a picture's noise) is drawn on the CPU and moved.
    """
    return torch.Generator(device).manual_seed(seed)


def derive(seed: int, *names: object) -> int:
    """Return a child seed in [0, 2**63): the same for the same names, unrelated for others.

    Names separate purposes (`derive(seed, "split")`) or items (`derive(seed, "sample", 7)`), so
    adding a draw in one place moves no other.
    """
    digest = hashlib.sha256(repr((seed, *map(str, names))).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
