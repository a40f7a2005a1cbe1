"""An MCP server as a child process: one JSON message a line.

1. Command and arguments come from the operator's file, never from a request, and pass no shell. The child has a group
   of its own, and of our environment only what a program needs to run (`KEPT`), beside what the operator gives it.
2. What it prints to stdout that is no message is thrown away with a word in the log; so is a line that is too long.
   stderr is read to its end and goes to the log, so that the child never waits for us; its last lines go
   with the error that tells of its end (`RpcError.last_words`). Values of the environment that the operator
   gives it are masked there, and no client sees any.
3. Closing: its stdin is closed, and it has `GRACE_S` to end; then TERM to its group, then KILL. It is always waited
   for, and what it started itself ends with it, also where it ends on its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence

from tollbridge.mcp.call import Call
from tollbridge.mcp.jsonrpc import UPSTREAM_FAILED, RpcError, decode, encode
from tollbridge.mcp.link import Link
from tollbridge.model.json import JsonObject
from tollbridge.secret import MASK, without_keys

log = logging.getLogger("tollbridge.mcp.stdio")

KEPT = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER", "SYSTEMROOT")
LINE_BYTES_MAX = 16 * 1024 * 1024
GRACE_S = 2.0
REST_S = 0.5
"""For what a process that ended left to be read."""
SEEN_BYTES = 16 * 1024
LOGGED_CHARACTERS = 500
LAST_LINES, LAST_CHARACTERS = 5, 200
"""Of stderr, when it ended: where a program says why."""
SECRET_CHARACTERS_MIN = 5
"""A shorter value is no secret, but `1`, `true` or `info`."""


class Stdio:
    """`Channel`. `environ`: ours; `env`: what the child is given besides."""

    shared = True

    def __init__(
        self,
        command: str,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self._command = [command, *args]
        self._env = {name: value for name in KEPT if (value := (environ or {}).get(name)) is not None} | dict(env or {})
        lines = {line.strip() for value in (env or {}).values() for line in (value, *value.splitlines())}
        self._secrets = sorted((one for one in lines if len(one) >= SECRET_CHARACTERS_MIN), key=len, reverse=True)
        self._cwd = cwd
        self._process: Process | None = None
        self._exited = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._link: Link | None = None
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._end: RpcError | None = None

    async def start(self, link: Link) -> None:
        self._link = link
        loop = asyncio.get_running_loop()
        starting = asyncio.ensure_future(
            loop.subprocess_exec(
                lambda: _Exits(LINE_BYTES_MAX, loop),
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )
        )
        try:
            transport, protocol = await asyncio.shield(starting)
        except asyncio.CancelledError:
            ending = asyncio.ensure_future(_ended_at_once(starting, loop))
            _ENDING.add(ending)
            ending.add_done_callback(_ENDING.discard)
            await asyncio.shield(ending)  # which goes on, however often this is cancelled
            raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            told = f"The MCP server {link.name!r} cannot be started"
            where = f"{told}: {self._command[0]}: {reason}."
            raise RpcError(UPSTREAM_FAILED, f"{told}: {reason}.", where=where) from error
        self._process = process = Process(transport, protocol, loop)
        self._exited = protocol.exited
        telling = asyncio.ensure_future(self._tell(process, link.name))
        self._tasks = [asyncio.ensure_future(self._serve(process, transport, link, telling)), telling]

    async def send(self, message: JsonObject, call: Call | None = None) -> None:
        process, link = self._process, self._link
        if process is None or process.stdin is None or link is None or process.returncode is not None:
            raise await self._ended()
        try:
            process.stdin.write(encode(message) + b"\n")
            await process.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise await self._ended() from error

    async def _ended(self) -> RpcError:
        """Why it takes nothing any more. That its pipe broke is heard before the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=2 * REST_S)
        name = "" if self._link is None else f" {self._link.name!r}"
        return self._end or RpcError(UPSTREAM_FAILED, f"The MCP server{name} has ended.")

    async def _serve(
        self, process: Process, transport: asyncio.SubprocessTransport, link: Link, telling: asyncio.Task[None]
    ) -> None:
        """Until it ends. What it left in its pipes is still read, unless a child of its own holds them open."""
        reading = asyncio.ensure_future(self._read(process, link))
        try:
            await self._exited.wait()
            await asyncio.wait((reading, telling), timeout=REST_S)
        finally:
            reading.cancel()
            _end(process, signal.SIGKILL)
            transport.close()  # what holds its pipes open may do so for ever
        told = f"The MCP server {link.name!r} ended with status {process.returncode}."
        self._end = RpcError(UPSTREAM_FAILED, told, last_words=tuple(self._last))
        link.lost(self._end)

    async def _read(self, process: Process, link: Link) -> None:
        assert process.stdout is not None
        async for line in _lines(process.stdout, link.name):
            try:
                message = decode(line)
            except RpcError:
                shown = self._shown(line)
                log.warning("the MCP server %r wrote to stdout what is no message: %s", link.name, shown)
                continue
            for one in message if isinstance(message, list) else (message,):
                link.received(one)

    async def _tell(self, process: Process, name: str) -> None:
        assert process.stderr is not None
        async for line in _lines(process.stderr, name):
            shown = self._shown(line)
            self._last.append(shown[:LAST_CHARACTERS])
            log.info("%s: %s", name, shown)

    def _shown(self, line: bytes) -> str:
        """For the log: nothing that the operator gave it in its environment, which a program may well print."""
        text = line[:SEEN_BYTES].decode("utf-8", "replace")
        for value in self._secrets:
            text = text.replace(value, MASK)
        return without_keys(text[:LOGGED_CHARACTERS])

    async def close(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None and process.stdin is not None:
            process.stdin.close()
        for end in (None, signal.SIGTERM):
            if end is not None:
                _end(process, end)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._exited.wait(), GRACE_S)
                break
        _end(process, signal.SIGKILL)  # it, or what it leaves behind
        await self._exited.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Exits(SubprocessStreamProtocol):
    """Tells of the end of the process itself: asyncio waits for the end of its pipes too, which others may hold."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.exited.set()


async def _lines(stream: asyncio.StreamReader, name: str) -> AsyncIterator[bytes]:
    """Those that hold something; what is longer than `LINE_BYTES_MAX` comes to nothing."""
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as error:
            if error.partial.strip():
                yield error.partial.strip()
            return
        except asyncio.LimitOverrunError as error:
            log.warning("the MCP server %r wrote a line of more than %d bytes", name, LINE_BYTES_MAX)
            await stream.readexactly(error.consumed)
            continue
        if line := line.strip():
            yield line


_ENDING: set[asyncio.Task[None]] = set()


async def _ended_at_once(
    starting: asyncio.Future[tuple[asyncio.SubprocessTransport, _Exits]], loop: asyncio.AbstractEventLoop
) -> None:
    with contextlib.suppress(OSError, ValueError):
        transport, protocol = await starting  # it is there before it can be ended
        _end(Process(transport, protocol, loop), signal.SIGKILL)
        await protocol.exited.wait()
        transport.close()


def _end(process: Process, how: signal.Signals) -> None:
    """All of its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, how)
