"""What a client asks, before it is known who answers.

Only the top level of the body is decoded (`fields`, values as raw bytes): that is all a relayed request needs. The
neutral Request is read once, when the first deployment needs it, and kept for the attempts after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from tollbridge.calls.cache_points import CachePoint
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.model.response import Caveat, Usage
from tollbridge.model.unsent import unsent_part
from tollbridge.transport.base import Timeouts
from tollbridge.wires.base import Wire, Written
from tollbridge.wires.seal import UNKEYED, Seals

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode
_string = msgspec.json.Decoder(str).decode


class KeptBy(msgspec.Struct, frozen=True):
    """Where a provider keeps what a request goes on from. `deployment`: the id of the one that made it. `account`: whom
    it was asked as; another deployment of the same account has it too."""

    deployment: str = ""
    account: str = ""


class Ask(msgspec.Struct, eq=False):
    """One request in one dialect. `headers`: the client's headers that may go upstream. `id`, `created`: stand in for
    those that a provider leaves out. `timeout_s`: the client's own limit, or None. `left_s`: what earlier attempts left
    of the time for all of them together; None in the first. `caveats`: what of it cannot be done, whoever answers.
    `cache_points`: where the client wants its prompt cached, besides what the deployment has. `tags`: what may choose
    among deployments.
    `native`: the format that is best for who asks, where a provider speaks several; "" is the dialect. `repeats`: what
    a translated answer says besides, where its format repeats what was asked. `only`: who alone can answer, where the
    request goes on from what only its provider has. `shown_id`: what the client knows the answer by, where it was told
    that before anybody answered. `client`: what the client asked, where this asks on from it. `instead`: what a
    fallback is asked in its place, by the fallback's name."""

    dialect: Wire
    body: bytes
    fields: Fields
    model: str
    stream: bool
    id: str = ""
    created: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    seals: Seals = UNKEYED
    include_usage: bool = False
    strict: bool = False
    drop_params: bool | None = None
    timeout_s: float | None = None
    caveats: tuple[Caveat, ...] = ()
    cache_points: tuple[CachePoint, ...] = ()
    tags: tuple[str, ...] = ()
    left_s: float | None = None
    native: str = ""
    repeats: JsonObject = {}
    only: KeptBy | None = None
    shown_id: str = ""
    client: Ask | None = None
    instead: Mapping[str, Ask] = {}
    _read: Written[Request] | None = None
    _sealed: bool | None = None
    _counted: tuple[str | None, int] | None = None

    task: ClassVar[bool] = False
    """It asks for something else than a conversation: `calls.task_ask`."""

    __repr__ = object.__repr__  # shows neither prompt nor keys

    @property
    def sealed(self) -> bool:
        """A seal of ours may be in the body: it must be opened before anybody else sees it. Looked for once."""
        sealed = self._sealed
        if sealed is None:
            sealed = self._sealed = self.body.find(self.dialect.seal_mark) >= 0  # `in` takes twice as long
        return sealed

    def becomes(self, body: bytes) -> None:
        """The body is another, its fields with it."""
        self.body, self.fields = body, peek(body)
        self._read = self._sealed = self._counted = None

    def request(self) -> Written[Request]:
        """The neutral request. Raises BadRequestError with the JSON path of what is wrong."""
        if self._read is None:
            self._read = self.dialect.read_request(decode(self.body), self.seals)
        return self._read

    def count(self, model: str | None = None) -> int:
        """The input tokens, by our own count, which a client may be told and the ledger enters. Raises
        BadRequestError."""
        if self._counted is None or self._counted[0] != model:
            self._counted = (model, count_request(self.request().value, model))
        return self._counted[1]

    def spent_on(self, error: APIError) -> Usage | None:
        """What an attempt that failed with this used nevertheless, as far as that was told."""
        return None

    def reads(self, request: Written[Request]) -> None:
        """The neutral request, where it is a value and not in the body."""
        self._read, self._counted = request, None

    def replace(self, **fields: bytes | None) -> None:
        """Other values for some fields of the body, as JSON; None takes one out."""
        for name, value in fields.items():
            if value is None:
                self.fields.pop(name, None)
            else:
                self.fields[name] = msgspec.Raw(value)
        self.body = _encode(self.fields)
        self._read = self._sealed = self._counted = None

    def json(self) -> Json:
        return decode(self.body)

    def limited(self, timeouts: Timeouts) -> Timeouts:
        """A deployment's times, as this request bounds them. What bounds all of an answer bounds its beginning."""
        total = timeouts.total_s if self.timeout_s is None else self.timeout_s
        if self.timeout_s is not None and timeouts.first_byte_s == timeouts.total_s:
            timeouts = msgspec.structs.replace(timeouts, first_byte_s=total)
        if self.left_s is not None and (total is None or self.left_s < total):
            total = self.left_s
        return timeouts if total == timeouts.total_s else msgspec.structs.replace(timeouts, total_s=total)


def name_model(fields: dict[str, Any], model: object, *, in_path: bool) -> None:
    """Where a format has it: among the body's fields, or in the path and not there."""
    if in_path:
        fields.pop("model", None)
    else:
        fields["model"] = model


def with_plain_effort(ask: Ask) -> Ask:
    """LiteLLM's clients say `reasoning_effort` as the Responses format's `reasoning`, an object; the chat format has a
    word."""
    raw = bytes(ask.fields["reasoning_effort"])
    if not raw.startswith(b"{"):
        return ask
    beside = decode(raw)
    effort = beside.pop("effort", None)
    fields = {name: value for name, value in ask.fields.items() if name != "reasoning_effort"}
    if effort is not None:
        fields["reasoning_effort"] = msgspec.Raw(_encode(effort))
    what = f"{', '.join(f'`{name}`' for name in beside)} beside the effort: the chat format has no such wish"
    caveat = unsent_part("$.reasoning_effort", what, code="approximated")
    caveats = (*ask.caveats, caveat) if beside else ask.caveats
    return msgspec.structs.replace(ask, body=_encode(fields), fields=fields, caveats=caveats, _read=None)


def peek(body: bytes) -> Fields:
    """The top-level fields of a JSON object. Raises BadRequestError that says where the JSON breaks."""
    try:
        if not body.isascii():
            body.decode()  # values that stay raw are not looked into
        return _fields(body)
    except (msgspec.ValidationError, TypeError) as error:
        raise BadRequestError(f"The body must be a JSON object: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(body, error) from error


def string_field(fields: Fields, name: str) -> str:
    raw = fields.get(name)
    if raw is None:
        raise BadRequestError(f"The body lacks `{name}`.", param=name)
    try:
        value = _string(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError(f"`{name}` must be a string - at `$.{name}`.", param=name) from error
    if not value:
        raise BadRequestError(f"`{name}` is empty - at `$.{name}`.", param=name)
    return value


def field(fields: Fields, name: str) -> Json:
    """The decoded value of a field; None where it is absent or null."""
    raw = fields.get(name)
    return None if raw is None else decode(bytes(raw))


def is_true(fields: Fields, name: str) -> bool:
    raw = fields.get(name)
    if raw is None:
        return False
    text = bytes(raw)
    if text == b"true":
        return True
    if text in (b"false", b"null"):
        return False
    raise BadRequestError(f"`{name}` must be true or false - at `$.{name}`.", param=name)


def decode(body: bytes) -> Json:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(body, error) from error


def malformed(body: bytes, error: Exception) -> BadRequestError:
    if not body.strip():
        return BadRequestError("The body is empty: it must be a JSON object.", code="invalid_json")
    told = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return BadRequestError(f"The body is not valid JSON: {told}.", code="invalid_json")
