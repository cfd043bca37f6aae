import tomllib

from hypothesis import given
from hypothesis import strategies as st

from danqing.core.toml import text

words = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | words
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(words, values, max_size=4))
def test_what_is_written_is_read_as_it_was(table):
    assert tomllib.loads(text(table)) == table


def test_tables_are_written_as_a_person_would():
    table = {"optimizer": {"lr": 1e-05, "betas": [0.9, 0.95]}, "steps": 10, "crops": [{"side": 1}]}
    assert text(table) == (
        "steps = 10\ncrops = [{side = 1}]\n\n[optimizer]\nlr = 1e-05\nbetas = [0.9, 0.95]\n"
    )
