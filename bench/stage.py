"""What runs during a measurement: the mock upstream, and the gateways, each on its core with files of its own."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench import ask
from bench.accounts import Audit, Sums
from bench.bodies import PATHS, request_body
from bench.processes import Child, Cores, cpu_s, free_port
from bench.scenarios import Scenario, script_of
from bench.stock import Stock, fill, generate_keys
from bench.targets.target import Launch, Site, Target

ONE_KEY = Stock()
MOCK_WITHIN_S = 15.0
SETTLE_S = 0.15
QUIET_SHARE = 0.1  # of a core
QUIET_WITHIN_S = 20.0


class Failure(Exception):
    """A measurement that gives no figure, or only some of its `values`; the text says why."""

    def __init__(self, text: str, values: dict[str, float] | None = None) -> None:
        super().__init__(text)
        self.values = values or {}


class Running(msgspec.Struct):
    """Something that answers. `pids` is what its CPU is summed over; `headers`, `admin`, `keys` as in `Launch`.
    `start_s`: until its first answer. `audit`: of who keeps a ledger. `warm`: scenarios that it was asked already."""

    name: str
    child: Child
    port: int
    headers: dict[str, str]
    pids: list[int]
    slowness: int = 1
    admin: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    start_s: float = 0.0
    audit: Audit | None = None
    warm: set[str] = msgspec.field(default_factory=set)

    def rest(self) -> None:
        """Waits until it is done with what its clients left behind, the folding of its journal included."""
        deadline = time.perf_counter() + QUIET_WITHIN_S
        before = cpu_s(self.pids)
        while time.perf_counter() < deadline:
            time.sleep(SETTLE_S)
            now = cpu_s(self.pids)
            if now - before < QUIET_SHARE * SETTLE_S:
                break
            before = now
        if self.audit is not None:
            self.audit.folded()


class Stage:
    """`directory` holds what everybody writes. `stream_s`: how long streams of the mock are to last."""

    def __init__(self, cores: Cores, directory: Path, scenarios: tuple[Scenario, ...], stream_s: float) -> None:
        self.cores = cores
        self.scenarios = scenarios
        self._directory = directory
        self._stream_s = stream_s
        self._stack = contextlib.ExitStack()
        self._stocked: dict[Stock, tuple[Path, tuple[str, ...]]] = {}

    def __enter__(self) -> Stage:
        argv = [sys.executable, "-m", "bench.mock_upstream", "--port", "0", "--keep", "1000", "--captures", "4"]
        for scenario in self.scenarios:
            argv += ["--model", f"{scenario.name}={self.script(scenario)}"]
        child = self._stack.enter_context(Child(argv, self.cores.load, self._directory / "mock.log"))
        deadline = time.perf_counter() + MOCK_WITHIN_S
        while not child.log.read_text().strip().isdigit():
            if not child.alive or time.perf_counter() > deadline:
                self._stack.close()
                raise Failure(f"the mock upstream did not start: {child.last_words()}")
            time.sleep(0.02)
        self.mock = Running("direct", child, int(child.log.read_text()), {}, [child.pid])
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bill(self) -> Sums:
        told = ask.get_json(self.mock.port, "/__stats")
        return Sums(told["billed"], told["input_tokens"], told["output_tokens"])

    def keep(self, target: Target, *, stock: Stock = ONE_KEY, models: int = 1) -> Running:
        """A target on the gateway's core, to stay until the end."""
        return self._stack.enter_context(self.started(target, self.cores.gateway, stock=stock, models=models))

    @contextlib.contextmanager
    def started(
        self, target: Target, cores: frozenset[int], workers: int = 1, *, stock: Stock = ONE_KEY, models: int = 1
    ) -> Iterator[Running]:
        """A target that has answered once. Raises Failure."""
        directory = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=self._directory))
        home, keys = directory / "state", tuple[str, ...]()
        if target.accounts:
            filled, keys = self._filled(target, stock)
            shutil.copytree(filled, home)
        site = self._site(target, directory, home, keys, workers=workers, models=models)
        launch, first = target.launch(site), site.scenarios[0]
        audit = Audit(home, self.bill) if target.accounts else None
        began = time.perf_counter()
        with Child(launch.argv, cores, directory / "output.log", launch.env) as child:
            with contextlib.nullcontext() if audit is None else audit.asking(as_key=not first.core):
                self._await(target.name, child, site.port, launch, first)
                start_s = time.perf_counter() - began
            yield Running(
                name=target.name,
                child=child,
                port=site.port,
                headers=launch.headers,
                pids=child.pids(),
                slowness=target.slowness,
                admin=launch.admin,
                keys=launch.keys,
                start_s=start_s,
                audit=audit,
            )
        shutil.rmtree(directory)

    def body(self, scenario: Scenario) -> bytes:
        return request_body(scenario.client, scenario.name, scenario.body_bytes, scenario.stream)

    def script(self, scenario: Scenario) -> str:
        return script_of(scenario, self._stream_s)

    def _filled(self, target: Target, stock: Stock) -> tuple[Path, tuple[str, ...]]:
        """A state directory with that stock, made once and then copied, and the keys that ask: a gateway makes them,
        the rest is written when it has ended."""
        if stock not in self._stocked:
            directory = Path(tempfile.mkdtemp(prefix="stock-", dir=self._directory))
            home = directory / "state"
            site = self._site(target, directory, home, ())
            launch = target.launch(site)
            with Child(launch.argv, self.cores.load, directory / "output.log", launch.env) as child:
                keys = self._generate(child, site.port, launch, stock.asking)
            fill(home, stock, keys)
            self._stocked[stock] = home, keys
        return self._stocked[stock]

    def _generate(self, child: Child, port: int, launch: Launch, count: int) -> tuple[str, ...]:
        models = [scenario.name for scenario in self.scenarios]
        deadline = time.perf_counter() + launch.start_within_s
        while True:
            try:
                return generate_keys(port, launch.admin, models, count)
            except ConnectionRefusedError as error:
                if not child.alive or time.perf_counter() > deadline:
                    raise Failure(f"no keys were made: {child.last_words()}") from error
                time.sleep(0.02)

    def _site(
        self,
        target: Target,
        directory: Path,
        home: Path,
        keys: tuple[str, ...],
        *,
        workers: int = 1,
        models: int = 1,
    ) -> Site:
        return Site(
            port=free_port(),
            upstream_port=self.mock.port,
            directory=directory,
            workers=workers,
            home=home,
            keys=keys,
            models=models,
            scenarios=tuple(scenario for scenario in self.scenarios if target.can(scenario)),
        )

    def _await(self, name: str, child: Child, port: int, launch: Launch, scenario: Scenario) -> None:
        body, path = self.body(scenario), PATHS[scenario.client]
        headers = launch.admin if scenario.core and launch.admin else launch.headers
        deadline = time.perf_counter() + launch.start_within_s
        last: str | None = "no answer"
        while last is not None:
            if not child.alive:
                raise Failure(f"{name} did not start: {child.last_words()}")
            if time.perf_counter() > deadline:
                raise Failure(f"{name} did not answer within {launch.start_within_s:.0f} s: {last}")
            last = ask.post_until_200(port, path, headers, body, 0.25)
