"""Records as the pipeline would make them, and the journal's directory as a test looks at it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from tollbridge.ledger.lines import Damage, read_lines
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids

ULIDS = Ulids()
_count = itertools.count(1)


def record(**changes: Any) -> Record:
    number = next(_count)
    fields: dict[str, Any] = {
        "id": ULIDS.next(),
        "request_id": f"req_{number:08x}",
        "answer_id": f"chatcmpl-{number}",
        "key_id": "k1",
        "endpoint": "/v1/chat/completions",
        "model_requested": "fast",
        "group": "fast",
        "deployment": "fast/1",
        "provider": "openai",
        "model": "gpt-4.1",
        "status": 200,
        "attempts": 1,
        "tokens": {"input": 10, "output": 5},
        "cost_nanousd": 1000 + number,
        "duration_ms": 12.5,
        "at": 1_764_000_000.25,
    }
    return Record(**{**fields, **changes})


def journal_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


def written(directory: Path) -> list[Record]:
    """All records in the journal's files."""
    found: list[Record] = []
    for file in journal_files(directory):
        with open(file, "rb") as stream:
            for one in read_lines(stream):
                assert not isinstance(one, Damage), one
                found.append(one)
    return found


def ids(records: Any) -> list[str]:
    return [one.id for one in records]
