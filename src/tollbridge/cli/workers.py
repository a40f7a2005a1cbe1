"""Several processes on one port: each forks before it has a loop or a thread, and has counters of its own.

The parent only watches: it passes signals on, starts a worker anew that died, and gives up where one dies at once,
again and again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

RESTART_PAUSE_S = 1.0
SHORT_LIFE_S = 5.0
SHORT_LIVES_MAX = 5


def supervise(count: int, work: Callable[[], int]) -> int:
    """Runs `work` in `count` children until a signal; the exit status."""
    parent = _Parent(work)
    for _ in range(count):
        parent.fork()
    return parent.watch()


class _Parent:
    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._children: dict[int, float] = {}
        self._stopping = False
        self._short_lives = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def fork(self) -> None:
        sys.stdout.flush()
        child = os.fork()
        if child:
            self._children[child] = time.monotonic()
            return
        status = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            status = self._work()
        except OSError as error:
            print(f"error: {error}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            os._exit(status)

    def watch(self) -> int:
        worst = 0
        while self._children:
            try:
                child, status = os.wait()
            except InterruptedError:
                continue
            born = self._children.pop(child, None)
            if born is None:
                continue
            if self._stopping:
                worst = max(worst, os.waitstatus_to_exitcode(status))
                continue
            self._short_lives = self._short_lives + 1 if time.monotonic() - born < SHORT_LIFE_S else 0
            if self._short_lives >= SHORT_LIVES_MAX:
                print("error: workers die as soon as they start; giving up", file=sys.stderr)
                self._stop(signal.SIGTERM, None)
                worst = 1
                continue
            print(f"tollbridge: worker {child} ended with {status}; starting another", file=sys.stderr)
            time.sleep(RESTART_PAUSE_S)
            self.fork()
        return worst

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
        for child in self._children:
            os.kill(child, number)
