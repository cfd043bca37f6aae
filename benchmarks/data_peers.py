"""Stages 1 and 2 against what people use today, on the same files, each a process of its own.

    python benchmarks/data_peers.py --data-juicer DJ/bin/python --cleanvision CV/bin/python

Peers live in environments of their own, because their dependencies exclude ours:

    DJ/bin/pip install py-data-juicer==1.6.1 aiohttp av imagededup
    CV/bin/pip install cleanvision==0.3.7

data-juicer runs its filters by size, shape and aspect ratio and its deduplicator, with filters
that look at the same picture fused, which is quicker than its default. cleanvision runs its checks
of light, blur, information and colour and not its own search for duplicates, because data-juicer
has looked for those. The bare decode reads the files with our own decoder on two threads and
throws the pixels away.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import tyro
from race import surroundings
from watch import Taken, watch

from danqing.data.sources import Planted
from danqing.data.sources.planted import PLANTS

RECIPE = Path(__file__).parents[1] / "recipes/filter/first_two_stages.toml"

FAULTS = ("duplicate", "rotation", "clarity", "luma", "saturation", "texture")
"""Those whose pictures are whole JPEGs: peers stop at broken ones."""

DECODE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from danqing.data.pixels import decode
with ThreadPoolExecutor(2) as pool:
    files = Path(sys.argv[1]).iterdir()
    for pixels in pool.map(lambda file: decode(file.read_bytes(), 256), files):
        assert not isinstance(pixels, str), pixels
"""

FILL = """
import sys
from pathlib import Path
from danqing.core.config import load
from danqing.data.run import Recipe, fill
fill(load(Recipe, Path(sys.argv[1]), sys.argv[2:]), lambda what, done, total: None)
"""

CLEANVISION = """
import sys
from cleanvision import Imagelab
checks = ("light", "dark", "blurry", "low_information", "grayscale")
Imagelab(sys.argv[1]).find_issues({name: {} for name in checks}, n_jobs=2)
"""

DATA_JUICER = """
dataset_path: {work}/pictures.jsonl
export_path: {work}/out/pictures.jsonl
np: 2
op_fusion: true
fusion_strategy: greedy
process:
  - image_size_filter: {{min_size: 10kb, max_size: 50mb}}
  - image_shape_filter: {{min_width: 256, min_height: 256}}
  - image_aspect_ratio_filter: {{min_ratio: 0.333, max_ratio: 3.0}}
  - image_deduplicator: {{method: phash}}
"""

Prepare = Callable[[Path, Path], Sequence[object]]
"""Given a folder of pictures and an empty one to work in, returns the command to time."""


def main(
    *,
    pictures: int = 1000,
    few: int = 250,
    side: int = 1024,
    repeats: int = 3,
    folder: Path | None = None,
    data_juicer: Path | None = None,
    cleanvision: Path | None = None,
) -> None:
    """Print pictures a second and the peak of memory of everyone.

    Args:
        pictures: JPEG files, half of them sound and a fifth copies of others.
        few: Files of a smaller set; the difference between both is work without start-up.
        side: Pixels of the shorter side of a sound picture.
        repeats: Times that all run in turns; medians count.
        folder: Where the files are, or are to stay; made and thrown away when not given.
        data_juicer: The Python that data-juicer is installed for.
        cleanvision: The Python that cleanvision is installed for.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    print(surroundings(2))
    contenders: dict[str, Prepare] = {
        "bare decode": lambda files, work: [sys.executable, "-c", DECODE, files],
        "danqing": _danqing,
        "danqing, pictures in": _danqing_again,
    }
    peers: dict[str, tuple[Path | None, Prepare]] = {
        "py-data-juicer": (data_juicer, partial(_data_juicer, data_juicer)),
        "cleanvision": (cleanvision, partial(_cleanvision, cleanvision)),
    }
    for name, (python, prepare) in peers.items():
        if python is None:
            print(f"{name} is left out: its Python was not named")
        else:
            print(f"{name} {_version(python, name)}")
            contenders[name] = prepare
    with tempfile.TemporaryDirectory() as temporary:
        all_of_them = _pictures(folder or Path(temporary, "all"), pictures, side)
        files = sorted(all_of_them.iterdir())
        some = Path(temporary, "some")
        some.mkdir()
        for file in files[:: len(files) // few][:few]:
            shutil.copy(file, some)
        size = sum(file.stat().st_size for file in files) / len(files)
        print(f"{len(files)} JPEGs of {size / 1e3:.0f} kB on average, and {few} of them\n")
        sets = (all_of_them, some)
        runs = {(name, where): list[Taken]() for name in contenders for where in sets}
        for _ in range(repeats):
            for (name, where), taken in runs.items():
                taken.append(_timed(contenders[name], where))
    seconds, cpu = (
        {key: statistics.median(one[column] for one in taken) for key, taken in runs.items()}
        for column in (0, 1)
    )
    print(
        f"{'':<22}{'seconds':>9}{'pictures/s':>12}{'without start':>15}{'core-ms each':>14}"
        f"{'peak GB':>9}"
    )
    each: dict[str, float] = {}
    for name in contenders:
        (whole, part), (work, less) = ([found[name, s] for s in sets] for found in (seconds, cpu))
        each[name] = (whole - part) / (len(files) - few)
        peak = max(one.peak for one in runs[name, all_of_them])
        print(
            f"{name:<22}{whole:>9.1f}{len(files) / whole:>12.1f}{1 / each[name]:>15.1f}"
            f"{1e3 * (work - less) / (len(files) - few):>14.2f}{peak / 1e9:>9.2f}"
        )
    rivals = [name for name in peers if name in contenders]
    for name in ("danqing", "danqing, pictures in"):
        print(f"\n{name}, without start: {each[name] / each['bare decode']:.2f} of bare decode")
        if rivals:
            together = sum(each[rival] for rival in rivals)
            whole = sum(seconds[rival, all_of_them] for rival in rivals)
            print(
                f"{' + '.join(rivals)} take {together / each[name]:.1f} times as long, "
                f"{whole / seconds[name, all_of_them]:.1f} with start"
            )


def _pictures(folder: Path, count: int, side: int) -> Path:
    """Fill a folder with pictures, unless it has some."""
    if not folder.is_dir() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(2) as pool:
            for _ in pool.map(partial(_picture, folder, count, side), range(count), chunksize=8):
                pass
    return folder


def _picture(folder: Path, count: int, side: int, row: int) -> None:
    kinds = [name for name, plant in PLANTS.items() if plant.filter in FAULTS]
    name = "sound-jpeg" if row < count // 2 else kinds[row % len(kinds)]
    record = Planted(rows=count, side=side).record(row, name)
    (folder / f"{row:06d}.jpg").write_bytes(record.image)


def _danqing(files: Path, work: Path) -> Sequence[object]:
    command = [sys.executable, "-m", "danqing", "filter", "run", RECIPE]
    return [*command, "--set", f"corpus={work}/corpus", f"sources.mine.path={files}"]


def _danqing_again(files: Path, work: Path) -> Sequence[object]:
    command = _danqing(files, work)
    settings = command[command.index("--set") + 1 :]
    subprocess.run([sys.executable, "-c", FILL, RECIPE, *settings], check=True)
    return command


def _data_juicer(python: Path | None, files: Path, work: Path) -> Sequence[object]:
    lines = (json.dumps({"text": "", "images": [str(file)]}) for file in sorted(files.iterdir()))
    (work / "pictures.jsonl").write_text("\n".join(lines))
    config = work / "recipe.yaml"
    config.write_text(DATA_JUICER.format(work=work))
    return [python, "-m", "data_juicer.tools.process_data", "--config", config]


def _cleanvision(python: Path | None, files: Path, work: Path) -> Sequence[object]:
    return [python, "-c", CLEANVISION, files]


def _timed(prepare: Prepare, files: Path) -> Taken:
    with tempfile.TemporaryDirectory() as temporary:
        # Nobody finds what an earlier run has left, or looks for it on the network.
        caches = ("HF_DATASETS_CACHE", "DATA_JUICER_CACHE_HOME")
        fresh = {name: f"{temporary}/{name}" for name in caches}
        return watch(prepare(files, Path(temporary)), fresh | {"HF_HUB_OFFLINE": "1"})


def _version(python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    tyro.cli(main)
