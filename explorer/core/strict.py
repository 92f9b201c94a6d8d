"""Frozen dataclasses from and to JSON, strictly: an unknown, missing or mistyped key is named."""

import dataclasses
import types
import typing
from typing import Any

from explorer.core.errors import ConfigError
from explorer.core.quoting import quoted


def from_json(kind: type, value: Any, where: str = "config") -> Any:
    """An instance of `kind` (a dataclass, a union of dataclasses told apart by `kind`, a tuple or a scalar)."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _from_union(arguments, value, where)
    if dataclasses.is_dataclass(kind):
        return _from_object(kind, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where} must be a list, not {quoted(value)}.")
        return tuple(from_json(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict or kind is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"{where} must be an object, not {quoted(value)}.")
        item = arguments[1] if arguments else Any
        return {key: from_json(item, entry, f"{where}.{quoted(key)[1:-1]}") for key, entry in value.items()}
    if origin is typing.Literal:
        if not isinstance(value, str | int | None) or value not in arguments:
            raise ConfigError(f"{where} must be one of {', '.join(map(repr, arguments))}, not {quoted(value)}.")
        return value
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ConfigError(f"{where} must be a number that fits 64 bits, not {quoted(value)}.") from error
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where} must be {kind.__name__}, not {quoted(value)}.")
    return value


def to_json(value: Any) -> Any:
    """The plain JSON value of a dataclass, the inverse of `from_json`."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


def _from_object(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(f"{where} must be an object, not {quoted(value)}.")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise ConfigError(f"{where} has the unknown key {quoted(unknown[0])}; known are {', '.join(fields)}.")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise ConfigError(f"{where} lacks the key {name!r}.")
    return kind(**{name: from_json(hints[name], item, f"{where}.{name}") for name, item in value.items()})


def _from_union(kinds: tuple[type, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not type(None))
    if len(kinds) == 1:
        return from_json(kinds[0], value, where)
    named = {typing.get_args(typing.get_type_hints(kind)["kind"])[0]: kind for kind in kinds}
    wanted = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(wanted, str) or wanted not in named:
        raise ConfigError(f"{where} must be an object whose 'kind' is one of {', '.join(named)}.")
    return from_json(named[wanted], value, where)
