"""`mock_response`: an answer, or a failure, that the caller wrote. It takes the whole path but for the network.

An exception, its class, or its name is raised. Everything else is answered as `providers.mock` says.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import NoReturn

from tollbridge import exceptions
from tollbridge.assemble.offline import offline
from tollbridge.errors import APITimeoutError
from tollbridge.providers.mock import mocked
from tollbridge.sdk.order import Mock
from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport
from tollbridge.transport.inprocess import InProcess


class Raising:
    """`transport.base.Transport` that fails."""

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure

    async def send(self, request: Outgoing, timeouts: Timeouts) -> NoReturn:
        raise self._failure

    async def close(self) -> None:
        """Holds nothing."""


def mock_host(order: str) -> str:
    """Where the mock of an order is; no network has such a host (RFC 6761)."""
    return f"{blake2b(order.encode(), digest_size=8).hexdigest()}.invalid"


class Delayed:
    """`transport.base.Transport` that takes its time, or all that there is."""

    def __init__(self, transport: Transport, delay_s: float) -> None:
        self._transport = transport
        self._delay_s = delay_s

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        patience_s = timeouts.first_byte_s
        if patience_s is not None and patience_s < self._delay_s:
            await asyncio.sleep(patience_s)
            raise APITimeoutError(f"mock_delay: nobody answered within {patience_s:g} s.")
        await asyncio.sleep(self._delay_s)
        return await self._transport.send(request, timeouts)

    async def close(self) -> None:
        await self._transport.close()


def mock_transport(mock: Mock) -> Transport:
    made = _answering(mock)
    return Delayed(made, mock.delay_s) if mock.delay_s else made


def _answering(mock: Mock) -> Transport:
    if mock.timeout:
        return Raising(APITimeoutError("mock_timeout: nobody answered in time."))
    failure = _failure(mock.answer)
    if failure is not None:
        return Raising(failure)
    return InProcess(offline(mocked(mock.answer, mock.tool_calls), pause_s=0.0))


def _failure(answer: object) -> BaseException | None:
    match answer:
        case BaseException():
            return answer
        case type() if issubclass(answer, BaseException):
            return answer(f"mock_response: {answer.__name__}")
        case str():
            name = answer.rpartition(".")[2]
            kind = getattr(exceptions, name, None) if name in exceptions.__all__ else None
            return kind(f"mock_response: {name}") if kind is not None else None
        case _:
            return None
