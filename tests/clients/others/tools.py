"""Clients of MCP through `tollbridge serve`, before one server of each kind and era (`tests/mcp/both_eras.py`): each
lists a server's tools by its path and calls one, and does so once more at `/mcp` and at `/sse`, where all servers are
together. FastMCP does it without a key too: it finds out by itself where a token is had, and a person gives a key
there.

Those in Python are programs beside this file. The Inspector is a command, run twice for each server; mcp-remote is a
server on stdio, which a plain client talks to.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

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
from tests.mcp.both_eras import SERVERS, Server, configured
from tests.mcp.serving import NODE_MODULES, Command, Talk

PATIENCE_S = 90
TOGETHER, OVER_SSE, BY_OAUTH = "all at once", "all over HTTP+SSE", "all with a token"
FETCH = "mcp_server_fetch"
"""An environment of its own: the server is tried here alone."""
PAGE = "A page that is fetched."
ABOUT = {
    "everything": "npm `server-everything`, stdio, legacy",
    "filesystem": "npm `server-filesystem`, stdio, legacy",
    "memory": "npm `server-memory`, stdio, legacy",
    "time": "PyPI `mcp-server-time`, stdio, both",
    "git": "PyPI `mcp-server-git`, stdio, both",
    "fetch": "PyPI `mcp-server-fetch`, stdio, both",
    "old_stdio": "raw, stdio, 2025-06-18 alone",
    "old_sse": "raw, HTTP+SSE, 2024-11-05 alone",
    "old_http": "raw, Streamable HTTP with sessions, 2025-06-18 alone",
    "modern": "raw, Streamable HTTP, 2026-07-28 alone",
    TOGETHER: "all of them at `/mcp`, names prefixed",
    OVER_SSE: "all of them at `/sse`, by HTTP+SSE",
    BY_OAUTH: "all of them at `/mcp`, by OAuth, without a key",
}


class Target(msgspec.Struct, frozen=True):
    """Where to list and what to call; `answer` is a part of what it says, `least` how many tools there are. `oauth`:
    without a key."""

    name: str
    path: str
    tool: str
    arguments: dict[str, Any]
    answer: str
    least: int
    oauth: bool = False

    def judge(self, told: dict[str, Any]) -> str | None:
        """What is wrong; None where nothing is."""
        if "error" in told:
            return str(told["error"])[:300]
        if told["tools"] < self.least:
            return f"{told['tools']} tools, not {self.least}"
        return None if self.answer in told["text"] else f"{told['text'][:80]!r}, without {self.answer!r}"


def targets(page: str) -> list[Target]:
    """`page`: where one is that can be fetched."""
    servers = dict(SERVERS)
    if python(FETCH).exists():
        servers["fetch"] = Server(1, "fetch", PAGE, {"url": page})
    ordered = sorted(servers.items(), key=lambda server: list(ABOUT).index(server[0]))
    one = servers["old_stdio"]
    least = sum(server.tools for server in servers.values())
    together = partial(Target, tool=f"old_stdio-{one.call}", arguments=one.arguments, answer=one.answer, least=least)
    return [
        *(Target(name, f"/mcp/{name}", one.call, one.arguments, one.answer, one.tools) for name, one in ordered),
        together(TOGETHER, "/mcp"),
        together(OVER_SSE, "/sse"),
        together(BY_OAUTH, "/mcp", oauth=True),
    ]


Told = dict[str, dict[str, Any]]
Use = Callable[["Gateway", Sequence[Target]], Awaitable[Told]]


class Gateway(msgspec.Struct, frozen=True):
    """`person`: the key that somebody gives on the page."""

    url: str
    person: str


def in_python(environment: str, program: str) -> Use:
    async def use(gateway: Gateway, chosen: Sequence[Target]) -> Told:
        servers = [msgspec.to_builtins(target) for target in chosen]
        asked = json.dumps({"url": gateway.url, "key": KEY, "person": gateway.person, "servers": servers})
        out = await _output(str(python(environment)), str(HERE / "python" / program), given=asked)
        answers = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        return {answer["name"]: answer for answer in answers}

    return use


async def with_the_inspector(gateway: Gateway, chosen: Sequence[Target]) -> Told:
    return {target.name: await _inspect(gateway.url, target) for target in chosen if not target.oauth}


async def _inspect(url: str, target: Target) -> dict[str, Any]:
    program = COMMANDS / "node_modules/.bin/mcp-inspector"
    common = [node(COMMANDS), str(program.resolve()), "--cli", "--server-url", url + target.path, "--transport"]
    common.append("sse" if target.name == OVER_SSE else "http")
    common += ["--header", f"x-litellm-api-key: {KEY}"]
    try:
        listed = json.loads(await _output(*common, "--method", "tools/list"))
        words = [f"{name}={value}" for name, value in target.arguments.items()]
        call = ["--method", "tools/call", "--tool-name", target.tool, *(("--tool-arg", *words) if words else ())]
        called = json.loads(await _output(*common, *call))
    except (RuntimeError, ValueError) as error:
        return {"error": str(error)}
    return {"tools": len(listed["tools"]), "text": called["content"][0]["text"]}


async def with_mcp_remote(gateway: Gateway, chosen: Sequence[Target]) -> Told:
    told = {}
    with tempfile.TemporaryDirectory() as kept:
        for target in (target for target in chosen if not target.oauth):
            program = str((COMMANDS / "node_modules/.bin/mcp-remote").resolve())
            arguments: tuple[str, ...] = (
                program,
                gateway.url + target.path,
                "--allow-http",
                "--header",
                f"x-litellm-api-key:{KEY}",
            )
            arguments += ("--transport", "sse-only") if target.name == OVER_SSE else ()
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
    use: Use
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
        chosen = targets(stack.enter_context(_page(directory / "page")))
        program = python(FETCH).with_name("mcp-server-fetch")
        if program.exists():
            servers["fetch"] = {"command": str(program), "args": ["--ignore-robots-txt", "--allow-private-ips"]}
        else:
            outcome.missing.append("mcp-server-fetch")
        url = stack.enter_context(serving(json.dumps({"mcp_servers": servers}), directory))
        gateway = Gateway(url, _key(url, list(servers)))
        for client in clients:
            try:
                answered.append(await client.use(gateway, chosen))
            except RuntimeError as error:
                answered.append({target.name: {"error": str(error)} for target in chosen})
    for target in chosen:
        row = [ABOUT[target.name]]
        for client, told in zip(clients, answered, strict=True):
            if target.oauth and target.name not in told:
                row.append("not asked")
                continue
            problem = target.judge(told.get(target.name, {"error": "it ended without an answer"}))
            outcome.asked += 1
            if problem is not None:
                outcome.wrong.append(f"{client.package}, {target.name}: {problem}")
            row.append("yes" if problem is None else "no")
        outcome.rows.append(row)


@contextmanager
def _page(directory: Path) -> Iterator[str]:
    """The address of a page."""
    directory.mkdir()
    (directory / "page.txt").write_text(PAGE)
    handler = partial(Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/page.txt"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


def _key(url: str, servers: list[str]) -> str:
    """One that may use these."""
    body = json.dumps({"object_permission": {"mcp_servers": servers}}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    with urlopen(Request(f"{url}/key/generate", body, headers)) as answer:
        return str(json.load(answer)["key"])
