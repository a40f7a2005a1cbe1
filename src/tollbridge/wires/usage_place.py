"""Where a format's stream tells its usage, for what is added to it there."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode


class UsagePlace(msgspec.Struct, frozen=True):
    """`may_tell`: quick, of a block, and true of a few that tell none. Of an event's data, `tells`: it has the usage of
    the whole answer; `goes_on`: it is a part of the answer, so that usage before it was not the last. `with_cost`: its
    data with the cost added, in dollars, or put in place of what the provider told; all else stays byte for byte."""

    may_tell: Callable[[bytes], bool]
    tells: Callable[[bytes], bool]
    goes_on: Callable[[bytes], bool]
    with_cost: Callable[[bytes, str], bytes]


def with_cost(data: bytes, dollars: str, *way: str) -> bytes:
    """`way`: to the object that has `usage`."""
    fields = _fields(data)
    if way:
        fields[way[0]] = msgspec.Raw(with_cost(bytes(fields[way[0]]), dollars, *way[1:]))
    else:
        usage = _fields(fields["usage"])
        usage["cost"] = msgspec.Raw(dollars.encode())
        fields["usage"] = msgspec.Raw(_encode(usage))
    return _encode(fields)
