"""What dead processes left in the journal's directory.

A process holds a lock on a file of its own for as long as it lives; the system lets go of it however the process ends.
Who can take the lock adopts the files, several at once each another process's, and removes them once they are folded.
A file with damage is renamed to `*.damaged` and kept: what could be read of it is folded.
"""

from __future__ import annotations

import fcntl
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tollbridge.ledger.lines import Damage, read_lines
from tollbridge.ledger.segment import SUFFIX
from tollbridge.observe.record import Record

BATCH = 4000
LOCK = ".lock"

log = logging.getLogger(__name__)

Known = Callable[[Sequence[Record]], set[str]]
"""The ids of those that are in the database."""
Fold = Callable[[Sequence[Record]], object]


def recover(folder: Path, fold: Fold) -> int:
    """Folds all that the dead left. The number of entries, those that were folded before among them. What `fold`
    raises leaves its file and the later ones for the next time; raises OSError where a file cannot be read."""
    count = 0
    for estate in _estates(folder):
        try:
            for file in estate.files():
                count += _settle(file, fold)
            estate.remove()
        finally:
            estate.close()
    return count


def waiting(folder: Path, known: Known) -> int:
    """How many entries the dead left of which `known` knows nothing: a file is removed only at a certain size, so that
    most of a small one are in the database. Changes nothing; what cannot be read is not counted. Raises what `known`
    does."""
    count = 0
    left = _left(folder)
    while batch := list(itertools.islice(left, BATCH)):
        count += len({record.id for record in batch} - known(batch))
    return count


def _left(folder: Path) -> Iterator[Record]:
    try:
        files = sorted(folder.glob(f"*{SUFFIX}"))
    except OSError:
        return
    for file in files:
        try:
            if not _lives(folder / f"{file.name.partition('.')[0]}{LOCK}"):
                with open(file, "rb") as stream:
                    yield from (found for found in read_lines(stream) if isinstance(found, Record))
        except OSError as error:
            log.debug("%s is not counted: %s", file, error)


def _lives(lock: Path) -> bool:
    """Its process does."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # for a moment, and beside others who look
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


class Estate:
    """The files of one dead process, ours while it is open."""

    def __init__(self, folder: Path, process: str, descriptor: int) -> None:
        self._folder = folder
        self._process = process
        self._descriptor = descriptor

    def files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{self._process}.*{SUFFIX}"))

    def remove(self) -> None:
        (self._folder / f"{self._process}{LOCK}").unlink(missing_ok=True)

    def close(self) -> None:
        os.close(self._descriptor)


def _estates(folder: Path) -> Iterator[Estate]:
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith((SUFFIX, LOCK)))
    for process, _ in groupby(names, lambda name: name.partition(".")[0]):
        descriptor = os.open(folder / f"{process}{LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        yield Estate(folder, process, descriptor)


def _settle(file: Path, fold: Fold) -> int:
    count, batch, damage = 0, list[Record](), list[Damage]()
    with open(file, "rb") as stream:
        for found in read_lines(stream):
            if isinstance(found, Damage):
                damage.append(found)
                continue
            batch.append(found)
            if len(batch) == BATCH:
                fold(batch)
                count, batch = count + len(batch), []
    if batch:
        fold(batch)
        count += len(batch)
    if tell(file, damage):
        file.rename(file.with_name(file.name + ".damaged"))
    else:
        file.unlink()
    return count


def tell(file: Path, damage: Sequence[Damage]) -> bool:
    """Says what is wrong with a file; whether it is worth keeping. A line that its process died over is not: it was
    never told of."""
    for found in damage:
        if found.torn:
            log.warning("%s ends within an entry: its %d bytes are dropped (1 entry)", file, found.length)
        else:
            log.error(
                "%s IS DAMAGED: %d bytes at offset %d are no entry. The others were read; it is kept as *.damaged.",
                file,
                found.length,
                found.offset,
            )
    return not all(found.torn for found in damage)
