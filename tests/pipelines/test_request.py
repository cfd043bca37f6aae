"""A request that is not possible is refused when it is made, in one line."""

import pytest

from danqing.core.errors import RequestError, UnknownName
from danqing.pipelines.request import Request


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": ""}, "prompt must not be empty; say what to paint."),
        ({"prompt": " \n"}, "prompt must not be empty; say what to paint."),
        ({"steps": 0}, "steps must be from 1 to 1000, got 0; try 50."),
        ({"guidance": 0.5}, "guidance must be from 1 to 100, got 0.5; try 4."),
        ({"guidance": float("nan")}, "guidance must be from 1 to 100, got nan; try 4."),
        ({"batch": 0}, "batch must be from 1 to 256, got 0; try 1."),
        ({"index": 1}, "index must be from 0 to 0, got 1; try 0."),
        ({"size": "big"}, "size must be WIDTHxHEIGHT or a ratio, got 'big'; try 1024x768 or 16:9."),
        ({"size": (0, 5)}, "size must have sides from 1 to 16384 pixels, got 0x5; try 1024x1024."),
        ({"interval": (0.5, 0.1)}, "interval must be two rising sigmas from 0 to 1"),
    ],
)
def test_a_setting_that_is_not_possible_is_refused(settings, message):
    with pytest.raises(RequestError) as error:
        Request(**{"prompt": "a cat"} | settings)
    assert str(error.value).startswith(message)


def test_an_unknown_sampler_is_guessed():
    with pytest.raises(UnknownName, match="Did you mean 'euler'"):
        Request("a cat", sampler="eular")


def test_seeds_are_bounded():
    Request("a cat", seed=2**62)
    for seed in (-1, 2**63):
        with pytest.raises(RequestError, match="seed must be from 0 to"):
            Request("a cat", seed=seed)
