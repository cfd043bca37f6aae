"""TOML recipe -> frozen dataclass, strictly.

The dataclass is schema, defaults and documentation at once; a recipe says only what differs.
Nothing is guessed: an unknown key, a wrong type and a missing value are each one line that names
the full dotted path. TOML has no null, so a setting that may be off is turned off by `"none"`.
"""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from danqing.core import toml
from danqing.core.errors import RecipeError, unknown
from danqing.core.files import atomic_path
from danqing.core.registry import Registry

T = TypeVar("T")

OFF = "none"
EXTENDS = "extends"


def load(cls: type[T], path: str | Path, overrides: Sequence[str] = ()) -> T:
    """Read a TOML recipe, lay `a.b=value` overrides over it, and build `cls`.

    A recipe may begin with `extends = "other.toml"`, a path from its own folder: it then says only
    what differs. Tables are merged, everything else is replaced.

    An override's value is read as TOML, and as plain text where it is not TOML, so
    `optimizer.lr=1e-5`, `steps=10` and `objective.name=dpo` all say what they seem to.

    Raises:
        RecipeError: the file is missing or not TOML, or says what `cls` does not know.
    """
    mapping = read_toml(Path(path))
    for override in overrides:
        lay_over(mapping, override)
    return parse(cls, mapping)


def parse(cls: type[T], mapping: Mapping[str, Any], where: str = "") -> T:
    """Build a dataclass from a mapping, and the dataclasses inside it from the mappings inside.

    Fields may be bool, int, float, str, Path, Literal, tuple, dict, a dataclass, `X | None`, a
    union of these, or `Annotated[SomeProtocol, registry]`: a table whose `name` chooses the part
    and whose other keys are its settings, or the name alone.

    Args:
        cls: A dataclass.
        mapping: What TOML or JSON gave.
        where: The dotted path of this mapping, for messages.

    Raises:
        RecipeError: a key is unknown, a value has the wrong type or is missing, or `cls` refused
            the values with a ValueError.
    """
    return _build(cls, mapping, where)


def dump(obj: Any) -> dict[str, Any]:
    """Return what `parse` would make `obj` from, in values that JSON and TOML can both write."""
    hints = get_type_hints(type(obj), include_extras=True)
    return {
        f.name: _write(hints[f.name], getattr(obj, f.name))
        for f in dataclasses.fields(obj)
        if f.init and not (getattr(obj, f.name) is None and f.default is None)
    }


def write(obj: Any, path: str | Path) -> None:
    """Write a dataclass as a TOML recipe that says everything; `load` reads it as it was.

    Raises:
        StorageError: the disk cannot take it.
    """
    with atomic_path(path) as staged:
        staged.write_text(toml.text(dump(obj)), encoding="utf-8")


def read_toml(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a recipe laid over the one it extends, if any."""
    try:
        mapping = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"recipe must be a file that can be read, got {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe must be TOML, got {path}: {error}.") from error
    if (base := mapping.pop(EXTENDS, None)) is None:
        return mapping
    if not isinstance(base, str) or (path.parent / base) in (path, *seen):
        raise RecipeError(f"{EXTENDS} must be the path of another recipe, got {base!r} in {path}.")
    return _merge(read_toml(path.parent / base, (path, *seen)), mapping)


def at_least(least: int, **values: int) -> None:
    """Refuse settings that are too small.

    Raises:
        RecipeError: one of the values is below `least`.
    """
    for name, value in values.items():
        if value < least:
            raise RecipeError(f"{name} must be at least {least}, got {value}; raise it.")


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            value = _merge(below, value)
        merged[key] = value
    return merged


def _build(cls: Any, mapping: Mapping[str, Any], where: str, also: Sequence[str] = ()) -> Any:
    """Build `cls`; `also` are keys of its table that somebody else has read."""
    hints = get_type_hints(cls, include_extras=True)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    for key in mapping:
        if key not in fields:
            raise RecipeError(unknown("setting", str(key), [*also, *fields], _join(where, "")))
    missing = [_join(where, f.name) for f in fields.values() if f.name not in mapping and _bare(f)]
    if missing:
        raise RecipeError(f"missing setting(s) with no default: {', '.join(missing)}.")
    values = {key: _read(hints[key], value, _join(where, key)) for key, value in mapping.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}" if where else str(error)) from error


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _bare(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def lay_over(mapping: dict[str, Any], override: str) -> None:
    """Lay one `a.b=value` over a mapping; see `load`.

    Raises:
        RecipeError: it is not of that form, or `a` is no table.
    """
    path, equals, text = override.partition("=")
    if not equals:
        raise RecipeError(f"override must be key=value, got {override!r}.")
    *tables, key = path.strip().split(".")
    place: Any = mapping
    for table in tables:
        place = place.setdefault(table, {})
        if not isinstance(place, dict):
            raise RecipeError(f"{table} must be a table to set {path}, got {place!r}.")
    try:
        place[key] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        place[key] = text.strip()


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        registry = _registry(hint)
        if registry is None:
            return _read(args[0], value, where)
        return _read_part(registry, value, where)
    if origin in (Union, UnionType):
        return _read_union(args, value, where)
    if origin is Literal and any(value == arg and type(value) is type(arg) for arg in args):
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return _read_tuple(args, value, where)
    if origin is dict and isinstance(value, Mapping):
        return {key: _read(args[1], item, _join(where, key)) for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        return _build(hint, value, where)
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is Any or (isinstance(hint, type) and type(value) is hint):
        return value
    raise _refusal(hint, value, where)


def _read_part(registry: Registry[Any], value: Any, where: str) -> Any:
    table: Any = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise RecipeError(
            f"{where} must say which {registry.kind}, got {value!r}; "
            f"set {where}.name to one of {', '.join(registry)}."
        )
    part = registry[table["name"]]
    settings = {key: item for key, item in table.items() if key != "name"}
    if dataclasses.is_dataclass(part):
        return _build(part, settings, where, also=("name",))
    for key in settings:
        raise RecipeError(unknown("setting", key, ["name"], _join(where, "")))
    return part


def _read_union(args: tuple[Any, ...], value: Any, where: str) -> Any:
    if NoneType in args and value in (None, OFF):
        return None
    refusal: RecipeError | None = None
    for arg in args:
        if arg is not NoneType:
            try:
                return _read(arg, value, where)
            except RecipeError as error:
                refusal = error
    if refusal and isinstance(value, Mapping | list):
        raise refusal  # it names the place inside
    raise _refusal(Union[args], value, where)  # noqa: UP007  (a union made at run time)


def _read_tuple(args: tuple[Any, ...], value: Sequence[Any], where: str) -> tuple[Any, ...]:
    kinds = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
    if len(kinds) != len(value):
        raise RecipeError(f"{where} must have {len(kinds)} values, got {len(value)}: {value!r}.")
    return tuple(
        _read(kind, item, f"{where}[{i}]")
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _refusal(hint: Any, value: Any, where: str) -> RecipeError:
    return RecipeError(f"{where} must be {_say(hint)}, got {value!r} ({type(value).__name__}).")


def _say(hint: Any) -> str:
    """Return what a hint allows, in words that fit after "must be"."""
    origin, args = get_origin(hint), get_args(hint)
    if registry := _registry(hint):
        return f"the name of one {registry.kind}"
    if origin is Literal:
        return "one of " + ", ".join(map(repr, args))
    if origin in (Union, UnionType):
        return " or ".join(_say(arg) for arg in args)
    if hint is NoneType:
        return repr(OFF)
    if dataclasses.is_dataclass(hint):
        return "a table"
    return str(hint) if origin else getattr(hint, "__name__", str(hint)).replace("Path", "path")


def _registry(hint: Any) -> Registry[Any] | None:
    metadata = getattr(hint, "__metadata__", ())
    return next((item for item in metadata if isinstance(item, Registry)), None)


def _write(hint: Any, value: Any) -> Any:
    if value is None:
        return OFF
    if (registry := _registry(hint)) is not None:
        settings = dump(value) if _is_instance(value) else {}
        return {"name": registry.name_of(value), **settings}
    if get_origin(hint) is Annotated:
        return _write(get_args(hint)[0], value)
    if get_origin(hint) in (Union, UnionType):
        arms = [arg for arg in get_args(hint) if arg is not NoneType]
        return _write(next((arg for arg in arms if _fits(arg, value)), Any), value)
    if _is_instance(value):
        return dump(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        args = get_args(hint) or (Any, ...)
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        return [_write(kind, item) for kind, item in zip(kinds, value, strict=True)]
    if isinstance(value, Mapping):
        kind = get_args(hint)[1] if get_args(hint) else Any
        return {key: _write(kind, item) for key, item in value.items()}
    return value


def _fits(hint: Any, value: Any) -> bool:
    """Return whether a value may have been read by this arm of a union."""
    if registry := _registry(hint):
        return any(registry[name] in (value, type(value)) for name in registry)
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    return isinstance(value, get_origin(hint) or hint)


def _is_instance(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
