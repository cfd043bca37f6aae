import subprocess
import sys
import time

import pytest

from danqing.cli import main as cli
from danqing.cli.main import GROUPS, VERBS, main
from danqing.core.errors import RequestError

HEAVY = ("torch", "transformers", "numpy", "PIL", "huggingface_hub", "safetensors", "tqdm")

PROBE = """
import sys
from danqing.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    assert not stop.code, stop.code
print("LOADED", *sys.modules)
"""


ALL = [
    (),
    *((verb,) for verb in VERBS),
    *((g, verb) for g, verbs in GROUPS.items() for verb in verbs),
]


@pytest.mark.parametrize("verb", ALL, ids=" ".join)
def test_help_answers_without_importing_anything_heavy(verb):
    # The jaxtyping hook of the test run would import torch here; a fresh process has none.
    start = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", PROBE, *verb, "--help"], capture_output=True, text=True, check=True
    )
    seconds = time.monotonic() - start
    assert told.stdout.startswith("usage: danqing")
    loaded = told.stdout.partition("LOADED")[2].split()
    assert "tyro" in loaded
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []
    assert seconds < 5  # 0.4 on an idle machine; this only catches a change of kind


def test_help_of_a_verb_is_its_docstring(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["info", "--help"])
    assert stop.value.code == 0
    assert "Print what made a picture, or what" in capsys.readouterr().out


@pytest.fixture
def verb(monkeypatch):
    """Let `danqing act` raise an error."""

    def raising(error: BaseException) -> None:
        def act() -> None:
            """Act."""
            raise error

        monkeypatch.setitem(cli.VERBS, "act", act)

    return raising


def test_a_users_mistake_is_one_line_and_exit_code_1(verb, capsys):
    verb(RequestError("steps must be from 1 to 1000, got 0; try 50."))
    with pytest.raises(SystemExit) as stop:
        main(["act"])
    assert stop.value.code == "danqing: steps must be from 1 to 1000, got 0; try 50."
    assert capsys.readouterr().out == ""


def test_ctrl_c_is_one_line_and_exit_code_130(verb, capsys):
    verb(KeyboardInterrupt())
    with pytest.raises(SystemExit) as stop:
        main(["act"])
    assert stop.value.code == 130
    assert capsys.readouterr().err.strip() == "danqing: stopped."


def test_a_mistake_of_ours_keeps_its_traceback(verb):
    verb(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        main(["act"])


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["info", "picture.png", "--jsn"])
    assert stop.value.code == 2
    assert "--jsn" in capsys.readouterr().err


def test_python_dash_m_is_the_same_program():
    told = subprocess.run(
        [sys.executable, "-m", "danqing", "info", "no-such.png"], capture_output=True, text=True
    )
    assert told.returncode == 1
    assert told.stderr.startswith("danqing: picture must be a file")
    assert told.stderr.count("\n") == 1
