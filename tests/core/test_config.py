import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.core.config import dump, load, parse, write
from danqing.core.errors import RecipeError, UnknownName
from danqing.core.registry import Registry

optimizers: Registry[Any] = Registry("optimizer")
samplers: Registry[Callable[[], None]] = Registry("sampler")


@samplers.register("heun")
def heun() -> None: ...


@samplers.register("euler")
def euler() -> None: ...


@optimizers.register("adamw")
@dataclass(frozen=True, kw_only=True)
class AdamW:
    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.95)

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise ValueError(f"lr must be above 0, got {self.lr}.")


@dataclass(frozen=True, kw_only=True)
class Crop:
    side: int = 256
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    data: str
    steps: int = 100
    ema: float | None = None
    shuffle: bool = True
    mode: Literal["fast", "exact"] = "exact"
    out: Path = Path("runs")
    crop: Crop = Crop()
    crops: tuple[Crop, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    every: int | tuple[int, ...] | None = 10
    optimizer: Annotated[Any, optimizers] = AdamW()
    sampler: Annotated[Callable[[], None], samplers] = euler


FULL = """
data = "shards"
steps = 2_000
ema = 1
out = "a/b"
every = [1, 2]
sampler = "heun"

[crop]
side = 64

[[crops]]
name = "left"

[weights]
text = 0.5

[optimizer]
name = "adamw"
betas = [0.8, 0.9]
"""


@pytest.fixture
def recipe(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


def test_a_recipe_becomes_its_dataclass(recipe):
    assert load(Recipe, recipe(FULL)) == Recipe(
        data="shards",
        steps=2000,
        ema=1.0,
        out=Path("a/b"),
        every=(1, 2),
        sampler=heun,
        crop=Crop(side=64),
        crops=(Crop(name="left"),),
        weights={"text": 0.5},
        optimizer=AdamW(betas=(0.8, 0.9)),
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"optimizer": {"name": "adamw", "lrr": 1}},
            "unknown setting 'optimizer.lrr'. Did you mean 'optimizer.lr'? "
            "Known: optimizer.betas, optimizer.lr, optimizer.name.",
        ),
        (
            {"sampler": {"name": "euler", "order": 2}},
            "unknown setting 'sampler.order'. Known: sampler.name.",
        ),
        ({"steps": "many"}, "steps must be int, got 'many' (str)."),
        ({"steps": True}, "steps must be int, got True (bool)."),
        ({"steps": 1.0}, "steps must be int, got 1.0 (float)."),
        ({"shuffle": 1}, "shuffle must be bool, got 1 (int)."),
        ({"ema": "much"}, "ema must be float or 'none', got 'much' (str)."),
        ({"mode": "fats"}, "mode must be one of 'fast', 'exact', got 'fats' (str)."),
        ({"out": 3}, "out must be path, got 3 (int)."),
        ({"crop": 3}, "crop must be a table, got 3 (int)."),
        ({"crops": [{"side": "x"}]}, "crops[0].side must be int, got 'x' (str)."),
        ({"weights": {"text": "x"}}, "weights.text must be float, got 'x' (str)."),
        ({"every": [1, "x"]}, "every[1] must be int, got 'x' (str)."),
        (
            {"optimizer": {"name": "adamw", "betas": [1]}},
            "optimizer.betas must have 2 values, got 1: [1].",
        ),
        (
            {"optimizer": {"lr": 1.0}},
            "optimizer must say which optimizer, got {'lr': 1.0}; "
            "set optimizer.name to one of adamw.",
        ),
        (
            {"optimizer": {"name": "adamw", "lr": -1}},
            "optimizer: lr must be above 0, got -1.0.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(settings, message):
    with pytest.raises(RecipeError) as refusal:
        parse(Recipe, {"data": "shards"} | settings)
    assert str(refusal.value) == message


def test_an_unknown_part_is_refused_by_its_registry():
    with pytest.raises(UnknownName) as refusal:
        parse(Recipe, {"data": "shards", "sampler": "eular"})
    text = "unknown sampler 'eular'. Did you mean 'euler'? Known: euler, heun."
    assert str(refusal.value) == text


def test_missing_settings_are_listed(recipe):
    with pytest.raises(RecipeError, match=r"^missing setting\(s\) with no default: data\.$"):
        load(Recipe, recipe(""))


def test_the_place_of_a_nested_mapping_is_part_of_the_message():
    with pytest.raises(RecipeError, match=r"unknown setting 'model\.crop\.sid'"):
        parse(Recipe, {"data": "x", "crop": {"sid": 1}}, "model")


def test_a_missing_file_and_broken_toml_are_one_line_each(tmp_path, recipe):
    with pytest.raises(RecipeError, match="recipe must be a file that can be read"):
        load(Recipe, tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="recipe must be TOML") as refusal:
        load(Recipe, recipe("data ="))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("steps=7", lambda r: r.steps == 7),
        ("optimizer.lr=1e-5", lambda r: r.optimizer.lr == 1e-5),
        ("optimizer.betas=[0.1, 0.2]", lambda r: r.optimizer.betas == (0.1, 0.2)),
        ("out=some/where", lambda r: r.out == Path("some/where")),
        ("every=none", lambda r: r.every is None),
        ("crop.name=left half", lambda r: r.crop.name == "left half"),
        ("weights.text=2.0", lambda r: r.weights == {"text": 2.0}),
        ('data="a=b"', lambda r: r.data == "a=b"),
        ("shuffle=false", lambda r: r.shuffle is False),
    ],
)
def test_an_override_says_what_it_seems_to(recipe, override, read):
    assert read(load(Recipe, recipe(FULL), [override]))


def test_overrides_reach_tables_that_the_recipe_does_not_have(recipe):
    assert load(Recipe, recipe('data = "x"'), ["crop.side=3"]).crop.side == 3


def test_overrides_that_make_no_sense_are_refused(recipe):
    with pytest.raises(RecipeError, match=r"override must be key=value, got 'steps'\."):
        load(Recipe, recipe(FULL), ["steps"])
    with pytest.raises(RecipeError, match=r"data must be a table to set data\.x"):
        load(Recipe, recipe(FULL), ["data.x=1"])


crops = st.builds(
    Crop,
    side=st.integers(),
    name=st.none() | st.text().filter(lambda text: text != "none"),
)
floats = st.floats(allow_nan=False)
recipes = st.builds(
    Recipe,
    data=st.text(),
    steps=st.integers(),
    ema=st.none() | floats,
    shuffle=st.booleans(),
    mode=st.sampled_from(["fast", "exact"]),
    out=st.just(Path("a/b.c")),
    crop=crops,
    crops=st.lists(crops, max_size=3).map(tuple),
    weights=st.dictionaries(st.text(), floats, max_size=3),
    every=st.none() | st.integers() | st.lists(st.integers(), max_size=3).map(tuple),
    optimizer=st.builds(AdamW, lr=st.floats(min_value=1e-9, allow_infinity=False)),
    sampler=st.sampled_from([euler, heun]),
)


@given(recipes)
def test_what_is_dumped_is_parsed_to_the_same(recipe):
    assert parse(Recipe, json.loads(json.dumps(dump(recipe)))) == recipe


def test_a_written_recipe_is_loaded_to_the_same(tmp_path, recipe):
    written = tmp_path / "resolved.toml"
    first = load(Recipe, recipe(FULL), ["every=none"])
    write(first, written)
    assert load(Recipe, written) == first
    assert "steps = 2000\n" in written.read_text()
    assert '\n[optimizer]\nname = "adamw"\n' in written.read_text()


def test_a_setting_turned_off_stays_off_through_a_dump():
    off = Recipe(data="x", every=None)
    assert dump(off)["every"] == "none"
    assert parse(Recipe, dump(off)).every is None
    assert "ema" not in dump(off)


def test_an_int_is_taken_for_a_float_and_nothing_else_is_converted():
    assert math.isclose(parse(Recipe, {"data": "x", "ema": 1}).ema or 0, 1.0)
    assert isinstance(parse(Recipe, {"data": "x", "ema": 1}).ema, float)


def test_a_recipe_that_extends_another_says_only_what_differs(tmp_path):
    (tmp_path / "base.toml").write_text('name = "a"\n[weights]\ncat = 1.0\ndog = 2.0\n')
    (tmp_path / "more.toml").write_text('extends = "base.toml"\n[weights]\ndog = 3.0\n')

    @dataclass(frozen=True)
    class Named:
        name: str
        weights: dict[str, float]

    assert load(Named, tmp_path / "more.toml") == Named("a", {"cat": 1.0, "dog": 3.0})


@pytest.mark.parametrize("base", ['"more.toml"', '"other.toml"', "3"])
def test_a_recipe_cannot_extend_itself_or_nothing(tmp_path, base):
    (tmp_path / "more.toml").write_text(f"extends = {base}\n")
    (tmp_path / "other.toml").write_text('extends = "more.toml"\n')
    with pytest.raises(RecipeError, match="extends must be the path of another recipe"):
        load(dict, tmp_path / "more.toml")


@dataclass(frozen=True)
class Spoken:
    language: Literal["en", "zh"] | None = None


@pytest.mark.parametrize("language", ["en", "zh", None])
def test_a_choice_that_may_be_off_survives_a_dump(language):
    assert parse(Spoken, dump(Spoken(language))) == Spoken(language)
