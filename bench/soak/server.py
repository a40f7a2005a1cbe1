"""The server under faults: `tollbridge serve` in a process of its own, the scripted upstream behind it, clients in both
dialects, whole and streamed, that see each fault of `faults.FAULTS` again and again.

Wrong is: an answer that is not honest, a request that nobody accounts for, one that is still under way when all clients
are gone, a file descriptor that is left. Memory is told as a slope: a leak of 1 kB a request is 100 MB in 100,000.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from bench.ask import get_json
from bench.processes import Child, free_port, rss_mb, share_cores
from bench.soak.faults import FAULTS, PATHS, WIRES, Fault, Seen, judge
from bench.soak.outcome import Bounds, Clock, Outcome, Sample, slope
from bench.targets.target import new_key

CLIENTS = 48
PATIENCE_S = 30.0
GAP_S = 2.0
SAMPLES = 60
SPARE_FILES = 8
SETTLE_S = 20.0


def soak(bounds: Bounds, directory: Path) -> Outcome:
    with _upstream(directory) as upstream_port, _gateway(directory, upstream_port) as gateway:
        return asyncio.run(_Soak(bounds, gateway, upstream_port).run())


class _Gateway:
    def __init__(self, child: Child, port: int, key: str) -> None:
        self.child = child
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"authorization": f"Bearer {key}"}

    def sample(self, seconds: float, requests: int) -> Sample:
        files = len(list(Path(f"/proc/{self.child.pid}/fd").iterdir()))
        return Sample(seconds, requests, rss_mb([self.child.pid]), files)


class _Soak:
    def __init__(self, bounds: Bounds, gateway: _Gateway, upstream_port: int) -> None:
        self._bounds = bounds
        self._gateway = gateway
        self._upstream_port = upstream_port
        self._clock = Clock(bounds)
        self._texts = {fault.name: fault.text for fault in FAULTS}
        self._chance = random.Random(bounds.seed)
        self._seen: Counter[Seen] = Counter()
        self._samples: list[Sample] = []
        self._problems: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    async def run(self) -> Outcome:
        before = self._gateway.sample(0, 0)
        watch = asyncio.create_task(self._watch())
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, headers=self._gateway.headers) as session:
            await asyncio.gather(*(self._client(session) for _ in range(CLIENTS)))
        watch.cancel()
        asked, seconds = self._clock.asked, self._clock.elapsed_s
        after = await self._settled(before)
        self._samples.append(after)
        counted = await self._counted()
        problems = [
            f"{problem} ({times} times) {self._examples.get(problem, '')}"
            for problem, times in self._problems.most_common(20)
        ]
        if counted != asked:
            problems.append(f"{asked} requests were made, {counted} are accounted for")
        return Outcome(self._figures(asked, seconds, before, after), problems)

    def _figures(self, asked: int, seconds: float, before: Sample, after: Sample) -> list[tuple[str, str]]:
        grown = slope(self._samples)
        seen = ", ".join(f"{count:,} {name}" for name, count in sorted(self._seen.items()))
        peak = max(sample.rss_mb for sample in self._samples)
        return [
            ("requests", f"{asked:,} in {seconds:.0f} s, {CLIENTS} at once: {asked / seconds:,.0f}/s"),
            ("answers", seen),
            ("wrong answers", f"{self._seen['wrong']:,}"),
            ("memory", f"{before.rss_mb:.0f} MB at the start, {peak:.0f} MB at most, {after.rss_mb:.0f} MB at the end"),
            ("memory's slope", "too short to tell" if grown is None else f"{grown:+.2f} MB per 100,000 requests"),
            ("file descriptors", f"{before.files} at the start, {after.files} at the end"),
        ]

    async def _client(self, session: aiohttp.ClientSession) -> None:
        weights = [fault.weight for fault in FAULTS]
        while self._clock.another():
            (fault,) = self._chance.choices(FAULTS, weights)
            path, wire = self._chance.choice(PATHS), self._chance.choice(WIRES)
            stream = fault.leaves or self._chance.random() < 0.6
            try:
                async with asyncio.timeout(PATIENCE_S):
                    seen, told = await self._ask(session, fault, path, wire, stream)
            except TimeoutError:
                seen, told = "wrong", f"no end within {PATIENCE_S:.0f} s"
            except aiohttp.ClientError as error:
                seen, told = "wrong", f"the gateway's connection failed: {error!r}"
            self._seen[seen] += 1
            if seen not in (fault.stream if stream else fault.whole):
                way = "stream" if stream else "whole"
                problem = f"{fault.name}, {path} to {wire}, {way}: seen as {seen}"
                self._problems[problem] += 1
                self._examples.setdefault(problem, told)

    async def _ask(
        self, session: aiohttp.ClientSession, fault: Fault, path: str, wire: str, stream: bool
    ) -> tuple[Seen, str]:
        """What was seen, and the last of it, for a message."""
        body = {
            "model": f"{wire}-{FAULTS.index(fault)}",
            "max_tokens": 64,
            "stream": stream,
            "messages": [{"role": "user", "content": "hi"}],
        }
        async with session.post(self._gateway.url + path, json=body) as answer:
            if fault.leaves:
                await answer.content.readany()
                answer.close()
                return "left", ""
            told = await answer.read()
            seen = judge(path, answer.status, told, stream=stream, text=self._texts[fault.name])
            return seen, f"{answer.status} {told[-300:].decode(errors='replace').strip()}"

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._bounds.seconds / SAMPLES)
            self._samples.append(self._gateway.sample(self._clock.elapsed_s, self._clock.asked))

    async def _settled(self, before: Sample) -> Sample:
        """After the clients left: nothing is under way, and but for kept connections no file is open."""
        tries = 0
        while True:
            tries += 1
            left = await self._metric("tollbridge_inflight") + await self._metric("tollbridge_streams")
            kept = get_json(self._upstream_port, "/__stats")["connections_open"]
            sample = self._gateway.sample(self._clock.elapsed_s, self._clock.asked)
            spare = sample.files - before.files - kept
            if not left and spare <= SPARE_FILES:
                return sample
            if tries > SETTLE_S * 4:
                if left:
                    self._problems[f"{left:.0f} requests are still under way"] += 1
                if spare > SPARE_FILES:
                    self._problems[f"{spare} file descriptors are left"] += 1
                return sample
            await asyncio.sleep(0.25)

    async def _counted(self) -> int:
        return int(await self._metric("tollbridge_requests_total"))

    async def _metric(self, name: str) -> float:
        """Summed over its labels."""
        async with aiohttp.ClientSession() as session, session.get(self._gateway.url + "/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if re.match(rf"{name}[{{ ]", line))


@contextmanager
def _upstream(directory: Path) -> Iterator[int]:
    port = free_port()
    argv = [sys.executable, "-m", "bench.mock_upstream", "--port", str(port), "--keep", "1000", "--captures", "4"]
    for number, fault in enumerate(FAULTS):
        for wire in WIRES:
            argv += ["--model", f"{wire}-{number}={fault.script}"]
    with Child(argv, share_cores().load, directory / "upstream.log") as child:
        asyncio.run(_await(f"http://127.0.0.1:{port}/__stats", child))
        yield port


@contextmanager
def _gateway(directory: Path, upstream_port: int) -> Iterator[_Gateway]:
    port, key = free_port(), new_key()
    file = directory / "config.yaml"
    file.write_text(json.dumps(_configuration(upstream_port, key)))
    argv = [str(Path(sys.executable).with_name("tollbridge")), "serve", "--config", str(file), "--port", str(port)]
    argv += ["--log", "none"]
    environment = {"TOLLBRIDGE_HOME": str(directory / "home")}
    with Child(argv, share_cores().gateway, directory / "gateway.log", environment) as child:
        asyncio.run(_await(f"http://127.0.0.1:{port}/healthz", child))
        yield _Gateway(child, port, key)


def _configuration(upstream_port: int, key: str) -> dict[str, object]:
    """No retries and no rests: each fault is seen by the client that met it."""
    base = f"http://127.0.0.1:{upstream_port}"
    models = [
        {
            "model_name": f"{wire}-{number}",
            "litellm_params": {
                "model": f"{wire}/{wire}-{number}",
                "api_base": base + ("/v1" if wire == "openai" else ""),
                "api_key": "provider-key",
                "max_retries": 0,
            },
        }
        for wire in WIRES
        for number in range(len(FAULTS))
    ]
    return {
        "model_list": models,
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": key, "timeouts": {"gap_s": GAP_S}},
    }


async def _await(url: str, child: Child) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(200):
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                if not child.alive:
                    break
            await asyncio.sleep(0.05)
    raise RuntimeError(f"{child.argv[:3]} did not start: {child.last_words()}")
