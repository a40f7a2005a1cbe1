"""Several processes on one port: each forks before it has a loop or a thread, and has counters of its own.

The parent only watches: it passes signals on, starts a worker anew that died, and gives up where one dies at once,
again and again.

1. A signal is held back while a child is forked, so that it finds every child in the table, and no child with the
   parent's handlers.
2. Each child leads a process group of its own: Ctrl-C in a terminal goes to the parent alone, which passes it on
   once. Twice would mean to hurry.
3. After a signal nobody is started any more.
4. The parent alone can write to the lifeline, a pipe, and never does. When it is gone, however that came, each worker
   reads the end of it.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tollbridge.cli.stopping import stop_signals, tell
from tollbridge.errors import ConfigError

log = logging.getLogger(__name__)

RESTART_PAUSE_S = 1.0
SHORT_LIFE_S = 5.0
SHORT_LIVES_MAX = 5
NOT_HERE = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
"""A name may have addresses of a family that this machine has not. Whether that matters the listener knows."""


def supervise(count: int, work: Callable[[int], int]) -> int:
    """Runs `work` in `count` children until a signal; the exit status. It is given the reading end of the lifeline."""
    parent = _Parent(work)
    for _ in range(count):
        parent.fork()
    return parent.watch()


def refuse_taken(host: str, port: int) -> None:
    """Raises OSError where somebody listens there: workers would share the port with them, and answer in turn."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past what ended there just now
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(address)
        except OSError as error:
            if error.errno not in NOT_HERE:
                raise


class Once:
    """What one of several processes does, whoever asks first. Made before they fork."""

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        os.write(writer, b"1")
        os.close(writer)

    def taken(self) -> bool:
        """True for one caller among all processes."""
        return os.read(self._reader, 1) == b"1"


class _Parent:
    def __init__(self, work: Callable[[int], int]) -> None:
        self._work = work
        self._lifeline, self._held_end = os.pipe()
        self._passed_on = stop_signals()
        self._children: dict[int, float] = {}
        self._stopping = False
        self._short_lives = 0
        for number in self._passed_on:
            signal.signal(number, self._stop)

    def fork(self) -> None:
        sys.stdout.flush()
        with _held_back(self._passed_on):
            if self._stopping:
                return
            child = os.fork()
            if child:
                self._children[child] = time.monotonic()
                return
            for number in self._passed_on:
                signal.signal(number, signal.SIG_DFL)
            os.close(self._held_end)
            os.setpgid(0, 0)
        status = 1
        try:
            status = self._work(self._lifeline)
        except (ConfigError, OSError) as error:
            tell(f"error: {error}")
        except Exception:
            log.exception("a worker failed")
        finally:
            sys.stdout.flush()
            os._exit(status)

    def watch(self) -> int:
        worst = 0
        while self._children:
            child, status = os.wait()
            born = self._children.pop(child, None)
            if born is None:
                continue
            if self._stopping:
                worst = max(worst, os.waitstatus_to_exitcode(status))
                continue
            self._short_lives = self._short_lives + 1 if time.monotonic() - born < SHORT_LIFE_S else 0
            if self._short_lives >= SHORT_LIVES_MAX:
                tell("error: workers die as soon as they start; giving up")
                self._stop(signal.SIGTERM, None)
                worst = 1
                continue
            code = os.waitstatus_to_exitcode(status)
            tell(f"tollbridge: worker {child} ended with {code}; starting another")
            time.sleep(RESTART_PAUSE_S)
            self.fork()
        return worst

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
        for child in self._children:
            os.kill(child, number)


@contextmanager
def _held_back(signals: tuple[signal.Signals, ...]) -> Iterator[None]:
    """Signals come after the block, in parent and child."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
