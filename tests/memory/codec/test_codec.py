"""Whatever the bits, they come back; whatever the file, nothing is read beyond it."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from danqing.core.errors import CheckpointError
from danqing.memory.codec import (
    Packed,
    codec,
    decode,
    decode_into,
    encode,
    jit,
    native,
    reference,
    verify,
)
from danqing.memory.codec.format import LEVELS, RAW, TILE, slots

ARCHS = ("native", "haswell", "x86-64")
GOLDEN = Path(__file__).with_name("golden.safetensors")


def from_bits(bits):
    return torch.from_numpy(np.asarray(bits, np.uint16).view(np.int16)).view(torch.bfloat16)


def same(a, b):
    return torch.equal(a.contiguous().view(torch.int16), b.contiguous().view(torch.int16))


def decoders():
    """Every way to decode on this CPU, by name."""
    ways = {"reference": reference.decode_into, "numba": jit.decode_into}
    for arch in ARCHS:
        if native.library(arch) is not None:
            ways[arch] = lambda packed, out, arch=arch: native.decode_into(packed, out, arch)
    return ways


DECODERS = decoders()


def assert_every_decoder_gives(packed, weights):
    for name, decoder in DECODERS.items():
        out = torch.full(weights.shape, 7.0, dtype=torch.bfloat16)
        assert decoder(packed, out) is None, name
        assert same(out, weights), name
        assert decoder(packed, None) is None, name


def gaussian(*shape):
    generator = torch.Generator().manual_seed(sum(shape))
    return (0.02 * torch.randn(*shape, generator=generator)).bfloat16()


def of_exponents(exponents, count, seed=0):
    """Weights whose exponents are only these, the first ones oftener."""
    rng = np.random.default_rng(seed)
    shares = 0.6 ** np.arange(len(exponents))
    chosen = rng.choice(exponents, count, p=shares / shares.sum()).astype(np.uint16)
    return from_bits(chosen << 7 | rng.integers(0, 2, count, np.uint16) << 15 | 5)


CASES = {
    "a block's weight": gaussian(96, 128),
    "an odd shape": gaussian(300, 333),
    "all 65,536 patterns": from_bits(np.arange(65536)),
    "random bits": from_bits(np.random.default_rng(0).integers(0, 65536, 5000)),
    "zeros": torch.zeros(3000, dtype=torch.bfloat16),
    "infinities and not-a-numbers": from_bits([0x7F80, 0xFF80, 0x7FC0, 0xFFFF] * 700),
    "denormals": from_bits(np.arange(1, 128).repeat(20)),
    "seven exponents alike": of_exponents(np.arange(100, 107), 4000),
    "every exponent alike": from_bits(np.tile(np.arange(256), 40) << 7),
    **{f"{n} weights": gaussian(n) for n in (0, 1, 63, 64, 65, 1023, 1024, 1025, 2048)},
}


@pytest.mark.parametrize("weights", CASES.values(), ids=CASES)
def test_every_encoder_gives_one_file_and_every_decoder_the_weights(weights):
    packed = reference.encode(weights)
    assert Packed.of(packed.parts).levels == packed.levels
    assert_every_decoder_gives(packed, weights)
    for arch in ARCHS:
        if native.library(arch) is not None:
            again = native.encode(weights, arch)
            assert again.levels == packed.levels
            for ours, theirs in zip(again.parts.values(), packed.parts.values(), strict=True):
                assert torch.equal(ours, theirs), arch


@given(bits=st.lists(st.integers(0, 65535), max_size=3000))
@settings(deadline=None, max_examples=40)
def test_any_bits_come_back(bits):
    weights = from_bits(bits)
    assert_every_decoder_gives(reference.encode(weights), weights)


@given(count=st.integers(0, 5000), spread=st.sampled_from([1, 2, 3, 4, 6, 9, 13, 14, 40, 256]))
@settings(deadline=None, max_examples=40)
def test_any_length_and_any_spread_of_exponents_comes_back(count, spread):
    weights = of_exponents(np.arange(spread), count, seed=count)
    packed = reference.encode(weights)
    assert Packed.of(packed.parts).levels == packed.levels
    assert_every_decoder_gives(packed, weights)


@pytest.mark.parametrize("levels", LEVELS)
@given(palette=st.permutations(range(256)), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=15)
def test_the_palette_decides_the_size_and_never_the_weights(levels, palette, seed):
    """Palettes that fit the data as badly as they can, with every way to nest levels."""
    weights = of_exponents(np.arange(90, 130), 3000, seed)
    entries = np.zeros(16, np.uint8)
    entries[slots(levels)] = palette[: len(slots(levels))]
    entries[RAW] = len(levels)
    packed = reference.pack(weights, levels, entries)
    assert Packed.of(packed.parts).levels == packed.levels
    assert_every_decoder_gives(packed, weights)


def test_levels_are_chosen_by_what_they_cost():
    def cost(packed):
        return len(packed.payload)

    for weights in (gaussian(64, 1024), of_exponents(np.arange(100, 107), 9000)):
        best = reference.encode(weights)
        bits = weights.view(torch.int16).numpy().reshape(-1).view(np.uint16)
        order = np.argsort(-np.bincount(bits >> 7 & 255, minlength=256), kind="stable")
        for levels in LEVELS:
            entries = np.zeros(16, np.uint8)
            entries[slots(levels)] = order[: len(slots(levels))]
            entries[RAW] = len(levels)
            assert cost(best) <= cost(reference.pack(weights, levels, entries))


def test_trained_weights_take_eleven_bits_and_noise_is_left_alone():
    weights = gaussian(512, 1024)
    packed = encode(weights)
    assert packed is not None
    assert 10.5 < 8 * packed.nbytes / weights.numel() < 10.96
    assert same(decode(packed), weights)
    assert encode(CASES["random bits"]) is None


def test_room_for_signs_is_used_again():
    room = torch.empty(5000, dtype=torch.uint8)
    first = encode(gaussian(1024), room)
    assert first.signs.data_ptr() == room.data_ptr() or native.library() is None


def test_decoding_is_one_operation_to_the_compiler():
    weights = gaussian(64, 64)
    packed = reference.encode(weights)
    arguments = (*packed.parts.values(), torch.empty_like(weights))
    torch.library.opcheck(torch.ops.danqing.decode_planes.default, arguments)

    @torch.compile(fullgraph=True, backend="aot_eager")
    def twice(x, out):
        torch.ops.danqing.decode_planes(*packed.parts.values(), out)
        return 2 * x @ out.T

    x = gaussian(3, 64)
    assert same(twice(x, torch.empty_like(weights)), 2 * x @ weights.T)


def test_the_golden_file_decodes_to_what_it_was_made_of():
    """Files written by the first version of the format stay readable."""
    parts = load_file(GOLDEN)
    packed = Packed.of({end: parts[f"weight.{end}"] for end in ("sm", "ex", "ix", "pal")})
    assert Packed.of(packed.parts).levels == packed.levels
    assert packed.levels == (2, 2, 3)
    assert_every_decoder_gives(packed, parts["plain"])
    again = reference.encode(parts["plain"])
    for ours, theirs in zip(again.parts.values(), packed.parts.values(), strict=True):
        assert torch.equal(ours, theirs)


def damaged(packed, **parts):
    return Packed.of(packed.parts | parts, "my weight")


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("type of sm", lambda p: {"sm": p.signs.to(torch.int16)}),
        ("type of ex", lambda p: {"ex": p.payload.long()}),
        ("palette", lambda p: {"pal": p.palette[:15]}),
        ("palette", lambda p: {"pal": p.palette.clone().fill_(9)}),
        ("shape of ix", lambda p: {"ix": p.offsets[None]}),
        ("number of tiles", lambda p: {"ix": p.offsets[:-1]}),
        ("number of tiles", lambda p: {"sm": p.signs[:-1024]}),
        ("places of tiles", lambda p: {"ix": p.offsets + 1}),
        ("places of tiles", lambda p: {"ix": p.offsets.flip(0)}),
        ("length of the payload", lambda p: {"ex": p.payload[:-64]}),
        ("length of the payload", lambda p: {"ex": p.payload[:-1]}),
    ],
)
def test_what_is_not_of_the_form_is_refused_before_it_is_read(fault, change):
    packed = reference.encode(gaussian(5 * TILE))
    with pytest.raises(CheckpointError, match=f"my weight .*{fault}"):
        damaged(packed, **change(packed))


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_payload_is_refused_by_all_or_decodes_to_the_same_for_all(data):
    """Bits at random: decoders must agree, and must never leave the tile."""
    weights = of_exponents(np.arange(90, 90 + data.draw(st.integers(1, 60))), 3 * TILE + 100)
    packed = reference.encode(weights)
    payload, offsets = packed.payload.clone(), packed.offsets.clone()
    for _ in range(data.draw(st.integers(1, 8))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(
            st.integers(-(2**31), 2**31 - 1)
        )
    if data.draw(st.booleans()):
        inner = data.draw(st.integers(1, len(offsets) - 2))
        offsets[inner] += data.draw(st.integers(-40, 40))
    try:
        bad = damaged(packed, ex=payload, ix=offsets)
    except CheckpointError:
        return
    results = {}
    for name, decoder in DECODERS.items():
        out = torch.zeros_like(weights)
        results[name] = (decoder(bad, out), decoder(bad, None))
        assert results[name][0] == results[name][1], name
        if results[name][0] is None:
            results[name] += (out.view(torch.int16).numpy().tobytes(),)
    assert len(set(results.values())) == 1, {k: v[:2] for k, v in results.items()}


def test_a_damaged_tensor_is_refused_with_one_line():
    packed = reference.encode(gaussian(4 * TILE))
    payload = packed.payload.clone()
    payload[int(packed.offsets[2])] ^= 0xFF
    bad = damaged(packed, ex=payload)
    for attempt in (lambda: verify(bad), lambda: decode(bad)):
        with pytest.raises(CheckpointError, match=r"tile 2 must be as long .* compress it again"):
            attempt()


@pytest.mark.parametrize("arch", ARCHS)
def test_nothing_is_read_or_written_beyond_the_tensors(arch):
    """The last page of each part is followed by one that must not be touched."""
    library = native.library(arch)
    if library is None:
        pytest.skip("no C compiler")
    for weights in (gaussian(3 * TILE + 77), CASES["every exponent alike"], gaussian(64)):
        packed = native.encode(weights, arch)
        guarded = [at_the_end_of_a_page(part.numpy()) for part in packed.parts.values()]
        fenced = Packed(*(torch.from_numpy(part) for part in guarded))
        target = at_the_end_of_a_page(weights.view(torch.int16).numpy() * 0)
        out = torch.from_numpy(target).view(torch.bfloat16)
        assert native.decode_into(fenced, out, arch) is None
        assert same(out, weights)


def at_the_end_of_a_page(array):
    """Copy an array so that it ends where memory that may not be touched begins."""
    page = 4096
    size = -(-array.nbytes // page) * page
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    start = libc.mmap(None, size + page, 3, 0x22, -1, 0)
    assert libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(page), 0) == 0
    room = (ctypes.c_uint8 * array.nbytes).from_address(start + size - array.nbytes)
    copy = np.frombuffer(room, dtype=array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def test_the_best_decoder_there_is_is_taken(monkeypatch):
    expected = [native.decode_into, jit.decode_into, reference.decode_into]
    monkeypatch.setattr(codec.native, "library", lambda arch="native": None)
    assert codec._cpu_decoder.__wrapped__() in expected[1:]
    monkeypatch.setattr(codec, "find_spec", lambda name: None)
    assert codec._cpu_decoder.__wrapped__() is reference.decode_into


def test_wrong_shapes_of_the_target_are_our_own_mistakes():
    packed = reference.encode(gaussian(64, 64))
    with pytest.raises(AssertionError):
        decode_into(packed, torch.empty(64, 65, dtype=torch.bfloat16))
