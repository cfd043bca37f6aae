"""How well a model paints the small world: held-out prompts, a deterministic judge, intervals.

Every prompt is painted with several seeds of its own; a picture is kept under the hash of all
that made it, so running again paints only what is missing. Three rows of reference stand beside
the model: the renderer's own pictures (`oracle`, what the judge grants to the truth), the
renderer's pictures after a VAE (`ceiling`, what any model that paints with it can reach), and its
pictures of another prompt of the category (`floor`, what luck gives). See `validate` for the
judge itself.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random
from typing import Any, Final

from PIL import Image

from danqing.core.errors import RecipeError
from danqing.core.files import atomic_path
from danqing.core.seed import derive
from danqing.data.synthesis import Prompt, Split, digest, draw, held_out
from danqing.evaluation.report import page
from danqing.evaluation.stats import clustered_bootstrap, wilson
from danqing.scorers.base import Score, mean
from danqing.scorers.ocr import TextScorer, require_reader
from danqing.scorers.scene import SceneScorer
from danqing.scorers.world import CATEGORIES, SCENE_CATEGORIES, Language, TextSpec

TASK: Final = "in_domain@1"
"""Another judge, another way to choose prompts or another fold is another version."""

USUAL_CATEGORIES: Final = tuple(name for name in CATEGORIES if name != "compound")

Paint = Callable[[Sequence[str], Sequence[int]], Sequence[Image.Image]]
"""Prompts and as many seeds to pictures."""
RoundTrip = Callable[[Image.Image], Image.Image]
"""A picture through a VAE and back."""


@dataclass(frozen=True, slots=True)
class Item:
    """One judged picture."""

    prompt: Prompt
    seed: int
    file: str
    """Path below the folder of the run."""
    score: Score

    @property
    def record(self) -> dict[str, Any]:
        """The item as plain data."""
        return {
            **self.prompt.record,
            "seed": self.seed,
            "file": self.file,
            "value": self.score.value,
            "reason": self.score.reason,
            "details": dict(self.score.details),
        }


def prompts(
    categories: Sequence[str] = USUAL_CATEGORIES,
    per_category: int = 40,
    split: Split = "test_iid",
    lang: Language | None = None,
) -> list[Prompt]:
    """Return held-out prompts, the same ones every time.

    Args:
        categories: Kinds of prompts.
        per_category: How many of each kind.
        split: What they are held out from.
        lang: Their language; None: English and Chinese in turn.

    Raises:
        RecipeError: A category does not exist, has no such split, or has too few prompts.
    """
    return [prompt for name in categories for prompt in held_out(name, per_category, split, lang)]


def judge(image: Image.Image, prompt: Prompt) -> Score:
    """Return the strict verdict on a picture of a prompt: 1 or 0, with all details."""
    scorer = TextScorer() if isinstance(prompt.spec, TextSpec) else SceneScorer()
    return scorer.score([image], [prompt.spec])[0]


def run(
    paint: Paint,
    out: Path,
    *,
    model: str,
    asked: Sequence[Prompt],
    seeds: int = 2,
    batch: int = 1,
    size: tuple[int, int] = (256, 256),
    round_trip: RoundTrip | None = None,
    watch: Callable[[int, int], object] = lambda done, total: None,
) -> dict[str, Any]:
    """Paint, judge and report; run it again to go on where it was stopped.

    Leaves in `out`: `pictures/`, `items.jsonl` with every verdict, `result.json`, `index.html`.

    Args:
        paint: Makes the pictures of some prompts and seeds.
        out: The folder of the run.
        model: All that decides a picture besides prompt and seed: weights and settings.
        asked: The prompts, of one split.
        seeds: Pictures for each prompt; their seeds follow each other.
        batch: Prompts that are painted together, each with all its seeds.
        size: Width and height of the renderer's pictures, best those of the model.
        round_trip: Gives the ceiling; None: no ceiling.
        watch: Told how many of all pictures are judged.

    Returns:
        What is in `result.json`.

    Raises:
        RecipeError: Nothing is asked for, or a number is below 1.
        MissingPackage: A prompt asks for a string and no reader is installed.
        StorageError: The folder cannot be written.
    """
    for name, value in (("seeds", seeds), ("batch", batch), ("prompts", len(asked))):
        if value < 1:
            raise RecipeError(f"{name} must be at least 1, got {value}; raise it.")
    if any(isinstance(prompt.spec, TextSpec) for prompt in asked):
        require_reader()
    items: list[Item] = []
    for prompt, seed, file in _painted(paint, out, model, asked, seeds, batch):
        with Image.open(out / file) as image:
            items.append(Item(prompt, seed, file, judge(image.convert("RGB"), prompt)))
        watch(len(items), len(asked) * seeds)
    result = {
        "task": TASK,
        "model": model,
        "split": asked[0].split,
        "seeds": seeds,
        "prompts_sha256": digest(asked),
        "detector_sha256": SceneScorer().detector.digest,
        "versions": _versions(),
        **fold(items),
        "references": references(asked, size, round_trip),
    }
    _write(out / "items.jsonl", "".join(_dump(item.record) + "\n" for item in items))
    _write(out / "result.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    _write(out / "index.html", page(result, [item.record for item in items]))
    return result


def fold(items: Sequence[Item]) -> dict[str, Any]:
    """Return each category's scores with intervals, and the macro average over scenes.

    `score` is the share of right pictures, `wilson` its interval as if pictures were independent,
    `clustered` the one that knows they are not. What is unscored is counted and left out.
    """
    categories: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(item.prompt.spec.category for item in items):
        members = [item for item in items if item.prompt.spec.category == name]
        values, clusters = _scored(members)
        categories[name] = {
            "count": len(values),
            "unscored": len(members) - len(values),
            "score": mean(item.score for item in members),
            "wilson": wilson(round(sum(values)), len(values)),
            "clustered": clustered_bootstrap(values, clusters),
            **{
                key: mean(Score(float(item.score.details[key]), "") for item in members)
                for key in ("geneval", "soft", "exact_page", "disagree", "similarity")
                if all(key in item.score.details for item in members)
            },
            "languages": {
                language: mean(i.score for i in members if i.prompt.language == language)
                for language in sorted({item.prompt.language for item in members})
            },
        }
    scenes = [item for item in items if item.prompt.spec.category in SCENE_CATEGORIES]
    values, clusters = _scored(scenes)
    strata = [i.prompt.spec.category for i in scenes if i.score.value is not None]
    parts = [Score(value["score"], "") for n, value in categories.items() if n in SCENE_CATEGORIES]
    macro = {"score": mean(parts), "clustered": clustered_bootstrap(values, clusters, strata)}
    return {"categories": categories, "macro": macro}


def references(
    asked: Sequence[Prompt],
    size: tuple[int, int] = (256, 256),
    round_trip: RoundTrip | None = None,
) -> dict[str, dict[str, float | None]]:
    """Return, for each category, what the renderer's own pictures score.

    Args:
        asked: The prompts.
        size: Width and height of the pictures.
        round_trip: Gives the ceiling; None: no ceiling.
    """
    rows: dict[str, dict[str, float | None]] = {}
    for name in dict.fromkeys(prompt.spec.category for prompt in asked):
        members = [prompt for prompt in asked if prompt.spec.category == name]
        drawn = [draw(prompt.spec, Random(prompt.prompt), size=size) for prompt in members]
        elsewhere = members[len(members) // 2 :] + members[: len(members) // 2]
        rows[name] = {"oracle": mean(map(judge, drawn, members))}
        if len(members) > 1:
            rows[name]["floor"] = mean(map(judge, drawn, elsewhere))
        if round_trip is not None:
            rows[name]["ceiling"] = mean(map(judge, map(round_trip, drawn), members))
    return rows


def _painted(
    paint: Paint, out: Path, model: str, asked: Sequence[Prompt], seeds: int, batch: int
) -> Iterator[tuple[Prompt, int, str]]:
    """Give every picture of the run once it is on disk, painting those that are missing."""
    for start in range(0, len(asked), batch):
        jobs: list[tuple[Prompt, int, str]] = []
        for prompt in asked[start : start + batch]:
            first = derive(0, TASK, prompt.record["id"]) % 2**31
            for seed in range(first, first + seeds):
                key = hashlib.sha256(_dump([model, prompt.prompt, seed]).encode()).hexdigest()
                jobs.append((prompt, seed, f"pictures/{key[:20]}.png"))
        # Together or not at all: pictures may depend, in the last bit, on their batch.
        if not all((out / file).exists() for _, _, file in jobs):
            images = paint([prompt.prompt for prompt, _, _ in jobs], [seed for _, seed, _ in jobs])
            for image, (_, _, file) in zip(images, jobs, strict=True):
                with atomic_path(out / file) as staged:
                    image.save(staged, format="PNG")
        yield from jobs


def _scored(items: Sequence[Item]) -> tuple[list[float], list[str]]:
    """Return the values there are, and the prompt of each."""
    pairs = [(i.score.value, i.prompt.prompt) for i in items if i.score.value is not None]
    return [value for value, _ in pairs], [prompt for _, prompt in pairs]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("danqing", "torch", "numpy", "pillow", "rapidocr", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _dump(record: object) -> str:
    return json.dumps(record, sort_keys=True, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as staged:
        staged.write_text(text, encoding="utf-8")
