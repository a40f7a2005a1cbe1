"""Servers that are processes: begun once, waited for, ended with all that they started; their words harm nobody."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mcp.clients import MODES, client, text
from tests.mcp.gateway import gateway
from tests.mcp.raw import raw
from tests.mcp.serving import HERE, LEGACY_STDIO, Command
from tollbridge.mcp.call import Caller
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.link import Link
from tollbridge.mcp.stdio import Stdio
from tollbridge.policy.principal import Principal

UPSTREAM_FAILED = -31001
SECRET = "hunter2-of-the-operator"


def unruly(*faults: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    command = Command(sys.executable, (str(HERE / "fixtures" / "unruly.py"), *faults), dict(env or {}))
    return {"mcp_servers": {"unruly": command.configured()}}


def alive(pid: int) -> bool:
    """Runs, and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.strip().startswith("Z")


async def gone(pid: int) -> None:
    async with asyncio.timeout(5):
        while alive(pid):
            await asyncio.sleep(0.02)


def children() -> list[str]:
    own = str(os.getpid())
    told = subprocess.run(["ps", "-o", "stat=,args=", "--ppid", own], capture_output=True, text=True, check=False)
    return [
        line for line in told.stdout.splitlines() if "fixtures/" in line or "sleep 6157" in line or line.startswith("Z")
    ]


async def test_one_process_serves_callers_of_every_era_at_once(tmp_path: Path) -> None:
    async with gateway({"mcp_servers": {"old": LEGACY_STDIO.configured()}}, tmp_path) as served:

        async def use(mode: Any) -> str:
            async with client(served.url, "old", mode=mode) as one:
                await one.list_tools()
                return text(await one.call_tool("echo", {"text": mode}))

        assert await asyncio.gather(*map(use, MODES)) == list(MODES)
        assert len(children()) == 1
    assert children() == []


async def test_a_legacy_process_is_asked_what_it_speaks_and_begun_once(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"echo x >> {started}; exec {sys.executable} {HERE / 'fixtures' / 'legacy_stdio.py'}"
    server = {"transport": "stdio", "command": "/bin/sh", "args": ["-c", script]}
    async with gateway({"mcp_servers": {"old": server}}, tmp_path) as served, raw(served.url) as one:
        # the very first call is one that the server asks its caller about
        call = {"name": "ask_name", "arguments": {}}
        told = await one.ask("old", "tools/call", call, capabilities={"elicitation": {}})
        assert told["result"]["resultType"] == "input_required"
        # one for callers that answer nothing, which was asked, and one for this caller
        assert started.read_text().count("x") == 2


async def test_a_process_that_one_call_has_for_itself_ends_with_the_others(tmp_path: Path) -> None:
    async with gateway({"mcp_servers": {"old": LEGACY_STDIO.configured()}}, tmp_path) as served:
        links = served.hub.upstreams["old"].links
        caller = Caller(principal=Principal("master", admin=True), modern=True, capabilities={"elicitation": {}})
        async with links.lent(caller) as link:
            await links.close()
            assert not link.open_
            assert children() == []
    assert children() == []


async def test_a_process_that_ends_answers_what_is_pending_and_is_begun_anew(tmp_path: Path) -> None:
    """R52."""
    async with gateway(unruly(), tmp_path) as served, raw(served.url) as one:
        pid = int((await one.ask("unruly", "tools/call", {"name": "pid"}))["result"]["content"][0]["text"])
        began = time.monotonic()
        told = await one.ask("unruly", "tools/call", {"name": "exit"})
        assert told["error"]["code"] == UPSTREAM_FAILED
        assert "status 3" in told["error"]["message"]
        assert time.monotonic() - began < 1
        await gone(pid)
        assert children() == []
        # it ended soon after it began: it rests, calls fail at once and say why, and then it is begun anew
        told = await one.ask("unruly", "tools/call", {"name": "pid"})
        assert "ended soon after it began" in told["error"]["message"]
        async with asyncio.timeout(10):
            while "error" in (told := await one.ask("unruly", "tools/call", {"name": "pid"})):
                await asyncio.sleep(0.05)
        assert int(told["result"]["content"][0]["text"]) != pid


async def test_the_last_words_of_one_that_fails_are_in_the_log_and_no_client_hears_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = "import os, sys; print('no', os.environ['TOKEN'], '\\nmodule', file=sys.stderr); sys.exit(4)"
    server = {"command": sys.executable, "args": ["-c", script], "env": {"TOKEN": "hush-hush"}}
    async with gateway({"mcp_servers": {"broken": server}}, tmp_path) as served, raw(served.url) as one:
        error = (await one.ask("broken", "tools/list"))["error"]
    assert "ended with status 4" in error["message"]
    assert "module" not in str(error)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "The MCP server 'broken' ended with status 4. Its last words:\n  no ***\n  module" in told
    assert "hush-hush" not in caplog.text


async def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    """S50."""
    async with gateway(unruly("forks"), tmp_path) as served, raw(served.url) as one:
        child = int((await one.ask("unruly", "tools/call", {"name": "child"}))["result"]["content"][0]["text"])
        assert alive(child)
        # the child holds the pipes open: that the process ended is heard all the same
        assert "error" in await one.ask("unruly", "tools/call", {"name": "exit"})
        await gone(child)


async def test_a_process_that_hears_no_signal_ends_with_the_gateway(tmp_path: Path) -> None:
    async with gateway(unruly("deaf", "forks"), tmp_path) as served, raw(served.url) as one:
        pids = [
            int((await one.ask("unruly", "tools/call", {"name": name}))["result"]["content"][0]["text"])
            for name in ("pid", "child")
        ]
    assert [alive(pid) for pid in pids] == [False, False]


async def test_a_line_without_end_comes_to_nothing_and_the_next_is_read(tmp_path: Path) -> None:
    """S50."""
    async with gateway(unruly("flood"), tmp_path) as served, raw(served.url) as one:
        told = await one.ask("unruly", "tools/call", {"name": "echo", "arguments": {"text": "here"}})
        assert told["result"]["content"][0]["text"] == "here"


async def test_junk_harms_nobody_and_no_secret_of_its_environment_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """R52."""
    caplog.set_level(logging.DEBUG)
    async with gateway(unruly("secrets", env={"TOKEN": SECRET, "LEVEL": "info"}), tmp_path) as served:
        async with raw(served.url) as one:
            for _ in range(2):
                told = await one.ask("unruly", "tools/call", {"name": "echo", "arguments": {"text": "here"}})
                assert told["result"]["content"][0]["text"] == "here"
    assert "what is no message" in caplog.text
    assert "TOKEN" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in (tmp_path / "requests.log").read_text()


async def test_the_answer_to_a_call_that_was_given_up_is_nobodys(tmp_path: Path) -> None:
    """R53: it comes late, before the answers to all that follow."""
    async with gateway(unruly("late"), tmp_path) as served, raw(served.url) as one:
        before = await one.ask("unruly", "tools/call", {"name": "pid"})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await one.ask("unruly", "tools/call", {"name": "echo", "arguments": {"text": "x"}})
        told = await one.ask("unruly", "tools/call", {"name": "pid"})
        assert told["result"] == before["result"]


async def test_a_process_has_of_our_environment_only_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S49."""
    for name in ("LD_PRELOAD_OF_TEST", "NODE_OPTIONS", "PYTHONSTARTUP", "TOLLBRIDGE_MASTER_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "x")
    server = {**LEGACY_STDIO.configured(), "env": {"GIVEN": "1"}}
    async with gateway({"mcp_servers": {"old": server}}, tmp_path) as served, raw(served.url) as one:
        told = await one.ask("old", "tools/call", {"name": "environment"})
    names = set(json.loads(told["result"]["content"][0]["text"]))
    assert "GIVEN" in names
    assert names <= {
        "GIVEN",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
    }


async def test_arguments_pass_no_shell(tmp_path: Path) -> None:
    """S49."""
    marker = tmp_path / "made"
    script = "import sys; print(sys.argv[1:], file=sys.stderr)"
    channel = Stdio(sys.executable, ("-c", script, f"; touch {marker}", f"$(touch {marker})"))
    with pytest.raises(RpcError):
        await Link("shell", channel, modern=False, timeout_s=5).open()
    await channel.close()
    assert not marker.exists()


async def test_the_last_words_of_a_process_that_dies_are_for_the_operator_and_without_its_secrets() -> None:
    script = "import os, sys; sys.exit('x' * 999 + os.linesep + 'cannot reach ' + os.environ['TOKEN'])"
    channel = Stdio(sys.executable, ("-c", script), env={"TOKEN": SECRET})
    link = Link("short", channel, modern=False, timeout_s=5)
    with pytest.raises(RpcError) as told:
        await link.open()
    await link.close()
    assert told.value.value()["message"] == "The MCP server 'short' ended with status 1."
    assert told.value.in_full == f"{told.value.message} Its last words: {'x' * 200} | cannot reach ***"


async def test_a_hundred_restarts_leave_no_descriptor_and_no_zombie() -> None:
    """R52."""

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def begun() -> None:
        link = Link("short", Stdio("/bin/false"), modern=False, timeout_s=5)
        with pytest.raises(RpcError):
            await link.open()
        await link.close()

    await begun()
    before = descriptors()
    for _ in range(100):
        await begun()
    assert descriptors() <= before
    assert children() == []


@pytest.mark.parametrize("between", [0, 1, 3])
@pytest.mark.parametrize("first", [1, 2, 4])
async def test_a_start_that_is_cancelled_twice_leaves_no_process(first: int, between: int) -> None:
    link: Any = SimpleNamespace(name="slow")
    channel = Stdio("/bin/sh", ("-c", "sleep 6157"))
    starting = asyncio.create_task(channel.start(link))
    for steps in (first, between):
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
    done, _ = await asyncio.wait({starting}, timeout=10)
    assert done
    await asyncio.sleep(0.2)  # a child that was left has become what it was to be
    assert children() == []
    await channel.close()
