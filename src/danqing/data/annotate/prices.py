"""What annotation costs."""

from dataclasses import dataclass

from danqing.core.errors import RecipeError


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """What tokens cost."""

    input: float
    """Currency for a million tokens that are read, pictures included."""
    output: float
    """Currency for a million tokens that are written."""
    budget: float | None = None
    """Currency for all annotation of a corpus, over all runs; None: no bound.

    When it is spent no more questions are asked, so it is exceeded by no more than what was being
    answered at that moment.
    """

    def __post_init__(self) -> None:
        if min(self.input, self.output, self.budget or 0.0) < 0:
            raise RecipeError(f"prices must be at least 0, got {self}.")
        if self.budget is not None and not self.input + self.output > 0:
            raise RecipeError(
                "a budget must have prices above 0, got 0; look them up at the endpoint's maker."
            )

    def cost(self, read: int, written: int) -> float:
        """Return what so many tokens cost."""
        return (self.input * read + self.output * written) / 1e6
