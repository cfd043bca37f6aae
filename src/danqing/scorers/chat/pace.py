"""How often an endpoint may be asked."""

import threading
import time
from collections.abc import Callable


class Pace:
    """A token bucket that holds a single question: no bursts, so no minute has more than its share.

    Both limits are kept at once. Nothing sleeps here: `book` says how long to wait.
    """

    def __init__(
        self,
        requests: float | None,
        tokens: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the limits.

        Args:
            requests: Requests a minute; None: any number.
            tokens: Tokens a minute; None: any number.
            clock: Seconds since whenever.
        """
        self._per_request = 60 / requests if requests else 0.0
        self._per_token = 60 / tokens if tokens else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next_request = self._next_token = clock()

    def book(self, tokens: int) -> float:
        """Take the next place and return the seconds until it comes."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_request, self._next_token)
            self._next_request = start + self._per_request
            self._next_token = start + tokens * self._per_token
            return start - now

    def correct(self, tokens: int) -> None:
        """Say how many tokens more than booked there were; a negative number: fewer."""
        with self._lock:
            self._next_token += tokens * self._per_token

    def pause(self, seconds: float) -> None:
        """Give no place for a while: the other side has said that it is too much."""
        with self._lock:
            until = self._clock() + seconds
            self._next_request = max(self._next_request, until)
            self._next_token = max(self._next_token, until)
