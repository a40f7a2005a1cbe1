"""`POST /v1/responses/compact`: a `Conversation` in its whole life, of which a shorter one comes."""

from __future__ import annotations

import msgspec

from tollbridge.calls.ask import Ask, Fields, field
from tollbridge.calls.compact import exchange_compaction
from tollbridge.errors import BadRequestError
from tollbridge.observe import Record
from tollbridge.server.controls import Controls
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.server.pipeline import Conversation
from tollbridge.server.reading import read_ask
from tollbridge.wires.base import Wire

_NO = msgspec.Raw(b"false")


def read_compaction(
    gateway: Gateway,
    dialect: Wire,
    inbound: Inbound,
    record: Record,
    model: str | None = None,
    fields: Fields | None = None,
    make: type[Ask] = Ask,
) -> tuple[Ask, Controls]:
    """As `read_ask`. It is answered whole, at once, and kept by nobody."""
    ask, controls = read_ask(gateway, dialect, inbound, record, model, fields, make)
    if ask.stream:
        raise BadRequestError("A compaction is no stream - at `$.stream`. Leave it out.", param="stream")
    if "input" not in ask.fields and "previous_response_id" not in ask.fields:
        raise BadRequestError(
            "What is to be compacted stands in `input`, or `previous_response_id` names it.", param="input"
        )
    ask.fields.pop("background", None)
    ask.fields["store"] = _NO
    tools = field(ask.fields, "tools")
    if isinstance(tools, list):  # nothing is called: those that would be run here are left out
        rest = [tool for tool in tools if not isinstance(tool, dict) or tool.get("type") != "mcp"]
        ask.fields["tools"] = msgspec.Raw(msgspec.json.encode(rest))
    return ask, controls


class CompactionRun(Conversation):
    __slots__ = ()

    _read_ask = staticmethod(read_compaction)
    _exchange = staticmethod(exchange_compaction)
