"""The ledger as the server sees it: journal and folder, opened and closed together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tollbridge.ledger.fold import Begins, Folded, Folder, Retention
from tollbridge.ledger.journal import Journal
from tollbridge.observe.metrics import Metrics
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore

DIRECTORY = "journal"


class Ledger:
    """One per process, made after it forked. `journal` is what a request is written to."""

    def __init__(self, journal: Journal, folder: Folder) -> None:
        self.journal = journal
        self.folder = folder

    @classmethod
    def open(
        cls,
        home: Path,
        database: Database,
        *,
        retention: Retention | None = None,
        fail_closed: bool = True,
        begins: Begins | None = None,
        folded: Folded | None = None,
        found: Folded | None = None,
    ) -> Ledger:
        """Folds what dead processes left before it returns. Raises ConfigError where the journal cannot be written."""
        directory = home / DIRECTORY
        journal = Journal(directory, fail_closed=fail_closed)
        folder = Folder(
            directory,
            journal,
            EntryStore(database),
            retention=retention,
            begins=begins,
            folded=folded,
            found=found,
        )
        folder.start()
        return cls(journal, folder)

    def show(self, metrics: Metrics) -> None:
        journal, folder = self.journal, self.folder
        _gauge(metrics, "journal_pending", "Entries not in the database yet", lambda: journal.pending)
        _gauge(metrics, "lag_seconds", "Since all entries were in the database", lambda: folder.lag_seconds)
        _gauge(metrics, "journal_unwritten", "Entries in memory alone", lambda: journal.unwritten)
        _gauge(metrics, "journal_failing", "1 while it cannot be written", lambda: bool(journal.failing))
        _counter(metrics, "journal_failures", "Writes and syncs that failed", lambda: journal.failures)
        _counter(metrics, "lost", "Entries that are nowhere but in the request log", lambda: journal.backlog.lost)
        _counter(metrics, "refused", "Entries that the database cannot keep", lambda: folder.refused)
        _counter(metrics, "refused_lost", "Of those, entries for which there was no room", lambda: folder.refused_lost)
        _counter(metrics, "removed", "Rows that were too old", lambda: folder.removed)

    def close(self) -> None:
        """Folds and brings to the disk what is left."""
        self.folder.stop()
        self.journal.close()


def _gauge(metrics: Metrics, name: str, text: str, read: Callable[[], float]) -> None:
    metrics.gauge(f"tollbridge_ledger_{name}", text, read)


def _counter(metrics: Metrics, name: str, text: str, read: Callable[[], float]) -> None:
    metrics.counters[f"tollbridge_ledger_{name}"] = (text, lambda: float(read()))
