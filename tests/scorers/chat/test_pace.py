"""No minute has more than its share, however hard anybody pushes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.scorers.chat.pace import Pace


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


pushes = st.lists(st.tuples(st.floats(0, 20), st.integers(1, 3000)), min_size=1, max_size=60)


@given(st.floats(0.5, 200), st.floats(100, 20_000), pushes)
def test_no_minute_has_more_than_its_share(requests, tokens, pushes):
    clock = Clock()
    pace = Pace(requests, tokens, clock)
    sent = []
    for later, amount in pushes:
        clock.now += later
        sent.append((clock.now + pace.book(amount), amount))
    assert [time for time, _ in sent] == sorted(time for time, _ in sent)
    for start, _ in sent:
        minute = [amount for time, amount in sent if start <= time < start + 60 - 1e-6]
        assert len(minute) <= max(1, -(-requests // 1))
        # The last one is let in while there is anything left.
        assert sum(minute[:-1]) <= tokens + 1e-3


def test_nobody_waits_longer_than_needed():
    clock = Clock()
    pace = Pace(60.0, 6000.0, clock)
    assert [pace.book(100) for _ in range(3)] == [0, 1, 2]
    assert pace.book(1000) == 3
    assert pace.book(1) == pytest.approx(13)
    clock.now += 100
    assert pace.book(1) == 0
    assert Pace(None, None, clock).book(10**9) == Pace(None, None, clock).book(1) == 0


def test_what_was_booked_too_much_is_given_back():
    clock = Clock()
    pace = Pace(None, 600.0, clock)
    pace.book(100)
    pace.correct(-50)
    assert pace.book(0) == pytest.approx(5)
    pace.correct(20)
    assert pace.book(0) == pytest.approx(7)


def test_a_pause_is_for_everybody_and_shortens_nothing():
    clock = Clock()
    pace = Pace(None, None, clock)
    pace.pause(7.0)
    pace.pause(3.0)
    assert pace.book(1) == pytest.approx(7)
