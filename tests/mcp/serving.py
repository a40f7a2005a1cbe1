"""Starts the servers that the gateway is tested against, each in a process of its own, and ends that process only.

    async with everything() as server:      # or a plain `with`, for a fixture of a whole module
        await ask(server.url)

HTTP ones print their port when they listen. Those on stdio are started by whoever talks to them: `LEGACY_STDIO`,
`npm(...)` and `pypi(...)` are commands, with what a configuration needs of them. `Talk` starts one and talks JSON-RPC
over its pipes with nothing in between.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
NODE_MODULES = HERE / "node" / "node_modules"
MCP1 = REPOSITORY / ".venv-mcp1" / "bin" / "python"
END_S = 5.0
CLIENT_S = 30.0


def lacking(what: str) -> None:
    """Skip the test, which needs something that tests/mcp/install.sh could not get; in CI nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(f"needs {what}: see what tests/mcp/install.sh said")
    pytest.skip(f"needs {what}: run tests/mcp/install.sh .venv-mcp1 python3.11")


class Serving:
    """A server on 127.0.0.1 that tells its port on its first line."""

    def __init__(self, *command: str, path: str = "/mcp", environ: Mapping[str, str] | None = None) -> None:
        self._command = command
        self._path = path
        self._environ = {**os.environ, **(environ or {})}
        self._errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        self.port = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self._path}"

    def at(self, path: str) -> str:
        """The address of another path of the same server."""
        return f"{self.origin}{path}"

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=self._errors, text=True, cwd=REPOSITORY, env=self._environ
        )
        assert self._process.stdout is not None
        told = self._process.stdout.readline().strip()
        if not told.isdigit():
            said = self.errors()
            self.end()
            raise RuntimeError(f"{self._command} did not tell its port but {told!r}\n{said}")
        self.port = int(told)
        return self

    def __exit__(self, *raised: object) -> None:
        self.end()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.end)

    def errors(self) -> str:
        """What the process wrote to its standard error so far."""
        self._errors.seek(0)
        return self._errors.read()

    def kill(self) -> None:
        """End it with no word to anybody, as a crash does; the address stays."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


def _fixture(name: str, *arguments: str, path: str = "/mcp", python: str = sys.executable) -> Serving:
    return Serving(python, "-m", f"tests.mcp.fixtures.{name}", *arguments, path=path)


def everything(port: int = 0) -> Serving:
    """What the official suite asks for, on both eras, with the official SDK 2.x; `.url` is its /mcp."""
    return _fixture("everything", str(port))


def tasks(port: int = 0) -> Serving:
    """The Tasks extension on 2026-07-28; `.url` is its /mcp."""
    return _fixture("tasks", str(port))


def modern_only(port: int = 0) -> Serving:
    """Raw JSON-RPC that knows nothing before 2026-07-28; `.url` is its /mcp."""
    return _fixture("modern_only", str(port))


def legacy_http(port: int = 0) -> Serving:
    """The tools of `legacy_stdio` over Streamable HTTP with sessions, of 2025-06-18 only; `.url` is its /mcp."""
    return _fixture("legacy_http", str(port))


def legacy_sse(port: int = 0) -> Serving:
    """The tools of `legacy_stdio` over HTTP+SSE of 2024-11-05; `.url` is its /sse."""
    return _fixture("legacy_sse", str(port), path="/sse")


def authorizing(port: int = 0, **options: Any) -> Serving:
    """A legacy server that wants OAuth, and its authorization server; `.url` is its /mcp."""
    return _fixture("authorizing", str(port), json.dumps(options))


def broken(fault: str = "malformed", port: int = 0) -> Serving:
    """A server that misbehaves; `.url` is /mcp/{fault}, `.at("/mcp/{other}")` another fault of `fixtures/broken.py`."""
    return _fixture("broken", str(port), path=f"/mcp/{fault}")


@dataclass(frozen=True)
class Command:
    """A server on stdio, as a configuration names it."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def configured(self) -> dict[str, Any]:
        """Its part of an entry of `mcp_servers`."""
        return {"transport": "stdio", "command": self.command, "args": list(self.args), "env": dict(self.env)}


LEGACY_STDIO = Command(sys.executable, (str(HERE / "fixtures" / "legacy_stdio.py"),))
CUSTOMER_SERVICE = Command(sys.executable, (str(REPOSITORY / "examples" / "customer_service" / "server.py"),))


def npm(name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Command:
    """`mcp-server-everything`, `-filesystem` or `-memory`, as npm installed it: of the older era, on stdio."""
    program = NODE_MODULES / ".bin" / name
    if not program.exists():
        lacking(f"{name} from npm")
    return Command(node(), (str(program.resolve()), *arguments), dict(env or {}))


def pypi(name: str, *arguments: str) -> Command:
    """`mcp-server-time` or `mcp-server-git`, in the project's environment: both eras, on stdio."""
    return Command(str(Path(sys.executable).parent / name), arguments)


def mcp1() -> str:
    """The Python of the environment that has mcp 1.x."""
    if not MCP1.exists():
        lacking("mcp 1.x")
    return str(MCP1)


async def use_mcp1(
    server: str | Command,
    steps: list[dict[str, Any]],
    *,
    headers: Mapping[str, str] | None = None,
    transport: str = "http",
) -> list[Any]:
    """What a client of mcp 1.x is told, step by step; the first is its handshake (`version`, `server`).

    Steps: `{"list": "tools" | "resources" | "templates" | "prompts"}`, `{"call": tool}`, `{"get": prompt}` and
    `{"complete": prompt}` with `arguments`, `{"read": uri}`, `{"subscribe": uri}`, `{"unsubscribe": uri}`,
    `{"level": "info"}`, `{"ping": true}`, `{"heard": true}` for what it was told so far, and `{"wait": method}` for the
    same once a notification of that method came. A refusal is `{"error": {...}}`. `transport` may be `sse`.
    """
    asked: dict[str, Any] = {"steps": steps, "transport": transport, "headers": dict(headers or {})}
    if isinstance(server, Command):
        asked |= {"command": server.command, "args": list(server.args), "env": dict(server.env)}
    else:
        asked["url"] = server
    process = await asyncio.create_subprocess_exec(
        *(mcp1(), str(HERE / "mcp1" / "use.py"), json.dumps(asked)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(), CLIENT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"The client of mcp 1.x failed:\n{errors.decode()}")
    told: list[Any] = json.loads(out)
    return told


def node() -> str:
    """A Node of 22 or newer: the one from npm, else the machine's."""
    own = NODE_MODULES / ".bin" / "node"
    return str(own.resolve()) if own.exists() else "node"


class Talk:
    """A client on a command's pipes: whole lines of JSON, in order. Lines that are none are in `junk`."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._numbers = itertools.count(1)
        self.junk: list[str] = []
        self.heard: list[dict[str, Any]] = []

    async def __aenter__(self) -> Self:
        self.process = await asyncio.create_subprocess_exec(
            self._command.command,
            *self._command.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **self._command.env},
            limit=64 * 2**20,
        )
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def say(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def hear(self) -> dict[str, Any]:
        """The next message; EOFError where the process ended its output."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            try:
                message: dict[str, Any] = json.loads(line)
            except ValueError:
                self.junk.append(line.decode().rstrip())
                continue
            self.heard.append(message)
            return message
        raise EOFError(f"{self._command.command} ended its output")

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request and return its id."""
        number = next(self._numbers)
        self.say({"id": number, "method": method, "params": dict(params or {})})
        return number

    async def answer(self, number: int) -> dict[str, Any]:
        """The answer to the request of that id; what came before it is in `heard`."""
        while True:
            message = await self.hear()
            if message.get("id") == number and "method" not in message:
                return message

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return await self.answer(self.request(method, params))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await self.ask("tools/call", {"name": tool, "arguments": arguments})

    async def shake_hands(self, version: str = "2025-06-18", **capabilities: Any) -> dict[str, Any]:
        """The handshake of the older era, with the client's capabilities."""
        client = {"name": "talk", "version": "1"}
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": client}
        answer = await self.ask("initialize", params)
        self.say({"method": "notifications/initialized"})
        return answer
