"""What a client or a provider can cause to be written, on both databases."""

import random
from typing import Any

import pytest

from tests.databases import rows
from tests.ledger.records import record
from tests.store.test_entries import add_keys, spent
from tollbridge.observe import Tried
from tollbridge.store.costs import CostStore, Span
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.fitting import AMOUNT_MAX, TEXT_BYTES, fit, fit_text
from tollbridge.store.spend import SpendReader, Wanted

ANY = random.Random(1)
ASTRAL = "".join(chr(ANY.randrange(0x20000, 0x2A6D0)) for _ in range(512))
"""Two thousand bytes that cannot be compressed."""


def tried(**changes: Any) -> Tried:
    return Tried(**{"deployment": "fast/1", "provider": "openai", "model": "gpt-4.1", **changes})


def test_a_record_that_fits_is_kept_as_it_is() -> None:
    plain = record(user="zoe", tried=(tried(tokens={"input": 1, "output": 2}, cost_nanousd=AMOUNT_MAX),))
    assert fit(plain) is plain
    spelled = record(user="zoë", model="modèle", tried=(tried(model="模型"),))
    assert fit(spelled) == spelled


@pytest.mark.parametrize("text", ["x" * TEXT_BYTES, "ü" * (TEXT_BYTES // 2), "模" * (TEXT_BYTES // 3)])
def test_a_text_is_cut_between_characters_and_by_its_bytes(text: str) -> None:
    assert fit_text(text) == text
    assert fit_text(text + "模") == text


WRITTEN = ("request_id", "answer_id", "key_id", "group", "provider", "model", "user")


@pytest.mark.parametrize("text", ["a\0b", ASTRAL], ids=["NUL", "long"])
async def test_whatever_is_written_into_every_text_is_kept_and_found(database: Database, text: str) -> None:
    await add_keys(database, "k1")
    attempt = tried(deployment=text, provider=text, model=text, error_class=text)
    one = record(**dict.fromkeys(WRITTEN, text), deployment=text, metadata={text: text}, tags=(text,), tried=(attempt,))
    EntryStore(database).fold([one, record()])
    reader = SpendReader(database)
    [found] = await reader.named(text)
    assert found["id"] == one.id
    assert (found["metadata"], found["tags"], found["deployment"]) == ({text: text}, (text,), text)
    assert found["tried"][0]["model"] == fit_text(text)
    assert len(await reader.named(one.id, text)) == 1
    assert len(await reader.entries(Wanted(end_user=text, key_id=text))) == 1
    assert (await reader.sums(key_id=text))[0]["requests"] == 1
    assert len(await CostStore(database).page(Span(model=text, unpriced=False))) == 1


@pytest.mark.parametrize(
    "amount",
    [
        {"tokens": {"input": 2**63, "output": 1}},
        {"tokens": {"input": 1, "output": 1, "reasoning": 1 << 70}},
        {"cost_nanousd": 2**64},
    ],
    ids=lambda amount: next(iter(amount)),
)
@pytest.mark.parametrize("of_an_attempt", [False, True], ids=["record", "attempt"])
async def test_an_amount_that_no_database_keeps_is_unknown_in_rows_and_sums(
    database: Database, amount: dict[str, Any], of_an_attempt: bool
) -> None:
    await add_keys(database, "k1")
    attempts = (tried(**amount), tried(cost_nanousd=3)) if of_an_attempt else ()
    bad = record(**amount, tried=attempts)
    fresh = EntryStore(database).fold([bad, record(cost_nanousd=7)])
    assert [one.cost_nanousd for one in fresh] == [None, 7]
    found = await rows(database, "SELECT input_tokens, cost_nanousd FROM entries ORDER BY id")
    assert found == [(None, None), (10, 7)]
    assert await rows(database, "SELECT SUM(unpriced), SUM(cost_nanousd) FROM daily") == [(1, 7)]
    assert await spent(database) == {"k1": 7}
