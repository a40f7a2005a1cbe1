import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from tests.ledger.records import ids, journal_files, record, written
from tollbridge.errors import ConfigError, ServiceUnavailableError
from tollbridge.ledger.backlog import Backlog
from tollbridge.ledger.estate import recover
from tollbridge.ledger.journal import REMOVABLE_BYTES, Journal
from tollbridge.ledger.segment import Segment
from tollbridge.observe import Record, RequestLog


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def enter(journal: Journal, count: int) -> list[Record]:
    records = [record() for _ in range(count)]
    for one in records:
        journal.append(one)
    return records


def taken(journal: Journal, count: int = 1000) -> list[str]:
    """All that the journal has to fold, folding it."""
    found: list[str] = []
    while (batch := journal.take(count)) is not None:
        found += ids(batch.records)
        journal.folded(batch.number)
    return found


def test_an_entry_is_in_its_file_when_append_returns(directory: Path) -> None:
    journal = Journal(directory)
    entries = enter(journal, 3)
    assert ids(written(directory)) == ids(entries)
    assert journal.pending == 3
    [file] = journal_files(directory)
    assert file.stat().st_mode & 0o077 == 0
    assert directory.stat().st_mode & 0o077 == 0
    journal.close()


def test_the_entry_is_the_line_of_the_request_log(directory: Path, tmp_path: Path) -> None:
    journal = Journal(directory)
    one = record()
    line = journal.append(one)
    with open(tmp_path / "log", "wb") as stream:
        log = RequestLog(stream)
        log.done(one, line)
        log.close()
    assert (tmp_path / "log").read_bytes() == line + b"\n"
    [file] = journal_files(directory)
    assert file.read_bytes()[9:] == line + b"\n"
    journal.close()


def test_what_is_written_is_soon_on_the_disk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    fdatasync = os.fdatasync

    def observed(descriptor: int) -> None:
        fdatasync(descriptor)
        synced.set()

    monkeypatch.setattr(os, "fdatasync", observed)
    journal = Journal(directory)
    for _ in range(3):
        synced.clear()
        enter(journal, 2)
        assert synced.wait(10)
    journal.close()


def test_files_follow_one_another_and_go_when_all_their_entries_are_folded(directory: Path) -> None:
    journal = Journal(directory, segment_bytes=2000)
    entries = enter(journal, 20)
    files = journal_files(directory)
    assert len(files) > 3
    assert all(file.stat().st_size <= 2000 for file in files)
    assert ids(written(directory)) == ids(entries)
    batch = journal.take(10)
    assert batch is not None
    assert ids(batch.records) == ids(entries[:10])
    journal.folded(batch.number)
    left = written(directory)
    assert len(journal_files(directory)) < len(files)
    assert set(ids(entries[10:])) <= set(ids(left))
    assert taken(journal) == ids(entries[10:])
    journal.close()
    assert list(directory.iterdir()) == []


def test_a_long_file_that_is_folded_is_left_behind(directory: Path) -> None:
    journal = Journal(directory)
    [one] = enter(journal, 1)
    first = journal_files(directory)
    one.metadata = {"big": "x" * REMOVABLE_BYTES}
    journal.append(one)
    assert taken(journal) == [one.id, one.id]
    assert journal_files(directory) != first
    assert written(directory) == []
    journal.close()


def test_beyond_its_bound_the_memory_is_spared_and_the_files_are_read(directory: Path) -> None:
    journal = Journal(directory, segment_bytes=3000, backlog=Backlog(queued_max=10))
    entries = enter(journal, 50)
    found = ids(batch.records) if (batch := journal.take(7)) else []
    journal.folded(batch.number if batch else 0)
    late = enter(journal, 5)
    for _ in range(1000):
        batch = journal.take(7)
        if batch is None:
            break
        found += ids(batch.records)
        if batch.number == 55:  # the files are through: from now on the queue has all again
            late += enter(journal, 4)
        journal.folded(batch.number)
    assert set(found) == set(ids(entries + late))
    assert found[-4:] == ids(late[-4:])
    assert journal.pending == 0
    assert len(journal_files(directory)) == 1
    journal.close()


def test_files_that_cannot_be_read_now_are_read_later(directory: Path) -> None:
    journal = Journal(directory, segment_bytes=3000, backlog=Backlog(queued_max=2))
    entries = enter(journal, 20)
    first, aside = journal_files(directory)[0], directory / "aside"
    first.rename(aside)
    batch = journal.take(5)
    assert batch is not None
    journal.folded(batch.number)
    with pytest.raises(FileNotFoundError):
        journal.take(5)
    late = enter(journal, 3)
    aside.rename(first)
    assert set(taken(journal, 5)) | set(ids(batch.records)) == set(ids(entries + late))
    assert journal.pending == 0
    journal.close()


def test_a_line_that_was_taken_in_part_leaves_no_trace(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir()
    segment = Segment(directory / "p.000001.journal", 0)
    segment.append(b"first\n")
    write = os.write
    room = [3]

    def full(descriptor: int, data: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, room[0] = write(descriptor, data[: room[0]]), 0
        return taken

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            segment.append(b"second\n")
    assert segment.path.read_bytes() == b"first\n"
    segment.append(b"third\n")
    assert segment.path.read_bytes() == b"first\nthird\n"
    with monkeypatch.context() as patch:
        room[0] = 3
        patch.setattr(os, "write", full)
        patch.setattr(os, "ftruncate", lambda *_: full(0, b""))
        with pytest.raises(OSError, match="No space"):
            segment.append(b"fourth\n")
    segment.append(b"fifth\n")
    assert segment.path.read_bytes() == b"first\nthird\nfou\nfifth\n"
    segment.close()


class NoRoom:
    """`os.write` on a full disk; `again()` makes room."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        patch.setattr(os, "write", self._refuse)

    def _refuse(self, descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def again(self) -> None:
        self._patch.undo()


def test_a_full_disk_refuses_new_requests_keeps_the_others_and_recovers(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(directory)
    entries = enter(journal, 2)
    disk = NoRoom(monkeypatch)
    entries += enter(journal, 3)
    with pytest.raises(ServiceUnavailableError, match="No space left") as refusal:
        journal.check()
    assert (refusal.value.status_code, refusal.value.code) == (503, "ledger_unavailable")
    assert (journal.unwritten, journal.failures) == (3, 1)
    assert [one.levelname for one in caplog.records] == ["ERROR"]
    assert "Make room" in caplog.text
    disk.again()
    while journal.failing:
        threading.Event().wait(0.01)
    journal.check()
    assert ids(written(directory)) == ids(entries)
    assert journal.unwritten == 0
    assert taken(journal) == ids(entries)
    journal.close()


def test_a_full_disk_may_be_served_with_an_alarm_and_the_database_still_gets_all(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(directory, fail_closed=False, backlog=Backlog(queued_max=5, unwritten_max=5))
    entries = enter(journal, 8)
    disk = NoRoom(monkeypatch)
    entries += enter(journal, 10)
    journal.check()
    assert journal.failing
    assert journal.backlog.lost == 5
    assert set(taken(journal, 3)) == set(ids(entries[:13]))
    assert journal.unwritten == 0
    disk.again()
    journal.close()


def test_what_is_neither_written_nor_folded_at_the_end_is_told(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(directory)
    disk = NoRoom(monkeypatch)
    enter(journal, 2)
    journal.close()
    disk.again()
    assert "2 entries of the ledger could be written neither" in caplog.text


def test_a_disk_that_does_not_take_the_bytes_gets_another_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(directory)
    failed = threading.Event()

    def broken(descriptor: int) -> None:
        failed.set()
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        entries = enter(journal, 1)
        assert failed.wait(10)
        while len(journal_files(directory)) < 2:
            threading.Event().wait(0.01)
    entries += enter(journal, 1)
    assert journal.failures >= 1
    assert "does not reach the disk" in caplog.text
    assert taken(journal) == ids(entries)
    journal.close()


def test_a_directory_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    root_may_not_either = Path("/proc/self")
    with pytest.raises(ConfigError, match="TOLLBRIDGE_HOME"):
        Journal((tmp_path if os.geteuid() else root_may_not_either) / "journal")


def test_a_file_in_the_place_of_the_directory_is_told_at_the_start(directory: Path) -> None:
    directory.write_text("")
    with pytest.raises(ConfigError, match="TOLLBRIDGE_HOME"):
        Journal(directory)


@pytest.mark.parametrize("folded", [False, True], ids=["followed by another", "folded"])
def test_a_file_that_is_closed_with_an_error_is_told_and_entries_reach_the_disk_all_the_same(
    directory: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folded: bool
) -> None:
    journal = Journal(directory, segment_bytes=1)
    files = {os.stat(file).st_ino for file in journal_files(directory)}
    close, fdatasync = os.close, os.fdatasync
    failed, synced = threading.Event(), threading.Event()

    def broken(descriptor: int) -> None:
        ours = os.fstat(descriptor).st_ino in files
        close(descriptor)
        if ours:
            failed.set()
            raise OSError(errno.EIO, "Input/output error")

    def observed(descriptor: int) -> None:
        fdatasync(descriptor)
        synced.set()

    monkeypatch.setattr(os, "close", broken)
    if folded:
        monkeypatch.setattr(journal, "_sync", lambda: None)
    entries = enter(journal, 2)
    if folded:
        assert taken(journal, 1) == ids(entries)
        monkeypatch.undo()
    assert failed.wait(10)
    monkeypatch.undo()
    monkeypatch.setattr(os, "fdatasync", observed)
    synced.clear()
    enter(journal, 1)
    assert synced.wait(10)
    assert journal.failures == 1
    assert "does not reach the disk" in caplog.text
    journal.close()


def test_a_name_whose_lock_somebody_removed_before_it_was_taken_is_not_used(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    removed: list[Path] = []

    def late(descriptor: int, how: int) -> None:
        """Another process starts just now, and looks for the dead."""
        monkeypatch.setattr(fcntl, "flock", flock)
        removed.extend(directory.iterdir())
        recover(directory, list)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    journal = Journal(directory)
    entries = enter(journal, 1)
    found: list[Record] = []
    recover(directory, found.extend)
    assert len(removed) == 1
    assert not removed[0].exists()
    assert found == []
    assert taken(journal) == ids(entries)
    journal.close()
