"""What a batch, or one of its requests, says to the gateway. A batch runs at its provider, hours later: what may not be
said in a chat may not be said here, what stands in `extra_body` is meant beside it, and of the rest nothing comes."""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.calls.ask import Fields
from tollbridge.server.controls import NESTED, NOTES, NOTHING_SAID, Controls, take_controls, unpack

_IDLE = frozenset(
    {"timeout", "stream_timeout", "request_timeout", "num_retries", "max_retries", "fallbacks", "fastest_response"}
    | {"cache_control_injection_points"}
)
_UNTOLD = _IDLE | NOTES | {"tags"}


def take_steering(
    fields: Fields, headers: Mapping[bytes, bytes], betas: str | None, *, noted: bool
) -> tuple[Controls, tuple[str, ...]]:
    """Takes it out of `fields`. -> what was said, and the names of what nothing comes of. `noted`: the log is told;
    that of a batch is, one request of it has no entry there. `betas`: where the format is Anthropic's. Raises
    BadRequestError."""
    if NESTED in fields:
        unpack(fields)
    came = dict(fields)
    controls = take_controls(fields, headers, metadata_is_ours=False, betas=betas)
    watched = (_IDLE if noted else _UNTOLD).intersection(came)
    idle = [name for name in watched if name not in fields and bytes(came[name]) not in NOTHING_SAID]
    return controls, tuple(sorted((*idle, *controls.ineffective)))
