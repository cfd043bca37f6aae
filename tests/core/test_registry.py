import pytest

from danqing.core.errors import UnknownName
from danqing.core.registry import Registry


@pytest.fixture
def samplers() -> Registry[object]:
    registry: Registry[object] = Registry("sampler")

    @registry.register("heun")
    def heun() -> None: ...

    @registry.register("euler")
    def euler() -> None: ...

    return registry


def test_a_part_is_found_by_its_name_and_keeps_its_identity(samplers):
    def rk4() -> None: ...

    assert samplers.register("rk4")(rk4) is rk4
    assert samplers["rk4"] is rk4
    assert samplers.name_of(rk4) == "rk4"


def test_an_unknown_name_is_refused_with_a_guess_and_what_is_known(samplers):
    with pytest.raises(UnknownName) as refusal:
        samplers["eular"]
    text = "unknown sampler 'eular'. Did you mean 'euler'? Known: euler, heun."
    assert str(refusal.value) == text


def test_names_come_in_alphabetical_order(samplers):
    assert list(samplers) == ["euler", "heun"]
    assert len(samplers) == 2
    assert "heun" in samplers
    assert "eular" not in samplers


def test_two_parts_of_one_name_are_our_mistake(samplers):
    with pytest.raises(AssertionError, match="two parts"):
        samplers.register("euler")(print)


def test_an_empty_registry_says_that_it_knows_none():
    with pytest.raises(UnknownName, match="Known: none"):
        Registry("scorer")["ocr"]
