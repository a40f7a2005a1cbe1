"""The contract of a wire, and the values that pass through it.

A wire is pure: no I/O, no clock, no globals. Readers index boldly; when that fails the body is run through the
wire's `shapes.py`, which raises BadRequestError (a client's body) or BadGatewayError (a provider's) that names the
JSON path: `Expected str, got int - at $.messages[0].content[0].text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Event
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat, Response
from tollbridge.wires.seal import UNKEYED, Seals
from tollbridge.wires.tap import Along, Tap

T = TypeVar("T")


class Written(msgspec.Struct, Generic[T], frozen=True):
    """What a writer made, and what it could not say."""

    value: T
    caveats: tuple[Caveat, ...] = ()


class SseEvent(msgspec.Struct, frozen=True):
    """One framed event. `event` is "" where the line is absent; `data` has its lines joined by "\\n"."""

    data: str
    event: str = ""
    id: str = ""


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a provider, before credentials. `path` is relative to the base URL, with a leading slash. `took`:
    fields of the client's format that this one has too, by the same name, and that were written."""

    path: str
    body: JsonObject
    method: str = "POST"
    headers: Mapping[str, str] = {}
    took: frozenset[str] = frozenset()


# The words of `Target.lacks`: what a model or provider cannot do, though its wire can say it. A writer leaves such a
# thing out and says so in a Caveat. The first group are inputs, the second parameters by the neutral model's names.
FEATURES: frozenset[str] = frozenset(
    {
        "images",
        "files",
        "audio",
        "video",
        "system",  # no system message: its text goes before the first user message
        "tools",
        "tool_images",  # images inside tool results
        "reasoning_history",  # thinking of earlier turns
        "file_names",  # how a file is called, beside what is in it
    }
    | {
        "tool_choice",
        "parallel_tools",
        "strict_tools",
        "response_json",
        "response_schema",
        "reasoning",
        "max_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "choices",
        "logprobs",
        "top_logprobs",
        "user",
        "metadata",
        "stream_usage",  # refuses `stream_options`
    }
)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a request is written for.

    `model`: the provider's own name. `max_output_tokens`: the model's limit where the catalog knows it.
    `lacks`: words of `FEATURES`.
    `account`: hash of the credentials, compared with a signature's. `modify`: may restore tool turns and merge
    messages (`modify_params`). `prefers`: spellings that this provider wants, for the OpenAI chat format:
    `max_tokens` (the field's name), `reasoning_field` (where thinking of earlier turns goes: `reasoning_content`,
    `reasoning`, `reasoning_details`, `thinking_blocks`, `thinking_parts`, `reasoning_parts`), `reasoning` (a style of
    `openai_chat.thinking`), `cache_control` ("yes"), `system_role` (`system` or `developer`), `seed`
    (`random_seed`), `content` (`string`: no lists of texts), `response_schema` (`json`: where it lacks that, its JSON
    mode and words do better than a forced tool), `file_url` ("yes": links to documents), `document_url` ("yes": a
    document, or the link to it, as Mistral has it), `mend_answers` ("yes": what OpenAI's own SDK breaks over).
    """

    model: str
    stream: bool = False
    account: str = ""
    max_output_tokens: int | None = None
    lacks: frozenset[str] = frozenset()
    prefers: Mapping[str, str] = {}
    modify: bool = False


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream writer must know before the first event. `id` replaces an empty one; `include_usage`: the client
    asked for usage in the stream; `account`, `seals`, `origin`: as for `write_response`; `asked`: what a format repeats
    of the request in its answers, or answers by; `clock` (epoch seconds): for a format that tells when its answer was
    whole. `first`, `last`: of a relayed stream that broke, the events that went by."""

    id: str = ""
    model: str = ""
    created: int = 0
    include_usage: bool = False
    origin: str = ""
    account: str = ""
    seals: Seals = UNKEYED
    asked: JsonObject = {}
    clock: Callable[[], float] | None = None
    first: JsonObject = {}
    last: JsonObject = {}


class StreamParser(Protocol):
    """Bytes of a stream -> framed events: `feed` them as they come, then `close` for what the end left over."""

    def feed(self, data: bytes) -> list[SseEvent]: ...
    def close(self) -> list[SseEvent]: ...


class StreamReader(Protocol):
    """`feed` framed events in order, then `close`. `close` raises Truncated where the end marker never came.
    An error inside the stream is raised as APIError by `feed`. `ended`: the end marker itself was fed."""

    ended: bool

    def feed(self, event: SseEvent) -> Iterable[Event]: ...
    def close(self) -> Iterable[Event]: ...


class StreamWriter(Protocol):
    """`write` events in order, then `close` for the normal end or `fail` for an honest one. Each returns bytes
    that are ready for the socket (possibly empty). `caveats` are complete after the end."""

    caveats: list[Caveat]

    def write(self, event: Event) -> bytes: ...
    def close(self) -> bytes: ...
    def fail(self, error: APIError) -> bytes: ...


class ProviderWire(Protocol):
    """One wire as providers speak it: the four functions of the outgoing side. Pure. One that no client speaks is never
    relayed: it is an `OnlyProviders` and has no tap."""

    @property
    def name(self) -> str: ...
    @property
    def asks_for_usage(self) -> bool:
        """A stream tells its usage only where the request asks for it (`stream_options.include_usage`)."""

    @property
    def in_path(self) -> bool:
        """The model, and whether to stream, stand in the path and not in the body."""

    @property
    def stream_parser(self) -> Callable[[], StreamParser]:
        """How the bytes of its streams are framed."""

    @property
    def streams_bare_json(self) -> bool:
        """A stream begins with a brace, as a whole answer does."""

    def write_request(self, request: Request, to: Target) -> Written[HttpRequest]: ...
    def read_response(self, body: Json) -> Response: ...
    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> APIError: ...
    def stream_reader(self) -> StreamReader: ...
    def stream_tap(self, hides_usage: bool) -> Tap:
        """Reads along a relayed stream. `hides_usage`: take out the usage chunk that only we asked for."""

    def read_along(self, body: bytes) -> Along:
        """What a relayed answer says of itself. Raises BadGatewayError where the body is not this format's JSON,
        APIError where it is an error in a 200."""


class Wire(ProviderWire, Protocol):
    """One wire format, read and written from both ends. Pure: no I/O, no clock, no globals. `seal_mark`: bytes that a
    body holds wherever a seal stands in it. `alive`: what may stand between any two events of a stream, and says
    nothing. `count_field`: where an answer to the question how many tokens a request has tells it;
    `count_object`: as what it is, "" where that is not said."""

    @property
    def seal_mark(self) -> bytes: ...
    @property
    def alive(self) -> bytes: ...
    @property
    def count_field(self) -> str: ...
    @property
    def count_object(self) -> str: ...
    def read_request(self, body: Json, seals: Seals = UNKEYED) -> Written[Request]: ...
    def write_response(self, response: Response, seals: Seals = UNKEYED) -> Written[JsonObject]: ...
    def write_error(self, error: APIError) -> tuple[int, JsonObject]: ...
    def stream_writer(self, head: Head) -> StreamWriter: ...
