"""Signing in at an MCP server from the command line, through a gateway that runs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.browser import browser
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.serving import Serving, authorizing
from tollbridge.cli.mcp_desk import local
from tollbridge.errors import APIError

COMMAND = (sys.executable, "-c", "from tollbridge.cli import main; main()", "mcp")


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with authorizing() as serving:
        yield serving


async def run(*words: str, served: Gateway, key: str) -> asyncio.subprocess.Process:
    environ = {**os.environ, "TOLLBRIDGE_URL": served.url, "TOLLBRIDGE_KEY": key}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*COMMAND, *words, stdout=pipe, stderr=pipe, env=environ)


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    out, errors = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode() + errors.decode()


async def address_in(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(r"http://\S+", line):
                return found[0]
    raise AssertionError("no address was told")


async def test_a_person_signs_in_is_listed_and_signs_out(server: Serving, tmp_path: Path) -> None:
    config: dict[str, Any] = {"mcp_servers": {"one": {"url": server.url, "auth_type": "oauth2"}}}
    async with gateway(config, tmp_path) as served, browser() as person:
        key = await served.key(permission={"mcp_servers": ["one"]})
        process = await run("login", "one", "--no-browser", "--port", "0", served=served, key=key)
        back = (await person.open(await address_in(process))).location
        foreign = await person.open(re.sub(r"state=[^&]+", "state=foreign", back))
        assert foreign.status == 200  # a page of somebody else's that guesses the port ends nothing
        assert process.returncode is None
        assert "Go back to the terminal" in (await person.open(back)).text
        assert await ended(process) == (0, "signed in at one\n")

        called = {"name": "whoami", "server_id": "one"}
        told = await served.post("/mcp-rest/tools/call", called, key=key)
        assert told["content"][0]["text"].startswith("person-")

        status, listed = await ended(await run("logins", served=served, key=key))
        assert status == 0
        assert server.origin in listed
        assert await ended(await run("logout", "one", served=served, key=key)) == (0, "signed out at one\n")
        assert (await ended(await run("logout", "one", served=served, key=key)))[0] == 1
        status, told = await ended(await run("login", "two", served=served, key=key))
        assert status == 1
        assert "no such MCP server" in told


async def test_the_admin_signs_in_by_the_configuration_alone_and_a_gateway_knows_of_it(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    config: dict[str, Any] = {"mcp_servers": {"one": {"url": server.url, "auth_type": "oauth2"}}}
    file, pipe = tmp_path / "config.yaml", asyncio.subprocess.PIPE
    file.write_text(json.dumps(config))
    command = (*COMMAND, "login", "one", "--no-browser", "--port", "0", "--config", str(file))
    async with browser() as person:
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        back = (await person.open(await address_in(process))).location
        assert "Go back to the terminal" in (await person.open(back)).text
        assert await ended(process) == (0, "signed in at one\n")
    async with local(file) as desk:
        called = await desk.call("whoami", {}, "one")
        assert called["content"][0]["text"].startswith("person-")
        assert [one["owner"] for one in await desk.sign_ins()] == ["master"]
    async with gateway(config, tmp_path) as served:
        called = await served.post("/mcp-rest/tools/call", {"name": "whoami", "server_id": "one"})
        assert called["content"][0]["text"].startswith("person-")
    async with local(file) as desk:
        assert [await desk.sign_out("one") for _ in range(2)] == [True, False]
        with pytest.raises(APIError, match=r"(?i)signs? in"):
            await desk.call("whoami", {}, "one")
