"""One measurement: a scenario on a target, in one round. Each is checked while it runs: no errors, a sample of the
answers read in full, the mock's own bill agrees with what the clients counted, and the ledger of who keeps one agrees
with the bill."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec

from bench import ask
from bench.accounts import Asked, check_ledger
from bench.bodies import PATHS, request_body, wrong_answer
from bench.imports import measure_imports
from bench.load import wrk
from bench.load.jobs import Aim, Job, OpenLoop, Outcome, PacedStreams, Saturate
from bench.processes import Child, Cores, cpu_s, rss_mb
from bench.scenarios import Scenario, script_of
from bench.stock import Stock, fill
from bench.targets.target import Launch, Site, Target

ONE_KEY = Stock()
SETTLE_S = 0.15
QUIET_SHARE = 0.1  # of a core
QUIET_WITHIN_S = 20.0
WARM_UP_S = 1
IMPORTS_PER_ROUND = 5
MOCK_WITHIN_S = 15.0


class Failure(Exception):
    """A measurement that gives no figure, or only some of its `values`; the text says why."""

    def __init__(self, text: str, values: dict[str, float] | None = None) -> None:
        super().__init__(text)
        self.values = values or {}


class Running(msgspec.Struct):
    """Something that answers. `pids` is what its CPU is summed over; `headers`, `core`, `keys` as in `Launch`. `home`:
    where its ledger is, `asked`: what should stand in it, by model."""

    name: str
    child: Child
    port: int
    headers: dict[str, str]
    pids: list[int]
    slowness: int = 1
    core: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    home: Path | None = None
    asked: dict[str, Asked] = {}


class Times(msgspec.Struct, frozen=True):
    """How long each kind is measured, in seconds."""

    saturate: int
    streams: float
    latency: float


class Bench:
    """The mock upstream and the targets that were started; `directory` holds what they write."""

    def __init__(self, cores: Cores, directory: Path, scenarios: tuple[Scenario, ...], times: Times) -> None:
        self.cores = cores
        self.scenarios = scenarios
        self._directory = directory
        self._times = times
        self._stack = contextlib.ExitStack()
        self._filled: dict[Stock, tuple[Path, tuple[str, ...]]] = {}
        self.running: dict[str, Running] = {}

    def __enter__(self) -> Bench:
        argv = [sys.executable, "-m", "bench.mock_upstream", "--port", "0", "--keep", "1000", "--captures", "4"]
        for scenario in self.scenarios:
            argv += ["--model", f"{scenario.name}={self._script(scenario)}"]
        child = self._stack.enter_context(Child(argv, self.cores.load, self._directory / "mock.log"))
        deadline = time.perf_counter() + MOCK_WITHIN_S
        while not child.log.read_text().strip().isdigit():
            if not child.alive or time.perf_counter() > deadline:
                self._stack.close()
                raise Failure(f"the mock upstream did not start: {child.last_words()}")
            time.sleep(0.02)
        self._mock = Running("direct", child, int(child.log.read_text()), {}, [child.pid])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, target: Target) -> Running:
        """Start a target on the gateway's core, to stay until the end."""
        running = self._stack.enter_context(self.started(target, self.cores.gateway))
        self.running[target.name] = running
        return running

    @contextlib.contextmanager
    def started(
        self, target: Target, cores: frozenset[int], workers: int = 1, *, stock: Stock = ONE_KEY, models: int = 1
    ) -> Iterator[Running]:
        asked = tuple(scenario for scenario in self.scenarios if target.can(scenario))
        directory = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=self._directory))
        home, keys = self._home(directory, stock) if target.accounts else (directory / "state", ())
        port = free_port()
        site = Site(
            port=port,
            upstream_port=self._mock.port,
            directory=directory,
            workers=workers,
            home=home,
            keys=keys,
            models=models,
            scenarios=asked,
        )
        launch = target.launch(site)
        with Child(launch.argv, cores, directory / "output.log", launch.env) as child:
            first = Asked()
            with self._counted(first):
                self._await(target.name, child, port, launch, asked[0])
            first.read(asked[0].name, self._bill())
            yield Running(
                name=target.name,
                child=child,
                port=port,
                headers=launch.headers,
                core=launch.core,
                keys=launch.keys,
                pids=child.pids(),
                slowness=target.slowness,
                home=home if target.accounts else None,
                asked={asked[0].name: first},
            )
        shutil.rmtree(directory)

    def _home(self, directory: Path, stock: Stock) -> tuple[Path, tuple[str, ...]]:
        """A copy of one that is filled once."""
        if stock not in self._filled:
            home = self._directory / f"stock-{len(self._filled)}"
            models = tuple(scenario.name for scenario in self.scenarios)
            self._filled[stock] = home, tuple(fill(home, stock, models))
        filled, keys = self._filled[stock]
        return Path(shutil.copytree(filled, directory / "state")), keys

    @contextlib.contextmanager
    def _counted(self, asked: Asked) -> Iterator[None]:
        """What the mock bills meanwhile."""
        before = self._billed()
        try:
            yield
        finally:
            asked.billed += self._billed() - before

    def _await(self, name: str, child: Child, port: int, launch: Launch, scenario: Scenario) -> None:
        body, path = self._body(scenario), PATHS[scenario.client]
        deadline = time.perf_counter() + launch.start_within_s
        last: str | None = "no answer"
        while last is not None:
            if not child.alive:
                raise Failure(f"{name} did not start: {child.last_words()}")
            if time.perf_counter() > deadline:
                raise Failure(f"{name} did not answer within {launch.start_within_s:.0f} s: {last}")
            last = ask.post_until_200(port, path, launch.headers, body, 0.25)

    def measure(self, scenario: Scenario, target: Target) -> dict[str, float]:
        """The figures of one measurement. Raises Failure."""
        match scenario.kind:
            case "cold_start":
                return self._cold_start(target)
            case "workers":
                with self.started(target, self.cores.both, scenario.workers) as running:
                    return self._ask(scenario, running, self._saturate)
            case "stocked":
                stock = Stock(keys=scenario.keys, rows=scenario.rows)
                with self.started(target, self.cores.gateway, stock=stock, models=scenario.models) as running:
                    values = self._ask(scenario, running, self._saturate)
                    self.check(running)
                    return values
            case "import":
                values, failed = measure_imports(self.cores.gateway, IMPORTS_PER_ROUND)
                if failed:
                    raise Failure("; ".join(failed), values)
                return values
        running = self.running[target.name]
        if not running.child.alive:
            raise Failure(f"{target.name} has ended: {running.child.last_words()}")
        match scenario.kind:
            case "paced_streams":
                return self._ask(scenario, running, self._paced_streams)
            case "latency":
                return self._ask(scenario, running, self._latency)
            case "memory":
                return {"rss_mb": rss_mb(running.child.pids())}
            case _:
                return self._ask(scenario, running, self._saturate)

    def _ask(
        self, scenario: Scenario, running: Running, how: Callable[[Scenario, Running], dict[str, float]]
    ) -> dict[str, float]:
        asked = running.asked.setdefault(scenario.name, Asked())
        with self._counted(asked):
            values = how(scenario, running)
            await_quiet(running)
        asked.read(scenario.name, self._bill())
        return values

    def check(self, running: Running) -> int:
        """The ledger against the bill, of all that was asked. Returns the requests on the bill; of who keeps no ledger
        0. Raises Failure."""
        if running.home is None:
            return 0
        if not running.child.alive:
            raise Failure(f"{running.name} has ended: {running.child.last_words()}")
        problems = check_ledger(running.port, running.home, running.asked)
        if problems:
            raise Failure("the ledger and the bill differ: " + "; ".join(problems[:3]))
        return sum(asked.billed for asked in running.asked.values())

    def direct_latency(self, scenario: Scenario) -> dict[str, float]:
        """The same without a gateway: what the latency of others is held against."""
        return self._latency(msgspec.structs.replace(scenario, client=scenario.upstream), self._mock)

    def _cold_start(self, target: Target) -> dict[str, float]:
        if target.accounts and ONE_KEY not in self._filled:
            self._home(Path(tempfile.mkdtemp(dir=self._directory)), ONE_KEY)
        began = time.perf_counter()
        with self.started(target, self.cores.gateway):
            return {"start_s": time.perf_counter() - began}

    def _saturate(self, scenario: Scenario, running: Running) -> dict[str, float]:
        aim = self._aim(scenario, running)
        self._sample(aim)
        seconds = self._times.saturate * running.slowness
        press = Saturate(aim=aim, connections=scenario.connections, seconds=seconds)
        self._press(msgspec.structs.replace(press, seconds=WARM_UP_S))
        await_quiet(running)
        billed, cpu = self._billed(), cpu_s(running.pids)
        outcome = self._press(press)
        used = cpu_s(running.pids) - cpu
        await_quiet(running)
        self._check(outcome, self._billed() - billed, scenario.connections)
        self._sample(aim)
        running.asked.setdefault(scenario.name, Asked()).note(outcome.requests, 2 * scenario.connections)
        return {"cpu_ms": used / outcome.requests * 1000, "rps": outcome.requests / outcome.seconds}

    def _press(self, job: Saturate) -> Outcome:
        return wrk.saturate(job, self._directory) if wrk.installed() else self._generate(job)

    def _paced_streams(self, scenario: Scenario, running: Running) -> dict[str, float]:
        aim = self._aim(scenario, running)
        self._sample(aim)
        count = scenario.connections // running.slowness**2
        billed = self._billed()
        job = PacedStreams(aim=aim, connections=count, seconds=self._times.streams, pids=running.pids)
        outcome = self._generate(job)
        self._check(outcome, self._billed() - billed, 0)
        running.asked.setdefault(scenario.name, Asked()).note(outcome.requests, 0)
        if not outcome.events:
            raise Failure("no events in the window")
        return {"cpu_us_event": outcome.cpu_s / outcome.events * 1e6, "rps": outcome.events / outcome.seconds}

    def _latency(self, scenario: Scenario, running: Running) -> dict[str, float]:
        aim = self._aim(scenario, running)
        self._sample(aim)
        billed = self._billed()
        outcome = self._generate(OpenLoop(aim=aim, rate=scenario.rate, seconds=self._times.latency))
        self._check(outcome, self._billed() - billed, 0)
        running.asked.setdefault(scenario.name, Asked()).note(outcome.requests, 0)
        cuts = quantiles(outcome.latencies_ms, n=100, method="inclusive")
        return {"p50_ms": cuts[49], "p99_ms": cuts[98]}

    def _generate(self, job: Job) -> Outcome:
        argv = [sys.executable, "-m", "bench.load"]
        done = subprocess.run(argv, input=msgspec.json.encode(job), capture_output=True, timeout=job.seconds + 120)
        if done.returncode:
            raise Failure(f"the load generator failed: {done.stderr.decode(errors='replace')[-300:]}")
        return msgspec.json.decode(done.stdout, type=Outcome)

    def _check(self, outcome: Outcome, billed: int, in_flight: int) -> None:
        """`in_flight` requests may have reached the mock without being counted when the time was over."""
        if outcome.errors:
            raise Failure("errors: " + "; ".join(f"{count}x {what}" for what, count in outcome.errors.items()))
        if not outcome.requests:
            raise Failure("no request was answered")
        if not 0 <= billed - outcome.requests <= in_flight:
            raise Failure(f"the mock billed {billed} requests, the clients counted {outcome.requests}")

    def _sample(self, aim: Aim) -> None:
        status, body = ask.post(aim.port, aim.path, aim.headers, aim.body)
        wrong = wrong_answer(aim.dialect, aim.stream, aim.script, status, body)
        if wrong:
            raise Failure(wrong)

    def _bill(self) -> list[dict[str, Any]]:
        """The last lines of it."""
        lines: list[dict[str, Any]] = ask.get_json(self._mock.port, "/__bill")["entries"]
        return lines

    def _billed(self) -> int:
        return int(ask.get_json(self._mock.port, "/__stats")["billed"])

    def _aim(self, scenario: Scenario, running: Running) -> Aim:
        return Aim(
            port=running.port,
            headers=running.core if scenario.core and running.core else running.headers,
            keys=() if scenario.core else running.keys,
            dialect=scenario.client,
            path=PATHS[scenario.client],
            body=self._body(scenario),
            stream=scenario.stream,
            script=self._script(scenario),
        )

    def _body(self, scenario: Scenario) -> bytes:
        return request_body(scenario.client, scenario.name, scenario.body_bytes, scenario.stream)

    def _script(self, scenario: Scenario) -> str:
        return script_of(scenario, self._times.streams)


def await_quiet(running: Running) -> None:
    """Until the target is done with what its clients left behind: it rests for a while, or the time is over."""
    deadline = time.perf_counter() + QUIET_WITHIN_S
    before = cpu_s(running.pids)
    while time.perf_counter() < deadline:
        time.sleep(SETTLE_S)
        now = cpu_s(running.pids)
        if now - before < QUIET_SHARE * SETTLE_S:
            return
        before = now


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
