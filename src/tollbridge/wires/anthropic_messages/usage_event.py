"""The event of a stream that tells how the answer ended, and its usage: `message_delta`. After it `message_stop` alone
comes, and pings."""

from __future__ import annotations

import msgspec

from tollbridge.wires.usage_place import Fields, UsagePlace, with_cost


class _Event(msgspec.Struct):
    type: str = ""
    usage: Fields | None = None


_event = msgspec.json.Decoder(_Event).decode


def _may_tell(block: bytes) -> bool:
    return b"message_delta" in block


def _tells(data: bytes) -> bool:
    event = _read(data)
    return event.type == "message_delta" and event.usage is not None


def _goes_on(data: bytes) -> bool:
    return _read(data).type.startswith("content_block")


def _read(data: bytes) -> _Event:
    try:
        return _event(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Event()


USAGE = UsagePlace(may_tell=_may_tell, tells=_tells, goes_on=_goes_on, with_cost=with_cost)
