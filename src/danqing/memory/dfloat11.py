"""DFloat11, another lossless form of bfloat16 weights, read on the CPU.

Of a weight, sign and mantissa are kept as a byte, and exponents get Huffman codes
(arXiv 2504.11651; github.com/LeanModels/DFloat11). A *unit* is a module of a model, such as
`transformer_blocks.0`, whose weights are coded in a row:

    X.sign_mantissa       u8   the sign (bit 7) and mantissa (bits 0 to 6) of every weight
    X.encoded_exponent    u8   the codes, from the top bit of the first byte on, to a whole byte
    X.luts                u8   tables of 256 entries, then a row: the length of each exponent's code
    X.gaps                u8   for every 8 bytes of codes, 5 bits: where the first code in it begins
    X.output_positions    u8   for every chunk of 4096 bytes of codes, the number of the first
                               weight whose code begins in it, and at last that of all; as u32
    X.split_positions     i64  where each weight tensor but the first begins

A table is asked with the next 8 bits. An entry below 240 is an exponent, one from 240 on means
"ask table 256 - entry with the next 8", up to four times. So exponents from 240 on, of numbers
beyond 2^113, have no code. Which tensors a unit holds in which order, only `config.json` knows.

Files are written by strangers: before decoding, everything that says where to read or write is
checked; and as each chunk must end where the next one begins, hardly any damage goes unseen.
"""

import ctypes
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import BFloat16
from torch import Tensor

from danqing.core.errors import CheckpointError
from danqing.memory.build import build, share_out

PARTS: Final = {
    "luts": torch.uint8,
    "encoded_exponent": torch.uint8,
    "sign_mantissa": torch.uint8,
    "output_positions": torch.uint8,
    "gaps": torch.uint8,
    "split_positions": torch.int64,
}
"""The tensors of a unit by the endings of their names, and their types."""

MARK: Final = ".encoded_exponent"

QWEN_IMAGE: Final[Mapping[str, Sequence[str]]] = {
    r"transformer_blocks\.\d+": (
        *("img_mod.1", "attn.to_q", "attn.to_k", "attn.to_v"),
        *("attn.add_k_proj", "attn.add_v_proj", "attn.add_q_proj"),
        *("attn.to_out.0", "attn.to_add_out", "img_mlp.net.0.proj", "img_mlp.net.2"),
        *("txt_mod.1", "txt_mlp.net.0.proj", "txt_mlp.net.2"),
    )
}
"""What the units of Qwen-Image, Qwen-Image-Edit and Qwen-Image-Edit-2509 hold, as published."""

CHUNK, WINDOW, GAP_BITS = 4096, 8, 5
"""Bytes of codes of a chunk, bytes of codes that have a gap, and bits of a gap."""

GAPS: Final = CHUNK // WINDOW * GAP_BITS // 8
"""Bytes of the gaps of a chunk."""

POINTER: Final = 240
"""Entries from here on point to another table."""

LONGEST: Final = 32
"""Bits of a code, at most."""

SHARE: Final = 32
"""Chunks that a thread takes at a time, at least: longer than a thread takes to start."""

SOURCE: Final = Path(__file__).with_suffix(".c")


@dataclass(frozen=True, slots=True)
class Unit:
    """Weights that are coded in a row."""

    name: str
    """The module that they are of."""
    shapes: Mapping[str, torch.Size]
    """The shape of every weight, by published names, in the order of the codes."""
    parts: Mapping[str, Tensor]
    """Its tensors, by the endings of their names."""

    def decode(self) -> dict[str, Tensor]:
        """Return its weights by published names, as views of one tensor.

        Raises:
            CheckpointError: The codes are damaged.
        """
        row = decode_unit(self.parts, self.name)
        pieces = row.split([shape.numel() for shape in self.shapes.values()])
        return {
            name: piece.view(shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }


@dataclass(frozen=True, slots=True)
class Coded:
    """The parts of a unit, checked, as decoders want them."""

    luts: np.ndarray
    stream: np.ndarray
    signs: np.ndarray
    positions: np.ndarray
    """Of each chunk, the number of its first weight, and at last that of all."""
    starts: np.ndarray
    """Of each chunk, the bit of the stream where its first code begins."""


Decoder = Callable[[Coded, np.ndarray], np.ndarray]
"""Fills an array of bfloat16 bits; returns the bit where each chunk ends, -1 where codes are no
codes."""


def is_dfloat11(names: Iterable[str]) -> bool:
    """Return whether the tensors of a file, by their names, are in this form."""
    return any(name.endswith(MARK) for name in names)


def units(
    tensors: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int]],
    config: Mapping[str, Any] | None = None,
) -> list[Unit]:
    """Return the units of a file; nothing is decoded yet.

    Args:
        tensors: Of the file, memory-mapped, by their published names.
        shapes: Of the weights of the model, by their published names.
        config: The `config.json` beside the file; without, or where it does not tell, units hold
            what those of Qwen-Image do.

    Raises:
        CheckpointError: The file, its `config.json` and the model do not fit each other.
    """
    patterns = _patterns(config or {})
    found: list[Unit] = []
    for mark in filter(lambda name: name.endswith(MARK), tensors):
        name = mark.removesuffix(MARK)
        parts = {end: tensors[f"{name}.{end}"] for end in PARTS if f"{name}.{end}" in tensors}
        members = next((m for pattern, m in patterns.items() if _matches(pattern, name)), None)
        if members is None:
            raise CheckpointError(
                f"{name} must match a pattern of dfloat11_config, got {', '.join(patterns)}; "
                "take weights and config.json from one repository."
            )
        # A unit without members is a weight's own module.
        names = [f"{name}.{member}.weight" for member in members] or [f"{name}.weight"]
        if missing := [each for each in names if each not in shapes]:
            raise CheckpointError(
                f"{name} must hold weights of the model, got {missing[0]}; "
                "take weights and config.json from one repository, of this model."
            )
        unit = Unit(name, {each: torch.Size(shapes[each]) for each in names}, parts)
        _check_splits(unit)
        found.append(unit)
    return found


def weights(
    tensors: Mapping[str, Tensor],
    shapes: Mapping[str, Sequence[int]],
    config: Mapping[str, Any] | None = None,
) -> Iterator[tuple[str, Tensor]]:
    """Yield all weights of a file by their published names; units are decoded one by one.

    The arguments, and what is raised, are those of `units`; damaged codes are told of as well.
    """
    coded = units(tensors, shapes, config)
    ours = {f"{unit.name}.{end}" for unit in coded for end in PARTS}
    yield from ((name, tensor) for name, tensor in tensors.items() if name not in ours)
    for unit in coded:
        yield from unit.decode().items()


def decode_unit(
    parts: Mapping[str, Tensor], name: str = "a unit", decoder: Decoder | None = None
) -> BFloat16[Tensor, " N"]:
    """Return the weights of a unit in a row, bit for bit.

    Args:
        parts: Its tensors, by the endings of their names.
        name: What an error calls it.
        decoder: `native` or `reference`; by default the fastest that there is.

    Raises:
        CheckpointError: The parts do not fit each other, or codes are no codes.
    """
    coded = check(parts, name)
    row = torch.empty(len(coded.signs), dtype=torch.bfloat16)
    decoder = decoder or (reference if library() is None else native)
    ends = decoder(coded, row.view(torch.int16).numpy().view(np.uint16))
    # The next chunk's codes begin where a chunk's end; the last one's end in the last byte.
    wanted = np.append(coded.starts[1:], 8 * len(coded.stream))
    rest = wanted - ends
    rest[-1] //= 8
    if wrong := np.flatnonzero((rest != 0) | (ends < 0)).tolist():
        raise CheckpointError(
            f"{name} must be as long as its codes say, got another length in chunk {wrong[0]}; "
            "the file is damaged: download it again."
        )
    return row


def check(parts: Mapping[str, Tensor], name: str = "a unit") -> Coded:
    """Return the parts of a unit, so that decoders can believe them but for the codes.

    Raises:
        CheckpointError: A part is missing, or does not fit the others.
    """
    wanted = {end: dtype for end, dtype in PARTS.items() if end != "split_positions"}
    faults = [end for end in wanted if end not in parts or parts[end].dtype != wanted[end]]
    faults += [
        end for end in wanted if end not in faults and parts[end].ndim != 1 + (end == "luts")
    ]
    if faults:
        raise _misfit(name, faults)
    luts, stream, signs, places, gaps = (parts[end].contiguous().numpy() for end in wanted)
    if luts.shape[1] != 256 or not 2 <= len(luts) <= 256 - POINTER + 2 or luts[-1].max() > LONGEST:
        raise _misfit(name, ["luts"])
    if luts[-1, POINTER:].any():
        raise CheckpointError(
            f"{name} must hold numbers below 2^{POINTER - 127}, got larger ones, which DFloat11 "
            "cannot give back; take the weights that it was made of."
        )
    if places.nbytes % 4 or places.nbytes < 8:
        raise _misfit(name, ["output_positions"])
    positions = places.view("<u4").astype(np.int64)
    counts, chunks, blocks = np.diff(positions), len(positions) - 1, -(-len(stream) // CHUNK)
    whole = positions[0] == 0 and positions[-1] == len(signs)
    sound = {
        "output_positions": whole and counts.min() >= 0 and counts.max() <= 8 * CHUNK,
        # A last chunk with nothing but the end of a code goes unnoticed by the encoder at times.
        "encoded_exponent": chunks in (blocks, blocks - 1),
        "gaps": len(gaps) == GAPS * blocks and not (gaps[:1] >> (8 - GAP_BITS)).any(),
    }
    if faults := [end for end, right in sound.items() if not right]:
        raise _misfit(name, faults)
    starts = 8 * CHUNK * np.arange(chunks) + (gaps[::GAPS][:chunks] >> (8 - GAP_BITS))
    return Coded(luts, stream, signs, positions, starts)


def reference(coded: Coded, out: np.ndarray) -> np.ndarray:
    """Decode in numpy, one weight of every chunk at a time: slow and short."""
    stream = np.append(coded.stream, np.zeros(8, np.uint8)).astype(np.uint64)
    tables, lengths = coded.luts[:-1], coded.luts[-1].astype(np.int64)
    counts, ends = np.diff(coded.positions), coded.starts.copy()
    for step in range(counts.max()):
        (here,) = np.nonzero((counts > step) & (ends >= 0))
        at = np.minimum(ends[here] >> 3, len(coded.stream))
        bits = sum(stream[at + i] << np.uint64(56 - 8 * i) for i in range(5))
        bits <<= (ends[here] & 7).astype(np.uint64)
        table, exponents = np.zeros_like(here), np.zeros_like(here)
        depth, looking = np.zeros_like(here), np.ones(len(here), bool)
        for shift in (56, 48, 40, 32):
            byte = (bits >> np.uint64(shift) & np.uint64(0xFF)).astype(np.int64)
            exponents[looking] = tables[table[looking], byte[looking]]
            looking &= exponents >= POINTER
            table[looking] = 256 - exponents[looking]
            looking &= table < len(tables)
            depth += looking
        length = lengths[exponents]
        right = (exponents < POINTER) & (length > 8 * depth) & (length <= 8 * depth + 8)
        ends[here] = np.where(right, ends[here] + length, -1)
        places = coded.positions[here] + step
        signs = coded.signs[places].astype(np.int64)
        out[places] = (signs & 0x80) << 8 | exponents << 7 | signs & 0x7F
    return ends


def native(coded: Coded, out: np.ndarray) -> np.ndarray:
    """Decode in C, by as many threads as PyTorch uses."""
    opened = library()
    assert opened is not None, "called where there is a library"
    ends = np.empty(len(coded.starts), np.int64)

    def run(first: int, last: int) -> None:
        opened.dfloat11_decode(
            *(coded.luts.ctypes, ctypes.c_int64(len(coded.luts) - 1)),
            *(coded.stream.ctypes, ctypes.c_int64(len(coded.stream))),
            *(coded.signs.ctypes, coded.positions.ctypes, coded.starts.ctypes),
            *(ctypes.c_int64(first), ctypes.c_int64(last)),
            *(out.ctypes, ends.ctypes),
        )

    share_out(len(ends), run, SHARE)
    return ends


def library() -> ctypes.CDLL | None:
    """Return the decoder in C, built now if it has not been; None where that is not possible."""
    return build(SOURCE)


def _patterns(config: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return the members of units by patterns of their names."""
    told = config.get("dfloat11_config")
    if told is None:
        return QWEN_IMAGE
    told = told if isinstance(told, dict) else {}
    chunk = [told.get("threads_per_block"), told.get("bytes_per_thread")]
    if chunk != [[CHUNK // WINDOW], WINDOW]:
        raise CheckpointError(
            f"dfloat11_config must have chunks of {[CHUNK // WINDOW]} times {WINDOW} bytes, got "
            f"{str(chunk)[:80]}; take a repository of the official encoder."
        )
    patterns = told.get("pattern_dict")
    lists = patterns.values() if isinstance(patterns, dict) else ()
    named = all(isinstance(x, list) and all(isinstance(y, str) for y in x) for x in lists)
    if not isinstance(patterns, dict) or not named:
        raise CheckpointError(
            f"pattern_dict must hold lists of names, got {str(patterns)[:80]!r}; "
            "download config.json again."
        )
    return patterns


def _matches(pattern: str, name: str) -> bool:
    r"""Return whether a pattern is that of a name.

    All that were published are names in which `\d+` stands for a number, and more is not allowed:
    a stranger's regular expression may take forever.
    """
    wanted, parts = pattern.replace(r"\.", ".").split("."), name.split(".")
    return len(wanted) == len(parts) and all(
        part == want or (want == r"\d+" and part.isdecimal())
        for want, part in zip(wanted, parts, strict=True)
    )


def _check_splits(unit: Unit) -> None:
    """Refuse a unit whose weights are not as large as those of the model."""
    ends = np.cumsum([shape.numel() for shape in unit.shapes.values()]).tolist()
    signs = unit.parts.get("sign_mantissa", torch.empty(0))
    splits = unit.parts.get("split_positions", torch.empty(0, dtype=torch.int64))
    got = [*splits.reshape(-1).tolist(), signs.numel()]
    if got != ends:
        raise CheckpointError(
            f"{unit.name} must hold {len(ends)} weights of {ends[-1]} numbers, split as they are "
            f"in the model, got {len(got)} of {got[-1]}; take weights and config.json from one "
            "repository, of this model."
        )


def _misfit(name: str, faults: Sequence[str]) -> CheckpointError:
    return CheckpointError(
        f"{name} must be coded as DFloat11 says, got another {', '.join(faults)}; "
        "the file is damaged: download it again."
    )
