"""One call under way at an MCP server: what is heard of it, and how it ends from outside."""

from __future__ import annotations

import asyncio

from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError
from tollbridge.model.json import JsonObject

ENDLESS = frozenset({"subscriptions/listen"})
"""Its answer is the end of a stream that may be silent for long."""
TICKS = 8
"""In which a call that nothing is heard of is looked at before it is given up."""


class Flight:
    """A call under way. `asking`: requests of the server that its caller is answering. `quiet`: ticks since something
    was heard of it. `why`: what ended it from outside, by cancelling its task."""

    __slots__ = ("_cancelled", "_endless", "_server", "_task", "answer", "asking", "call", "quiet", "why")

    def __init__(self, call: Call, server: str, loop: asyncio.AbstractEventLoop) -> None:
        """In the task that makes the call."""
        task = asyncio.current_task(loop)
        assert task is not None
        self.call = call
        self.answer: asyncio.Future[JsonObject] = loop.create_future()
        self.asking = self.quiet = 0
        self.why: RpcError | None = None
        self._server = server
        self._endless = call.method in ENDLESS
        self._task = task
        self._cancelled = task.cancelling()

    def tick(self) -> None:
        self.quiet = 0 if self.asking else self.quiet + 1
        if self.quiet > TICKS and not self._endless:
            self.end(
                RpcError(UPSTREAM_FAILED, f"The MCP server {self._server!r} did not answer {self.call.method} in time.")
            )

    def end(self, why: RpcError) -> None:
        """Nothing where it is answered, or ended before."""
        if self.why is None and not self.answer.done():
            self.why = why
            self._task.cancel()

    def ended(self) -> RpcError | None:
        """Of a task that was cancelled: why, where that was `end` and nobody else."""
        if self.why is not None and self._task.uncancel() <= self._cancelled:
            return self.why
        return None
