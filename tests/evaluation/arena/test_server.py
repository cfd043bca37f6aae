"""What the server lets in, and what it lets out."""

import hashlib
import http.client
import json
import socket
import time
from io import BytesIO

import pytest
from PIL import Image

from danqing.core.errors import RequestError
from danqing.evaluation.arena.limits import Buckets
from danqing.evaluation.arena.server import ArenaServer, Rules

from .conftest import MODELS
from .wire import Wire


class Visitor:
    """A browser without a screen."""

    def __init__(self, port):
        self.port, self.cookie, self.headers, self.own = port, None, None, {}

    def ask(self, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else json.dumps(body)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            self.headers = answer.headers
            if "Set-Cookie" in answer.headers:
                self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            data = answer.read()
        finally:
            connection.close()
        kind = answer.headers["Content-Type"]
        return answer.status, json.loads(data) if kind.startswith("application/json") else data

    def join(self, **body):
        assert self.ask("/join", body)[0] == 200
        return self

    def pair(self):
        status, told = self.ask("/pair")
        assert status == 200
        return told

    def vote(self, pair, choice, reasons=()):
        return self.ask("/vote", {"pair": pair["pair"], "choice": choice, "reasons": list(reasons)})


def secrets_of(store):
    """Everything that would tell a voter who painted a picture."""
    found = {"gold", "ruined", "contestant", str(store.folder)}
    for model in MODELS:
        found |= {model, model.upper(), hashlib.sha256(model.encode()).hexdigest(), "c0ffee"}
    for row in store.rows("SELECT sha256 FROM pictures"):
        found.add(row["sha256"])
    for file in store.folder.parent.rglob("*.png"):
        found |= {file.name, file.stem, hashlib.sha256(file.read_bytes()).hexdigest()}
    return {secret.encode() for secret in found}


def assert_blind(sent, store):
    for secret in secrets_of(store):
        for spelled in (secret, secret[:16], secret.hex().encode()):
            assert spelled not in sent or len(spelled) < 4


def test_not_a_byte_of_a_whole_session_says_who_painted_what(serve, store):
    wire = Wire(serve(gold=0.3, rate=1e4).server_port)
    visitor = Visitor(wire.port)
    for path in ("/", "/arena.js", "/arena.css", "/favicon.ico", "/pair", "/arena.sqlite"):
        visitor.ask(path)
    visitor.join()
    keys, tokens, votes = set(), set(), 0
    while not (pair := visitor.pair())["finished"]:
        keys |= set(pair)
        tokens |= {pair["a"], pair["b"], pair["pair"]}
        for side in "ab":
            status, data = visitor.ask("/" + pair[side])
            assert status == 200
            with Image.open(BytesIO(data)) as image:
                assert image.info == {}
        assert visitor.vote(pair, "a", ["text"]) == (200, {"counted": True})
        visitor.vote({"pair": "other"}, "a")
        visitor.ask("/" + pair["a"])
        votes += 1
    wire.close()
    assert keys == {"finished", "done", "pair", "prompt", "a", "b", "minimum", "reasons"}
    assert votes == len(store.votes()) > 30
    assert len(tokens) == 3 * votes
    sent = wire.sent
    assert sent.count(b"HTTP/1.1 200") > 3 * votes
    assert b"thing number 3" in sent
    assert_blind(sent, store)


def test_the_search_for_secrets_can_find_one(store):
    with pytest.raises(AssertionError):
        assert_blind(b"... marzipan-turbo ...", store)


def test_a_reload_keeps_pair_and_sides_and_a_vote_counts_once(serve, store):
    visitor = Visitor(serve().server_port).join()
    pair = visitor.pair()
    assert visitor.pair() == pair
    again = Visitor(visitor.port)
    again.cookie = visitor.cookie
    assert again.pair() == pair
    assert visitor.vote(pair, "tie") == (200, {"counted": True})
    assert visitor.vote(pair, "tie") == (200, {"counted": False})
    assert again.vote(pair, "a") == (200, {"counted": False})
    assert [cast.choice for cast in store.votes()] == ["tie"]
    assert visitor.pair()["done"] == 1


def test_a_restart_of_the_server_loses_nothing(serve):
    first = Visitor(serve().server_port).join()
    pair = first.pair()
    second = Visitor(serve().server_port)
    second.cookie = first.cookie.replace(str(first.port), str(second.port))
    assert second.pair() == pair


def test_pictures_are_for_their_voter_while_the_pair_is_open(serve):
    visitor = Visitor(serve().server_port).join()
    stranger = Visitor(visitor.port).join()
    pair = visitor.pair()
    stranger.pair()
    assert stranger.ask("/" + pair["a"])[0] == 404
    assert Visitor(visitor.port).ask("/" + pair["a"])[0] == 401
    assert stranger.vote(pair, "a") == (200, {"counted": False})
    assert visitor.ask("/" + pair["a"])[0] == 200
    visitor.vote(pair, "b")
    assert visitor.ask("/" + pair["a"])[0] == 404
    assert visitor.ask("/picture/../arena.sqlite")[0] == 404


def test_nobody_votes_before_having_looked(serve, store):
    visitor = Visitor(serve(minimum=0.4).server_port).join()
    pair = visitor.pair()
    assert visitor.vote(pair, "a")[0] == 425
    assert store.votes() == []
    time.sleep(0.5)
    assert visitor.vote(pair, "a") == (200, {"counted": True})


def test_every_answer_carries_a_policy_and_nothing_else_of_ours(serve):
    visitor = Visitor(serve().server_port).join()
    assert "HttpOnly; SameSite=Strict" in visitor.headers["Set-Cookie"]
    for path in ("/", "/arena.js", "/pair", "/nothing"):
        visitor.ask(path)
        assert "default-src 'none'" in visitor.headers["Content-Security-Policy"]
        assert "unsafe" not in visitor.headers["Content-Security-Policy"]
        assert visitor.headers["Cache-Control"] == "no-store"
        assert visitor.headers["X-Content-Type-Options"] == "nosniff"
        assert visitor.headers["Server"] == "danqing"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * 5000, {}, 413),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"[" * 4000, {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Length": "-1"}, 411),
        ({"pair": "x", "choice": "c", "reasons": []}, {}, 400),
        ({"pair": "x", "choice": ["a"], "reasons": []}, {}, 400),
        ({"pair": "\ud800", "choice": "a", "reasons": []}, {}, 400),
        ({"pair": "x", "choice": "a", "reasons": [{}]}, {}, 400),
        ({"pair": "x", "choice": "a", "reasons": ["marzipan"]}, {}, 400),
        ({"pair": "x", "choice": "a", "reasons": []}, {"Origin": "http://elsewhere.test"}, 403),
        ({"pair": "x", "choice": "a", "reasons": []}, {"Host": "elsewhere.test"}, 403),
        ({"pair": "x", "choice": "a", "reasons": []}, {"Cookie": "voter-1=;;=@"}, 401),
    ],
)
def test_what_is_no_vote_is_refused_in_one_line(serve, store, body, headers, status):
    visitor = Visitor(serve().server_port).join()
    if "Cookie" in headers:
        visitor.cookie = headers["Cookie"]
    told, answer = visitor.ask("/vote", body, **headers)
    assert told == status
    assert set(answer) == {"error"}
    assert store.votes() == []
    assert Visitor(visitor.port).join().pair()["done"] == 0


def test_rubbish_on_the_wire_is_answered_and_the_next_visitor_served(serve):
    server = serve()
    for rubbish in (b"\x16\x03\x01\x02\x00\r\n\r\n", b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as wire:
            wire.sendall(rubbish)
            assert b"error" in wire.makefile("rb").read()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as wire:
        wire.sendall(b"POST /vote HTTP/1.1\r\nContent-Le")
    assert Visitor(server.server_port).join().pair()["done"] == 0


def test_a_key_is_asked_for_at_the_door_and_cannot_be_tried_for_long(serve):
    visitor = Visitor(serve(key="丹青 and a half").server_port)
    assert visitor.ask("/join", {})[0] == 403
    assert visitor.ask("/join", {"key": "\ud800"})[0] == 403
    assert visitor.ask("/pair")[0] == 401
    tries = [visitor.ask("/join", {"key": str(i)})[0] for i in range(40)]
    assert tries[-1] == 429
    other = Visitor(serve(key="丹青 and a half").server_port)
    assert other.join(key="丹青 and a half").pair()["done"] == 0


def test_a_flood_is_stopped_and_only_for_its_address(serve):
    visitor = Visitor(serve(rate=2.0).server_port)
    told = [visitor.ask("/")[0] for _ in range(14)]
    assert told[:8] == [200] * 8
    assert 429 in told
    now = [0.0]
    buckets = Buckets(2.0, 4.0, lambda: now[0])
    assert [buckets.allow("a") for _ in range(6)] == [True] * 4 + [False] * 2
    assert buckets.allow("b")
    now[0] = 1.0
    assert [buckets.allow("a") for _ in range(3)] == [True, True, False]


def test_more_connections_than_there_is_room_for_are_dropped_and_later_ones_served(serve):
    server = serve()
    idle = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(140)]
    time.sleep(0.3)
    dropped = 0
    for wire in idle:
        wire.settimeout(0.01)
        try:
            dropped += wire.recv(1) == b""
        except TimeoutError:
            pass
        except ConnectionError:
            dropped += 1
    for wire in idle:
        wire.close()
    assert dropped == 12
    time.sleep(0.3)
    assert Visitor(server.server_port).join().pair()["done"] == 0


def test_places_and_rules_that_cannot_be_are_refused_in_one_line(store, serve):
    busy = serve().server_port
    for host, port, rules, said in (
        ("127.0.0.1", busy, Rules(), "host and port must be a free place"),
        ("127.0.0.1", 99999, Rules(), "host and port must be a free place"),
        ("no such host.invalid", 0, Rules(), "host and port must be a free place"),
        ("127.0.0.1", 0, Rules(gold=0.9), "gold must be from 0 to 0.5, got 0.9"),
        ("127.0.0.1", 0, Rules(minimum=-1.0), "minimum must be from 0 to 60 s, got -1.0"),
    ):
        with pytest.raises(RequestError, match=said):
            ArenaServer(store, host, port, rules)


def test_the_key_travels_behind_the_hash_of_the_link(serve):
    server = serve(key="open sesame")
    assert server.link == f"http://127.0.0.1:{server.server_port}/#key=open%20sesame"
