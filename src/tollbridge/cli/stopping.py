"""What ends a server, and what hurries its end.

1. SIGTERM, SIGINT and SIGHUP begin the end. SIGHUP is left alone where it was ignored at the start (nohup).
2. SIGTERM or SIGINT once more hurries it. SIGHUP never does: from a terminal that closes it may come twice, and some
   send it right after SIGTERM (systemd's SendSIGHUP).
3. A worker's parent that is gone begins the end too, and never hurries it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys


class Stop:
    """Hears signals from now on, in the running loop. `begun`: it is to end. `hurried`: at once.

    `lifeline` is a file descriptor that comes to its end when the parent is gone."""

    def __init__(self, lifeline: int | None = None) -> None:
        self.begun = asyncio.Event()
        self.hurried = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in stop_signals():
            self._loop.add_signal_handler(number, self._came, number)
        if lifeline is not None:
            self._loop.add_reader(lifeline, self._orphaned, lifeline)

    def _came(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP and self.begun.is_set():
            self.hurried.set()
        self.begun.set()

    def _orphaned(self, lifeline: int) -> None:
        self._loop.remove_reader(lifeline)
        tell("tollbridge: the parent of this worker is gone: it ends too")
        self.begun.set()


def stop_signals() -> tuple[signal.Signals, ...]:
    """Those that end a server which starts now."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT) if ignored else (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def tell(line: str) -> None:
    """On stderr. Where that cannot be written (a terminal that closed) nobody reads it, and what goes on goes on."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
