"""Pictures come from folders, tars, parquet and the web; what is wrong is a trouble of its own."""

import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pytest

from danqing.core.errors import SourceError
from danqing.data.sources.folder import Folder
from danqing.data.sources.parquet import Parquet
from danqing.data.sources.planted import encode, scene
from danqing.data.sources.urls import Urls
from danqing.data.sources.webdataset import WebDataset

PICTURE = encode(scene(np.random.default_rng(0), 96))


def records(source):
    return {item.key: item.read() for item in source.items()}


def test_a_folder_gives_pictures_with_captions_beside_them(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    (tmp_path / "a.txt").write_text(" a hill \n")
    (tmp_path / "b/c.PNG").write_bytes(PICTURE)
    (tmp_path / "b/c.json").write_text('{"raw": "x", "recaption": "y", "other": 3}')
    (tmp_path / "notes.md").write_text("-")
    (tmp_path / ".hidden.jpg").write_bytes(PICTURE)
    found = records(Folder(path=tmp_path))
    assert list(found) == ["a.jpg", "b/c.PNG"]
    assert found["a.jpg"].raw == "a hill"
    assert (found["b/c.PNG"].raw, found["b/c.PNG"].recaption) == ("x", "y")
    assert records(Folder(path=tmp_path, origin="fused"))["a.jpg"].fused == "a hill"


@pytest.mark.parametrize("text", ["[1]", "{", '{"raw": 3}'])
def test_captions_that_are_none_are_a_trouble(tmp_path, text):
    (tmp_path / "a.jpg").write_bytes(PICTURE)
    (tmp_path / "a.json").write_text(text)
    assert records(Folder(path=tmp_path))["a.jpg"].trouble


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(PICTURE)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert not records(Folder(path=tmp_path / "in"))


@pytest.mark.parametrize("source", [Folder, WebDataset, Parquet, Urls])
def test_a_place_that_is_not_there_is_said(tmp_path, source):
    with pytest.raises(SourceError):
        list(source(path=tmp_path / "none").items())


def tar_of(path, files):
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_a_tar_gives_samples(tmp_path):
    tar_of(
        tmp_path / "0.tar",
        {
            "x/1.jpg": PICTURE,
            "x/1.txt": b"one",
            "x/2.json": b'{"fused": "two"}',
            "x/2.webp": PICTURE,
            "x/3.txt": b"no picture",
        },
    )
    found = list(records(WebDataset(path=tmp_path)).values())
    assert [r.image == PICTURE for r in found] == [True, True, False]
    assert (found[0].raw, found[1].fused) == ("one", "two")
    assert "no picture" in found[2].trouble


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_tar_that_ends_early_gives_what_it_has_and_one_trouble(tmp_path, share):
    whole = tar_of(tmp_path / "whole.tar", {f"{i}.jpg": PICTURE for i in range(40)})
    data = whole.read_bytes()
    whole.unlink()
    (tmp_path / "cut.tar").write_bytes(data[: int(len(data) * share)])
    found = list(records(WebDataset(path=tmp_path)).values())
    assert all(record.image == PICTURE for record in found[:-1])
    assert found[-1].trouble
    assert 1 < len(found) <= 40


@pytest.mark.parametrize("name", ["../../etc/a.jpg", "/etc/a.jpg", "a\nb.jpg", "x" * 300 + ".jpg"])
def test_hostile_names_are_a_trouble_and_shown_harmlessly(tmp_path, name):
    tar_of(tmp_path / "0.tar", {name: PICTURE})
    (record,) = records(WebDataset(path=tmp_path)).values()
    assert record.trouble
    assert record.name.isprintable()
    assert "/" not in record.name


def test_links_in_a_tar_are_a_trouble(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        member = tarfile.TarInfo("a.jpg")
        member.type = tarfile.SYMTYPE
        member.linkname = "/etc/passwd"
        tar.addfile(member)
    (record,) = records(WebDataset(path=tmp_path)).values()
    assert record.trouble


def test_parquet_gives_rows(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    images = [{"bytes": PICTURE, "path": "a/b.jpg"}, {"bytes": None, "path": "c.jpg"}]
    table = pa.table({"image": images, "text": ["one", None]})
    parquet.write_table(table, tmp_path / "0.parquet")
    found = list(records(Parquet(path=tmp_path, captions={"raw": "text"})).values())
    assert found[0].image == PICTURE
    assert (found[0].raw, found[0].name) == ("one", "b.jpg")
    assert found[1].trouble
    with pytest.raises(SourceError, match="caption"):
        list(Parquet(path=tmp_path).items())


class Web(BaseHTTPRequestHandler):
    """Answers by the path that is asked for."""

    asked: ClassVar[dict[str, int]] = {}

    def do_GET(self):
        times = self.asked[self.path] = self.asked.get(self.path, 0) + 1
        status = 200
        if self.path == "/flaky.jpg" and times < 3:
            status = 503
        elif self.path == "/gone.jpg":
            status = 404
        elif self.path == "/away.jpg":
            status = 302
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "file:///etc/passwd")
        self.end_headers()
        if status == 200:
            self.wfile.write(PICTURE * (50 if self.path == "/huge.jpg" else 1))

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    Web.asked = {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetched(tmp_path, lines, **settings):
    path = tmp_path / "list.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return list(records(Urls(path=path, **settings)).values())


def test_the_web_is_asked_again_where_that_may_help(tmp_path, web, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    lines = [{"url": f"{web}/{name}.jpg", "raw": name} for name in ("fine", "flaky", "gone")]
    fine, flaky, gone = fetched(tmp_path, lines, private=True)
    assert fine.image == flaky.image == PICTURE
    assert fine.raw == "fine"
    assert "404" in gone.trouble
    assert Web.asked == {"/fine.jpg": 1, "/flaky.jpg": 3, "/gone.jpg": 1}


def test_checksums_sizes_and_redirects_are_checked(tmp_path, web):
    right = hashlib.sha256(PICTURE).hexdigest()
    lines = [
        {"url": f"{web}/a.jpg", "sha256": right},
        {"url": f"{web}/a.jpg", "sha256": "0" * 64},
        {"url": f"{web}/huge.jpg"},
        {"url": f"{web}/away.jpg"},
        {"url": "file:///etc/passwd"},
        {"no": "url"},
    ]
    found = fetched(tmp_path, lines, private=True, largest=2 * len(PICTURE))
    assert [record.trouble is None for record in found] == [True] + [False] * 5


def test_private_addresses_are_not_asked(tmp_path, web):
    (record,) = fetched(tmp_path, [{"url": f"{web}/a.jpg"}])
    assert "private" in record.trouble
    assert not Web.asked
