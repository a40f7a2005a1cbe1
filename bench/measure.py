"""One measurement: a scenario on a target, in one round. Each is checked: no errors, a sample of the answers read in
full, the mock's own bill agrees with what the clients counted, and the ledger of who keeps one with the bill."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import msgspec

from bench import ask
from bench.accounts import Sums
from bench.bodies import PATHS, wrong_answer
from bench.imports import measure_imports
from bench.load import wrk
from bench.load.jobs import Aim, Job, OpenLoop, Outcome, PacedStreams, Saturate
from bench.processes import Cores, cpu_s, rss_mb
from bench.scenarios import Scenario
from bench.stage import Failure, Running, Stage
from bench.stock import Stock
from bench.targets.target import Target

WARM_UP_S = 1
IMPORTS_PER_ROUND = 5
REPORTS = {"page_ms": "/spend/logs?limit=100", "spend_ms": "/global/spend"}
REPORTS_PER_ROUND = 5

Values = dict[str, float]


class Times(msgspec.Struct, frozen=True):
    """How long each kind is measured, in seconds."""

    saturate: int
    streams: float
    latency: float


class Bench:
    """The targets that stay, on a stage. `checked`: what stands in the ledger as on the bill, a sum for each check, by
    scenario."""

    def __init__(self, cores: Cores, directory: Path, scenarios: tuple[Scenario, ...], times: Times) -> None:
        self.scenarios = scenarios
        self.running: dict[str, Running] = {}
        self.checked: dict[str, list[Sums]] = {}
        self._directory = directory
        self._times = times
        self._stage = Stage(cores, directory, scenarios, times.streams)
        self._stocked: dict[tuple[str, str], Running] = {}
        self._cores = cores

    def __enter__(self) -> Bench:
        self._stage.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._stage.__exit__()

    def start(self, target: Target) -> None:
        """To stay until the end."""
        self.running[target.name] = self._stage.keep(target)

    def stocked(self, scenario: Scenario, target: Target) -> Running:
        """The gateway with the stock of a scenario. It stays: those of different stocks are asked in turn, so that what
        the machine does meanwhile is done to each."""
        key = scenario.name, target.name
        if key not in self._stocked:
            stock = Stock(keys=scenario.keys, rows=scenario.rows)
            self._stocked[key] = self._stage.keep(target, stock=stock, models=scenario.models)
        return self._stocked[key]

    def measure(self, scenario: Scenario, target: Target) -> Values:
        """The figures of one measurement. Raises Failure."""
        match scenario.kind:
            case "cold_start":
                with self._stage.started(target, self._cores.gateway) as running:
                    self._check_ledger(scenario, running)
                    return {"start_s": running.start_s}
            case "workers":
                with self._stage.started(target, self._cores.both, scenario.workers) as running:
                    return self._ask(scenario, running, self._saturate)
            case "stocked":
                running = self.stocked(scenario, target)
                return self._ask(scenario, running, self._saturate) | self._reports(running)
            case "import":
                values, failed = measure_imports(self._cores.gateway, IMPORTS_PER_ROUND)
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

    def direct_latency(self, scenario: Scenario) -> Values:
        """The same without a gateway: what the latency of others is held against."""
        return self._latency(msgspec.structs.replace(scenario, client=scenario.upstream), self._stage.mock)

    def check_whole(self, name: str) -> None:
        """All that a target which stayed was asked, row by row. Raises Failure where its ledger has anything else."""
        running = self.running[name]
        problems = [] if running.audit is None else running.audit.differences(whole=True)
        if problems:
            raise Failure("the ledger is not as the bill: " + "; ".join(problems))

    def _ask(self, scenario: Scenario, running: Running, how: Callable[[Scenario, Running], Values]) -> Values:
        audit = running.audit
        with contextlib.nullcontext() if audit is None else audit.asking(as_key=not scenario.core):
            try:
                values = how(scenario, running)
            finally:
                running.rest()
        self._check_ledger(scenario, running)
        return values

    def _check_ledger(self, scenario: Scenario, running: Running) -> None:
        audit = running.audit
        if audit is None:
            return
        problems = audit.differences()
        if problems:
            raise Failure("the ledger is not as the bill: " + "; ".join(problems))
        self.checked.setdefault(scenario.name, []).append(audit.last)

    def _saturate(self, scenario: Scenario, running: Running) -> Values:
        """CPU is taken from rest to rest: with what is done for these requests after their answers."""
        aim = self._aim(scenario, running)
        press = Saturate(aim=aim, connections=scenario.connections, seconds=self._times.saturate * running.slowness)
        if scenario.name not in running.warm:
            self._sample_each(aim)
            self._press(msgspec.structs.replace(press, seconds=WARM_UP_S))
            running.rest()
            running.warm.add(scenario.name)
        billed, cpu = self._billed(), cpu_s(running.pids)
        outcome = self._press(press)
        self._sample(aim)
        running.rest()
        used = cpu_s(running.pids) - cpu
        answered = self._billed() - billed
        self._check(outcome, answered, scenario.connections + 1)
        return {"cpu_ms": used / answered * 1000, "rps": outcome.requests / outcome.seconds}

    def _press(self, job: Saturate) -> Outcome:
        return wrk.saturate(job, self._directory) if wrk.installed() else self._generate(job)

    def _paced_streams(self, scenario: Scenario, running: Running) -> Values:
        aim = self._aim(scenario, running)
        self._sample(aim)
        count = scenario.connections // running.slowness**2
        billed = self._billed()
        job = PacedStreams(aim=aim, connections=count, seconds=self._times.streams, pids=running.pids)
        outcome = self._generate(job)
        self._check(outcome, self._billed() - billed, 0)
        if not outcome.events:
            raise Failure("no events in the window")
        return {"cpu_us_event": outcome.cpu_s / outcome.events * 1e6, "rps": outcome.events / outcome.seconds}

    def _latency(self, scenario: Scenario, running: Running) -> Values:
        aim = self._aim(scenario, running)
        self._sample(aim)
        billed = self._billed()
        outcome = self._generate(OpenLoop(aim=aim, rate=scenario.rate, seconds=self._times.latency))
        self._check(outcome, self._billed() - billed, 0)
        cuts = quantiles(outcome.latencies_ms, n=100, method="inclusive")
        return {"p50_ms": cuts[49], "p99_ms": cuts[98]}

    def _reports(self, running: Running) -> Values:
        """How long the admin waits for each."""
        values = {}
        for metric, path in REPORTS.items():
            times = []
            for _ in range(REPORTS_PER_ROUND):
                began = time.perf_counter()
                status, answer = ask.get(running.port, path, running.admin)
                times.append(time.perf_counter() - began)
                if status != 200:
                    raise Failure(f"{path}: {status} {answer[:200].decode(errors='replace')}")
            values[metric] = median(times) * 1000
        return values

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

    def _sample_each(self, aim: Aim) -> None:
        """By each key: a key that the gateway meets for the first time is looked up in the database, which is not what
        shall be measured."""
        for key in aim.keys:
            self._sample(msgspec.structs.replace(aim, headers=aim.headers | {"authorization": f"Bearer {key}"}))
        if not aim.keys:
            self._sample(aim)

    def _billed(self) -> int:
        return self._stage.bill().requests

    def _aim(self, scenario: Scenario, running: Running) -> Aim:
        return Aim(
            port=running.port,
            headers=running.admin if scenario.core and running.admin else running.headers,
            keys=() if scenario.core else running.keys,
            dialect=scenario.client,
            path=PATHS[scenario.client],
            body=self._stage.body(scenario),
            stream=scenario.stream,
            script=self._stage.script(scenario),
        )
