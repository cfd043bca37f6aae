"""`danqing arena`, from pictures to a leaderboard."""

import csv
import http.client
import json
import signal
import subprocess
import sys
from dataclasses import dataclass

import pytest
from PIL import Image

from danqing.cli.main import main
from danqing.scorers.chat import Answer, chats

# A shell's background jobs ignore Ctrl-C, and so would what they start.
SERVE = """
import signal, sys
from danqing.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main(["arena", "serve", sys.argv[1], "--port=0", "--minimum=0", "--gold=0"])
"""


@pytest.fixture
def runs(tmp_path):
    """Two runs as NAME=FOLDER."""
    for shade, name in ((60, "one"), (160, "two")):
        folder = tmp_path / name
        folder.mkdir()
        lines = []
        for prompt in range(6):
            image = Image.new("RGB", (16, 16), (shade, 20 * prompt, 0))
            image.paste((255, 255, 255), (1, 1, 5, 5))
            image.save(folder / f"{prompt}.png")
            lines.append(json.dumps({"prompt": f"prompt {prompt}", "file": f"{prompt}.png"}))
        (folder / "items.jsonl").write_text("\n".join(lines))
    return [f"{name}={tmp_path / name}" for name in ("one", "two")]


def ask(port, path, body=None, cookie=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, data, headers)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer, told


def test_from_pictures_to_a_leaderboard(tmp_path, runs, capsys):
    arena = str(tmp_path / "arena")
    main(["arena", "import", arena, *runs])
    assert "one: 6 new pictures" in capsys.readouterr().out
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, arena],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    port = int(server.stdout.readline().strip().strip("/").rpartition(":")[2])
    answer, _ = ask(port, "/join", {})
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    for choice in ("a", "b", "tie", "bad", "a"):
        _, pair = ask(port, "/pair", cookie=cookie)
        vote = {"pair": pair["pair"], "choice": choice, "reasons": []}
        assert ask(port, "/vote", vote, cookie)[1] == {"counted": True}
    server.send_signal(signal.SIGINT)
    said, complaints = server.communicate(timeout=20)
    assert server.returncode == 0
    assert f"5 votes in {arena}" in said
    assert complaints == ""

    main(["arena", "export", arena, str(tmp_path / "votes.csv")])
    rows = list(csv.DictReader((tmp_path / "votes.csv").read_text().splitlines()))
    assert [row["choice"] for row in rows] == ["a", "b", "tie", "bad", "a"]
    main(["arena", "pairs", arena, str(tmp_path / "pairs")])
    assert "pairs.jsonl: 3 pairs" in capsys.readouterr().out
    main(["arena", "rate", arena, "--out", str(tmp_path / "board"), "--resamples", "50"])
    told = capsys.readouterr().out
    assert "one" in told
    assert "two" in told
    board = json.loads((tmp_path / "board" / "leaderboard.json").read_text())
    assert board["judge"] == "people"
    assert (tmp_path / "board" / "leaderboard.html").exists()
    assert (tmp_path / "board" / "leaderboard.csv").exists()


@chats.register("onlooker")
@dataclass(frozen=True, kw_only=True)
class Onlooker:
    """Always says the same word."""

    model: str = "onlooker-1"
    word: str = "A"

    @property
    def identity(self):
        return {"chat": self.model, "word": self.word}

    def ask(self, questions):
        for question in questions:
            yield Answer(question.key, self.word)


def test_a_model_votes_and_goes_on(tmp_path, runs, capsys):
    arena = str(tmp_path / "arena")
    main(["arena", "import", arena, *runs])
    capsys.readouterr()
    told = ["arena", "judge", arena, "--chat", "onlooker", "--gold", "0", "--count"]
    main([*told, "2", "--set", "word=bad"])
    assert "2 votes: 2 the same in both orders, 0 not (0 by the place alone), 0 without" in (
        capsys.readouterr().out
    )
    main([*told, "5"])
    assert "3 votes: 0 the same in both orders, 3 not (3 by the place" in capsys.readouterr().out
    (tmp_path / "chat.toml").write_text('name = "onlooker"\nword = "Hm."\n')
    told[4] = str(tmp_path / "chat.toml")
    main([*told, "1", "--name", "other"])
    assert "1 votes: 0 the same in both orders, 0 not (0 by the place alone), 1 without" in (
        capsys.readouterr().out
    )
    main(["arena", "export", arena, str(tmp_path / "votes.csv")])
    rows = list(csv.DictReader((tmp_path / "votes.csv").read_text().splitlines()))
    assert [(row["judge"], row["choice"]) for row in rows] == [
        *[("onlooker-1", "bad")] * 2, *[("onlooker-1", "tie")] * 3, ("other", "tie"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "{}/none"], "arena must be a folder with an arena.sqlite"),
        (["judge", "{}/none", "--chat", "onlooker"], "arena must be a folder with an arena.sqlite"),
        (["judge", "{}/none", "--chat", "onloker"], "Did you mean 'onlooker'?"),
        (["judge", "{}/none"], "no default: chat.url, chat.model"),
        (["rate", "{}/none"], "arena must be a folder with an arena.sqlite"),
        (["import", "{}/arena"], "runs must be at least one"),
        (["import", "{}/arena", "name={}/none"], "run must be NAME=FOLDER"),
        (["rate", "{}/none", "--resamples", "0"], "resamples must be at least 1"),
    ],
)
def test_mistakes_are_one_line(tmp_path, words, said):
    with pytest.raises(SystemExit) as stop:
        main(["arena", *(word.format(tmp_path) for word in words)])
    assert said in str(stop.value.code)
    assert "\n" not in str(stop.value.code)
