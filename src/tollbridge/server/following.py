"""Events of a management route that come over time, told to a client that may leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tollbridge.errors import APIError, ServiceUnavailableError
from tollbridge.server.answers import STREAM_LINES
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import ClientGone, Headers, Responder
from tollbridge.server.presence import Heartbeat
from tollbridge.wires.base import Head, Wire


async def follow(
    gateway: Gateway, dialect: Wire, events: AsyncIterator[bytes], responder: Responder, headers: Headers
) -> None:
    """Answers. Who leaves is not told any more; nothing else ends. Raises ServiceUnavailableError where too many
    streams are open."""
    load, rules, task = gateway.load, gateway.rules, asyncio.current_task()
    assert task is not None
    if load.streams >= rules.streams_max:
        load.shed += 1
        raise ServiceUnavailableError("Too many streams are open; retry soon.", retry_after_s=1.0, code="overloaded")
    load.streams += 1
    responder.start(200, [STREAM_LINES, *headers])
    loop = asyncio.get_running_loop()
    heartbeat = Heartbeat(rules.heartbeat_s, responder, tuple, loop, dialect.alive)
    responder.on_gone(lambda: _stop(task))
    try:
        async for event in events:
            heartbeat.heard = True
            responder.write(event)
            await responder.drain()
        responder.finish()
    except APIError as error:
        responder.write(dialect.stream_writer(Head()).fail(error))
        responder.finish()
    except (asyncio.CancelledError, ClientGone):
        if not responder.gone:
            raise
    finally:
        heartbeat.stop()
        responder.on_gone(None)
        load.streams -= 1


def _stop(task: asyncio.Task[Any]) -> None:
    task.cancel()
