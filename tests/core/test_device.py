import re
from pathlib import Path

import pytest
import torch

from danqing.core import device
from danqing.core.device import free_memory, native_bf16, pick_device, pick_dtype
from danqing.core.errors import RequestError


@pytest.fixture
def cpu(monkeypatch):
    """Let the processor have the instructions that a test names."""

    def have(*names: str) -> None:
        device._cpu_has_bf16.cache_clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(names, True))

    yield have
    device._cpu_has_bf16.cache_clear()


@pytest.mark.parametrize("instructions", ["amx_bf16", "avx512_bf16", "bf16"])
def test_each_kind_of_bfloat16_instruction_makes_it_the_choice(cpu, instructions):
    cpu("avx2", instructions)
    assert native_bf16("cpu")
    choice = pick_dtype("cpu")
    assert choice.dtype is torch.bfloat16
    assert choice.reason == "bfloat16: this cpu multiplies it natively"


def test_a_processor_without_them_computes_in_float32(cpu):
    cpu("avx2", "avx512_f", "avx512_vnni", "amx_int8")
    assert not native_bf16("cpu")
    dtype, reason = pick_dtype(torch.device("cpu"))
    assert dtype is torch.float32
    assert reason == "float32: this cpu has no bfloat16 instructions"


def test_what_the_processor_says_agrees_with_the_system():
    flags = Path("/proc/cpuinfo")
    if not flags.exists():
        return
    told = re.search(r"\b(amx_bf16|avx512_bf16|bf16)\b", flags.read_text())
    assert native_bf16("cpu") == (told is not None)


def test_what_is_asked_for_is_given():
    assert pick_dtype("cpu", "float16").dtype is torch.float16
    assert pick_device("cpu") == (torch.device("cpu"), "cpu: asked for")


def test_what_is_not_here_is_refused():
    with pytest.raises(RequestError, match=r"unknown dtype 'floot32'\. Did you mean 'float32'"):
        pick_dtype("cpu", "floot32")
    with pytest.raises(RequestError, match="unknown device 'gpu'"):
        pick_device("gpu")
    with pytest.raises(RequestError, match=r"device must be in this machine, got cuda:99; try"):
        pick_device("cuda:99")


def test_the_device_chosen_is_one_that_works():
    choice = pick_device()
    assert torch.zeros(1, device=choice.device).item() == 0
    assert choice.reason.startswith(choice.device.type)


def test_free_memory_is_within_the_machine():
    assert 2**20 < free_memory("cpu") < 2**50


def test_a_container_may_have_less_than_the_machine(monkeypatch):
    monkeypatch.setattr(device, "_container_memory", lambda: 12345)
    assert free_memory("cpu") == 12345
