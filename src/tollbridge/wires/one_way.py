"""What a wire of a task is where nothing else is said: a provider's alone, with errors like OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tollbridge.errors import APIError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat, Usage
from tollbridge.model.tasks.task import TaskRequest
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.openai_chat import errors
from tollbridge.wires.tap import Along
from tollbridge.wires.task import HEADLESS, Heads


class OneWay:
    """`in_path`, `raw`, `most`: as `wires.task.ProviderTaskWire` has them; `streams`, `write_stream`: as `TaskWire`."""

    name = ""
    in_path = False
    raw = False
    streams = False

    def most(self, model: str) -> int | None:
        return None

    def check_model(self, model: str) -> None:
        """Raises BadRequestError where no model can have this name."""

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError:
        return errors.read_error(status, headers, body)

    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        raise TypeError(f"{self.name} is no dialect, so that nothing is relayed in it")

    def completed(self, body: bytes, along: Along, id: str) -> bytes:
        return body

    def read_event(self, event: JsonObject) -> Along | None:
        return None

    def write_stream(self, answer: Any, asked: Any) -> bytes:
        raise TypeError(f"{self.name} has no streams")

    def read_spent(self, body: bytes) -> Usage | None:
        return None


def extras(
    asked: TaskRequest, wire: str, known: Mapping[str, str] = {}, *, takes_user: bool = False
) -> tuple[JsonObject, tuple[Caveat, ...]]:
    """The fields of a request that nobody here knows, as this wire has them: all where they are its own, else those
    that it knows by another name (`known`), and a caveat for each of the rest; one for `user` too, but where the wire
    writes it."""
    if asked.origin == wire:
        return dict(asked.extra), ()
    taken = {known[name]: value for name, value in asked.extra.items() if name in known and value is not None}
    lost = [name for name, value in asked.extra.items() if name not in known and value is not None]
    if asked.user is not None and not takes_user:
        lost.append("user")
    return taken, tuple(dropped(name) for name in lost)


def dropped(name: str, why: str = "this provider has nothing like it") -> Caveat:
    return unsent_field(name, why)


def set_fields(**fields: Json) -> JsonObject:
    """Those that are said."""
    return {name: value for name, value in fields.items() if value is not None}
