"""The instruction asks for what the schema checks, and its name is that of its words."""

from dataclasses import replace

import pytest

from danqing.data.annotate.instruction import INSTRUCTIONS
from danqing.data.annotate.schema import JSON_SCHEMA


@pytest.mark.parametrize("language", INSTRUCTIONS)
def test_it_names_every_field_and_no_other(language):
    task = INSTRUCTIONS[language].task
    for name in JSON_SCHEMA["properties"]:
        assert f'"{name}"' in task
    assert '"yes"' in task
    assert '"no"' in task


@pytest.mark.parametrize("language", INSTRUCTIONS)
def test_whoever_is_asked_again_is_told_why(language):
    instruction = INSTRUCTIONS[language]
    assert instruction.prompt() == instruction.task
    again = instruction.prompt("it has {braces}")
    assert again.startswith(instruction.task)
    assert "it has {braces}" in again


def test_another_word_is_another_name():
    one = INSTRUCTIONS["en"]
    others = [
        INSTRUCTIONS["zh"],
        replace(one, task=one.task + " "),
        replace(one, once_more=one.once_more + " "),
        replace(one, language="zh"),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 5
    assert one.digest == replace(one).digest
