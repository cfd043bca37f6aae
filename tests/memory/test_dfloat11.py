"""What DFloat11 packed comes back bit for bit; of what is damaged nothing is believed."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from danqing.core.errors import CheckpointError
from danqing.memory import dfloat11

HERE = Path(__file__).parent
ENCODER = runpy.run_path(str(HERE / "dfloat11_encoder.py"))
encode = ENCODER["encode"]

DECODERS = {"reference": dfloat11.reference}
if dfloat11.library() is not None:
    DECODERS["native"] = dfloat11.native

STEEP = {exponent: 2 ** (60 - exponent) for exponent in range(32)}
"""Counts that give exponent e a code of e + 1 bits, and the end one of 32."""


def from_exponents(exponents):
    """Weights with given exponents, and signs and mantissas that vary."""
    places = np.arange(len(exponents), dtype=np.uint16)
    bits = np.asarray(exponents, np.uint16) << 7 | places % 2 << 15 | places * 37 % 128
    return torch.from_numpy(bits.view(np.int16)).view(torch.bfloat16)


def gaussian(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (0.02 * torch.randn(shape, generator=generator)).bfloat16()


def skewed(count):
    """Numbers over many orders of magnitude."""
    generator = torch.Generator().manual_seed(count)
    size = torch.randn(count, generator=generator) * 6
    return (torch.randn(count, generator=generator) * size.exp()).bfloat16()


def same(a, b):
    return torch.equal(a.view(torch.int16), b.view(torch.int16))


def outcomes(parts):
    """What each decoder makes of a unit: its bits, or what it says."""
    told = {}
    for name, decoder in DECODERS.items():
        try:
            told[name] = dfloat11.decode_unit(parts, "X", decoder).view(torch.int16).tolist()
        except CheckpointError as error:
            told[name] = str(error)
    return list(told.values())


def assert_comes_back(row, parts, decoders=DECODERS):
    for name in decoders:
        assert same(dfloat11.decode_unit(parts, decoder=DECODERS[name]), row), name


@pytest.mark.parametrize(
    "row",
    [
        *(gaussian(count) for count in (1, 2, 17, 4099)),
        skewed(4099),
        gaussian(1).expand(5000).contiguous(),
        torch.zeros(100, dtype=torch.bfloat16),
        from_exponents(np.arange(9000) * 7 % 240),  # 8 bits each: three chunks
    ],
    ids=lambda row: str(len(row)),
)
def test_every_decoder_gives_back_what_was_packed(row):
    assert_comes_back(row, encode([row]))


@pytest.mark.parametrize("row", [gaussian(300_007), skewed(100_003)], ids=["gaussian", "skewed"])
def test_many_chunks_come_back(row):
    parts = encode([row])
    assert parts["output_positions"].numel() > 4 * 8
    assert_comes_back(row, parts, {*DECODERS} - {"reference"})


def test_rows_of_every_length_come_back():
    """A look-up gives several weights at once: none beyond the last."""
    row = from_exponents([120, 120, 121, 119, 122, 120, 121] * 30)
    counts = {119: 10, 120: 80, 121: 40, 122: 5}
    for length in range(1, len(row)):
        assert_comes_back(row[:length], encode([row[:length]], counts), {*DECODERS} - {"reference"})


def test_codes_of_all_lengths_up_to_32_come_back():
    codes = ENCODER["huffman"](STEEP)
    assert {codes[exponent][0] for exponent in STEEP} == {*range(1, 33)}
    row = from_exponents(np.random.default_rng(0).permutation([*STEEP] * 70))
    parts = encode([row], STEEP)
    assert parts["luts"].shape == (5, 256)  # four tables and the lengths
    assert_comes_back(row, parts)


@pytest.mark.parametrize(("length", "positions"), [(9, 2), (5, 3)], ids=["whole byte", "end"])
def test_a_last_chunk_that_holds_but_the_end_of_a_code_may_go_unnoticed(length, positions):
    """The official encoder writes no position for it if no code begins there, not even the end."""
    row = from_exponents([30] * 1057 + [length - 1])  # 32767 bits, then some
    parts = encode([row], STEEP)
    assert parts["encoded_exponent"].numel() == 4097
    assert parts["output_positions"].numel() == 4 * positions
    assert_comes_back(row, parts)


def test_threads_share_the_chunks():
    row = from_exponents(np.arange(700_000) * 7 % 240)
    parts = encode([row])
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert same(dfloat11.decode_unit(parts), row)
    finally:
        torch.set_num_threads(before)


def test_without_a_compiler_the_reference_decodes(monkeypatch):
    monkeypatch.setattr(dfloat11, "library", lambda: None)
    assert same(dfloat11.decode_unit(encode([gaussian(99)])), gaussian(99))


def test_what_the_official_encoder_wrote_comes_back():
    """The file says which version made it, and holds what it was made of."""
    tensors = load_file(HERE / "golden" / "dfloat11.safetensors")
    plain = {name: tensors.pop(f"original.attn.{name}") for name in ("to_q", "to_k")}
    shapes = {f"transformer_blocks.0.attn.{name}.weight": t.shape for name, t in plain.items()}
    config = config_with({r"transformer_blocks\.\d+": ["attn.to_q", "attn.to_k"]})
    got = dict(dfloat11.weights(tensors, shapes, config))
    assert [*got] == ["transformer_blocks.0.attn.to_q.bias", *shapes]
    for name, weight in plain.items():
        assert same(got[f"transformer_blocks.0.attn.{name}.weight"], weight)
    parts = dfloat11.units(tensors, shapes, config)[0].parts
    assert_comes_back(torch.cat([weight.flatten() for weight in plain.values()]), parts)


def config_with(patterns):
    told = {"version": "0.3.1", "threads_per_block": [512], "bytes_per_thread": 8}
    return {"dfloat11_config": told | {"pattern_dict": patterns}}


def file_of(name, weights):
    parts = encode([weight for _, weight in weights])
    tensors = {f"{name}.{end}": part for end, part in parts.items()}
    return tensors, {full: weight.shape for full, weight in weights}


def test_a_file_is_known_by_its_names():
    tensors, shapes = file_of("blocks.0", [("blocks.0.a.weight", gaussian(4))])
    assert dfloat11.is_dfloat11(tensors)
    assert not dfloat11.is_dfloat11(shapes)
    assert not dfloat11.is_dfloat11([])


def test_qwen_image_units_hold_what_the_published_files_do():
    """Most of these have one shape: only the order tells them apart."""
    order = [
        *("img_mod.1", "attn.to_q", "attn.to_k", "attn.to_v"),
        *("attn.add_k_proj", "attn.add_v_proj", "attn.add_q_proj", "attn.to_out.0"),
        *("attn.to_add_out", "img_mlp.net.0.proj", "img_mlp.net.2"),
        *("txt_mod.1", "txt_mlp.net.0.proj", "txt_mlp.net.2"),
    ]
    tensors, shapes, weights = {}, {}, {}
    for block in ("transformer_blocks.0", "transformer_blocks.59"):
        held = [
            (f"{block}.{name}.weight", gaussian(4, 6, seed=seed)) for seed, name in enumerate(order)
        ]
        weights |= dict(held)
        file, more = file_of(block, held)
        tensors |= file
        shapes |= more
    shuffled = dict(sorted(shapes.items()))
    for config in (
        None,
        {"model_type": "qwen"},
        config_with({"a": [], "transformer_blocks.\\d+": order}),
    ):
        got = dict(dfloat11.weights(tensors, shuffled, config))
        assert [*got] == [*weights]
        assert all(same(got[name], weight) for name, weight in weights.items())
        assert all(got[name].shape == (4, 6) for name in weights)


def test_a_unit_may_be_a_weight_s_own_module():
    tensors, shapes = file_of("lm_head", [("lm_head.weight", gaussian(8, 9))])
    config = config_with({"lm_head": []})
    assert same(dict(dfloat11.weights(tensors, shapes, config))["lm_head.weight"], gaussian(8, 9))
    del tensors["lm_head.split_positions"]
    assert same(dict(dfloat11.weights(tensors, shapes, config))["lm_head.weight"], gaussian(8, 9))


TWO = [("blocks.0.a.weight", gaussian(4, 8)), ("blocks.0.b.weight", gaussian(2, 8))]
PATTERNS = {r"blocks\.\d+": ["a", "b"]}


@pytest.mark.parametrize(
    ("shapes", "config", "told"),
    [
        ({}, None, "must match a pattern"),
        ({}, config_with({"blocks": ["a", "b"]}), "must match a pattern"),
        ({}, config_with({r"blocks\.\d": ["a", "b"]}), "must match a pattern"),
        ({}, config_with({r"blocks\.\d+": ["a", "c"]}), "got blocks.0.c.weight"),
        ({}, config_with({r"blocks\.\d+": ["b", "a"]}), "2 weights of 48 numbers, split as"),
        ({}, config_with({r"blocks\.\d+": ["a"]}), "1 weights of 32 numbers"),
        ({}, config_with({r"blocks\.\d+": ["a", "a"]}), "1 weights of 32 numbers"),
        ({"blocks.0.a.weight": (2, 8)}, config_with(PATTERNS), "of 32 numbers, split as"),
        ({}, config_with({r"blocks\.\d+": "ab"}), "lists of names"),
        ({}, config_with({r"blocks\.\d+": [1]}), "lists of names"),
        ({}, config_with(["blocks"]), "lists of names"),
        ({}, {"dfloat11_config": "0.3.1"}, r"must have chunks of \[512\] times 8 bytes"),
        (
            {},
            {"dfloat11_config": config_with(PATTERNS)["dfloat11_config"] | {"bytes_per_thread": 4}},
            "must have chunks",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused_in_a_line(shapes, config, told):
    tensors, fitting = file_of("blocks.0", TWO)
    dfloat11.units(tensors, fitting, config_with(PATTERNS))
    with pytest.raises(CheckpointError, match=told) as error:
        dfloat11.units(tensors, fitting | shapes, config)
    assert "\n" not in str(error.value)
    assert "; take" in str(error.value) or "; download" in str(error.value)


def test_a_pattern_is_never_run_as_a_regular_expression():
    name = "a" * 60
    tensors, shapes = file_of(name, [(f"{name}.weight", gaussian(4))])
    with pytest.raises(CheckpointError, match="must match"):
        dfloat11.units(tensors, shapes, config_with({"(a+)+b": []}))


def test_numbers_that_have_no_code_are_refused():
    row = from_exponents([120] * 50 + [240])
    with pytest.raises(CheckpointError, match=r"below 2\^113"):
        dfloat11.decode_unit(encode([row]))
    largest = from_exponents([120] * 50 + [239])
    assert_comes_back(largest, encode([largest]))


def changed(**changes):
    """A unit of three chunks, codes of 32 bits among them, with some parts replaced."""
    parts = encode([from_exponents([0, *range(10, 32)] * 145)], STEEP)
    assert parts["output_positions"].numel() == 4 * 4
    return parts | {end: change(parts[end].clone()) for end, change in changes.items()}


def put(place, value):
    def change(part):
        part[place] = value
        return part

    return change


def position(chunk, value):
    return lambda part: put(chunk, value)(part.view(torch.int32)).view(torch.uint8)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"luts": lambda t: t[:0]}, "luts"),
        ({"luts": lambda t: t[-1:]}, "luts"),
        ({"luts": lambda t: t[:, :255]}, "luts"),
        ({"luts": lambda t: t.reshape(-1)}, "luts"),
        ({"luts": lambda t: t.to(torch.int64)}, "luts"),
        ({"luts": lambda t: t.repeat(9, 1)}, "luts"),
        ({"luts": put((-1, 3), 33)}, "luts"),
        ({"luts": put((-1, 3), 255)}, "luts"),
        ({"luts": put((-1, slice(0, 240)), 0)}, "in chunk 0"),  # codes without a length
        (
            {"luts": put((slice(0, 4), slice(None)), 255)},
            "in chunk 0",
        ),  # tables that ask themselves
        ({"luts": put((0, slice(None)), 240)}, "in chunk 0"),  # a table that is not there
        ({"luts": put((-1, 0), 9)}, "in chunk 0"),  # a code longer than its table is deep
        ({"encoded_exponent": lambda t: t[:0]}, "encoded_exponent"),
        ({"encoded_exponent": lambda t: t[:4096]}, "encoded_exponent"),
        ({"encoded_exponent": lambda t: t[:-1]}, "in chunk 2"),
        ({"encoded_exponent": lambda t: torch.cat([t, t[:1]])}, "in chunk 2"),
        ({"encoded_exponent": lambda t: t * 0}, "in chunk 0"),
        ({"encoded_exponent": lambda t: t | 255}, "in chunk 0"),
        ({"sign_mantissa": lambda t: t[:-1]}, "output_positions"),
        ({"sign_mantissa": lambda t: t[:0]}, "output_positions"),
        ({"output_positions": lambda t: t[:-1]}, "output_positions"),
        ({"output_positions": lambda t: t[:4]}, "output_positions"),
        ({"output_positions": lambda t: t[4:]}, "output_positions"),
        ({"output_positions": position(0, 1)}, "output_positions"),
        ({"output_positions": position(1, -1)}, "output_positions"),
        ({"output_positions": position(2, 0)}, "output_positions"),
        ({"output_positions": position(3, 2**31 - 1)}, "output_positions"),
        ({"output_positions": position(1, 2)}, "in chunk 0"),
        ({"gaps": lambda t: t[:-1]}, "gaps"),
        ({"gaps": lambda t: t[:0]}, "gaps"),
        ({"gaps": put(0, 255)}, "gaps"),
        ({"gaps": lambda t: t ^ (torch.arange(len(t)) == 320).to(torch.uint8) * 8}, "in chunk 0"),
    ],
)
def test_damage_is_told_in_a_line(changes, told):
    got = outcomes(changed(**changes))
    assert all(isinstance(each, str) for each in got), got
    assert len(set(got)) == 1
    assert told in got[0]
    assert got[0].startswith("X must ")
    assert "; the file is damaged: download it again." in got[0]
    assert "\n" not in got[0]


def test_the_row_of_lengths_is_no_table():
    """Its numbers would do as one: codes of nine bits, all of exponent 9."""
    parts = encode([from_exponents([1] * 8)]) | {"encoded_exponent": torch.zeros(9).byte()}
    parts["luts"] = torch.tensor([[255] * 256, [9] * 240 + [0] * 16], dtype=torch.uint8)
    assert all("in chunk 0" in str(told) for told in outcomes(parts))


def test_a_chunk_has_no_more_weights_than_bits():
    parts = encode([from_exponents([1] * 32768)])
    assert parts["encoded_exponent"].numel() == 4096
    parts["sign_mantissa"] = torch.zeros(32769, dtype=torch.uint8)
    parts["output_positions"] = torch.tensor([0, 32769], dtype=torch.int32).view(torch.uint8)
    with pytest.raises(CheckpointError, match="output_positions"):
        dfloat11.decode_unit(parts)


@pytest.mark.parametrize("end", [end for end in dfloat11.PARTS if end != "split_positions"])
def test_a_missing_part_is_told(end):
    parts = changed()
    del parts[end]
    with pytest.raises(CheckpointError, match=end):
        dfloat11.decode_unit(parts)


SOUND = {"short": encode([gaussian(300)]), "steep": changed()}


@settings(max_examples=60)
@given(st.data())
def test_whatever_the_bytes_decoders_agree_and_none_crashes(data):
    parts = dict(SOUND[data.draw(st.sampled_from(sorted(SOUND)))])
    for _ in range(data.draw(st.integers(1, 3))):
        end = data.draw(st.sampled_from([*dfloat11.PARTS][:-1]))
        part = parts[end].clone()
        flat = part.view(-1)
        kind = data.draw(st.sampled_from(["flip", "fill", "noise", "cut", "longer"]))
        if len(flat) == 0:
            continue
        start = data.draw(st.integers(0, len(flat) - 1))
        stop = data.draw(st.integers(start + 1, min(len(flat), start + 300)))
        byte = data.draw(st.integers(0, 255))
        if kind == "flip":
            flat[start] ^= 1 << byte % 8
        elif kind == "fill":
            flat[start:stop] = byte
        elif kind == "noise":
            generator = torch.Generator().manual_seed(byte)
            flat[start:stop] = torch.randint(
                256, (stop - start,), generator=generator, dtype=torch.uint8
            )
        elif kind == "cut":
            part = part[:start] if part.ndim == 1 else part[: start % len(part)]
        else:
            part = torch.cat([part, part[: byte + 1]])
        parts[end] = part
    got = outcomes(parts)
    assert all(each == got[0] for each in got)
    assert "\n" not in got[0] if isinstance(got[0], str) else len(got[0]) > 0
