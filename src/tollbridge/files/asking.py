"""What is asked of a place that keeps files and batches: by a tenant's errand, and by a call in Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tollbridge.calls.exchange import ERROR_BYTES_MAX
from tollbridge.calls.place import Place
from tollbridge.calls.redact import redact, without_secrets
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.files.formats import Format
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Flow, Incoming, Timeouts, Transport

OBJECT_BYTES_MAX = 16 * 1024 * 1024


async def send(
    transport: Transport,
    place: Place,
    format: Format,
    method: str,
    path: str,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    *,
    body: bytes = b"",
    flow: Flow | None = None,
    length: int | None = None,
    timeouts: Timeouts | None = None,
    said: Mapping[str, str] | None = None,
) -> Incoming:
    """The answer, with a good status. `path`: below where the place keeps things. `timeouts`: others than the place's.
    Raises APIError, in whose words the ids in `said` (theirs -> ours) are ours."""
    request = await place.outgoing(
        method, place.root.keeps_at + path, query, [("accept", "*/*"), *headers], body=body, flow=flow, length=length
    )
    try:
        incoming = await transport.send(request, timeouts or place.timeouts)
        if incoming.status < 400:
            return incoming
        told = redact(await incoming.read(ERROR_BYTES_MAX), place.hidden)
        for theirs, ours in (said or {}).items():
            told = told.replace(theirs.encode(), ours.encode())
        answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.headers}
        error = format.wire.read_error(incoming.status, answered, told)
        error.wire, error.headers = format.dialect, tuple(answered.items())
        raise error
    except APIError as error:
        error.provider = error.provider or place.root.provider
        raise without_secrets(error, place.hidden) from error.__cause__


async def read_object(incoming: Incoming) -> JsonObject:
    """A file, a batch, or what is left of one. Raises APIError."""
    told = await _read(incoming)
    if not isinstance(told.get("id"), str):
        raise BadGatewayError("The provider's answer is JSON, but holds no object with an id.")
    return told


async def read_list(incoming: Incoming) -> JsonObject:
    """Raises APIError."""
    told = await _read(incoming)
    if not isinstance(told.get("data"), list):
        raise BadGatewayError("The provider's answer is JSON, but holds no list.")
    return told


async def _read(incoming: Incoming) -> JsonObject:
    body = await incoming.read(OBJECT_BYTES_MAX)
    try:
        told: Json = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
    if not isinstance(told, dict):
        raise BadGatewayError("The provider's answer is JSON, but no object.")
    return told
