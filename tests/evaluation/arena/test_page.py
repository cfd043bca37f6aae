"""The page as people use it: a real browser, real keys, reloads at the worst moments."""

import os

import pytest

from danqing.evaluation.arena.board import votes_of
from danqing.evaluation.arena.pairs import next_pair
from danqing.evaluation.arena.ratings import rate

from .browser import Browser
from .conftest import MODELS
from .test_server import assert_blind
from .wire import Wire

READY = "document.querySelectorAll('nav button:enabled').length === 4"
STATE = "[pair.pair, $('prompt').innerText, a.src, b.src, [...reasons]]"
CHOICE = {"Left": "a", "Right": "b", "Down": "tie", "Up": "bad"} | dict(
    zip("1234", ("a", "b", "tie", "bad"), strict=True)
)


@pytest.fixture
def browser():
    if (reason := Browser.missing()) is not None:
        pytest.skip(reason)
    with Browser() as tab:
        yield tab


def votes_shown(browser):
    return int(browser.run("progress.innerText").split()[0])


def test_thirty_votes_are_cast_with_reloads_in_between_and_nothing_is_lost(browser, serve, store):
    wire = Wire(serve(gold=0.2, minimum=0.1).server_port)
    browser.open(f"http://127.0.0.1:{wire.port}/")
    meant, pages = {}, ""
    for number in range(30):
        browser.wait(READY)
        assert votes_shown(browser) == number
        state = browser.run(STATE)
        if number % 6 == 2:
            browser.run("document.querySelector('#reasons button').click()")
            state = browser.run(STATE)
            assert state[4] == ["follows the prompt"]
        if number % 3 == 0 or number % 6 == 2:
            browser.reload()  # before the vote
            browser.wait(READY)
            assert browser.run(STATE) == state
        token = state[0]
        assert token not in meant
        key = [*CHOICE][number % len(CHOICE)]
        meant[token] = CHOICE[key]
        if number % 10 == 5:
            browser.run(f"document.querySelector('[data-choice={CHOICE[key]}]').click()")
        else:
            browser.press(key)
            browser.press(key)  # a nervous finger
        if number % 5 == 4:
            browser.reload()  # while the vote is on its way
            browser.wait(READY)
            if browser.run(STATE)[0] == token:  # it did not get there: the same pair, once more
                browser.press(key)
        pages += browser.run("document.documentElement.outerHTML")
        browser.wait(f"parseInt(progress.innerText) === {number + 1}")
    browser.wait(READY)
    if folder := os.environ.get("DANQING_SCREENSHOTS"):
        browser.picture(f"{folder}/arena.png")
    assert browser.complaints() == []
    wire.close()

    tokens = store.rows("SELECT token, choice FROM pairs WHERE choice IS NOT NULL ORDER BY id")
    assert {row["token"]: row["choice"] for row in tokens} == meant
    votes = store.votes()
    assert len(votes) == 30
    assert sum("follows the prompt" in cast.reasons for cast in votes) == 5
    rated = rate(votes_of(votes), MODELS, resamples=100)
    assert {row.name for row in rated.rows} == set(MODELS)
    assert rated.votes == sum(cast.gold is None for cast in votes)
    assert_blind(wire.sent, store)
    assert_blind(pages.encode(), store)


def test_an_arena_with_a_key_opens_by_its_link_and_by_hand(browser, serve):
    server = serve(key="half past ten")
    browser.open(server.link)
    browser.wait(READY)
    assert "half" not in browser.run("location.href")
    other = serve(key="half past ten")
    browser.open(f"http://127.0.0.1:{other.server_port}/")
    browser.wait("!door.hidden")
    browser.run("(key.value = 'wrong', door.requestSubmit())")
    browser.wait("notice.innerText === 'That is not the key.'")
    browser.run("(key.value = 'half past ten', door.requestSubmit())")
    browser.wait(READY)


def test_the_page_goes_on_when_the_server_was_away_and_says_when_all_is_seen(browser, serve, store):
    server = serve(gold=0.0, rate=1e4)
    browser.open(server.link)
    browser.wait(READY)
    browser.run("(window.real = fetch, window.fetch = () => Promise.reject(new Error('gone')), 0)")
    browser.press("Left")
    browser.wait("notice.innerText.startsWith('gone')")
    browser.run("(window.fetch = window.real, 0)")
    browser.wait(READY)
    assert store.votes() == []
    browser.press("Left")
    browser.wait("progress.innerText === '1 vote'")
    voter = store.rows("SELECT id FROM voters")[0]["id"]
    browser.wait(READY)
    while pair := next_pair(store, voter, gold=0.0):
        store.vote(voter, pair.token, "b")
    browser.reload()
    browser.wait("$('prompt').innerText.startsWith('You have seen every pair')")
    assert browser.run("choices.hidden && document.getElementById('pair').hidden")
