"""A small process that enters records into a ledger, for tests to kill: `python -m tests.ledger.writer HOME URL HOW`.

Each entry's id is told on stdout once `append` has returned: what stands there was acknowledged.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path

from tests.ledger.records import record
from tollbridge.errors import ServiceUnavailableError
from tollbridge.ledger.fold import Folder
from tollbridge.ledger.journal import Journal
from tollbridge.ledger.ledger import Ledger
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def enter_for_ever(ledger: Ledger) -> None:
    while True:
        entry = record()
        ledger.journal.append(entry)
        say(entry.id, entry.cost_nanousd)
        time.sleep(0.0002)


def opened(home: Path, url: str, interval_s: float = 0.02) -> Ledger:
    directory = home / "journal"
    journal = Journal(directory, segment_bytes=20_000)
    folder = Folder(directory, journal, EntryStore(Database.open(url)), interval_s=interval_s)
    folder.start()
    return Ledger(journal, folder)


def run(home: Path, url: str) -> None:
    """Enters until it is killed, folding all the while."""
    enter_for_ever(opened(home, url))


def die_after_commit(home: Path, url: str) -> None:
    """Dies between the commit in the database and the removal in the journal."""
    Journal.folded = lambda self, number: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    enter_for_ever(opened(home, url))


def die_before_commit(home: Path, url: str) -> None:
    """Dies in the transaction, when the rows are there and the sums are not."""
    import tollbridge.store.entries as entries

    entries.day_rows = lambda records: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    enter_for_ever(opened(home, url))


def small_files(home: Path, url: str) -> None:
    """Enters where no file may grow beyond a few lines."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    _enter_some(Journal(home / "journal"), 9)


def full_disk(home: Path, url: str) -> None:
    """Enters, then where not even a line can be written, then where it can again."""
    journal = Journal(home / "journal")
    _enter_some(journal, 3)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    _enter_some(journal, 3)
    try:
        journal.check()
    except ServiceUnavailableError as error:
        say("refused", error.status_code, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    while journal.failing:
        time.sleep(0.01)
    journal.check()
    _enter_some(journal, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _enter_some(journal: Journal, count: int) -> None:
    for _ in range(count):
        entry = record()
        journal.append(entry)
        say("entered", entry.id)
    say("unwritten", journal.unwritten)


if __name__ == "__main__":
    globals()[sys.argv[3]](Path(sys.argv[1]), sys.argv[2])
