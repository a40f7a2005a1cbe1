"""One server of each kind that there is behind a gateway: those that people run (from npm and PyPI) and the fixtures
that speak one era alone.

    async with configured(directory) as servers:
        await gateway({"mcp_servers": servers}, ...)
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.mcp import serving
from tests.mcp.serving import LEGACY_STDIO, npm, pypi


@dataclass(frozen=True)
class Server:
    """How many tools it has, and one of them to call, with a part of what it answers."""

    tools: int
    call: str
    answer: str
    arguments: dict[str, Any] = field(default_factory=dict)


LEGACY = Server(12, "echo", "unchanged", {"text": "unchanged"})
SERVERS = {
    "everything": Server(10, "echo", "Echo: unchanged", {"message": "unchanged"}),
    "filesystem": Server(14, "list_allowed_directories", "Allowed directories"),
    "memory": Server(9, "read_graph", "entities"),
    "time": Server(2, "get_current_time", "UTC", {"timezone": "UTC"}),
    "git": Server(12, "git_status", "branch", {"repo_path": "."}),
    "old_stdio": LEGACY,
    "old_sse": LEGACY,
    "old_http": LEGACY,
    "modern": Server(5, "echo", "unchanged", {"text": "unchanged"}),
}


@asynccontextmanager
async def configured(directory: Path) -> AsyncIterator[dict[str, Any]]:
    """`SERVERS` as the entries of `mcp_servers`; those over HTTP run meanwhile."""
    repository = directory / "repository"
    subprocess.run(["git", "init", "-q", str(repository)], check=True)
    environ = {"MEMORY_FILE_PATH": str(directory / "memory.json")}
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(serving.legacy_http())
        sse = await stack.enter_async_context(serving.legacy_sse())
        modern = await stack.enter_async_context(serving.modern_only())
        yield {
            "everything": npm("mcp-server-everything", "stdio").configured(),
            "filesystem": npm("mcp-server-filesystem", str(directory)).configured(),
            "memory": npm("mcp-server-memory", env=environ).configured(),
            "time": pypi("mcp-server-time", "--local-timezone", "UTC").configured(),
            "git": {**pypi("mcp-server-git", "--repository", str(repository)).configured(), "cwd": str(repository)},
            "old_stdio": LEGACY_STDIO.configured(),
            "old_sse": {"url": sse.url},
            "old_http": {"url": http.url},
            "modern": {"url": modern.url},
        }
