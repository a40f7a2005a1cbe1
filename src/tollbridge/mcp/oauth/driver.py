"""Sends what an errand asks (`errand.py`), where it may lead.

URLs in metadata are a server's word, and a server may be anybody's: they lead to public addresses over https alone.
Where the operator named the origin (the server's own URL in the configuration, an endpoint, `mcp_api_hosts`) they lead
there by any scheme and port. Redirects are not followed (`transport/base.py`). Which host and port could not be reached
is for the log: what is told here comes to the holders of keys.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import msgspec

from tollbridge.errors import APIError
from tollbridge.mcp.oauth.errand import Ask, Errand, Told
from tollbridge.transport.base import Origin, Outgoing, Timeouts, Transport
from tollbridge.transport.egress import split_url

log = logging.getLogger("tollbridge.mcp")
ANSWER_BYTES_MAX = 256 * 1024
TIMEOUTS = Timeouts(connect_s=10.0, first_byte_s=20.0, total_s=30.0)
ASKS_MAX = 16

T = TypeVar("T")


class Networks(msgspec.Struct, frozen=True, eq=False):
    """`named`: whether the operator named this origin; then by way of `operators`, else of `others`."""

    operators: Transport
    others: Transport
    named: Callable[[Origin], bool]


async def run(errand: Errand[T], networks: Networks) -> T:
    """Raises what the errand raises."""
    try:
        ask = next(errand)
        for _ in range(ASKS_MAX):
            ask = errand.send(await _told(ask, networks))
    except StopIteration as done:
        found: T = done.value
        return found
    raise RuntimeError("an errand asks without end")


async def _told(ask: Ask, networks: Networks) -> Told:
    try:
        origin, target = split_url(ask.url)
    except ValueError as error:
        return Told(0, why=str(error))
    named = networks.named(origin)
    if not named and origin.scheme != "https":
        return Told(0, why="it is named by a URL that is not https")
    outgoing = Outgoing(origin=origin, method=ask.method, target=target, headers=ask.headers, body=ask.body)
    try:
        incoming = await (networks.operators if named else networks.others).send(outgoing, TIMEOUTS)
        body = await incoming.read(ANSWER_BYTES_MAX)
    except APIError as error:
        log.warning("what OAuth asks for cannot be had: %s", error.message)
        return Told(0, why=(error.public or error.message).rstrip("."), at=str(origin))
    try:
        return Told(incoming.status, msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Told(incoming.status)
