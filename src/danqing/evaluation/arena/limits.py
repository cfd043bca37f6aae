"""How often one address may ask."""

import threading
import time
from collections.abc import Callable


class Buckets:
    """A token bucket for each address: bursts are fine, a flood is not."""

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the limits.

        Args:
            rate: Requests a second that may go on for ever.
            burst: Requests that may come at once.
            clock: Seconds since whenever.
        """
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}
        """For each address what was left in its bucket, and when."""

    def allow(self, address: str) -> bool:
        """Return whether an address may ask now, and count it."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(address, (self._burst, now))
            left = min(self._burst, left + (now - since) * self._rate)
            self._left[address] = (left - (left >= 1), now)
            if len(self._left) > 10_000:
                self._forget(now)
            return left >= 1

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again: a new one would say the same."""
        full = self._burst / self._rate
        self._left = {who: held for who, held in self._left.items() if now - held[1] < full}
