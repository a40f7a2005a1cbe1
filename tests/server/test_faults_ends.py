"""Row R28 of the fault matrix: whose end ends `tollbridge serve`. A terminal that closes, and a parent of workers that
is gone, end it as SIGTERM does: what is under way finishes. A port that is taken is nobody's to share.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.databases import furnish
from tests.server.faults import CHAT, configuration, ended, entry, text_of
from tests.server.test_faults_processes import (
    WORKERS,
    Halting,
    Serving,
    children_of,
    environment,
    free_port,
    refused,
    running,
    start,
    streams,
)
from tests.transport.upstream import Upstream

reads_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads Linux's /proc")


@asynccontextmanager
async def workers(directory: Path, text: str) -> AsyncIterator[Serving]:
    """Two, on a port of theirs. None outlives the block."""
    async with running(directory, text, *WORKERS, ready="A worker listens") as gateway:
        children = children_of(gateway.process.pid)
        try:
            yield gateway
        finally:
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)


async def whole(open_streams: list[tuple[aiohttp.ClientResponse, bytes]]) -> bool:
    bodies = [begun + await answer.content.read() for answer, begun in open_streams]
    return all(text_of(CHAT, body) == "Hello world" and ended(CHAT, body) for body in bodies)


def last_one_left(gateway: Serving) -> bool:
    """Whether nobody is left to write where it wrote."""
    assert gateway.process.stdout is not None
    return gateway.process.stdout.at_eof()


@reads_proc
async def test_workers_whose_parent_is_killed_finish_what_is_under_way_and_end(tmp_path: Path) -> None:
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        async with workers(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 6) as open_streams:
                gateway.process.kill()
                await asyncio.wait_for(refused(gateway), 10)
                upstream_says.go_on.set()
                assert await whole(open_streams)
            assert await gateway.ends() == -signal.SIGKILL
            assert last_one_left(gateway)
    assert gateway.said.count("the parent of this worker is gone") == 2


@reads_proc
async def test_a_worker_that_was_started_anew_ends_with_its_parent_too(tmp_path: Path) -> None:
    async with workers(tmp_path, configuration(entry("m", free_port()))) as gateway:
        os.kill(children_of(gateway.process.pid)[0], signal.SIGKILL)
        await gateway.says("A worker listens", 3)
        anew = children_of(gateway.process.pid)[1]
        try:
            gateway.process.kill()
            await gateway.ends()
            assert last_one_left(gateway)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(anew, signal.SIGKILL)


@reads_proc
async def test_a_parent_that_is_killed_while_its_workers_drain_hurries_them_not(tmp_path: Path) -> None:
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        async with workers(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 6) as open_streams:
                gateway.process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(refused(gateway), 10)
                gateway.process.kill()
                await gateway.says("the parent of this worker is gone")
                upstream_says.go_on.set()
                assert await whole(open_streams)
            await gateway.ends()
            assert last_one_left(gateway)


@reads_proc
async def test_workers_finish_what_is_under_way_on_sighup_to_their_parent(tmp_path: Path) -> None:
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        async with workers(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 6) as open_streams:
                gateway.process.send_signal(signal.SIGHUP)
                await gateway.says("finishing")
                await asyncio.wait_for(refused(gateway), 10)
                assert gateway.process.returncode is None
                upstream_says.go_on.set()
                assert await whole(open_streams)
            assert await gateway.ends() == 0
    assert "the parent of this worker is gone" not in gateway.said


async def test_sighup_that_comes_twice_hurries_nobody_and_sigterm_after_it_does(tmp_path: Path) -> None:
    """A terminal that closes may: the shell passes it on, and the system sends it when the shell ends."""
    async with Upstream(Halting()) as upstream:
        async with running(tmp_path, configuration(entry("m", upstream.port))) as gateway:
            async with streams(gateway, 1) as ((answer, _),):
                gateway.process.send_signal(signal.SIGHUP)
                await gateway.says("finishing 1 request")
                gateway.process.send_signal(signal.SIGHUP)
                await refused(gateway)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(answer.content.readany(), 0.5)
                gateway.process.send_signal(signal.SIGTERM)
                with pytest.raises(aiohttp.ClientError):
                    await answer.content.read()
            assert await gateway.ends() == 0


@pytest.mark.parametrize("options", [(), WORKERS])
async def test_sighup_that_was_ignored_at_the_start_ends_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    upstream_says = Halting()
    upstream_says.go_on.set()
    async with Upstream(upstream_says) as upstream:
        gateway = await start(tmp_path, configuration(entry("m", upstream.port)), *options, under=("nohup",))
        try:
            await gateway.says("A worker listens" if options else "Stop with Ctrl-C", 2 if options else 1)
            children = children_of(gateway.process.pid) if options else []
            for pid in (gateway.process.pid, *children):
                os.kill(pid, signal.SIGHUP)
            async with streams(gateway, 4) as open_streams:
                assert await whole(open_streams)
        finally:
            gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.ends() == 0
    assert "starting another" not in gateway.said


LEADER = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from tollbridge.cli import main; main()"


@pytest.mark.parametrize("options", [(), WORKERS])
async def test_streams_finish_whose_server_had_a_terminal_that_closed(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Nobody can be told any more: what is written to the terminal fails."""
    upstream_says = Halting()
    async with Upstream(upstream_says) as upstream:
        (tmp_path / "config.yaml").write_text(configuration(entry("m", upstream.port)))
        end, inner = pty.openpty()
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", LEADER, "serve", "--config", "config.yaml", "--port", str(port), *options),
            cwd=tmp_path,
            env=environment(furnish(tmp_path / "home")),
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        children: list[int] = []
        try:
            said = ""
            while "Stop with Ctrl-C" not in said or said.count("A worker listens") < len(options[1:2]) * 2:
                said += (await asyncio.to_thread(os.read, end, 65536)).decode("utf-8", "replace")
            children = children_of(process.pid)
            async with streams(gateway := Serving(process, port), 4) as open_streams:
                os.close(end)
                await asyncio.wait_for(refused(gateway), 10)
                upstream_says.go_on.set()
                assert await whole(open_streams)
            await asyncio.wait_for(process.wait(), 10)
        finally:
            for pid in (process.pid, *children):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await process.wait()


@pytest.mark.parametrize("first", [(), WORKERS])
async def test_workers_share_no_port_with_somebody_else(tmp_path: Path, first: tuple[str, ...]) -> None:
    ready = "A worker listens" if first else "Stop with Ctrl-C"
    (tmp_path / "later").mkdir()
    text = configuration(entry("m", free_port()))
    async with running(tmp_path, text, *first, ready=ready) as gateway:
        taken = ("--port", str(gateway.port))
        later = await start(tmp_path / "later", text, *WORKERS, *taken)
        try:
            assert await later.ends() == 1
        finally:
            if later.process.returncode is None:
                later.process.kill()
        gateway.process.send_signal(signal.SIGTERM)
        assert await gateway.ends() == 0
    assert f"error: cannot listen on 127.0.0.1:{gateway.port}: something listens there already" in later.said
    assert "worker" not in later.said
