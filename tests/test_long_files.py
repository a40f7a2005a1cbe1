"""The list of the files that are begun first."""

from __future__ import annotations

from pathlib import Path

from tests.long_files import LONG_FILES

ROOT = Path(__file__).resolve().parents[1]


def test_each_long_file_is_there_and_listed_once() -> None:
    assert [name for name in LONG_FILES if not (ROOT / name).is_file()] == []
    assert len(set(LONG_FILES)) == len(LONG_FILES)
