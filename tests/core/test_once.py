"""A value is computed once, and threads do not wait for each other's instances."""

import threading

from danqing.core.once import once


class Thing:
    """Counts how often it was asked."""

    def __init__(self, meet=None):
        self.asked, self.meet = 0, meet

    @once
    def value(self):
        """What it is worth."""
        self.asked += 1
        if self.meet is not None:
            self.meet.wait(10)
        return object()


def test_a_value_is_computed_once():
    thing = Thing()
    assert thing.value is thing.value
    assert thing.asked == 1
    assert Thing.value.__doc__ == "What it is worth."


def test_two_instances_are_computed_at_once():
    meet = threading.Barrier(2)
    threads = [threading.Thread(target=lambda: Thing(meet).value) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meet.broken
