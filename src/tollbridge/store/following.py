"""Hearing of what other processes wrote: looked for again and again, for as long as this one serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tollbridge.errors import APIError

FOLLOW_S = 0.5


async def follow(
    look: Callable[[], Awaitable[object]],
    log: logging.Logger,
    what: str,
    *,
    done: str = "heard of",
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Looks each `FOLLOW_S`, until it is cancelled or it is `over`. That the database is away is told once, and so
    is that it is back: `what` (in the plural) are not `done`, and are again. A fault of ours is told with its
    traceback, once too, and does not end it: who follows no more does not hear of a key that was taken away."""
    told = False
    while not over():
        try:
            await look()
        except APIError as error:
            if not told:
                log.warning("%s are not %s: %s", what, done, error)
            told = True
        except Exception:
            if not told:
                log.exception("%s are not %s", what, done)
            told = True
        else:
            if told:
                log.warning("%s are %s again", what, done)
            told = False
        await asyncio.sleep(FOLLOW_S)
