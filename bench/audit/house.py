"""The two processes of an audit: `tollbridge serve` on a home of its own, and the mock provider with its bill.

The gateway may be killed and started again on the same home and port; the provider lives as long as the house.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import resource
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bench.audit.models import Model, aliases, configuration
from bench.processes import at_start, free_port

MASTER_KEY = "sk-tb-audit-0123456789-abcdef"
READY = "Stop with Ctrl-C"
PATIENCE_S = 60.0
POLL_S = 0.005


class House:
    """`up`: set while the gateway serves. `home`: where its database and its journal are. `said`: all that it said."""

    def __init__(self, directory: Path, models: Sequence[Model], **general: object) -> None:
        """`general`: further `general_settings`."""
        self.home = directory / "home"
        self.log = directory / "requests.log"
        self.models = models
        self.up = asyncio.Event()
        self.said = ""
        self._directory = directory
        self._general = {"master_key": MASTER_KEY, "timeouts": {"gap_s": 0.5}, **general}
        self._port = free_port()
        self._mock: asyncio.subprocess.Process | None = None
        self._gateway: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self.mock_port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        return self._running.pid

    async def open(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        arguments = ["-m", "bench.mock_upstream", "--marks", "--captures", "0", "--keep", "10000000"]
        for alias in aliases(self.models):
            arguments += ["--model", alias]
        self._mock = await _spawn(arguments, stdout=asyncio.subprocess.PIPE)
        assert self._mock.stdout is not None
        self.mock_port = int(await self._mock.stdout.readline())
        self.configure(self.models)
        await self.start()

    def configure(self, models: Sequence[Model]) -> None:
        """What the next start reads. The provider goes on as it began."""
        self.models = models
        settings = configuration(models, self.mock_port, **self._general)
        (self._directory / "config.yaml").write_text(json.dumps(settings))

    async def start(self, *options: str) -> None:
        """The gateway, until it serves."""
        arguments = ["-c", "from tollbridge.cli import main; main()"]
        arguments += ["serve", "--config", str(self._directory / "config.yaml"), "--port", str(self._port)]
        self._gateway = await _spawn(
            [*arguments, "--log", str(self.log), *options],
            env={**os.environ, "TOLLBRIDGE_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
            cwd=self._directory,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        ready = asyncio.Event()
        self._hearing = asyncio.create_task(self._hear(self._gateway, ready))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait({waiting, self._hearing}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not ready.is_set():
            raise RuntimeError(f"the gateway did not start: {self.said}")
        self.up.set()

    async def kill(self) -> None:
        """SIGKILL: it can do nothing more."""
        self.up.clear()
        self._running.kill()
        await self._ended()

    async def stop(self) -> int:
        """SIGTERM: it finishes what is under way. The exit status."""
        self.up.clear()
        self.signal(signal.SIGTERM)
        return await self._ended()

    def give_room(self, size: int | None) -> None:
        """No file that the gateway writes may grow beyond so many bytes, as on a volume that is full; None: any."""
        limit = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def signal(self, number: signal.Signals) -> None:
        self._running.send_signal(number)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        for process in (self._gateway, self._mock):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()
        if self._hearing is not None:
            await self._hearing

    async def says(self, mark: str) -> None:
        """Until it has."""
        async with asyncio.timeout(PATIENCE_S):
            while mark not in self.said:
                await asyncio.sleep(POLL_S)

    async def manage(self, path: str, body: dict[str, Any]) -> Any:
        """A management route, as the admin."""
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        async with self.session.post(self.url + path, json=body, headers=headers) as answer:
            told = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status} {told}")
            return told

    async def metrics(self) -> dict[str, float]:
        """Each summed over its labels, all of one moment."""
        sums: dict[str, float] = {}
        async with self.session.get(self.url + "/metrics") as answer:
            for line in (await answer.text()).splitlines():
                if not line.startswith("#"):
                    name, value = re.split(r"[{ ]", line)[0], line.rpartition(" ")[2]
                    sums[name] = sums.get(name, 0.0) + float(value)
        return sums

    async def bill(self) -> Any:
        async with self.session.get(f"http://127.0.0.1:{self.mock_port}/__bill") as answer:
            return await answer.json()

    async def at_rest(self, within_s: float = PATIENCE_S) -> dict[str, float]:
        """Once nothing is under way and all that was entered is in the database, also by processes that were killed."""
        async with asyncio.timeout(within_s):
            while True:
                shown = await self.metrics()
                if not shown["tollbridge_inflight"] and not shown["tollbridge_ledger_lag_seconds"]:
                    return shown
                await asyncio.sleep(POLL_S * 4)

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None, "the house is not open"
        return self._session

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._gateway is not None, "the house is not open"
        return self._gateway

    async def _ended(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            status = await self._running.wait()
            if self._hearing is not None:
                await self._hearing
        return status

    async def _hear(self, gateway: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
        assert gateway.stdout is not None
        async for line in gateway.stdout:
            self.said += line.decode(errors="replace")
            if READY.encode() in line:
                ready.set()


@contextlib.asynccontextmanager
async def house(directory: Path, models: Sequence[Model], **general: object) -> AsyncIterator[House]:
    opened = House(directory, models, **general)
    try:
        await opened.open()
        yield opened
    finally:
        await opened.close()


async def _spawn(arguments: Sequence[str], **how: Any) -> asyncio.subprocess.Process:
    """It gets SIGTERM when we die."""
    everywhere = frozenset(os.sched_getaffinity(0))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, preexec_fn=at_start(everywhere), **how)
