"""The chunk of a stream that tells its usage, and what is added to it. All else in it stays as it came, byte for byte:
only its two upper levels are looked at.
"""

from __future__ import annotations

import msgspec

from tollbridge.wires.usage_place import Fields, UsagePlace, with_cost


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: tuple[_Choice, ...] | None = None
    usage: Fields | None = None


_chunk = msgspec.json.Decoder(_Chunk).decode


def may_tell_usage(block: bytes) -> bool:
    """Quick, and true of a few chunks that tell none. (Some write `"usage":null` into each.)"""
    return b'"usage":{' in block or b'"usage": {' in block


def tells_usage(data: bytes) -> bool:
    """It has usage, and either no choices, as with OpenAI, or a choice that ends, as with Mistral and DeepSeek. Usage
    beside words counts what there is so far."""
    try:
        chunk = _chunk(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return chunk.usage is not None and (not chunk.choices or any(choice.finish_reason for choice in chunk.choices))


def has_choices(data: bytes) -> bool:
    try:
        return bool(_chunk(data).choices)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


USAGE = UsagePlace(may_tell=may_tell_usage, tells=tells_usage, goes_on=has_choices, with_cost=with_cost)
