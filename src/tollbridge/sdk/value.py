"""`Value`: a JSON object that is a dictionary and reads like the OpenAI SDK's objects.

A subclass lists its fields as annotations, and that list is all there is to say:

    class Message(Value):
        role: str
        content: str | None
        tool_calls: list[ChatCompletionMessageToolCall] | None

Rules
1. What is in the dictionary is what came (or was set): nothing is added but by rule 5, so JSON made from it is the
   answer itself.
2. A declared field that is absent reads as None, as attribute and as item, or as the class's `__missing__` says. `in`,
   `get`, `len`, iteration and JSON see a dictionary without it.
3. A field that nobody declared is an attribute too, where it is present; else AttributeError (KeyError as item).
4. A nested object of a declared class is wrapped when it goes in, by whatever door. Odd values stay as they are.
5. One that is made by hand, of names alone or of nothing, has the class's `_by_hand` besides, as LiteLLM's have.
6. Names that begin with "_" are Python's alone: never in the dictionary, never in JSON.

The annotations of a subclass are evaluated when it is made: its module has no `from __future__ import annotations`.
"""

import json
from collections.abc import Callable, Container, Iterable, Mapping
from copy import copy, deepcopy
from types import UnionType
from typing import Any, ClassVar, Self, get_args, get_origin

from tollbridge.model.json import Json, JsonObject

Wrap = Callable[[Json], Json]

_start, _put = dict.__init__, dict.__setitem__  # every chunk comes by here, and `super()` costs a third more


class Value(dict[str, Any]):
    __slots__ = ()

    _by_hand: ClassVar[Mapping[str, Callable[[], Json]]] = {}
    _fields: ClassVar[frozenset[str]] = frozenset()
    _wraps: ClassVar[Mapping[str, Wrap]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: kind for name, kind in cls.__annotations__.items() if not name.startswith("_")}
        cls._fields = cls._fields | own.keys()
        wraps = {name: _wrap(kind) for name, kind in own.items()}
        cls._wraps = {**cls._wraps, **{name: wrap for name, wrap in wraps.items() if wrap is not None}}

    def __init__(self, fields: Mapping[str, Json] | Iterable[tuple[str, Json]] = (), /, **more: Json) -> None:
        _start(self, fields, **more)
        if not fields and self._by_hand:
            for name, made in self._by_hand.items():
                if name not in self:
                    _put(self, name, made())
        get = self.get
        for name, wrap in self._wraps.items():
            value = get(name)
            if value is not None:
                _put(self, name, wrap(value))

    # reading and writing

    def __missing__(self, name: str) -> Json:
        if name not in self._fields:
            raise KeyError(name)
        return None

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Json) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self[name] = value

    def __delattr__(self, name: str) -> None:
        if name.startswith("_"):
            super().__delattr__(name)
        elif self.pop(name, self) is self:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setitem__(self, name: str, value: Json) -> None:
        wrap = self._wraps.get(name)
        super().__setitem__(name, value if wrap is None else wrap(value))

    def setdefault(self, name: str, default: Json = None, /) -> Json:
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, fields: Mapping[str, Json] | Iterable[tuple[str, Json]] = (), /, **more: Json) -> None:  # type: ignore[override]  # one signature instead of typeshed's six overloads
        for name, value in {**JsonObject(fields), **more}.items():
            self[name] = value

    def __ior__(self, fields: Mapping[str, Json] | Iterable[tuple[str, Json]]) -> Self:  # type: ignore[override,misc]  # as `update`
        self.update(fields)
        return self

    def __dir__(self) -> Iterable[str]:
        return {*super().__dir__(), *self._fields, *(name for name in self if name.isidentifier())}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.items())})"

    # pydantic's verbs, with the arguments that mean something here; the others are taken and change nothing

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Container[str] | None = None,
        exclude: Container[str] | None = None,
        exclude_none: bool = False,
        **_pydantic: object,
    ) -> JsonObject:
        """Plain dictionaries and lists, a copy through and through. `include`, `exclude`: names at the top."""
        return {
            name: _plain(value, exclude_none)
            for name, value in self.items()
            if (include is None or name in include)
            and (exclude is None or name not in exclude)
            and not (exclude_none and value is None)
        }

    def model_dump_json(self, *, indent: int | None = None, **dump: Any) -> str:
        separators = (",", ":") if indent is None else None
        return json.dumps(self.model_dump(**dump), indent=indent, separators=separators, ensure_ascii=False)

    def to_dict(self, **dump: Any) -> JsonObject:
        return self.model_dump(**dump)

    def to_json(self, *, indent: int | None = 2, **dump: Any) -> str:
        return self.model_dump_json(indent=indent, **dump)

    def model_copy(self, *, update: Mapping[str, Json] | None = None, deep: bool = False) -> Self:
        made = deepcopy(self) if deep else copy(self)
        made.update(update or {})
        return made

    @classmethod
    def model_validate(cls, fields: Mapping[str, Json]) -> Self:
        return cls(fields)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> JsonObject:
        """A field of a pydantic model may be one of these: an object stays itself, a dictionary becomes one. The schema
        is the dictionary that pydantic reads; this is called by nobody else, and pydantic is not imported."""

        def validate(value: Any, inner: Callable[[Any], Any]) -> Any:
            return value if isinstance(value, cls) else cls(inner(value))

        return {
            "type": "function-wrap",
            "function": {"type": "no-info", "function": validate},
            "schema": handler.generate_schema(JsonObject),
            "serialization": {"type": "function-plain", "function": cls.model_dump, "info_arg": False},
        }

    def copy(self) -> Self:
        return self.model_copy()

    # last, because these two names hide the module and the type

    def json(self, **dump: Any) -> JsonObject:
        """A plain dictionary, as LiteLLM's objects answer. Text comes from `to_json` and `model_dump_json`."""
        return self.model_dump(**dump)

    def dict(self, **dump: Any) -> JsonObject:
        return self.model_dump(**dump)


def _plain(value: Json, exclude_none: bool) -> Json:
    if isinstance(value, dict):
        return {
            name: _plain(inner, exclude_none) for name, inner in value.items() if not (exclude_none and inner is None)
        }
    if isinstance(value, (list, tuple)):
        return [_plain(inner, exclude_none) for inner in value]
    return value


def _wrap(kind: Any) -> Wrap | None:
    """How to wrap what stands in a field annotated with `kind`: a Value, a list of them, either or None."""
    if isinstance(kind, UnionType):
        wraps = [wrap for wrap in map(_wrap, get_args(kind)) if wrap is not None]
        return wraps[0] if wraps else None
    if get_origin(kind) is list:
        wrap = _wrap(get_args(kind)[0])
        return None if wrap is None else _each(wrap)
    return _one(kind) if isinstance(kind, type) and issubclass(kind, Value) else None


def _one(kind: type[Value]) -> Wrap:
    def wrap(value: Json) -> Json:
        if type(value) is dict:  # the usual case, ahead of the exact question for its speed
            return kind(value)
        return kind(value) if isinstance(value, dict) and not isinstance(value, kind) else value

    return wrap


def _each(wrap: Wrap) -> Wrap:
    return lambda value: [wrap(item) for item in value] if isinstance(value, list) else value
