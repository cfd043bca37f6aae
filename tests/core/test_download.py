from pathlib import Path

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import constants, errors

from danqing.core import download
from danqing.core.download import available, resolve
from danqing.core.errors import DownloadError, ModelNotFound, StorageError


@pytest.fixture
def hub(monkeypatch):
    """Let the hub answer with an error, or with a folder."""

    def answer(outcome: Exception | str) -> list[object]:
        asked: list[object] = []

        def snapshot_download(name: str, **settings: object) -> str:
            asked.append((name, settings))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return asked

    return answer


def refused(kind: type[errors.HfHubHTTPError], status: int) -> errors.HfHubHTTPError:
    request = httpx2.Request("GET", "http://localhost")
    return kind("the hub said no", response=httpx2.Response(status, request=request))


def test_an_embedded_name_is_a_folder_of_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(download.EMBEDDED, "danqing-nano", tmp_path)
    assert resolve("danqing-nano") == tmp_path


def test_a_folder_is_itself(tmp_path):
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path)) == tmp_path


def test_a_hub_name_is_fetched_with_what_was_asked(hub, tmp_path):
    asked = hub(str(tmp_path))
    assert resolve("Qwen/Qwen-Image", revision="main", allow=["*.json"]) == tmp_path
    assert asked == [("Qwen/Qwen-Image", {"revision": "main", "allow_patterns": ["*.json"]})]


def test_a_name_of_nothing_is_refused_with_a_guess():
    with pytest.raises(ModelNotFound, match=r"unknown model 'danqing-nono'\. Did you mean"):
        resolve("danqing-nono")
    with pytest.raises(ModelNotFound, match="unknown model '/no/such/folder'"):
        resolve("/no/such/folder")
    with pytest.raises(ModelNotFound):
        resolve(Path("Qwen/Qwen-Image-that-is-a-path"))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refused(errors.RepositoryNotFoundError, 404), ModelNotFound, "check the spelling"),
        (refused(errors.RevisionNotFoundError, 404), ModelNotFound, "leave it out"),
        (refused(errors.GatedRepoError, 403), DownloadError, "accept it at"),
        (errors.LocalEntryNotFoundError("x"), DownloadError, "connect to the network"),
        (errors.OfflineModeIsEnabled("x"), DownloadError, "run this again"),
        (OSError(28, "No space left on device"), StorageError, "the disk is full"),
    ],
)
def test_what_the_hub_refuses_is_one_line_with_the_fix(hub, answer, kind, words):
    hub(answer)
    with pytest.raises(kind, match=words) as refusal:
        resolve("Qwen/Qwen-Image", revision="main")
    assert "\n" not in str(refusal.value)


def test_without_a_network_and_a_copy_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DownloadError, match="connect to the network"):
        resolve("Qwen/Qwen-Image")


def test_without_a_network_a_copy_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--Qwen--Qwen-Image" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "model_index.json").write_text("{}")
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)

    assert resolve("Qwen/Qwen-Image") == snapshot
    assert available()["Qwen/Qwen-Image"] == snapshot
