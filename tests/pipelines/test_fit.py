"""What is foretold of memory is what is taken, and what cannot be is said before it is tried."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from danqing.core.download import EMBEDDED
from danqing.core.errors import RequestError
from danqing.memory.plan import Machine
from danqing.models.conditioner.vision import EDIT_AREA
from danqing.pipelines.compress import compress
from danqing.pipelines.fit import Wish, fit, nearest, parse_bytes, parts, this_machine
from danqing.pipelines.load import load, wish_of
from danqing.pipelines.request import Defaults, Request
from danqing.pipelines.save import save
from danqing.testing import toy

NANO = EMBEDDED["danqing-nano"]
WISH = Wish(size=(256, 256), steps=20)

PAINT = """
from pathlib import Path
import torch
from danqing.pipelines.load import load, read_ours, wish_of
from danqing.pipelines.fit import fit, this_machine
from danqing.pipelines.request import Request
from danqing.core.download import EMBEDDED

request = Request("a red circle", size="{size}", batch={batch}, steps=2)
folder = EMBEDDED["danqing-nano"]
wish = wish_of(request, read_ours(folder).defaults)
plan = fit(folder, wish, this_machine(torch.device("cpu")))
load("danqing-nano", "cpu", torch.bfloat16).paint(request)
status = Path("/proc/self/status").read_text().splitlines()
(peak,) = (int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
print(plan.peak, peak)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from /proc")
@pytest.mark.parametrize(("size", "batch"), [("256x256", 1), ("1024x1024", 4)])
def test_the_foretold_peak_is_within_a_tenth_of_the_peak(size, batch):
    code = PAINT.format(size=size, batch=batch)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    foretold, measured = map(int, told.stdout.split())
    assert foretold == pytest.approx(measured, rel=0.1)


def test_all_that_paints_is_counted_once(tmp_path):
    save(load("danqing-nano", "cpu", torch.bfloat16), tmp_path / "plain")
    compress(tmp_path / "plain", tmp_path / "packed")
    pipeline = load(tmp_path / "plain", "cpu", torch.bfloat16)
    wanted = {
        "transformer, modulations": pipeline.mmdit,
        "vae": pipeline.vae,
        "text encoder": pipeline.conditioner.language.layers,
    }
    for folder in (tmp_path / "plain", tmp_path / "packed"):
        sizes = {part.name: part for part in parts(folder, WISH)}
        for names, module in wanted.items():
            plain = sum(sizes[name].plain for name in names.split(", "))
            # A file of a patched VAE may keep more than the network uses, never less.
            assert plain == pytest.approx(sum(p.nbytes for p in module.parameters()), rel=0.02)
    packed = {part.name: part.packed for part in parts(tmp_path / "packed", WISH)}
    assert packed["transformer"] < 0.75 * sizes["transformer"].plain
    assert packed["vae"] is None


def test_sources_count_as_tokens_and_as_words(monkeypatch):
    monkeypatch.setattr("danqing.pipelines.fit._program", lambda: 300 << 20)
    defaults = Defaults()
    source = Image.new("RGB", (1600, 1200))
    plain = wish_of(Request("-", size=(1600, 1200)), defaults)
    one = wish_of(Request("-", sources=(source,)), defaults, EDIT_AREA)
    three = wish_of(Request("-", sources=(source,) * 3), defaults, EDIT_AREA)
    # Beyond 1328x1328 an edit is painted smaller, and what is paid for is what is painted.
    assert one.size == one.sources[0] == (1520, 1136) != plain.size
    assert three.length - plain.length == 3 * 1024**2 // 28**2
    machine = Machine(device=10**12)
    peaks = [fit(NANO, wish, machine).peak for wish in (replace(one, sources=()), one, three)]
    assert peaks == sorted(set(peaks))
    assert nearest(NANO, one, Machine(device=peaks[1] - 1)).sources == one.sources


def test_a_wish_grows_with_what_is_wished_for(monkeypatch):
    # What this process holds from other tests would drown it.
    monkeypatch.setattr("danqing.pipelines.fit._program", lambda: 300 << 20)
    machine = Machine(device=10**12)
    sizes = [
        fit(NANO, wish, machine).peak
        for wish in (
            WISH,
            Wish(size=(2048, 2048), steps=20),
            Wish(size=(2048, 2048), steps=20, batch=8),
        )
    ]
    assert sizes == sorted(sizes)
    assert sizes[2] > 1.5 * sizes[0]


def test_control_networks_are_counted_and_stay_plain(tmp_path, monkeypatch):
    monkeypatch.setattr("danqing.pipelines.fit._program", lambda: 300 << 20)
    weights = {f"controlnet_blocks.{n}.weight": torch.zeros(3000, 3000) for n in range(4)}
    save_file(weights, tmp_path / "edges.safetensors")
    wish = replace(WISH, leaders={"edges": tmp_path / "edges.safetensors"})
    without, led = (fit(NANO, one, Machine(device=10**12)) for one in (WISH, wish))
    size = sum(weight.nbytes for weight in weights.values())
    (place,) = (place for place in led.places if place.part.name == "edges")
    assert (place.way, place.device) == ("plain", size)
    assert led.peak > without.peak + size
    assert not fit(NANO, wish, Machine(device=size)).fits


def test_the_nearest_wish_gives_up_the_batch_and_then_the_size():
    large = Wish(size=(8192, 4096), steps=20, batch=8)
    peak = fit(NANO, Wish(size=(8192, 4096), steps=20), Machine(device=10**12)).peak
    assert nearest(NANO, large, Machine(device=peak)).size == (8192, 4096)
    smaller = nearest(NANO, large, Machine(device=peak - 10**8))
    assert smaller.batch == 1
    assert smaller.size[0] / smaller.size[1] == pytest.approx(2, rel=0.01)
    assert nearest(NANO, large, Machine(device=10**8)) is None


def test_what_does_not_fit_is_refused_before_anything_is_loaded(tmp_path, monkeypatch):
    save(toy(), tmp_path / "model")
    monkeypatch.setattr("danqing.pipelines.load.load_mmdit", None)
    # What this process holds from other tests may be more than the limit already.
    monkeypatch.setattr("danqing.pipelines.fit._program", lambda: 300 << 20)
    request = Request("a red square", size="16384x16384", batch=4)
    with pytest.raises(RequestError, match=r"must fit in memory, but does not fit: .* would fit"):
        load(tmp_path / "model", "cpu", request=request, cap=2 * 10**9)


def test_the_machine_has_more_than_nothing():
    machine = this_machine(torch.device("cpu"))
    assert machine.host is None
    assert machine.device > 2**28


@pytest.mark.parametrize(
    ("text", "amount"),
    [("16GB", 16 * 10**9), ("24 GiB", 24 * 2**30), ("0.5g", 5 * 10**8), ("800MB", 8 * 10**8)],
)
def test_amounts_are_read_as_people_write_them(text, amount):
    assert parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "16", "much", "-1GB", "0GB", "nanGB", "1e99GB"])
def test_other_texts_are_no_amounts(text):
    with pytest.raises(RequestError, match="memory must be an amount such as 16GB"):
        parse_bytes(text)
