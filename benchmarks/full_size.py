"""Run the full-size model end to end on a small machine, without ever holding its plain weights.

    python benchmarks/full_size.py /a/folder/with/40/GB --threads 2

Writes a random checkpoint of the published configuration straight in compressed form: normal
numbers with the spread of tensors, rows and columns that published weights have, which gives their
compressed size. Then paints one picture in processes of their own, with a cold and a warm cache
of modulations, and says what each part took. With fewer layers it is a rehearsal.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
import tyro
from race import surroundings

from danqing.core.files import atomic_path
from danqing.core.seed import derive, generator
from danqing.flow.schedule import DynamicShift, to_published
from danqing.memory.codec import encode
from danqing.memory.compress import Sizes, measure, shards
from danqing.memory.shard import ShardWriter
from danqing.models import checkpoint
from danqing.models.conditioner import names as text_names
from danqing.models.conditioner.config import MODEL_TYPE, LanguageConfig
from danqing.models.conditioner.language import LanguageModel
from danqing.models.conditioner.tokenizer import build_tokenizer, save_tokenizer
from danqing.models.mmdit import MMDiT, MMDiTConfig
from danqing.models.mmdit import names as mmdit_names
from danqing.models.vae import VAE, VAEConfig
from danqing.pipelines.fit import fit, this_machine
from danqing.pipelines.load import INDEX, PIPELINE, load, read_ours, wish_of
from danqing.pipelines.request import Request
from danqing.pipelines.save import save_vae

POOL = 1 << 26
"""Normal numbers that all weights are cut from, each scaled in its own way."""

SHARD = 128
"""Tensors of a file."""

PROMPT = "a lighthouse on a cliff at dawn, in the style of an ink painting"


def main(
    folder: tyro.conf.Positional[Path],
    /,
    *,
    threads: int = 2,
    depth: int = 60,
    layers: int = 28,
    size: str = "512x512",
    steps: int = 4,
    run: bool = False,
) -> None:
    """Print what a picture took, part by part.

    Args:
        folder: Where the checkpoint is, or will be written.
        threads: CPU threads.
        depth: Blocks of the transformer.
        layers: Layers of the text encoder.
        size: Size of the picture.
        steps: Sampling steps, without guidance.
        run: Only paint, in this process; what the program starts for itself.
    """
    torch.set_num_threads(threads)
    if run:
        print(json.dumps(paint(folder, size, steps)))
        return
    if not (folder / INDEX).exists():
        start = time.perf_counter()
        write(folder, depth, layers)
        print(f"written in {time.perf_counter() - start:.0f} s")
    print(surroundings(threads))
    stored = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    sizes = sum(map(measure, shards(folder)), Sizes())
    print(f"{stored / 1e9:.1f} GB on disk, {sizes.bits:.2f} bits a packed weight")
    print(f"{size}, {steps} steps without guidance")
    cache = folder / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    os.environ["DANQING_CACHE"] = str(cache)
    for state in ("cold", "warm"):
        command = [sys.executable, __file__, str(folder), "--run", "--threads", str(threads)]
        command += ["--size", size, "--steps", str(steps)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(f"\n{state} cache of modulations")
        figures = json.loads(told.stdout.splitlines()[-1])
        for name, value in figures.items():
            print(f"  {name:<32}{value:>10.2f}")


def paint(folder: Path, size: str, steps: int) -> dict[str, float]:
    """Paint one picture; return seconds and GB by what they were for."""
    figures: dict[str, float] = {}

    def lap(name: str) -> None:
        nonlocal start
        figures[f"{name}, s"] = time.perf_counter() - start
        start = time.perf_counter()

    request = Request(PROMPT, size=size, steps=steps, guidance=1.0, seed=7)
    wish = wish_of(request, read_ours(folder).defaults)
    foretold = fit(folder, wish, this_machine(torch.device("cpu"))).peak
    start = time.perf_counter()
    pipeline = load(folder, "cpu", torch.bfloat16, request=request)
    lap("load")
    pipeline.reader.keep = False  # so that the text encoder is read in both runs
    read, decode = pipeline.conditioner.read_each, pipeline.vae.decode
    prepare = pipeline.steerer.prepare

    def timed(name, function):
        def call(*args, **settings):
            begun = time.perf_counter()
            result = function(*args, **settings)
            figures[f"{name}, s"] = time.perf_counter() - begun
            figures[f"peak after {name}, GB"] = peak()
            return result

        return call

    pipeline.conditioner.read_each = timed("text encoder", read)
    pipeline.steerer.prepare = timed("modulations", prepare)
    pipeline.vae.decode = timed("VAE", decode)
    seen: list[float] = []
    result = pipeline.paint(request, lambda step: seen.append(time.perf_counter()))
    whole = time.perf_counter() - start
    parts = sum(v for k, v in figures.items() if k in ("text encoder, s", "VAE, s"))
    parts += figures["modulations, s"]
    figures["denoising, s"] = whole - parts
    figures["a step, s"] = (whole - parts) / steps
    figures["picture, s"] = whole
    figures["peak, GB"] = peak()
    figures["foretold peak, GB"] = foretold / 1e9
    result.save(folder / "picture.png")
    return figures


def peak() -> float:
    """Return this process's peak of resident memory so far, mapped files included, in GB."""
    status = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 / 1e9


def write(folder: Path, depth: int, layers: int) -> None:
    """Write a random model of the published configuration, compressed."""
    mmdit = MMDiTConfig(depth=depth)
    language = LanguageConfig(depth=layers)
    with torch.device("meta"):
        networks = (
            ("transformer", MMDiT(mmdit), mmdit_names.published, checkpoint.STEMS[0]),
            ("text_encoder", LanguageModel(language), _text_name, checkpoint.STEMS[1]),
        )
    pool = torch.randn(POOL, generator=generator(0))
    for part, network, published, stem in networks:
        shapes = {published(name): w.shape for name, w in network.named_parameters()}
        write_part(folder / part, shapes, stem, pool)
    checkpoint.write_config(folder / "transformer", mmdit.to_published())
    checkpoint.write_config(folder / "text_encoder", _text_config(language))
    save_tokenizer(build_tokenizer([], []), folder / "tokenizer")
    torch.manual_seed(0)
    save_vae(VAE(VAEConfig()).to(torch.bfloat16), folder)
    checkpoint.write_config(
        folder / "scheduler", to_published(DynamicShift()), "scheduler_config.json"
    )
    # Finding out the fingerprint would decode everything.
    ours = {"name": "full size, random", "weights": "full-size-random"}
    checkpoint.write_config(folder, {"_class_name": PIPELINE, "_danqing": ours}, INDEX)


def write_part(folder: Path, shapes: dict[str, torch.Size], stem: str, pool: torch.Tensor) -> None:
    """Write the weights of a part, a tensor at a time, in files of some tensors each."""
    names = list(shapes)
    places: dict[str, str] = {}
    room = torch.empty(max(map(math.prod, shapes.values())), dtype=torch.uint8)
    total = -(-len(names) // SHARD)
    for number in range(total):
        own = names[number * SHARD : (number + 1) * SHARD]
        file = f"{stem}-{number + 1:05}-of-{total:05}.safetensors"
        stored = [f"{name}.{end}" for name in own for end in ("sm", "ex", "ix", "pal")] + own
        with atomic_path(folder / file) as staged, ShardWriter(staged, stored) as writer:
            for name in own:
                for stored_name, tensor in pieces(name, weight(name, shapes[name], pool), room):
                    writer.write(stored_name, tensor)
                    places[stored_name] = file
        print(f"\r{folder.name}: {number + 1} of {total} files", end="", file=sys.stderr)
    print(file=sys.stderr)
    index = {"metadata": {}, "weight_map": places}
    checkpoint.write_config(folder, index, f"{stem}.safetensors.index.json")


def pieces(
    name: str, tensor: torch.Tensor, room: torch.Tensor
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield what a file holds of a tensor."""
    packed = encode(tensor, room) if tensor.ndim == 2 and "embed" not in name else None
    if packed is None:
        yield name, tensor
    else:
        yield from ((f"{name}.{end}", part) for end, part in packed.parts.items())


def weight(name: str, shape: torch.Size, pool: torch.Tensor) -> torch.Tensor:
    """Return a weight with the statistics of a published one, or a plausible bias or norm."""
    drawn = generator(derive(0, name))
    if len(shape) == 1:
        scale = torch.randn(shape, generator=drawn)
        return (1 + 0.02 * scale if "norm" in name else 0.02 * scale).bfloat16()
    count = math.prod(shape)
    start = int(torch.randint(max(1, POOL - count), (), generator=drawn))
    numbers = pool[start : start + count]
    if len(numbers) < count:  # an embedding
        numbers = pool.repeat(-(-count // POOL))[:count]
    bounds = math.log(0.01), math.log(0.05)
    spread = math.exp(float(torch.empty(()).uniform_(*bounds, generator=drawn)))
    rows = torch.exp(0.35 * torch.randn(shape[0], 1, generator=drawn))
    columns = torch.exp(0.35 * torch.randn(1, shape[1], generator=drawn))
    return (numbers.view(shape) * (spread * rows)).mul_(columns).bfloat16()


def _text_name(name: str) -> str:
    return text_names.published(f"language.{name}")


def _text_config(language: LanguageConfig) -> dict[str, object]:
    return {
        "model_type": MODEL_TYPE,
        "vocab_size": language.vocabulary,
        "hidden_size": language.width,
        "num_hidden_layers": language.depth,
        "num_attention_heads": language.heads,
        "num_key_value_heads": language.kv_heads,
        "intermediate_size": language.mlp,
        "rope_theta": language.theta,
        "rope_scaling": {"mrope_section": list(language.sections), "rope_type": "default"},
    }


if __name__ == "__main__":
    tyro.cli(main)
