import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.records import ids, journal_files, record
from tollbridge.errors import StoreUnavailable
from tollbridge.ledger.estate import recover, waiting
from tollbridge.ledger.journal import Journal
from tollbridge.observe import Record

FORK = multiprocessing.get_context("spawn")


def leave(directory: str, count: int) -> None:
    """A process that enters and dies."""
    journal = Journal(Path(directory), segment_bytes=4000)
    for _ in range(count):
        journal.append(record())
    os._exit(9)


def adopt(directory: str, told: Any, begin: Any) -> None:
    found: list[str] = []
    begin.wait()
    recover(Path(directory), lambda records: found.extend(ids(records)))
    told.put(found)


def left_by_the_dead(directory: Path, processes: int, entries: int) -> None:
    children = [FORK.Process(target=leave, args=(str(directory), entries)) for _ in range(processes)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 9


def test_two_processes_that_adopt_at_once_share_the_files_and_read_each_once(tmp_path: Path) -> None:
    left_by_the_dead(tmp_path, processes=3, entries=40)
    told, begin = FORK.Queue(), FORK.Event()
    adopters = [FORK.Process(target=adopt, args=(str(tmp_path), told, begin)) for _ in range(2)]
    for adopter in adopters:
        adopter.start()
    begin.set()
    found = [*told.get(timeout=60), *told.get(timeout=60)]
    for adopter in adopters:
        adopter.join()
    assert len(found) == len(set(found)) == 120
    assert list(tmp_path.iterdir()) == []


def test_what_the_dead_left_is_counted_and_left_as_it_is(tmp_path: Path) -> None:
    def nothing(records: Sequence[Record]) -> set[str]:
        return set()

    def half(records: Sequence[Record]) -> set[str]:
        return set(ids(records)[::2])

    assert waiting(tmp_path / "nowhere", nothing) == 0
    left_by_the_dead(tmp_path, processes=2, entries=40)
    living = Journal(tmp_path)
    living.append(record())
    before = sorted(tmp_path.iterdir())
    assert (waiting(tmp_path, nothing), waiting(tmp_path, half)) == (80, 40)
    assert sorted(tmp_path.iterdir()) == before
    assert recover(tmp_path, lambda records: None) == 80
    assert waiting(tmp_path, nothing) == 0
    living.close()


def test_the_files_of_a_process_that_lives_are_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record())
    found: list[Record] = []
    assert recover(tmp_path, found.extend) == 0
    assert found == []
    assert len(journal_files(tmp_path)) == 1
    journal.close()
    assert recover(tmp_path, found.extend) == 1


def test_a_lock_that_was_removed_by_hand_does_not_hide_the_files(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record())
    journal.close()
    for lock in tmp_path.glob("*.lock"):
        lock.unlink()
    assert recover(tmp_path, lambda records: None) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_folded_now_is_left_for_the_next_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=1000)
    entries = [record() for _ in range(5)]
    for entry in entries:
        journal.append(entry)
    journal.close()
    found: list[Record] = []

    def down(records: Any) -> None:
        if found:
            raise StoreUnavailable("down")
        found.extend(records)

    with pytest.raises(StoreUnavailable):
        recover(tmp_path, down)
    rest: list[Record] = []
    recover(tmp_path, rest.extend)
    assert ids([*found, *rest]) == ids(entries)


def test_a_torn_tail_is_dropped_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path)
    entries = [record() for _ in range(3)]
    for entry in entries:
        journal.append(entry)
    journal.close()
    [file] = journal_files(tmp_path)
    os.truncate(file, file.stat().st_size - 20)
    torn = len(file.read_bytes().rpartition(b"\n")[2])
    found: list[Record] = []
    recover(tmp_path, found.extend)
    assert ids(found) == ids(entries[:2])
    assert f"its {torn} bytes are dropped (1 entry)" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_kept_and_the_place_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path)
    entries = [record() for _ in range(3)]
    for entry in entries:
        journal.append(entry)
    journal.close()
    [file] = journal_files(tmp_path)
    data = bytearray(file.read_bytes())
    second = data.index(b"\n") + 1
    data[second + 50] ^= 4
    file.write_bytes(data)
    found: list[Record] = []
    recover(tmp_path, found.extend)
    assert ids(found) == [entries[0].id, entries[2].id]
    assert f"at offset {second}" in caplog.text
    [kept] = tmp_path.iterdir()
    assert kept.name == f"{file.name}.damaged"
    assert kept.read_bytes() == data
    assert recover(tmp_path, found.extend) == 0


def told_by(directory: Path, how: str) -> tuple[int, list[list[str]], str]:
    """A writer's exit status, its words, its log."""
    command = [sys.executable, "-m", "tests.ledger.writer", str(directory), "-", how]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.returncode, [line.split(maxsplit=1) for line in ran.stdout.splitlines()], ran.stderr


def test_where_no_file_may_grow_large_there_are_more_of_them(tmp_path: Path) -> None:
    status, words, log = told_by(tmp_path, "small_files")
    assert (status, words[-1]) == (0, ["unwritten", "0"]), log
    found: list[Record] = []
    assert len(journal_files(tmp_path / "journal")) > 2
    recover(tmp_path / "journal", found.extend)
    assert ids(found) == [rest for name, rest in words if name == "entered"]


def test_a_full_disk_costs_a_real_process_no_entry(tmp_path: Path) -> None:
    status, words, log = told_by(tmp_path, "full_disk")
    assert status == -signal.SIGKILL, log
    assert [rest for name, rest in words if name == "unwritten"] == ["0", "3", "0"]
    [refused] = [rest for name, rest in words if name == "refused"]
    assert refused.startswith("503 ")
    assert "File too large" in refused
    assert log.count("CANNOT BE WRITTEN") == 1
    found: list[Record] = []
    recover(tmp_path / "journal", found.extend)
    assert ids(found) == [rest for name, rest in words if name == "entered"]
