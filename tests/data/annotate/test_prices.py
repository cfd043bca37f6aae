"""What annotation costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.errors import RecipeError
from danqing.data.annotate.prices import Prices


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_cost_is_per_million(read, written):
    prices = Prices(input=2.0, output=8.0)
    assert prices.cost(read, written) == pytest.approx(read * 2e-6 + written * 8e-6)


def test_a_budget_without_prices_is_refused():
    with pytest.raises(RecipeError, match="prices above 0"):
        Prices(input=0.0, output=0.0, budget=5.0)
    with pytest.raises(RecipeError, match="at least 0"):
        Prices(input=-1.0, output=2.0)
