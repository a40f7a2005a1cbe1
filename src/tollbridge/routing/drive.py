"""Carries out a plan's commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tollbridge.routing.plan import Answered, Failed, Plan, Sleep, Try

D = TypeVar("D")
V = TypeVar("V")


async def drive(
    plan: Plan[D, V],
    attempt: Callable[[D, str], Awaitable[Answered[V] | Failed]],
    waits: Callable[[float], None] | None = None,
) -> V:
    """Run `plan`: each Try goes to `attempt`, each Sleep to the event loop; `waits` is told of it."""
    reply: Answered[V] | Failed | None = None
    try:
        while True:
            command = plan.send(reply)
            match command:
                case Try(deployment, fallback):
                    reply = await attempt(deployment, fallback)
                case Sleep(seconds):
                    if waits is not None:
                        waits(seconds)
                    await asyncio.sleep(seconds)
                    reply = None
    except StopIteration as stop:
        value: V = stop.value
        return value
