"""Clients of MCP through `tollbridge serve`, before one server of each kind and era (`tests/mcp/both_eras.py`): each
lists a server's tools by its path and calls one, and does so once more at `/mcp`, where all servers are together.

Those in Python are programs beside this file. The Inspector is a command, run twice for each server; mcp-remote is a
server on stdio, which a plain client talks to.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from tests.clients.others.programs import (
    COMMANDS,
    HERE,
    Outcome,
    node,
    npm_installed,
    npm_version,
    python,
    python_version,
)
from tests.clients.running import KEY, serving
from tests.mcp.both_eras import SERVERS, configured
from tests.mcp.serving import NODE_MODULES, Command, Talk

PATIENCE_S = 90
TOGETHER = "all at once"
ABOUT = {
    "everything": "npm `server-everything`, stdio, legacy",
    "filesystem": "npm `server-filesystem`, stdio, legacy",
    "memory": "npm `server-memory`, stdio, legacy",
    "time": "PyPI `mcp-server-time`, stdio, both",
    "git": "PyPI `mcp-server-git`, stdio, both",
    "old_stdio": "raw, stdio, 2025-06-18 alone",
    "old_sse": "raw, HTTP+SSE, 2024-11-05 alone",
    "old_http": "raw, Streamable HTTP with sessions, 2025-06-18 alone",
    "modern": "raw, Streamable HTTP, 2026-07-28 alone",
    TOGETHER: "all of them at `/mcp`, names prefixed",
}


class Target(msgspec.Struct, frozen=True):
    """Where to list and what to call; `answer` is a part of what it says, `least` how many tools there are."""

    name: str
    path: str
    tool: str
    arguments: dict[str, Any]
    answer: str
    least: int

    def judge(self, told: dict[str, Any]) -> str | None:
        """What is wrong; None where nothing is."""
        if "error" in told:
            return str(told["error"])[:300]
        if told["tools"] < self.least:
            return f"{told['tools']} tools, not {self.least}"
        return None if self.answer in told["text"] else f"{told['text'][:80]!r}, without {self.answer!r}"


TARGETS = [
    *(Target(name, f"/mcp/{name}", one.call, one.arguments, one.answer, one.tools) for name, one in SERVERS.items()),
    Target(
        TOGETHER,
        "/mcp",
        f"old_stdio-{SERVERS['old_stdio'].call}",
        SERVERS["old_stdio"].arguments,
        SERVERS["old_stdio"].answer,
        sum(one.tools for one in SERVERS.values()),
    ),
]

Told = dict[str, dict[str, Any]]


def in_python(environment: str, program: str) -> Callable[[str], Awaitable[Told]]:
    async def use(url: str) -> Told:
        servers = [{"name": t.name, "path": t.path, "tool": t.tool, "arguments": t.arguments} for t in TARGETS]
        asked = json.dumps({"url": url, "key": KEY, "servers": servers})
        out = await _output(str(python(environment)), str(HERE / "python" / program), given=asked)
        answers = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return {answer["name"]: answer for answer in answers}

    return use


async def with_the_inspector(url: str) -> Told:
    return {target.name: await _inspect(url, target) for target in TARGETS}


async def _inspect(url: str, target: Target) -> dict[str, Any]:
    program = COMMANDS / "node_modules/.bin/mcp-inspector"
    common = [node(COMMANDS), str(program.resolve()), "--cli", "--server-url", url + target.path, "--transport", "http"]
    common += ["--header", f"x-litellm-api-key: {KEY}"]
    try:
        listed = json.loads(await _output(*common, "--method", "tools/list"))
        words = [f"{name}={value}" for name, value in target.arguments.items()]
        call = ["--method", "tools/call", "--tool-name", target.tool, *(("--tool-arg", *words) if words else ())]
        called = json.loads(await _output(*common, *call))
    except (RuntimeError, ValueError) as error:
        return {"error": str(error)}
    return {"tools": len(listed["tools"]), "text": called["content"][0]["text"]}


async def with_mcp_remote(url: str) -> Told:
    told = {}
    with tempfile.TemporaryDirectory() as kept:
        for target in TARGETS:
            program = str((COMMANDS / "node_modules/.bin/mcp-remote").resolve())
            arguments = (program, url + target.path, "--allow-http", "--header", f"x-litellm-api-key:{KEY}")
            bridge = Command(node(COMMANDS), arguments, {"MCP_REMOTE_CONFIG_DIR": kept})
            try:
                async with asyncio.timeout(PATIENCE_S), Talk(bridge) as talk:
                    await talk.shake_hands("2025-11-25")
                    listed = await talk.ask("tools/list")
                    called = await talk.call(target.tool, **target.arguments)
                text = called["result"]["content"][0]["text"]
                told[target.name] = {"tools": len(listed["result"]["tools"]), "text": text}
            except (EOFError, TimeoutError, KeyError) as error:
                told[target.name] = {"error": repr(error)}
    return told


async def _output(*command: str, given: str | None = None) -> str:
    """What a program wrote; RuntimeError with its last words where it failed or took too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, errors = await asyncio.wait_for(process.communicate(given and given.encode()), PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise RuntimeError(f"no answer within {PATIENCE_S} s") from None
    if process.returncode:
        raise RuntimeError(" ".join((errors or out).decode().split())[-300:] or f"ended with {process.returncode}")
    return out.decode()


class Client(msgspec.Struct, frozen=True):
    """`environment`: of a Python client; the others are commands from npm."""

    package: str
    use: Callable[[str], Awaitable[Told]]
    environment: str = ""

    @property
    def installed(self) -> bool:
        return python(self.environment).exists() if self.environment else npm_installed(COMMANDS, self.package)

    @property
    def version(self) -> str:
        if self.environment:
            return python_version(self.environment, self.package)
        return npm_version(COMMANDS, self.package)


CLIENTS = (
    Client("fastmcp", in_python("fastmcp", "use_fastmcp.py"), "fastmcp"),
    Client("langchain-mcp-adapters", in_python("langchain_mcp", "use_langchain_mcp.py"), "langchain_mcp"),
    Client("openai-agents", in_python("openai_agents", "use_agents_mcp.py"), "openai_agents"),
    Client("@modelcontextprotocol/inspector", with_the_inspector),
    Client("mcp-remote", with_mcp_remote),
)


def run(only: str) -> Outcome:
    """All clients whose name holds `only`, or every one where it is `mcp`."""
    chosen = [client for client in CLIENTS if only in f"{client.package} mcp"]
    missing = [client.package for client in chosen if not client.installed]
    present = [client for client in chosen if client.installed]
    outcome = Outcome(["server", *(f"{client.package} {client.version}" for client in present)], missing=missing)
    if not (NODE_MODULES / ".bin/mcp-server-everything").exists():
        outcome.missing.append("what MCP clients are tried with (tests/mcp/install.sh)")
    elif present:
        asyncio.run(_run(present, outcome))
    return outcome


async def _run(clients: Sequence[Client], outcome: Outcome) -> None:
    answered: list[Told] = []
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = await stack.enter_async_context(configured(directory))
        url = stack.enter_context(serving(json.dumps({"mcp_servers": servers}), directory))
        for client in clients:
            try:
                answered.append(await client.use(url))
            except RuntimeError as error:
                answered.append({target.name: {"error": str(error)} for target in TARGETS})
    for target in TARGETS:
        row = [ABOUT[target.name]]
        for client, told in zip(clients, answered, strict=True):
            problem = target.judge(told.get(target.name, {"error": "it ended without an answer"}))
            outcome.asked += 1
            if problem is not None:
                outcome.wrong.append(f"{client.package}, {target.name}: {problem}")
            row.append("yes" if problem is None else "no")
        outcome.rows.append(row)
