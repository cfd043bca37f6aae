"""Time a picture of the embedded model, whole and, for its latents, against diffusers.

    python benchmarks/nano.py --threads 2

Both programs run the same transformer on the same prompt for the same steps, with guidance. The
prompt is read once: the reference is given what was read, ours remembers it. Decoding is ours
alone: the reference does not know this VAE's patches. The whole command starts a fresh process
each time, imports included.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import tyro
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from race import race, surroundings
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from danqing.pipelines.load import load
from danqing.pipelines.request import Request
from danqing.pipelines.save import save

PROMPT = "a red circle left of a blue star on a gray background"


def main(*, threads: int = 2, repeats: int = 5, model: str = "danqing-nano") -> None:
    """Print times and the ratio.

    Args:
        threads: CPU threads.
        repeats: How often each program runs after one run to warm up.
        model: The model to time; its conditioner must have the nano's template.
    """
    torch.set_num_threads(threads)
    print(surroundings(threads))
    pipeline = load(model, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        # The reference does not read compressed weights.
        save(pipeline, Path(folder) / "plain")
        reference = reference_of(Path(folder) / "plain")
    usual = pipeline.defaults
    width, height = usual.sizes[0]
    request = Request(PROMPT, seed=1)
    conditioning = [pipeline.conditioner.read([text]).text for text in (PROMPT, usual.negative)]

    def theirs() -> torch.Tensor:
        return reference(
            prompt_embeds=conditioning[0],
            negative_prompt_embeds=conditioning[1],
            prompt_embeds_mask=None,
            true_cfg_scale=usual.guidance,
            width=width // (pipeline.vae.factor // 8),
            height=height // (pipeline.vae.factor // 8),
            num_inference_steps=usual.steps,
            output_type="latent",
        ).images

    contestants = [theirs, lambda: pipeline.paint(request)]
    for run in contestants:
        run()
    before, ours = race(contestants, repeats)
    print(f"{usual.steps} steps with guidance at {width}x{height}, float32")
    print(f"diffusers, without decoding                  {before:8.2f} s")
    print(f"danqing, with decoding                       {ours:8.2f} s   ratio {ours / before:.2f}")

    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "picture.png")
        command = [sys.executable, "-m", "danqing", "generate", PROMPT, "--out", out]
        command += ["--model", model]
        (whole,) = race([lambda: subprocess.run(command, check=True, capture_output=True)], repeats)
    print(f"the whole command, from its start            {whole:8.2f} s")


def reference_of(folder: Path) -> QwenImagePipeline:
    """Return diffusers' pipeline of a model's folder, with a VAE that is there for its sizes."""
    parts = {
        "scheduler": FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler"),
        "transformer": QwenImageTransformer2DModel.from_pretrained(
            folder / "transformer", torch_dtype=torch.float32
        ),
        "text_encoder": Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder / "text_encoder", torch_dtype=torch.float32
        ),
        "tokenizer": AutoTokenizer.from_pretrained(folder / "tokenizer"),
        "vae": AutoencoderKLQwenImage(base_dim=8),
    }
    pipeline = QwenImagePipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


if __name__ == "__main__":
    tyro.cli(main)
