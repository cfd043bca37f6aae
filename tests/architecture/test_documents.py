"""What the documents say is so: commands, options, links, constraints, recipes."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from danqing.cli.main import GROUPS, VERBS

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def commands() -> list[str]:
    lines = {line for page in PAGES for text in blocks(page, "sh") for line in text.splitlines()}
    return sorted(filter(None, (line.partition("#")[0].strip() for line in lines)))


def test_there_are_commands_to_check():
    assert any(line.startswith("./danqing generate") for line in commands())
    assert "./test" in commands()


def known(verb: Callable[..., object]) -> set[str]:
    """Return the options of a verb, those in dataclasses that it takes among them."""
    names: set[str] = set()
    for name, hint in get_type_hints(verb).items():
        names |= {f.name for f in fields(hint)} if is_dataclass(hint) else {name}
    return names


@pytest.mark.parametrize("line", commands())
def test_a_command_in_the_documents_exists(line):
    program, *words = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    if program == "torchrun":
        words = words[words.index("danqing") + 1 :]
    else:
        assert (ROOT / program).stat().st_mode & 0o111
    if program == "./test":
        assert all((ROOT / word).exists() for word in words)
        return
    assert all((ROOT / word).exists() for word in words if word.startswith("recipes/"))
    options = {word.lstrip("-").replace("-", "_") for word in words if word.startswith("--")}
    if words[0] != "--help":
        verb = GROUPS[words[0]][words[1]] if words[0] in GROUPS else VERBS[words[0]]
        assert options <= known(verb) | {"help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere_and_python_is_python(page):
    for target in LINK.findall(BLOCK.sub("", page.read_text(encoding="utf-8"))):
        assert "://" in target or (page.parent / target).exists(), target
    for text in blocks(page, "python"):
        compile(text, str(page), "exec")


def test_every_page_is_in_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text()
    pages = {str(p.relative_to(ROOT / "docs")) for p in PAGES if ROOT / "docs" in p.parents}
    listed = (ROOT / "docs" / "decisions" / "index.md").read_text()
    decisions = {f"decisions/{name}" for name in re.findall(r"\((\d{4}-[\w-]+\.md)\)", listed)}
    assert pages - decisions == set(re.findall(r"[\w/-]+\.md", nav))


def test_the_site_builds_without_a_warning(tmp_path):
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "src").symlink_to(ROOT / "src")
    zensical = Path(sys.executable).parent / "zensical"
    told = subprocess.run(
        [zensical, "build", "--strict"], cwd=tmp_path, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "native_bf16" in (tmp_path / "site" / "reference" / "core.html").read_text()


def test_every_dependency_is_pinned_and_none_is_for_cuda():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {plain(line) for line in lines if not line.startswith("#")}
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    assert {plain(want) for want in wanted} - {"danqing"} <= pins
    assert not [pin for pin in pins if pin.startswith(("nvidia", "triton"))]
    assert not [line for line in lines if "+" in line]


def plain(requirement: str) -> str:
    """Return the name in a requirement, in the one spelling that indexes compare by."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


def test_the_wheel_holds_what_the_program_needs(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 60e6
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    needed = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
