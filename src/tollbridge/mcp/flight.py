"""One call under way at an MCP server: what is heard of it, and how it ends from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError
from tollbridge.model.json import JsonObject

ENDLESS = frozenset({"subscriptions/listen"})
"""Its answer is the end of a stream that may be silent for long."""
TICKS = 8
"""In which a call that nothing is heard of is looked at before it is given up."""


class Flight(msgspec.Struct, eq=False):
    """A call under way. `task`: that makes it, and was cancelled `cancelled` times before. `asking`: requests of the
    server that its caller is answering. `quiet`: ticks since something was heard of it. `why`: what ended it from
    outside, by cancelling its task."""

    call: Call
    server: str
    answer: asyncio.Future[JsonObject]
    task: asyncio.Task[Any]
    cancelled: int
    asking: int = 0
    quiet: int = 0
    why: RpcError | None = None

    def tick(self) -> None:
        self.quiet = 0 if self.asking else self.quiet + 1
        if self.quiet > TICKS and self.call.method not in ENDLESS:
            told = f"The MCP server {self.server!r} did not answer {self.call.method} in time."
            self.end(RpcError(UPSTREAM_FAILED, told))

    def end(self, why: RpcError) -> None:
        """Nothing where it is answered, or ended before."""
        if self.why is None and not self.answer.done():
            self.why = why
            self.task.cancel()

    def ended(self) -> RpcError | None:
        """Of a task that was cancelled: why, where that was `end` and nobody else."""
        if self.why is not None and self.task.uncancel() <= self.cancelled:
            return self.why
        return None
