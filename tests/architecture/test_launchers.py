"""The two commands set themselves up; a stand-in for Python plays the machine."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON = """#!/bin/sh
case "$*" in
    *ensurepip*) exit "${NO_ENSUREPIP:-0}" ;;
    -c*) exit 0 ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
esac
echo "$*" >>"$LOG"
case "$*" in
    *"pip install"*" torch")
        if [ -n "$SLOW" ]; then exec sleep 30; fi
        exit "${NO_NETWORK:-0}" ;;
esac
"""


@pytest.fixture
def clone(tmp_path):
    """A copy of what the launchers need, in a folder whose name has a space."""
    folder = tmp_path / "a clone"
    (folder / "tools").mkdir(parents=True)
    for name in ("danqing", "test", "pyproject.toml", "constraints.txt", "tools/setup.sh"):
        shutil.copy(ROOT / name, folder / name)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return folder


def environment(clone: Path, **more: str) -> dict[str, str]:
    parent = clone.parent
    return os.environ | {"PYTHON": str(parent / "python"), "LOG": str(parent / "log")} | more


def launch(clone: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(clone / command[0]), *command[1:]],
        cwd=clone.parent,
        env=environment(clone, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )


def calls(clone: Path) -> list[str]:
    """What Python was asked since the last time this was read."""
    log = clone.parent / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


def test_the_first_call_sets_up_and_later_calls_only_run(clone):
    assert launch(clone, "danqing", "info", "a picture.png").returncode == 0
    environment, torch, package, run = calls(clone)
    assert environment.startswith("-m venv ")
    assert torch.endswith("--constraint constraints.txt torch")
    assert package.endswith("--editable .")
    assert run == "-P -m danqing info a picture.png"

    assert launch(clone, "danqing", "models").stderr == ""
    assert calls(clone) == ["-P -m danqing models"]


def test_the_developers_set_up_adds_to_the_users_and_serves_both(clone):
    launch(clone, "danqing")
    calls(clone)
    launch(clone, "test", "tests/core")
    assert [call.split()[-1] for call in calls(clone)] == ["torch", ".[dev]", "tests/core"]
    launch(clone, "danqing")
    assert calls(clone) == ["-P -m danqing"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_a_changed_dependency_is_installed(clone, changed):
    launch(clone, "danqing")
    calls(clone)
    with (clone / changed).open("a") as file:
        file.write("# changed\n")
    launch(clone, "danqing")
    assert [call.split()[-1] for call in calls(clone)] == ["torch", ".", "danqing"]


def test_a_moved_folder_is_set_up_again(clone):
    launch(clone, "danqing")
    calls(clone)
    moved = clone.rename(clone.parent / "moved")
    launch(moved, "danqing")
    assert [call.split()[-1] for call in calls(moved)] == ["torch", ".", "danqing"]


def test_a_killed_set_up_is_done_afresh(clone):
    process = subprocess.Popen(
        [str(clone / "danqing")],
        env=environment(clone, SLOW="1"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not any(line.endswith(" torch") for line in calls(clone)):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (clone / ".venv" / "rubbish").touch()

    assert launch(clone, "danqing").returncode == 0
    assert not (clone / ".venv" / "rubbish").exists()
    assert [call.split()[1] for call in calls(clone)] == ["venv", "pip", "pip", "-m"]


@pytest.mark.filterwarnings("ignore:lance is not fork-safe")  # the child becomes a shell at once
def test_a_stopped_set_up_stops_pip(clone):
    process = subprocess.Popen(
        [str(clone / "danqing")],
        env=environment(clone, SLOW="1"),
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not any(line.endswith(" torch") for line in calls(clone)):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)  # would wait for a surviving pip, which holds the pipe's end
    assert process.returncode == 130


def test_without_a_network_it_says_so_and_the_next_call_tries_again(clone):
    failed = launch(clone, "danqing", NO_NETWORK="1")
    assert failed.returncode == 1
    assert "2/3 PyTorch" in failed.stderr
    assert "failed" in failed.stderr.splitlines()[-1]
    assert launch(clone, "danqing").returncode == 0


def test_a_python_without_venv_is_told_what_to_install(clone):
    failed = launch(clone, "danqing", NO_ENSUREPIP="1")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].endswith("apt install python3-venv")
