"""What verbs need that paint."""

import pytest

from danqing.pipelines.save import save
from danqing.testing import toy


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "toy"
    save(toy(), folder)
    return str(folder)


@pytest.fixture(scope="session")
def editor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "editor"
    save(toy(edits=True), folder)
    return str(folder)


@pytest.fixture(autouse=True)
def _logs(logs_as_before):
    """Every test here calls `main`."""
