"""Every recorded exchange of every provider is read by a wire, or it is said why not. The table stands in
docs/wires.md; `pytest -s` prints it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.shared import SHARED, recordings
from tests.wires.every_exchange import READERS, REFUSED, UNREAD, read, reader_of
from tollbridge.errors import APIError

DOCS = Path(__file__).resolve().parents[2] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")


def test_every_recorded_exchange_is_read_or_it_is_said_why_not() -> None:
    all_of: Counter[str] = Counter()
    by_wire: dict[str, Counter[str]] = {}
    skipped: dict[str, Counter[str]] = {}
    broken: list[str] = []
    used: set[int] = set()
    reasons: set[str] = set()
    for exchange in recordings():
        provider, endpoint = exchange["provider"], exchange["endpoint"]
        all_of[provider] += 1
        reader = reader_of(exchange)
        if reader is None:
            assert endpoint in UNREAD, f"nothing is said of {exchange['id']}"
            skipped.setdefault(provider, Counter())[endpoint] += 1
            reasons.add(endpoint)
            continue
        used.add(READERS.index(reader))
        by_wire.setdefault(provider, Counter())[reader.name] += 1
        try:
            read(reader, exchange)
        except (APIError, AssertionError) as failure:
            broken.append(f"{exchange['id']}: {failure}")
    assert broken == []
    assert used == set(range(len(READERS))), "a reader without exchanges"
    assert reasons == set(UNREAD), "a reason that no exchange needs"
    table = "\n".join(
        [
            "| provider | exchanges | read, by wire | not read, by endpoint |",
            "|---|---:|---|---|",
            *(
                f"| {provider} | {count} | {_listed(by_wire.get(provider))} | {_listed(skipped.get(provider))} |"
                for provider, count in sorted(all_of.items())
            ),
            f"| **all** | **{all_of.total()}** | **{sum(map(Counter.total, by_wire.values()))}** "
            f"| **{sum(map(Counter.total, skipped.values()))}** |",
        ]
    )
    why = "\n".join(f"| `{endpoint}` | {reason} |" for endpoint, reason in sorted(UNREAD.items()))
    print(f"\n{table}\n\n{why}")
    docs = DOCS.read_text()
    assert table in docs
    assert why in docs


def test_what_is_refused_is_among_the_recordings() -> None:
    assert set(REFUSED) <= {exchange["id"] for exchange in recordings()}


def _listed(counts: Counter[str] | None) -> str:
    return ", ".join(f"`{name}` {count}" for name, count in sorted((counts or Counter()).items()))
