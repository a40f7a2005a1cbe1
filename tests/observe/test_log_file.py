"""The request log in a file, which somebody may move away while it is written."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from tollbridge.observe import Record, RequestLog
from tollbridge.observe.log_file import LogFile


def record(id: str) -> Record:
    return Record(request_id=id, endpoint="/v1/models", status=200, key_id="k")


def ids(file: Path) -> list[str]:
    return [json.loads(line)["request_id"] for line in file.read_text().splitlines()]


def wait_for(file: Path, id: str) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and (not file.exists() or id not in file.read_text()):
        time.sleep(0.01)
    assert id in file.read_text()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        LogFile(str(tmp_path / "new.log")).close()
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "new.log").stat().st_mode) == 0o600
    (tmp_path / "old.log").write_text("")
    (tmp_path / "old.log").chmod(0o640)
    LogFile(str(tmp_path / "old.log")).close()
    assert stat.S_IMODE((tmp_path / "old.log").stat().st_mode) == 0o640, "who made it knows why"


def test_where_it_is_moved_away_another_is_begun(tmp_path: Path) -> None:
    path, moved = tmp_path / "requests.log", tmp_path / "requests.log.1"
    file = LogFile(str(path))
    log = RequestLog(file)
    log.done(record("one"))
    wait_for(path, "one")
    path.rename(moved)
    log.done(record("two"))
    wait_for(path, "two")
    path.unlink()
    path.write_text("")  # as logrotate's `create` does
    log.done(record("three"))
    log.close()
    file.close()
    assert (ids(moved), ids(path), log.dropped) == (["one"], ["three"], 0)


def test_a_folder_that_is_gone_is_told_and_lines_go_on_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "requests.log"
    file = LogFile(str(path))
    log = RequestLog(file)
    log.done(record("one"))
    wait_for(path, "one")
    shutil.rmtree(folder)
    log.done(record("two"))
    end = time.monotonic() + 10
    while not log.dropped and time.monotonic() < end:
        time.sleep(0.01)
    folder.mkdir()
    log.done(record("three"))
    log.close()
    file.close()
    assert (ids(path), log.dropped) == (["three"], 1)
    assert "THE REQUEST LOG CANNOT BE WRITTEN" in caplog.text


def test_what_is_no_regular_file_is_written_as_it_is() -> None:
    file = LogFile("/dev/null")
    assert file.write(memoryview(b"x")) == 1
    file.close()


def moved_to(path: Path, blocked: str) -> Path:
    """Moves the file away, and puts something in its place that is no file to write."""
    moved = path.with_name("moved.log")
    path.rename(moved)
    match blocked:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "link":
            path.symlink_to(path)
    return moved


@pytest.mark.parametrize("blocked", ["folder", "pipe", "link"])
def test_where_no_other_can_be_begun_the_moved_one_goes_on(
    tmp_path: Path, blocked: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "requests.log"
    file = LogFile(str(path))
    log = RequestLog(file)
    log.done(record("one"))
    wait_for(path, "one")
    moved = moved_to(path, blocked)
    for id in ("two", "three"):
        log.done(record(id))
        wait_for(moved, id)
    assert caplog.text.count("goes on in the file that was moved away") == 1
    path.rmdir() if blocked == "folder" else path.unlink()
    log.done(record("four"))
    log.close()
    file.close()
    assert (ids(moved), ids(path), log.dropped) == (["one", "two", "three"], ["four"], 0)


def test_what_nobody_could_read_any_more_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "requests.log"
    file = LogFile(str(path))
    moved_to(path, "pipe").unlink()
    with pytest.raises(FileExistsError, match="no regular file"):
        file.write(memoryview(b"x"))
    file.close()
