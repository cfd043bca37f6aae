"""A small arena: three models, and pictures that say who painted them as loudly as a file can."""

import json
import threading

import pytest
from PIL import Image, PngImagePlugin

from danqing.evaluation.arena.gold import prepare
from danqing.evaluation.arena.runs import take_in
from danqing.evaluation.arena.server import ArenaServer, Rules
from danqing.evaluation.arena.store import Store

MODELS = ("quincunx-9b", "marzipan-turbo", "zeppelin-xl")
PROMPTS = 14


def write_run(folder, model, prompts=PROMPTS, samples=1):
    """Write a run as an evaluation leaves it."""
    lines = []
    (folder / "pictures").mkdir(parents=True)
    for prompt in range(prompts):
        for sample in range(samples):
            file = f"pictures/{model}-{prompt}-{sample}.png"
            shade = (40 * MODELS.index(model) + 60, 17 * prompt % 256, 60 * sample)
            image = Image.new("RGB", (48, 32), shade)
            image.paste((250, 250, 250), (4, 4, 16 + prompt, 12))
            said = PngImagePlugin.PngInfo()
            said.add_text("danqing", json.dumps({"model": model}))
            image.save(folder / file, pnginfo=said)
            lines.append({
                "prompt": f"thing number {prompt}",
                "seed": sample,
                "file": file,
                "category": ("odd", "even")[prompt % 2],
                "language": ("en", "zh")[prompt % 2],
            })  # fmt: skip
    (folder / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "result.json").write_text(
        json.dumps({"generator": {"model": model}, "commit": "c0ffee" * 6})
    )
    return folder


@pytest.fixture
def arena(tmp_path):
    """An arena's folder."""
    folder = tmp_path / "arena"
    with Store(folder, create=True) as store:
        for model in MODELS:
            run = write_run(tmp_path / model, model)
            assert take_in(store, f"{model}={run}") == {model: PROMPTS}
        prepare(store, 6)
    return folder


@pytest.fixture
def store(arena):
    with Store(arena) as opened:
        yield opened


@pytest.fixture
def serve(store):
    """Start servers of the arena that end with the test."""
    servers = []

    def start(**rules):
        server = ArenaServer(store, "127.0.0.1", 0, Rules(**{"minimum": 0.0, **rules}))
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        servers.append((server, thread))
        return server

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
