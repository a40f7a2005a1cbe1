"""What ends a server, and what hurries its end.

1. SIGTERM, SIGINT and SIGHUP begin the end. SIGHUP is left alone where it was ignored at the start (nohup).
2. SIGTERM or SIGINT once more hurries it. SIGHUP never does: from a terminal that closes it may come twice, and some
   send it right after SIGTERM (systemd's SendSIGHUP).
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys


class Stop:
    """Hears signals from now on, in the running loop. `begun`: it is to end. `hurried`: at once."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.hurried = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, self._came, number)

    def _came(self, number: signal.Signals) -> None:
        if number is not signal.SIGHUP and self.begun.is_set():
            self.hurried.set()
        self.begun.set()


def stop_signals() -> tuple[signal.Signals, ...]:
    """Those that end a server which starts now."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGTERM, signal.SIGINT) if ignored else (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def tell(line: str) -> None:
    """On stderr. Where that cannot be written (a terminal that closed) nobody reads it, and what goes on goes on."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)
