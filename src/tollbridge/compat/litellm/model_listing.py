"""Which models a provider says that it has, by its own list.

    OpenAI's formats      GET {base}/models                      data: [{id}]
    Anthropic             GET /v1/models?limit=1000              data: [{id}]
    Gemini                GET /v1beta/models?pageSize=1000       models: [{name: models/NAME}]
    Cohere                GET /v1/models?page_size=1000          models: [{name}]
    Ollama                GET /api/tags                          models: [{name}]

1000 is the most that a page has. Sources: https://github.com/openai/openai-python (`resources/models.py`),
https://platform.claude.com/docs/en/api/java/models/list, https://ai.google.dev/api/rest/v1beta/models/list,
https://docs.cohere.com/v1/reference/list-models; Ollama's as clients of it ask for it (seen 2026-11-27).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from tollbridge.calls.build import wire_named
from tollbridge.calls.exchange import ERROR_BYTES_MAX
from tollbridge.calls.place import Place, place
from tollbridge.calls.redact import redact, without_secrets
from tollbridge.errors import APIError, BadGatewayError, UnsupportedParamsError
from tollbridge.model.json import Json
from tollbridge.providers.resolve import Given
from tollbridge.providers.root import root_of
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.sdk.desk import DESKS
from tollbridge.transport.base import Incoming, Timeouts

LIST_BYTES_MAX = 16 * 1024 * 1024
TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=30.0, gap_s=30.0, total_s=60.0)


class Listing(msgspec.Struct, frozen=True):
    """`path` and `query` of the list, in which object's field it stands, and which field of each is its name."""

    path: str
    query: str = ""
    field: str = "data"
    name: str = "id"


_OPENAI = Listing("models")
LISTINGS: Mapping[str, Listing] = {
    "openai_chat": _OPENAI,
    "openai_responses": _OPENAI,
    "anthropic_messages": Listing("v1/models", "limit=1000"),
    "gemini": Listing("v1beta/models", "pageSize=1000", "models", "name"),
    "cohere": Listing("v1/models", "page_size=1000", "models", "name"),
    "ollama": Listing("api/tags", "", "models", "name"),
}
"""By the format of a row."""


def is_listed(row: Provider) -> bool:
    """Whether it can be asked. A cloud's list is of all that could be deployed there, not of what is."""
    return row.wire in LISTINGS and row.shape == "plain" and row.place is None and row.name != DEMO.name


async def models_at(row: Provider, given: Given) -> list[str]:
    """Their names there. Raises APIError."""
    listing = LISTINGS.get(row.wire)
    if listing is None or not is_listed(row):
        raise UnsupportedParamsError(f"{row.name} has no list of models that could be asked for.", provider=row.name)
    at = place(root_of(row, given, os.environ, ROWS), TIMEOUTS)
    incoming = await _sent(at, row, listing)
    return _names(await incoming.read(LIST_BYTES_MAX), listing, row)


async def _sent(at: Place, row: Provider, listing: Listing) -> Incoming:
    try:
        request = await at.outgoing("GET", listing.path, listing.query, [("accept", "application/json")])
        incoming = await (await DESKS.here()).transport.send(request, TIMEOUTS)
        if incoming.status < 400:
            return incoming
        told = redact(await incoming.read(ERROR_BYTES_MAX), at.hidden)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.headers}
        error = wire_named(row.wire).read_error(incoming.status, headers, told)
        error.wire, error.headers = row.wire, tuple(headers.items())
        raise error
    except APIError as error:
        error.provider = error.provider or row.name
        raise without_secrets(error, at.hidden) from error.__cause__


def _names(body: bytes, listing: Listing, row: Provider) -> list[str]:
    try:
        told: Json = msgspec.json.decode(body)
        found = told if isinstance(told, list) else told[listing.field]  # Together's list stands alone
        return [one[listing.name].removeprefix("models/") for one in found]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise BadGatewayError(f"{row.name} told no list of models.", provider=row.name) from error
