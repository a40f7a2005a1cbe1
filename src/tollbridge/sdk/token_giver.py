"""A function of the program's that gives a token, as OpenAI's SDK takes one for Azure.

It is asked in a thread of its own. What an async one gives is waited for on the background loop, always the same, so
that the connections which it keeps stay usable.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

from tollbridge.sdk.loop import BACKGROUND


class TokenGiver:
    """Two of the same function are equal: a deployment is found again by it."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask = ask

    def __call__(self) -> object:
        given = self._ask()
        return BACKGROUND.run(_waited(given)) if inspect.isawaitable(given) else given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenGiver) and self._ask == other._ask

    def __hash__(self) -> int:
        try:
            return hash(self._ask)
        except TypeError:
            return hash(type(self._ask))


async def _waited(given: Awaitable[object]) -> object:
    return await given
