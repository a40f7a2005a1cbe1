"""The contract of a wire for a task beside conversations: embeddings, ranking, moderation, sound, images.

It is that of `wires.base`, of the task's own values (`model/tasks`), and what it reads and writes need not be JSON: a
`Content` is a JSON object, a form with files, or bytes of a media type; a provider may want a part of it in the URL
(`At`). As there it is pure, readers index boldly, and what is wrong is told by its JSON path (`read_as`).

    a client's side      read_request    write_response   write_error
    a provider's side    write_request   read_response    read_error    read_along, stream_usage (relayed)

Where dialect and wire agree the content goes on as it came, and so does the answer; `read_along` tells what it used.
Elsewhere it is read and written anew. An answer is read and written with the request at hand: most of these formats
name by a number what was asked for by a text. A wire that only providers speak has the lower line alone.

A request that is more than a provider takes at once (`most`) is asked in parts, which the task's own values say how to
make: `Task.split`, and `Task.join` of the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from tollbridge.errors import APIError, BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.model.tasks.task import TaskRequest, TaskResponse, Upload
from tollbridge.wires.base import Target, Written
from tollbridge.wires.tap import Along

Q = TypeVar("Q", bound=TaskRequest)
A = TypeVar("A", bound=TaskResponse)
T = TypeVar("T")


class Form(msgspec.Struct, frozen=True):
    """`multipart/form-data`: fields in order, repetitions kept."""

    fields: tuple[tuple[str, str | Upload], ...]

    def texts(self, name: str) -> list[str]:
        """Also of `name[]`, as some clients write lists."""
        return [value for said, value in self.fields if said in (name, f"{name}[]") and isinstance(value, str)]

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name)), None)

    def uploads(self, name: str) -> list[Upload]:
        return [value for said, value in self.fields if said in (name, f"{name}[]") and isinstance(value, Upload)]


class Blob(msgspec.Struct, frozen=True):
    """Bytes, as they are."""

    data: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"<Blob {self.media_type}, {len(self.data)} bytes>"


class At(msgspec.Struct, frozen=True):
    """A content, and where it goes beyond the row's path. `path`: what is put to it, percent-encoded. `query`: names
    and values as they are."""

    content: JsonObject | Form | Blob
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()


Content = JsonObject | Form | Blob | At


class Heads(msgspec.Struct, frozen=True):
    """What an answer's head says of it. `headers`: names in lower case. `sent`: the fields of what it answers, with
    what the operator wants in them; none of a relayed one."""

    media_type: str = ""
    headers: Mapping[str, str] = {}
    sent: Mapping[str, Json] = {}


HEADLESS = Heads()


class Task(msgspec.Struct, Generic[Q, A], frozen=True, eq=False):
    """A kind of work. `name` is what a provider's row calls it. `parts` and `joined`: of a request that is too large
    for one, at most so many inputs in each, and one answer of theirs; None where it is one or nothing."""

    name: str
    parts: Callable[[Q, int], Sequence[Q]] | None = None
    joined: Callable[[Sequence[A]], A] | None = None


class ProviderTaskWire(Protocol[Q, A]):
    """A task's format as providers speak it. `in_path`: the model stands in the path. `raw`: a whole answer is no text,
    and long: it is relayed as it comes."""

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task[Q, A]: ...
    @property
    def in_path(self) -> bool: ...
    @property
    def raw(self) -> bool: ...
    def most(self, model: str) -> int | None:
        """Inputs that one request may have; None where there is no limit that is known."""

    def write_request(self, request: Q, to: Target) -> Written[Content]:
        """Raises BadRequestError for what cannot be asked of this provider at all."""

    def read_response(self, body: bytes, heads: Heads, asked: Q) -> A:
        """Raises BadGatewayError where the body is not what the format promises, APIError where it is an error."""

    def read_spent(self, body: bytes) -> Usage | None:
        """What an answer used in which `read_response` found nothing to give; None where it does not tell."""

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError: ...
    def read_along(self, body: bytes, heads: Heads = HEADLESS) -> Along:
        """What a relayed answer says of itself; raises as `read_response` does."""

    def completed(self, body: bytes, along: Along, id: str) -> bytes:
        """A relayed answer with what clients count on and some who speak the format leave out; `id`: a new one."""

    def read_event(self, event: JsonObject) -> Along | None:
        """What an event of a relayed stream says of the whole; None where that is nothing. Raises APIError where the
        event is an error."""


class TaskWire(ProviderTaskWire[Q, A], Protocol[Q, A]):
    """A task's format as clients speak it too. `alive`: what may stand between any two events of a stream, and says
    nothing. `asks_for_usage`: never, see `wires.base`."""

    @property
    def alive(self) -> bytes: ...
    @property
    def asks_for_usage(self) -> bool: ...
    @property
    def streams(self) -> bool:
        """An answer may be asked for as a stream."""

    def read_request(self, content: Content) -> Written[Q]: ...
    def write_response(self, answer: A, asked: Q) -> Written[JsonObject | Blob]: ...
    def write_stream(self, answer: A, asked: Q) -> bytes:
        """A whole answer as a stream that begins and ends at once."""

    def write_error(self, error: APIError) -> tuple[int, JsonObject]: ...
    def write_stream_error(self, error: APIError) -> bytes:
        """As the last event of a stream that broke."""


AnyTaskWire = TaskWire[Any, Any]
AnyProviderTaskWire = ProviderTaskWire[Any, Any]


def json_of(body: bytes) -> Json:
    """A provider's whole answer. Raises BadGatewayError."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error


def read_as(shape: type[T], value: Json) -> T:
    """A provider's answer, by its shape. Raises BadGatewayError that names the place."""
    try:
        return msgspec.convert(value, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadGatewayError(f"The provider's answer is not what its format promises: {error}.") from error
