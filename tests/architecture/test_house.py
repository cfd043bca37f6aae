"""The rules of the house, each checked."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "danqing"
MODULES = sorted(SOURCE.rglob("*.py"))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT / "src"), *filter(None, sys.path)])
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True
    )


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--no-cache"),
        ("ruff", "format", "--check", "--no-cache"),
        ("lint-imports", "--no-cache"),
        ("basedpyright", "--pythonpath", sys.executable),
    ],
    ids=["lint", "format", "import direction", "types"],
)
def test_the_tools_have_nothing_to_say(command):
    told = run(tool(command[0]), *command[1:])
    assert told.returncode == 0, told.stdout + told.stderr


def test_a_wrong_import_would_be_reported(tmp_path):
    """The contract above can fail: it does on a house with one import upwards."""
    for room in ("cli", "core"):
        (tmp_path / "danqing" / room).mkdir(parents=True)
        (tmp_path / "danqing" / room / "__init__.py").touch()
    (tmp_path / "danqing" / "__init__.py").touch()
    (tmp_path / "danqing" / "core" / "__init__.py").write_text("import danqing.cli\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = danqing\n"
        "[importlinter:contract:floors]\nname = floors\ntype = layers\n"
        "layers =\n  danqing.cli\n  danqing.core\n"
    )
    told = subprocess.run(
        [tool("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "danqing.core -> danqing.cli" in told.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_has_one_idea_a_docstring_that_says_it_and_at_most_400_lines(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 400


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.name == "__init__.py"],
    ids=lambda path: path.parent.name,
)
def test_a_package_exports_what_it_imports_and_nothing_else(path):
    _docstring, *statements = ast.parse(path.read_text(encoding="utf-8")).body
    offered: set[str] = set()
    exported: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            offered |= {name.asname or name.name for name in statement.names}
            continue
        assert isinstance(statement, ast.Assign), "packages import and name, no more"
        name, value = ast.unparse(statement.targets[0]), ast.literal_eval(statement.value)
        if name == "__all__":
            exported = value
        else:
            offered.add(name)
    assert set(exported) == offered


QUIET = """
import importlib, logging, os, sys
import torch, transformers, PIL.Image

def state():
    return {
        **{f"${name}": value for name, value in os.environ.items()},
        "seed": torch.initial_seed(),
        "threads": torch.get_num_threads(),
        "files": sorted(os.listdir()),
        "handlers": logging.getLogger().handlers + logging.getLogger("danqing").handlers,
    }

for name in sys.argv[1:]:
    before = state()
    importlib.import_module(name)
    after = state()
    changed = sorted(key for key in before | after if before.get(key) != after.get(key))
    assert not changed, f"importing {name} changes {changed}"
"""


def test_importing_does_nothing_but_define(tmp_path):
    names = [
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        if path.name != "__main__.py"
    ]
    paths = os.pathsep.join([str(ROOT / "src"), *filter(None, sys.path)])
    told = subprocess.run(
        [sys.executable, "-c", QUIET, *names],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr


def test_every_module_is_tested_by_a_folder_of_the_same_room():
    rooms = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()}
    assert {room for room in rooms if not (ROOT / "tests" / room).is_dir()} == set()
