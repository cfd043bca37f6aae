"""However many processes share a run, and however they share it, its losses are the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from danqing.core.config import write
from danqing.core.log import Metrics
from danqing.data.synthesis import Synthesis
from danqing.pipelines.load import load_mmdit, load_vae
from danqing.pipelines.save import save
from danqing.testing import VAE_, toy
from danqing.training.objectives.dpo import DPO
from danqing.training.objectives.flow_matching import FlowMatching
from danqing.training.objectives.reconstruction import Reconstruction
from danqing.training.optim import AdamW, LRSchedule, Muon
from danqing.training.parallel.plan import Parallel
from danqing.training.recipe import Recipe, run
from danqing.training.sources.pairs import PairLatents
from danqing.training.sources.synthesis import SynthesisLatents, SynthesisPictures
from danqing.training.trainees import TextToImageTrainee
from danqing.training.trainees.adapter import AdapterTrainee
from danqing.training.trainees.vae import VAETrainee

STEPS, LONG = 6, 24

EXACT = 2e-6
"""Sums in another order differ in the last bits of float32, 2^-24 or 6e-8 of a number; AdamW
divides by the size of a gradient and so carries that into the weights, step after step."""
MUON = 1e-4
"""Muon turns matrices in bfloat16, where a last bit is 2^-8: a difference of 6e-8 seldom moves one
there, and then by much."""
BFLOAT16 = 2e-2
"""Each rank rounds its part of a gradient to bfloat16, before they are summed in float32."""

MUONS = {"optimizer": Muon(lr=3e-3)}
ALONE: dict[str, dict[str, Any]] = {
    "alone": {"steps": LONG},
    "alone_muon": MUONS,
    "alone_half": {"steps": STEPS // 2},
    "alone_bfloat16": {"dtype": "bfloat16"},
}
TOGETHER: dict[str, tuple[str, float, dict[str, Any]]] = {
    "shard": ("alone", EXACT, {}),
    "replicate": ("alone", EXACT, {"parallel": Parallel(replicate=2)}),
    "tensor": ("alone", EXACT, {"parallel": Parallel(tensor=2)}),
    "context": ("alone", EXACT, {"parallel": Parallel(context=2)}),
    "pieces": ("alone", EXACT, {"accumulate": 2, "recompute": 1.0}),
    "shard_muon": ("alone_muon", MUON, MUONS),
    "replicate_muon": ("alone_muon", MUON, {**MUONS, "parallel": Parallel(replicate=2)}),
    "tensor_muon": ("alone_muon", MUON, {**MUONS, "parallel": Parallel(tensor=2)}),
    "shard_bfloat16": ("alone_bfloat16", BFLOAT16, {"dtype": "bfloat16"}),
}
"""Of each shared run: which one it is like, how closely, and its settings."""


def recipe(folder: Path, name: str, **settings: Any) -> Recipe:
    model = folder / f"{name}_model"
    if not model.exists():
        shutil.copytree(folder / "model", model)
    told = Recipe(
        model=model,
        run=folder / name,
        trainee=TextToImageTrainee(start="model", stored="float32"),
        objective=FlowMatching(),
        # Nothing divides by two: five samples, an odd number of tokens.
        source=SynthesisLatents(
            pictures=Synthesis(size=(68, 68), categories={"colors": 1.0}), batch=5, pool=10
        ),
        steps=STEPS,
        optimizer=AdamW(lr=3e-3),
        lr_schedule=LRSchedule(warmup=2, fall=0.0),
        log_every=1,
        save_every=3,
    )
    return replace(told, **settings)


def pairs(folder: Path) -> dict[str, Any]:
    """Return settings of a run that learns from five pairs of pictures."""
    table = folder / "pairs.jsonl"
    if not table.exists():
        noise = np.random.default_rng(0)
        for number in range(5):
            names = {"chosen": f"{number}.png", "rejected": f"{number}r.png"}
            for name in names.values():
                pixels = noise.integers(0, 256, (64, 64, 3), np.uint8)
                Image.fromarray(pixels).save(folder / name)
            Metrics(table).write(caption="a red circle", **names)
    return {
        "trainee": AdapterTrainee(file=folder / "lora.safetensors", rank=2),
        "objective": DPO(beta=10.0),
        "source": PairLatents(path=table, sizes=("64x64",), batch=5),
    }


def vae() -> dict[str, Any]:
    """Return settings of a run that trains a VAE."""
    return {
        "trainee": VAETrainee(config=VAE_, measured=1, stored="float32"),
        "objective": Reconstruction(),
        "source": SynthesisPictures(pictures=Synthesis(size=(64, 64)), batch=3),
    }


def launch(folder: Path, runs: Sequence[Recipe], processes: int) -> "subprocess.Popen[str]":
    """Have torchrun train recipes one after the other in one world, as the command does."""
    paths = [folder / f"{each.run.name}.toml" for each in runs]
    for each, path in zip(runs, paths, strict=True):
        write(each, path)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    settings = [f"--nproc-per-node={processes}", "--max-restarts=1"]
    return subprocess.Popen(
        [*torchrun, *settings, str(Path(__file__).with_name("worlds.py")), *map(str, paths)],
        # A bar is then drawn when it begins and when it ends, however fast it is.
        env=os.environ | {"OMP_NUM_THREADS": "1", "TQDM_MININTERVAL": "1000"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_one(process: "subprocess.Popen[str]", run: Path) -> None:
    """Kill a process that trains, once five steps have been told."""
    metrics = run / "metrics.jsonl"
    while not metrics.exists() or metrics.read_bytes().count(b"\n") < 5:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)


def wait(process: "subprocess.Popen[str]") -> str:
    """Return what processes told until all were done."""
    _, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    return told


def curve(folder: Path, name: str, steps: int = STEPS) -> torch.Tensor:
    """Return loss and norm of the gradient of every step, as they were told last."""
    lines = {line["step"]: line for _, line in Metrics(folder / name / "metrics.jsonl")}
    assert sorted(lines)[:steps] == list(range(1, steps + 1))
    rows = [[lines[step]["loss"], lines[step]["gradient"]] for step in range(1, steps + 1)]
    return torch.tensor(rows)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Runs of one process and of two, and some that one begins and the other ends."""
    folder = tmp_path_factory.mktemp("worlds")
    save(toy(), folder / "model")
    for name, settings in ALONE.items():
        run(recipe(folder, name, **settings))
    run(recipe(folder, "alone_pairs", **pairs(folder)))
    run(recipe(folder, "alone_vae", **vae()))
    shutil.copytree(folder / "alone_half", folder / "alone_then_shard")

    halves = {"shard": {}, "tensor": {"parallel": Parallel(tensor=2)}}
    process = launch(
        folder,
        [
            recipe(folder, "killed", steps=LONG),
            *(recipe(folder, name, **settings) for name, (_, _, settings) in TOGETHER.items()),
            recipe(folder, "alone_then_shard"),
            recipe(folder, "shard_pairs", **pairs(folder)),
            recipe(folder, "shard_vae", **vae()),
            *(
                recipe(folder, f"{name}_then_alone", steps=STEPS // 2, **settings)
                for name, settings in halves.items()
            ),
        ],
        processes=2,
    )
    kill_one(process, folder / "killed")
    told = wait(process)
    (folder / "told.txt").write_text(told)
    for name in halves:
        # The first half has been exported, and this one starts from its state.
        run(recipe(folder, f"{name}_then_alone"))
    return folder


@pytest.mark.parametrize("name", TOGETHER)
def test_processes_that_share_a_run_have_the_losses_of_one(folder, name):
    like, close, _ = TOGETHER[name]
    assert_close(curve(folder, name), curve(folder, like), rtol=close, atol=0)


@pytest.mark.parametrize("kind", ["pairs", "vae"])
def test_other_objectives_are_shared_too(folder, kind):
    assert_close(curve(folder, f"shard_{kind}"), curve(folder, f"alone_{kind}"), rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["shard_then_alone", "tensor_then_alone", "alone_then_shard"])
def test_a_state_goes_over_to_another_number_of_processes(folder, name):
    assert_close(curve(folder, name), curve(folder, "alone"), rtol=EXACT, atol=0)


def test_a_state_has_no_pickle_and_no_weight_twice(folder):
    for name in ("shard", "replicate", "tensor"):
        state = folder / name / "state"
        assert {path.suffix for path in state.iterdir()} == {".safetensors", ".json"}
        sizes = {
            run: sum(path.stat().st_size for path in (folder / run / "state").iterdir())
            for run in (name, "alone")
        }
        # Headers alone are written twice.
        assert sizes[name] < 1.2 * sizes["alone"]


def test_a_shared_run_exports_what_one_process_does(folder):
    run(recipe(folder, "alone_again"))
    one = load_mmdit(folder / "alone_again_model", torch.float32).state_dict()
    for name in ("shard", "tensor", "context"):
        other = load_mmdit(folder / f"{name}_model", torch.float32).state_dict()
        assert_close(other, one, rtol=1e-4, atol=1e-4)
    vaes = [load_vae(folder / f"{name}_vae_model", torch.float32) for name in ("alone", "shard")]
    assert_close(*(vae.state_dict() for vae in vaes), rtol=1e-4, atol=1e-4)


def test_a_killed_worker_costs_the_steps_since_the_last_save(folder):
    """Both are started anew, and they go on by themselves."""
    assert_close(curve(folder, "killed", LONG), curve(folder, "alone", LONG), rtol=1e-4, atol=0)
    assert json.loads((folder / "killed/state/progress.json").read_text())["step"] == LONG
    told = (folder / "told.txt").read_text()
    shown = told.count(f"| 0/{LONG} ["), told.count(f"| {LONG}/{LONG} [")
    assert shown == (2, 1), "one process shows a bar, before and after"


MIXED: dict[str, tuple[str, float, dict[str, Any]]] = {
    "replicate_shard": ("alone", EXACT, {"parallel": Parallel(replicate=2)}),
    "context_shard": ("alone", EXACT, {"parallel": Parallel(context=2)}),
    "tensor_shard": (
        "alone_muon",
        MUON,
        {**MUONS, "parallel": Parallel(tensor=2), "accumulate": 2, "recompute": 0.5},
    ),
}


@pytest.mark.slow
def test_ways_of_sharing_can_be_mixed(folder):
    runs = [recipe(folder, name, **settings) for name, (_, _, settings) in MIXED.items()]
    wait(launch(folder, runs, processes=4))
    for name, (like, close, _) in MIXED.items():
        assert_close(curve(folder, name), curve(folder, like), rtol=close, atol=0)
        shutil.copytree(folder / name, folder / f"{name}_on")
        longer = {"steps": STEPS + 2, **({} if like == "alone" else MUONS)}
        run(recipe(folder, f"{name}_on", **longer))
        if like == "alone":
            after = curve(folder, f"{name}_on", STEPS + 2)
            assert_close(after, curve(folder, like, STEPS + 2), rtol=close, atol=0)
