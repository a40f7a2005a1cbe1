"""Row R28 of the fault matrix, and S68 and S69 of the attack matrix: `tollbridge serve` as a process. It drains on a
signal and hurries on a second one, replaces a worker that dies, and does not start behind a weak key or an open door.
Closed terminals and lost parents: test_faults_ends.py.

Below: tests/server/http/test_listener.py (draining, with clients under load), tests/config/test_master_key.py (which
keys are weak).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.databases import furnish
from tests.server.faults import (
    CHAT,
    DONE,
    EVENTS_HEAD,
    LAST,
    STOP,
    USAGE,
    answers_so_far,
    ask,
    chunk,
    configuration,
    ended,
    entry,
    text_of,
    word,
)
from tests.transport.upstream import Peer, Upstream, chunked, until

PATIENCE_S = 20
KEY = "sk-tb-process-0123456789-abcdef"


class Serving:
    """A `tollbridge serve` of its own, its output read line by line."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.said = ""

    async def says(self, mark: str, times: int = 1) -> None:
        """Until it has said `mark` so often."""
        assert self.process.stdout is not None
        while self.said.count(mark) < times:
            line = await self.process.stdout.readline()
            assert line, f"it ended without saying {mark!r}: {self.said}"
            self.said += line.decode()

    async def ends(self) -> int:
        assert self.process.stdout is not None
        try:
            self.said += (await asyncio.wait_for(self.process.stdout.read(), PATIENCE_S)).decode()
        except TimeoutError:
            self.process.kill()
        return await self.process.wait()

    def log(self) -> list[dict[str, Any]]:
        """The request log's lines, by their JSON."""
        return [json.loads(line) for line in self.said.splitlines() if line.startswith('{"event":"request"')]


def environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return {**kept, "TOLLBRIDGE_HOME": str(home), "TOLLBRIDGE_MASTER_KEY": KEY, "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def start(directory: Path, text: str, *options: str, under: tuple[str, ...] = (), **environ: str) -> Serving:
    (directory / "config.yaml").write_text(text)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(*under, sys.executable, "-c", "from tollbridge.cli import main; main()"),
        *("serve", "--config", "config.yaml", "--port", str(port), *options),
        cwd=directory,
        env=environment(furnish(directory / "home")) | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return Serving(process, port)


@asynccontextmanager
async def running(directory: Path, text: str, *options: str, ready: str = "Stop with Ctrl-C") -> AsyncIterator[Serving]:
    gateway = await start(directory, text, *options)
    try:
        await gateway.says(ready, 2 if "--workers" in options else 1)
        yield gateway
    finally:
        if gateway.process.returncode is None:
            gateway.process.kill()
        await gateway.process.wait()


class Halting:
    """An upstream whose streams halt after their first word until `go_on`."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.gone = 0

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            peer.send(EVENTS_HEAD, chunked(word("Hello")))
            leaving = asyncio.ensure_future(peer.reader.read(1))
            going = asyncio.ensure_future(self.go_on.wait())
            await asyncio.wait({leaving, going}, return_when=asyncio.FIRST_COMPLETED)
            going.cancel()
            if leaving.done():
                self.gone += 1
                return
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            peer.send(chunked(word(" world"), STOP, chunk(choices=[], usage=USAGE), DONE), LAST)


@asynccontextmanager
async def streams(gateway: Serving, count: int) -> AsyncIterator[list[tuple[aiohttp.ClientResponse, bytes]]]:
    """So many streams, each on a connection of its own, each past its first word."""
    headers = {"authorization": f"Bearer {KEY}"}
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        answers = await asyncio.gather(*(session.post(gateway.url + CHAT, json=ask(stream=True)) for _ in range(count)))
        yield [(answer, await answers_so_far(answer, b"Hello")) for answer in answers]
        for answer in answers:
            answer.close()


async def refused(gateway: Serving) -> None:
    """Until no new connection is taken."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        except ConnectionError:
            return
        writer.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_r28_on_a_signal_streams_finish_and_nothing_new_is_taken(tmp_path: Path, number: signal.Signals) -> None:
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        async with running(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 20) as open_streams:
                gateway.process.send_signal(number)
                await gateway.says("finishing 20 requests, for 120 s at most")
                await refused(gateway)
                assert gateway.process.returncode is None
                upstream_says.go_on.set()
                bodies = [begun + await answer.content.read() for answer, begun in open_streams]
            status = await gateway.ends()
    assert status == 0
    assert all(text_of(CHAT, body) == "Hello world" and ended(CHAT, body) for body in bodies)
    assert [line.get("outcome", "ok") for line in gateway.log()] == ["ok"] * 20
    assert all(line["tokens"] == {"input": 3, "output": 2} for line in gateway.log())


async def test_r28_a_second_signal_ends_what_is_under_way(tmp_path: Path) -> None:
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        async with running(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 3) as open_streams:
                gateway.process.send_signal(signal.SIGTERM)
                await gateway.says("finishing 3 requests")
                gateway.process.send_signal(signal.SIGTERM)
                for answer, _ in open_streams:
                    with pytest.raises(aiohttp.ClientError):  # a broken stream is not shown as a whole one
                        await answer.content.read()
            status = await gateway.ends()
            await until(lambda: upstream_says.gone == 3)
    assert status == 0
    ends = [(line["status"], line["outcome"], line["error_class"]) for line in gateway.log()]
    assert ends == [(503, "cancelled", "Stopping")] * 3


async def test_r28_what_outlives_the_grace_is_cut(tmp_path: Path) -> None:
    async with Upstream(Halting()) as upstream:
        text = configuration(entry("m", upstream.port), general={"shutdown_grace_s": 0.2})
        async with running(tmp_path, text) as gateway:
            async with streams(gateway, 1) as ((answer, _),):
                gateway.process.send_signal(signal.SIGTERM)
                with pytest.raises(aiohttp.ClientError):
                    await answer.content.read()
            assert await gateway.ends() == 0


SILENT = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["method"] == "tools/call":
        open("called", "a").write("x")
    elif "id" in asked:
        info = {"name": "s", "version": "1"}
        server = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        tools = [{"name": "wait", "inputSchema": {"type": "object"}}]
        said = server if asked["method"] == "initialize" else {"tools": tools}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": said}), flush=True)
"""


async def test_r28_a_call_of_a_tool_that_is_cut_says_so_and_one_whose_client_left_that_it_did(tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text(SILENT)
    server = {"command": sys.executable, "args": [str(tmp_path / "silent.py")], "cwd": str(tmp_path)}
    text = json.dumps({"mcp_servers": {"s": server}, "general_settings": {"shutdown_grace_s": 0.1}})
    params = {"name": "wait", "arguments": {}}
    calls = {
        "/mcp-rest/tools/call": ({"server_id": "s", **params}, {}),
        "/mcp": (
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"},
        ),
    }
    called = tmp_path / "called"

    def reached(number: int) -> bool:
        return called.exists() and len(called.read_text()) == number

    headers = {"authorization": f"Bearer {KEY}"}
    async with running(tmp_path, text) as gateway, aiohttp.ClientSession(headers=headers) as session:

        def call(path: str) -> asyncio.Task[Any]:
            body, more = calls[path]
            return asyncio.ensure_future(session.post(gateway.url + path, json=body, headers=more))

        left = call("/mcp-rest/tools/call")
        await until(lambda: reached(1))
        left.cancel()
        await gateway.says('"outcome":"cancelled"')
        cut = [call(path) for path in calls]
        await until(lambda: reached(3))
        gateway.process.send_signal(signal.SIGTERM)
        broken = await asyncio.gather(*cut, return_exceptions=True)
        assert await gateway.ends() == 0
    ends = [(line["endpoint"], line["status"], line.get("error_class")) for line in gateway.log() if line.get("model")]
    assert ends[0] == ("/mcp-rest/tools/call", 499, None)
    assert sorted(ends[1:]) == [(path, 503, "Stopping") for path in sorted(calls)]
    assert all(isinstance(error, aiohttp.ClientError) for error in broken)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


WORKERS = ("--workers", "2", "--local-limits")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
async def test_a_worker_that_is_killed_is_replaced_and_the_others_serve_on(tmp_path: Path) -> None:
    upstream_says = Halting()
    upstream_says.go_on.set()
    async with Upstream(upstream_says) as upstream:
        text = configuration(entry("m", upstream.port))
        async with running(tmp_path, text, *WORKERS, ready="A worker listens") as gateway:
            before = children_of(gateway.process.pid)
            os.kill(before[0], signal.SIGKILL)
            await gateway.says(f"worker {before[0]} ended")
            await gateway.says("A worker listens", 3)
            after = children_of(gateway.process.pid)
            async with streams(gateway, 10) as open_streams:
                bodies = [begun + await answer.content.read() for answer, begun in open_streams]
            gateway.process.send_signal(signal.SIGTERM)
            assert await gateway.ends() == 0
    assert len(before) == len(after) == 2
    assert before[1] in after
    assert before[0] not in after
    assert all(ended(CHAT, body) for body in bodies)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
async def test_workers_greet_once_and_show_a_made_key_once_also_when_one_is_replaced(tmp_path: Path) -> None:
    made = {"TOLLBRIDGE_MASTER_KEY": "", "LITELLM_MASTER_KEY": ""}
    gateway = await start(tmp_path, configuration(entry("m", free_port())), *WORKERS, **made)
    try:
        await gateway.says("A worker listens", 2)
        os.kill(children_of(gateway.process.pid)[0], signal.SIGKILL)
        await gateway.says("A worker listens", 3)
    finally:
        gateway.process.send_signal(signal.SIGTERM)
    assert await gateway.ends() == 0
    key = (tmp_path / "home" / "master_key").read_text().strip()
    before, _, after = gateway.said.partition("Stop with Ctrl-C")
    assert key in before
    assert "not shown again" in before
    assert key not in after
    assert "Tollbridge listens" not in after


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
async def test_a_signal_while_a_worker_is_replaced_starts_no_other(tmp_path: Path) -> None:
    async with Upstream(Halting()) as upstream:
        text = configuration(entry("m", upstream.port))
        async with running(tmp_path, text, *WORKERS, ready="A worker listens") as gateway:
            first = children_of(gateway.process.pid)[0]
            os.kill(first, signal.SIGKILL)
            await gateway.says(f"worker {first} ended")
            gateway.process.send_signal(signal.SIGTERM)
            assert await gateway.ends() == 0
    assert gateway.said.count("A worker listens") == 2


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")
async def test_with_workers_one_ctrl_c_is_one_signal_to_each(tmp_path: Path) -> None:
    """A terminal sends it to the whole group: workers must not hear it twice, for twice means to hurry."""
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        text = configuration(entry("m", upstream.port))
        async with running(tmp_path, text, *WORKERS, ready="A worker listens") as gateway:
            groups = {os.getpgid(child) for child in children_of(gateway.process.pid)}
            assert os.getpgid(gateway.process.pid) not in groups
            async with streams(gateway, 6) as open_streams:
                gateway.process.send_signal(signal.SIGINT)
                await refused(gateway)
                upstream_says.go_on.set()
                bodies = [begun + await answer.content.read() for answer, begun in open_streams]
            assert await gateway.ends() == 0
    assert all(ended(CHAT, body) for body in bodies)


WEAK = ["sk-1234", "changeme", "password", "litellm", "12345678901234567890", "aaaaaaaaaaaaaaaaaaaa", "sk-short"]


@pytest.mark.parametrize("key", WEAK)
async def test_s69_a_weak_master_key_does_not_guard_a_gateway(tmp_path: Path, key: str) -> None:
    (tmp_path / "other").mkdir()
    in_file = await start(tmp_path, configuration(general={"master_key": key}))
    in_environment = await start(tmp_path / "other", configuration(), TOLLBRIDGE_MASTER_KEY=key)
    for gateway in (in_file, in_environment):
        assert await gateway.ends() == 2
        assert "key" in gateway.said
        assert "listens" not in gateway.said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.com"])
async def test_s68_an_open_door_is_for_loopback(tmp_path: Path, host: str) -> None:
    gateway = await start(tmp_path, configuration(), "--open", "--host", host)
    assert await gateway.ends() == 2
    assert "loopback" in gateway.said


async def test_an_open_door_on_loopback_is_said_aloud_and_asks_no_key(tmp_path: Path) -> None:
    async with running(tmp_path, configuration(general={"master_key": "sk-1234"}), "--open") as gateway:
        assert "WARNING" in gateway.said
        async with aiohttp.ClientSession() as session:
            for headers in ({}, {"authorization": "Bearer sk-1234"}):
                async with session.get(gateway.url + "/v1/models", headers=headers) as answer:
                    assert answer.status == 200


async def test_workers_without_a_shared_count_are_refused(tmp_path: Path) -> None:
    gateway = await start(tmp_path, configuration(), "--workers", "2")
    assert await gateway.ends() == 2
    assert "--local-limits" in gateway.said
