"""Time a training step against that of diffusers' training example, in turns.

    python benchmarks/training.py --threads 1
    python benchmarks/training.py --device cuda --depth 4 --heads 24 --side 64 --length 256 \
        --batch 2 --text 3584     # on a GPU, at the published width

Both train the same random network on the same latents and text states, prepared beforehand, and
both compute in bfloat16 with float32 weights under the optimizer: all of the network, or a LoRA of
it. Of diffusers that is the step of its example for Qwen-Image (`train_dreambooth_lora_qwen_image`:
accelerate's mixed precision, AdamW, clipping at 1, noise levels and weighting as by default), which
trains a LoRA by peft; of ours it is the training loop itself, averages and metrics included.

The last column is what a step of ours does, forward and backward, as operations a second, and what
share that is of a product of two large matrices on the same device in the same run.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Literal

import torch
import tyro
from accelerate import Accelerator
from diffusers import FlowMatchEulerDiscreteScheduler, QwenImagePipeline
from diffusers import QwenImageTransformer2DModel as Reference
from diffusers.training_utils import cast_training_params, compute_density_for_timestep_sampling
from peft import LoraConfig
from race import surroundings
from torch import Tensor, nn

from danqing.models.lora import LowRank, adapt
from danqing.models.mmdit import Grid, MMDiT, MMDiTConfig
from danqing.models.mmdit.names import ours
from danqing.pipelines.latents import pack, unpack
from danqing.training.ema import EMA
from danqing.training.loop import Enough, train
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.optim import AdamW, LRSchedule
from danqing.training.parallel.world import world
from danqing.training.sizes import Network, Sample
from danqing.training.sources.base import LatentBatch
from danqing.training.state import State
from danqing.training.trainees.text_to_image import compile_blocks
from danqing.training.weights import Weights

RANK = 16
LR = 1e-4
LAYERS = r"image\.to_"
"""What a LoRA is of."""
LARGE = {"cpu": 2048, "cuda": 8192}
"""Sides of the matrices whose product says what a device can do."""

FRESH = partial(LowRank.fresh, rank=RANK, alpha=RANK)

Step = Callable[[], float]
"""Takes one step and returns its loss."""


def main(
    *,
    threads: int = 1,
    repeats: int = 12,
    depth: int = 8,
    heads: int = 6,
    side: int = 16,
    length: int = 64,
    batch: int = 4,
    text: int = 512,
    device: Literal["cpu", "cuda"] = "cpu",
    compile: bool = True,
) -> None:
    """Print a table of samples a second and ratios.

    Args:
        threads: CPU threads.
        repeats: Steps each takes after two to warm up.
        depth: Blocks.
        heads: Heads of 128 channels.
        side: Height and width of the picture, in tokens.
        length: Text tokens.
        batch: Samples of a step.
        text: Channels of a text state; the published 3584 would be most of a small network.
        device: Where both train.
        compile: Whether our blocks are compiled, as recipes may have it.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    if device == "cuda":
        print(torch.cuda.get_device_name())
    able = ability(torch.device(device))
    print(f"{depth} blocks of {heads} heads x 128, {side * side} image + {length} text tokens,")
    print(f"{batch} samples a step, blocks {'' if compile else 'not '}compiled")
    print(f"a product of matrices does {able / 1e12:.3g} TFLOP/s")
    print(f"{'trained':12}{'diffusers':>14}{'danqing':>14}{'ratio':>8}{'TFLOP/s':>10}{'share':>7}")
    for lora in (False, True):
        torch.manual_seed(0)
        settings = {"num_layers": depth, "num_attention_heads": heads, "joint_attention_dim": text}
        with torch.device(device):
            reference = Reference(**settings)
            latents = torch.randn(batch, 16, 2 * side, 2 * side)
            states = torch.randn(batch, length, text)
        network = twin(reference)
        work = Network(network.config, FRESH if lora else None, LAYERS).work(
            Sample(image=side * side, text=length)
        )
        theirs = example(reference, latents, states, lora)
        with world(device):
            step_seconds, own_seconds = turns(
                theirs, network, latents, states, repeats, lora=lora, compiled=compile
            )
        name = f"LoRA of {RANK}" if lora else "all weights"
        rates = batch / step_seconds, batch / own_seconds
        print(
            f"{name:12}{rates[0]:10.2f} 1/s{rates[1]:10.2f} 1/s{rates[1] / rates[0]:8.2f}"
            f"{rates[1] * work / 1e12:10.3g}{rates[1] * work / able:7.2f}",
            flush=True,
        )
        del theirs, reference, network


def ability(device: torch.device) -> float:
    """Return the operations a second of a product of large bfloat16 matrices, the median of ten."""
    side = LARGE[device.type]
    one, other = torch.randn(2, side, side, device=device).bfloat16()
    seconds: list[float] = []
    for _ in range(13):
        settle(device)
        start = time.perf_counter()
        one @ other
        settle(device)
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / median(seconds[3:])


def settle(device: torch.device) -> None:
    """Wait for what a device was told to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def twin(reference: Reference) -> MMDiT:
    """Return our network with the weights of theirs."""
    with torch.device("meta"):
        network = MMDiT(MMDiTConfig.from_published(reference.config))
    weights = {ours(name): weight.clone() for name, weight in reference.state_dict().items()}
    network.load_state_dict(weights, assign=True)
    return network


def example(reference: Reference, latents: Tensor, text: Tensor, lora: bool) -> Step:
    """Return the step of diffusers' example."""
    accelerator = Accelerator(mixed_precision="bf16", cpu=latents.device.type == "cpu")
    if lora:
        reference.requires_grad_(False)
        reference.to(torch.bfloat16)
        reference.add_adapter(
            LoraConfig(
                r=RANK,
                lora_alpha=RANK,
                init_lora_weights="gaussian",
                target_modules=["to_k", "to_q", "to_v", "to_out.0"],
            )
        )
        cast_training_params([reference], dtype=torch.float32)
    learned = [weight for weight in reference.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=LR)
    model, optimizer = accelerator.prepare(reference, optimizer)
    model.train()
    scheduler = FlowMatchEulerDiscreteScheduler()
    levels = scheduler.sigmas.to(latents.device)
    height, width = latents.shape[-2:]
    shapes = [(1, height // 2, width // 2)] * len(latents)
    frames = latents[:, :, None].bfloat16()
    text = text.bfloat16()

    def step() -> float:
        noise = torch.randn_like(frames)
        quantiles = compute_density_for_timestep_sampling(
            "none", len(frames), logit_mean=0.0, logit_std=1.0, mode_scale=1.29
        )
        places = (quantiles * scheduler.config.num_train_timesteps).long()
        sigmas = levels[places.to(levels.device)].to(frames.dtype)[:, None, None, None, None]
        noisy = ((1 - sigmas) * frames + sigmas * noise).permute(0, 2, 1, 3, 4)
        packed = QwenImagePipeline._pack_latents(noisy, len(frames), frames.shape[1], height, width)
        velocity = model(
            hidden_states=packed,
            encoder_hidden_states=text,
            encoder_hidden_states_mask=None,
            timestep=scheduler.timesteps[places].to(frames.device) / 1000,
            img_shapes=shapes,
            return_dict=False,
        )[0]
        velocity = QwenImagePipeline._unpack_latents(velocity, 8 * height, 8 * width, 8)
        error = (velocity.float() - (noise - frames).float()) ** 2
        loss = error.reshape(len(frames), -1).mean(1).mean()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step


class Told(nn.Module):
    """Our network with the text states of its captions, as a frozen conditioner's are kept."""

    def __init__(self, mmdit: MMDiT, texts: Tensor) -> None:
        super().__init__()
        self.mmdit = mmdit
        self.register_buffer("texts", texts)

    def forward(self, x: Tensor, captions: Sequence[str], sigma: Tensor) -> Tensor:
        """Return the velocity at `x`."""
        height, width = x.shape[-2:]
        layout = (Grid(1, height // 2, width // 2),)
        tokens = pack(x).to(self.texts.dtype)
        return unpack(self.mmdit(tokens, self.texts, sigma, [layout]), height, width).to(x.dtype)


class Same:
    """One batch, again and again."""

    def __init__(self, batch: LatentBatch) -> None:
        self.batch = batch

    def __getitem__(self, step: int) -> LatentBatch:
        return self.batch


def turns(
    theirs: Step,
    network: MMDiT,
    latents: Tensor,
    text: Tensor,
    repeats: int,
    *,
    lora: bool,
    compiled: bool,
) -> tuple[float, float]:
    """Return the median seconds of their step and of ours, each between two of the other."""
    if lora:
        adapt(network, LAYERS, FRESH)
    if compiled:
        compile_blocks(network)
    weights = Weights(Told(network, text).to(latents.device), torch.bfloat16)
    state = State(weights, AdamW(lr=LR).build(weights.masters), EMA(weights.masters, 0.999))
    seconds: dict[str, list[float]] = {"theirs": [], "ours": []}
    since = time.perf_counter()

    def after(step: int) -> None:
        nonlocal since
        settle(latents.device)
        seconds["ours"].append(time.perf_counter() - since)
        start = time.perf_counter()
        theirs()
        settle(latents.device)
        since = time.perf_counter()
        seconds["theirs"].append(since - start)
        if step == repeats + 2:
            raise Enough("of the benchmark")

    with TemporaryDirectory() as run:
        train(
            state,
            FlowMatching(drop_caption=0.0),
            Same(LatentBatch(latents, ["a picture"] * len(latents))),
            steps=repeats + 3,
            lr_schedule=LRSchedule(),
            clip=1.0,
            seed=0,
            run=Path(run),
            on_step=after,
        )
    return median(seconds["theirs"][2:]), median(seconds["ours"][2:])


if __name__ == "__main__":
    tyro.cli(main)
