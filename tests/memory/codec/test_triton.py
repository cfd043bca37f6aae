"""The decoder in Triton, run by Triton's interpreter on the CPU."""

import os
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from danqing.memory.codec import Packed, triton_kernel

FEW = 64
"""Tiles of a program; the interpreter takes as long for a small one as for a large one."""


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
def test_the_interpreter_gives_the_weights_back():
    # Triton decides when it is imported whether it compiles or interprets.
    done = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == "right"


def main():
    import torch

    cases = runpy.run_path(str(Path(__file__).with_name("test_cuda.py")))
    default, triton_kernel.TILES = triton_kernel.TILES, FEW
    for name, (weights, packed) in cases["CASES"].items():
        out = torch.full(weights.shape, 7.0, dtype=torch.bfloat16)
        triton_kernel.decode_into(packed, out)
        assert cases["same"](out, weights), name
    triton_kernel.TILES = default
    triton_kernel._compiled.cache_clear()
    weights, packed = cases["CASES"]["5000 weights"]
    out = torch.zeros_like(weights)
    triton_kernel.decode_into(packed, out)
    assert cases["same"](out, weights)
    for name in ("random bits", "zeros"):
        fenced = map(cases["at_the_end_of_a_page"], cases["CASES"][name][1].parts.values())
        triton_kernel.decode_into(Packed(*fenced), torch.zeros_like(cases["CASES"][name][0]))
    packed.signs[4321] ^= 1
    triton_kernel.decode_into(packed, out)
    assert not cases["same"](out, weights), "a changed bit must be seen"
    print(len(cases["CASES"]), "right")


if __name__ == "__main__":
    main()
