"""Children: started on their core, watched, always ended.

CPU time is read from the process's own clock (`clock_getcpuclockid(3)`: user + system, in nanoseconds, threads that
have ended included). /proc/PID/stat would give it in steps of 10 ms.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

PR_SET_PDEATHSIG = 1
KILL_AFTER_S = 6.0
LIBC = ctypes.CDLL(None, use_errno=True)


class Cores(msgspec.Struct, frozen=True):
    """Who runs where. `note` says what that means for the figures."""

    gateway: frozenset[int]
    load: frozenset[int]
    note: str

    @property
    def both(self) -> frozenset[int]:
        return self.gateway | self.load


def share_cores() -> Cores:
    """The gateway alone on the first core; load generator and mock upstream on the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        only = frozenset(cores)
        return Cores(only, only, "one core for everything: rates and latencies say nothing here, CPU times still do")
    note = f"gateway on core {cores[0]}, load generator and mock upstream on {', '.join(map(str, cores[1:]))}"
    return Cores(frozenset(cores[:1]), frozenset(cores[1:]), note)


class Child:
    """A process group of ours. It gets SIGTERM when the block ends, or when we die ourselves."""

    def __init__(
        self, argv: Sequence[str], cores: frozenset[int], log: Path, env: dict[str, str] | None = None
    ) -> None:
        self.argv = list(argv)
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=at_start(cores),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def pids(self) -> list[int]:
        return tree(self.pid)

    def last_words(self) -> str:
        lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "nothing was said"

    def stop(self) -> None:
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            pass  # it had its time: the whole group is killed below
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nobody is left
        self._process.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


def at_start(cores: frozenset[int]) -> Callable[[], None]:
    """What a child does before its program: go to its cores, and end when its parent does."""

    def prepare() -> None:
        os.sched_setaffinity(0, cores)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare


def tree(root: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """User + system time so far. A process that has ended counts 0."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            continue
    return total


def rss_mb(pids: Iterable[int]) -> float:
    """Resident memory, summed. Pages shared between a parent and its forks count for each."""
    pages = 0
    for pid in pids:
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
