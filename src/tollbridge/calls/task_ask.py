"""What a client asks of a task: an `Ask` whose body may be a form, and whose request is the task's own value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import msgspec

from tollbridge.calls.ask import Ask, Fields, decode, peek
from tollbridge.catalog.tokens import count_text
from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.model.response import Usage
from tollbridge.model.tasks.task import TaskRequest, Upload
from tollbridge.wires.base import Written
from tollbridge.wires.multipart import is_form, read_form
from tollbridge.wires.task import AnyTaskWire, Content, Form

_encode = msgspec.json.Encoder().encode

COUNTED = frozenset({"embeddings", "rerank", "moderations"})
"""Tasks of which tokens of text are all that is read: they can be counted here, where the provider does not."""


class TaskAsk(Ask):
    """`form`: the body, where it is one; None where it is JSON. `wire`: the dialect as what it is, `Ask.dialect` is of
    conversations. `spent`: of attempts that failed when some of their parts had been answered, by their errors."""

    form: Form | None = None
    spent: dict[APIError, Usage] = msgspec.field(default_factory=dict)
    _asked: Written[TaskRequest] | None = None

    task: ClassVar[bool] = True

    @property
    def wire(self) -> AnyTaskWire:
        return cast(AnyTaskWire, self.dialect)

    @property
    def sealed(self) -> bool:
        return False

    def attach(self, uploads: Sequence[tuple[str, Upload]]) -> None:
        """Makes a form of the body, with these files. Lists are fields of the same name, with brackets."""
        texts: list[tuple[str, str | Upload]] = []
        for name, value in cast(JsonObject, decode(self.body)).items():
            if isinstance(value, list):
                texts += [(f"{name}[]", _text(item)) for item in value]
            else:
                texts.append((name, _text(value)))
        self.form = Form((*texts, *uploads))

    def content(self) -> Content:
        """The body as the dialect reads it."""
        if self.form is not None:
            return self.form
        value = decode(self.body)
        assert isinstance(value, dict)  # it was looked into before
        return value

    def asked(self) -> Written[TaskRequest]:
        """The request in neutral form. Raises BadRequestError with the place of what is wrong."""
        if self._asked is None:
            self._asked = self.wire.read_request(self.content())
        return self._asked

    def count(self, model: str | None = None) -> int:
        counted = sum(count_text(text, model or self.model) for text in self.texts())
        return counted + (0 if self._asked is None else self._asked.value.tokens)

    def spent_on(self, error: APIError) -> Usage | None:
        return self.spent.get(error)

    def texts(self) -> tuple[str, ...]:
        """What there is to read in it; of a body that only the provider can read, all of it."""
        try:
            return self.asked().value.texts
        except APIError:
            return (self.body.decode("utf-8", "replace"),) if self.form is None else ()

    def usage(self, told: Usage | None, model: str) -> tuple[Usage, bool]:
        """What it used, and whether that is exact: what was `told`, with what the request alone decides, and counted
        here where nothing was told."""
        try:
            units = self.asked().value.units
        except APIError:
            units = {}
        if told is None:
            told, exact = Usage(origin=self.wire.name), bool(units) and self.wire.task.name not in COUNTED
        else:
            exact = True
        if not told.input and not told.units and self.wire.task.name in COUNTED:
            told, exact = msgspec.structs.replace(told, input=self.count(model)), False
        if not (told.input or told.output or told.units or units or told.extra):
            units, exact = self._likely(), False
        return msgspec.structs.replace(told, units={**units, **(told.units or {})}), exact

    def _likely(self) -> dict[str, int]:
        try:
            return self.asked().value.likely_units
        except APIError:
            return {}


def read_fields(body: bytes, content_type: str) -> tuple[Fields, Form | None]:
    """The top level of a body: the fields of its JSON object, or the texts of its form. Raises BadRequestError."""
    if not is_form(content_type):
        return peek(body), None
    form = read_form(body, content_type)
    fields: Fields = {}
    for name, value in form.fields:
        if isinstance(value, str):
            fields[name] = msgspec.Raw(value.encode() if value in ("true", "false") else _encode(value))
    return fields, form


def without(form: Form, fields: Fields) -> Form:
    """The form without the texts that were taken out of its fields."""
    return Form(tuple((name, value) for name, value in form.fields if name in fields or not isinstance(value, str)))


def with_texts(form: Form, texts: JsonObject, *, over: bool) -> Form:
    """`over`: these come in place of fields of the same names, else only where there is none."""
    left = {name: _text(value) for name, value in texts.items()}
    fields: list[tuple[str, str | Upload]] = []
    for name, value in form.fields:
        if name not in texts:
            fields.append((name, value))
        elif not over:
            left.pop(name, None)
            fields.append((name, value))
        elif name in left:
            fields.append((name, left.pop(name)))
    return Form((*fields, *left.items()))


def _text(value: object) -> str:
    return value if isinstance(value, str) else _encode(value).decode()
