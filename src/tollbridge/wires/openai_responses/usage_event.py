"""The last event of a stream, which has the whole response, and its usage."""

from __future__ import annotations

import msgspec

from tollbridge.wires.usage_place import Fields, UsagePlace, with_cost

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class _Response(msgspec.Struct):
    usage: Fields | None = None


class _Event(msgspec.Struct):
    type: str = ""
    response: _Response | None = None


_event = msgspec.json.Decoder(_Event).decode


def _may_tell(block: bytes) -> bool:
    return b'"usage":{' in block or b'"usage": {' in block


def _tells(data: bytes) -> bool:
    event = _read(data)
    return event.type in _ENDS and event.response is not None and event.response.usage is not None


def _goes_on(data: bytes) -> bool:
    return _read(data).type not in ("", "keepalive")


def _read(data: bytes) -> _Event:
    try:
        return _event(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Event()


def _with_cost(data: bytes, dollars: str) -> bytes:
    return with_cost(data, dollars, "response")


USAGE = UsagePlace(may_tell=_may_tell, tells=_tells, goes_on=_goes_on, with_cost=_with_cost)
