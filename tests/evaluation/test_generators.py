"""Whoever paints, a picture comes back for each seed, or one line that says why not."""

import base64
import io
import json
import re
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from danqing.core.errors import RecipeError, SourceError, UnknownName
from danqing.evaluation.benchmark import Ask
from danqing.evaluation.generators import Command, Folder, ImagesEndpoint, Model
from danqing.evaluation.recipe import compare, read

ASK = Ask(id="7", prompt="a {seed} of 'red' $HOME", category="all", seeds=(3, 4))
WRITE = (
    "import sys; from PIL import Image; "
    "Image.new('RGB', (len(sys.argv[1]), int(sys.argv[2])), 'red').save(sys.argv[3])"
)


def command(code=WRITE, **settings):
    run = f'"{sys.executable}" -c "{code}" {{prompt}} {{seed}} {{out}}'
    return Command(run=run, called="ours", **settings)


def test_a_command_gets_the_prompt_as_it_is_and_paints_every_seed():
    first, second = command().paint(ASK)
    assert first.size == (len(ASK.prompt), 3)
    assert second.size == (len(ASK.prompt), 4)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no lamp')", r"ended with 1 \(no lamp\)"),
        ("pass", "wrote no picture"),
        ("import sys; open(sys.argv[3], 'w').write('x')", "it is no picture"),
        ("import time; time.sleep(9)", "failed"),
    ],
)
def test_a_command_that_fails_is_a_picture_that_is_missing(code, said):
    (why, _) = command(code, timeout=3.0).paint(ASK)
    assert re.search(said, why)


def test_a_command_needs_to_know_what_and_where():
    with pytest.raises(RecipeError, match=r"must have \{prompt\} and"):
        Command(run="sd {prompt}", called="sd")


class Api(BaseHTTPRequestHandler):
    """An images API that is good for one picture."""

    asked: ClassVar[list[dict]] = []
    reply: ClassVar[bytes | None] = None
    status: ClassVar[int] = 200

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body | {"key": self.headers.get("Authorization")})
        buffer = io.BytesIO()
        Image.new("RGB", (4, 4), "blue").save(buffer, "PNG")
        picture = {"data": [{"b64_json": base64.b64encode(buffer.getvalue()).decode()}]}
        data = self.reply or json.dumps(picture).encode()
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", self.path)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def api():
    Api.asked.clear()
    Api.reply, Api.status = None, 200
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/images/generations"
    server.shutdown()
    server.server_close()


def test_an_endpoint_is_asked_once_a_seed(api, monkeypatch):
    monkeypatch.setenv("OUR_KEY", "secret")
    made = ImagesEndpoint(url=api, model="m", size="4x4", key="OUR_KEY").paint(ASK)
    assert [image.size for image in made] == [(4, 4)] * 2
    assert [body["seed"] for body in Api.asked] == [3, 4]
    assert Api.asked[0]["prompt"] == ASK.prompt
    assert Api.asked[0]["key"] == "Bearer secret"
    with pytest.raises(RecipeError, match="must hold the endpoint's key"):
        ImagesEndpoint(url=api, model="m", key="NO_KEY").paint(ASK)


@pytest.mark.parametrize(
    "reply", [b"no JSON", b'{"data": []}', b'{"data": [{"b64_json": "eA=="}]}']
)
def test_an_endpoint_that_answers_nonsense_is_a_picture_that_is_missing(api, reply):
    Api.reply = reply
    assert all(isinstance(why, str) for why in ImagesEndpoint(url=api, model="m").paint(ASK))


def test_a_key_goes_nowhere_but_to_the_endpoint(api, monkeypatch):
    monkeypatch.setenv("OUR_KEY", "secret")
    Api.status = 302
    made = ImagesEndpoint(url=api, model="m", key="OUR_KEY").paint(ASK)
    assert made == ["the endpoint answers 302"] * 2
    assert len(Api.asked) == 2
    with pytest.raises(RecipeError, match="url must be https where a key is sent"):
        ImagesEndpoint(url="http://example.org/v1/images/generations", model="m", key="OUR_KEY")


def test_finished_pictures_are_found_by_prompt_and_number(tmp_path):
    (tmp_path / "7").mkdir()
    Image.new("RGB", (5, 5)).save(tmp_path / "7/00001.png")
    first, second = Folder(path=tmp_path, called="theirs").paint(ASK)
    assert first == "00000.png is not there"
    assert second.size == (5, 5)
    with pytest.raises(SourceError, match="must exist"):
        Folder(path=tmp_path / "none", called="theirs").paint(ASK)


def test_a_target_is_a_model_or_a_file(tmp_path):
    job = read("danqing-nano", "in_domain", ["per_category=3"], {"steps": 4})
    assert job.generator == Model(model="danqing-nano", steps=4)
    assert job.benchmark.per_category == 3
    file = tmp_path / "other.toml"
    file.write_text('name = "folder"\npath = "/pictures"\n')
    with pytest.raises(RecipeError, match="called"):
        read(str(file), "in_domain", [], {})
    with pytest.raises(UnknownName, match="Did you mean 'in_domain'"):
        read("danqing-nano", "indomain", [], {})


def test_runs_that_ask_for_other_things_are_not_compared(tmp_path):
    with pytest.raises(RecipeError, match="must be folders that danqing evaluate wrote"):
        compare([tmp_path, tmp_path], tmp_path / "page.html")


def test_an_anchored_edit_keeps_the_bytes_that_its_vae_alone_has_changed(monkeypatch, tmp_path):
    """The model gives back what its VAE makes of the source, with a red square in it."""
    model = Model(anchored=True)
    source = Image.new("RGB", (256, 256), (186, 208, 234))
    source.paste((32, 148, 60), (20, 20, 90, 90))
    source.save(tmp_path / "source.png")
    worn = model.round_trip(source)
    worn.paste((214, 32, 38), (160, 160, 240, 240))
    monkeypatch.setattr(
        "danqing.evaluation.painter.painter", lambda *_, **__: lambda prompts, seeds: [worn]
    )
    ask = replace(ASK, seeds=(1,), sources=(tmp_path / "source.png",))
    (image,) = model.paint(ask)
    was, plain, now = (np.asarray(one).astype(int) for one in (source, worn, image))
    assert (now[:128] == was[:128]).all()
    assert (plain[:128] != was[:128]).any()
    assert (now[168:232, 168:232] == (214, 32, 38)).all()
    (left,) = replace(model, anchored=False).paint(ask)
    assert left is worn
    assert "anchored" not in Model().identity()
    assert model.identity()["anchored"] is True
