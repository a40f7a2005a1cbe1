"""Counting tokens aside: on one thread of its own, so that a long text does not hold up the event loop.

What counts leaves the interpreter to others, and so does half of what loads an encoding; the rest, 0.3 s of processor
time once in a process, is one call of tiktoken's that does not. One thread, since many would only take the processor
from others; its own, since who looks up a name must not wait behind a long text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from tollbridge.calls.ask import Ask
from tollbridge.catalog.tokens import counts_at_once

SHORT_BYTES = 20_000
"""What is no longer is counted within 2 ms: a thread would take as long to be woken."""
NAME = "tollbridge-count"

P = ParamSpec("P")
T = TypeVar("T")


def is_short(ask: Ask, heard: int, model: str) -> bool:
    """It may be counted on the event loop. `heard`: the length of the answer. What asks on from another has a body that
    does not hold all that is asked."""
    return ask.client is None and len(ask.body) + heard <= SHORT_BYTES and counts_at_once(model)


async def aside(count: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Raises what `count` raises. Who is cancelled does not wait for it; one that has begun goes on for nobody."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread(), lambda: count(*args, **named))


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=NAME)
