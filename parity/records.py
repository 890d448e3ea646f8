"""Experiments as TOML: written in full, read strictly, and what a file leaves out comes from its problem's recipe."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import cattrs
import tomli_w
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
    IterableValidationNote,
)
from cattrs.strategies import configure_tagged_union

from parity.contract import InputError, Loss, Model, Optimizer, Schedule
from parity.experiment import Experiment
from parity.kinds import KINDS
from parity.nearest import suggestion
from parity.problems import is_own, recipe

Record = TypeVar("Record")
ABSENT = "None"
UNIONS: dict[str, Any] = {"model": Model, "optimizer": Optimizer, "schedule": Schedule}


def read_experiment(path: Path) -> Experiment:
    """The experiment in a TOML file; InputError names the file, the key, its value and what was expected."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read: {error}. Give the path of a TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}. See https://toml.io for its spelling.") from None
    return experiment_from(table, str(path))


def write_experiment(path: Path, experiment: Experiment) -> None:
    """Write an experiment as TOML, every constant spelled out."""
    path.write_text(tomli_w.dumps(table_of(experiment)), encoding="utf-8")


def table_of(experiment: Experiment) -> dict[str, Any]:
    """An experiment as nested dictionaries; TOML has no null, so that None is spelled "None"."""
    table: dict[str, Any] = _spelled(_converter().unstructure(experiment))
    return table


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _spelled(each) for key, each in value.items()}
    return ABSENT if value is None else value


def experiment_from(table: Mapping[str, Any], source: str) -> Experiment:
    """An experiment from nested dictionaries; missing keys come from the recipe of its problem."""
    name = table.get("problem", "paraboloid")
    if not isinstance(name, str):
        raise InputError(f"{source}: problem is {name!r}; expected a name.")
    return structured(_merged(table_of(_base(name, table, source)), table), Experiment, source)


def structured(table: Mapping[str, Any], cls: type[Record], source: str) -> Record:
    """A dataclass from nested dictionaries, read strictly; InputError names the source, the key and what was expected."""
    try:
        return _converter().structure(table, cls)
    except ClassValidationError as error:
        raise InputError("\n".join(f"{source}: {line}" for line in _lines(error, ""))) from None


def unstructured(record: Any) -> Any:
    """A dataclass as nested dictionaries, as `structured` reads it."""
    return _converter().unstructure(record)


def _base(name: str, table: Mapping[str, Any], source: str) -> Experiment:
    """The recipe of a problem; of a table of one's own, for the columns that are named."""
    if not is_own(name):
        return recipe(name)
    keys = {key: table[key] for key in ("columns", "table_sha256") if key in table}
    # Structured as part of an experiment, so that what is wrong is told of `columns.inputs`.
    named = structured({**table_of(recipe("paraboloid")), **keys}, Experiment, source)
    return recipe(name, columns=named.columns, table_sha256=named.table_sha256)


def _merged(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**base, **table}
    for key, value in table.items():
        default = base.get(key)
        if not isinstance(value, dict) or not isinstance(default, dict):
            continue
        # Another optimizer takes nothing from the recipe's; a loss is one class, whatever its kind.
        if key not in UNIONS or value.get("kind", default["kind"]) == default["kind"]:
            merged[key] = {**default, **value}
    return merged


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (int, float, str, bool):
        converter.register_structure_hook(kind, _strictly(kind))
    converter.register_structure_hook_func(partial(_is_a, Literal), _choice)
    converter.register_structure_hook_func(partial(_is_a, tuple), partial(_sequence, converter))
    converter.register_structure_hook_func(partial(_is_a, dict), partial(_table, converter))
    for optional in (int | None, float | None, str | None):
        converter.register_structure_hook(optional, partial(_optional, converter))
    for field_name, union in UNIONS.items():
        kinds = KINDS[field_name]
        configure_tagged_union(union, converter, tag_name="kind", tag_generator=_name_of(kinds))
        converter.register_structure_hook(union, _checking_kind(field_name, kinds, converter.get_structure_hook(union)))
    converter.register_structure_hook(Loss, _checking_table("loss", converter.get_structure_hook(Loss)))
    return converter


def _is_a(kind: Any, cls: Any) -> bool:
    return get_origin(cls) is kind


def _name_of(kinds: Mapping[str, type]) -> Callable[[type], str]:
    names = {cls: kind for kind, cls in kinds.items()}
    return lambda cls: names[cls]


def _strictly(kind: type) -> Callable[[Any, Any], Any]:
    """TOML has types, so nothing is converted: "3" is no number, and 3.5 no whole one."""
    words = {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}

    def structure(value: Any, _: Any) -> Any:
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise InputError(f"is {value!r}; expected {words[kind]}.")
        return value

    return structure


def _table(converter: cattrs.Converter, value: Any, cls: Any) -> dict[str, Any]:
    _, element = get_args(cls)
    if not isinstance(value, dict):
        raise InputError(f"is {value!r}; expected a table.")
    return {key: each if element is Any else converter.structure(each, element) for key, each in value.items()}


def _choice(value: Any, cls: Any) -> Any:
    if value not in get_args(cls):
        raise InputError(f"is {value!r}; expected one of {', '.join(get_args(cls))}.")
    return value


def _sequence(converter: cattrs.Converter, value: Any, cls: Any) -> tuple[Any, ...]:
    element, _ = get_args(cls)
    if not isinstance(value, list | tuple):
        raise InputError(f"is {value!r}; expected a list in square brackets.")
    return tuple(_element(converter, i, each, element) for i, each in enumerate(value))


def _element(converter: cattrs.Converter, i: int, value: Any, cls: Any) -> Any:
    try:
        return converter.structure(value, cls)
    except Exception as error:
        error.add_note(IterableValidationNote(f"element {i}", i, cls))
        raise IterableValidationError(f"element {i}", [error], cls) from None


def _optional(converter: cattrs.Converter, value: Any, cls: Any) -> Any:
    kind, _ = get_args(cls)
    return None if value in (None, ABSENT) else converter.structure(value, kind)


def _checking_kind(
    name: str, kinds: Mapping[str, type], structure: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    def check(value: Any, cls: Any) -> Any:
        if not isinstance(value, dict):
            raise InputError(f"is {value!r}; expected a table [{name}] with a key kind.")
        if not isinstance(value.get("kind"), str) or value["kind"] not in kinds:
            raise InputError(f"has kind {value.get('kind')!r}. {suggestion(str(value.get('kind')), kinds)}")
        return structure(value, cls)

    return check


def _checking_table(name: str, structure: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def check(value: Any, cls: Any) -> Any:
        if not isinstance(value, dict):
            raise InputError(f"is {value!r}; expected a table [{name}].")
        return structure(value, cls)

    return check


def _lines(error: BaseException, path: str) -> list[str]:
    """One line for each thing that is wrong."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        lines = []
        for inner in error.exceptions:
            note = next((n for n in getattr(inner, "__notes__", ()) if hasattr(n, "name") or hasattr(n, "index")), None)
            part = str(getattr(note, "name", getattr(note, "index", "")))
            lines += _lines(inner, ".".join(p for p in (path, part) if p))
        return lines
    if isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in fields(error.cl)] if is_dataclass(error.cl) else []
        prefix = f"{path}." if path else ""
        return [f"unknown key {prefix}{key}. {suggestion(key, known)}" for key in sorted(error.extra_fields)]
    if isinstance(error, KeyError):
        return [f"{path} is missing."]
    return [f"{path} {error}".strip()]
