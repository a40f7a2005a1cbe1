import os
import stat
from pathlib import Path

import pytest

from tests.ledger.records import ids, record
from tollbridge.ledger.estate import recover
from tollbridge.ledger.lines import Damage, read_lines
from tollbridge.ledger.refused import Refused
from tollbridge.observe.record import Record


def lines(directory: Path) -> list[Record | Damage]:
    with open(directory / "refused", "rb") as stream:
        return list(read_lines(stream))


def test_what_is_kept_is_on_the_disk_and_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        sync(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    one = record()
    Refused(tmp_path).keep([one], "No.")
    assert ids(lines(tmp_path)) == [one.id]
    file = tmp_path / "refused"
    assert synced == [file.stat().st_size]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_write_that_took_a_part_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:100]))
    records = [record(), record()]
    Refused(tmp_path).keep(records, "No.")
    assert ids(lines(tmp_path)) == ids(records)


def test_where_there_is_no_room_nothing_stays_and_it_is_kept_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, write = Refused(tmp_path), os.write
    first, second = record(), record()
    refused.keep([first], "No.")
    room = [70]

    def until_full(descriptor: int, data: bytes) -> int:
        taken = write(descriptor, data[: room[0]])
        room[0] -= taken
        if not taken:
            raise OSError(28, "No space left on device")
        return taken

    with monkeypatch.context() as full:
        full.setattr(os, "write", until_full)
        with pytest.raises(OSError, match=r"No space .*refused"):
            refused.keep([second], "No.")
    assert (ids(lines(tmp_path)), refused.count) == ([first.id], 1)
    refused.keep([second], "No.")
    assert ids(lines(tmp_path)) == ids([first, second])


def test_a_line_that_somebody_died_over_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "refused").write_bytes(b"0123")
    one = record()
    Refused(tmp_path).keep([one], "No.")
    assert [found.id for found in lines(tmp_path) if isinstance(found, Record)] == [one.id]


def test_above_its_bound_entries_are_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    refused = Refused(tmp_path, bytes_max=1000)
    records = [record() for _ in range(10)]
    refused.keep(records, "No.")
    refused.keep(records, "No.")
    kept = lines(tmp_path)
    assert 0 < len(kept) < 10
    assert ids(kept) == ids(records[: len(kept)])
    assert (refused.count, refused.lost) == (20, 20 - len(kept))
    assert (tmp_path / "refused").stat().st_size <= 1000
    assert caplog.text.count("IS FULL") == 2


def test_under_another_name_they_are_folded_by_the_next_start(tmp_path: Path) -> None:
    one = record()
    Refused(tmp_path).keep([one], "No.")
    (tmp_path / "refused").rename(tmp_path / "again.1.journal")
    found: list[Record] = []
    recover(tmp_path, found.extend)
    assert ids(found) == [one.id]
