"""The store of keys, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from sqlalchemy import event

from tests.ledger.records import record
from tollbridge.errors import ConflictError
from tollbridge.observe.record import Record
from tollbridge.store.database import Database
from tollbridge.store.key import Key
from tollbridge.store.key_spend import count_spend
from tollbridge.store.keys import CHANGES_KEPT_S, KeyStore


def spent(id: str, cost: int) -> Record:
    return record(key_id=id, cost_nanousd=cost)


def key(id: str = "aaaaaaaa", **said: Any) -> Key:
    return Key(**{"id": id, "digest": id.encode() * 4, "name": f"sk-...{id[-4:]}", "created_at": 1.0, **said})


FULL = key(
    "fullfull",
    alias="team – 日本",
    models=("openai/*", "fast"),
    aliases={"gpt": "fast"},
    max_budget_nanousd=2**62,
    budget_duration="30d",
    budget_began_at=1_700_000_000.5,
    budget_resets_at=9e9 + 0.5,
    rpm=1,
    tpm=2**40,
    parallel=3,
    expires_at=9e9,
    blocked=True,
    metadata={"a": [1, None, {"b": "ü\n"}]},
    updated_at=2.0,
    minted_by="master",
    spend_nanousd=2**61 + 1,
)


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


async def test_whatever_a_client_writes_for_a_key_is_one_that_is_not_there(store: KeyStore) -> None:
    """PostgreSQL takes no NUL, and said so with the whole statement."""
    await store.insert(FULL)
    for text in ("\0", "fullfull\0", "%", "fullful_", "' OR ''='", "\ud7ff\uffff", "x" * 100_000):
        assert await store.get(text) is None
        assert await store.get_by_alias(text) is None
        assert (await store.list(id=text)).total == (await store.list(alias=text)).total == 0


async def test_a_key_comes_back_as_it_went_in(store: KeyStore) -> None:
    plain = key("plainpla")
    for made in (FULL, plain):
        await store.insert(made)
        assert await store.get(made.id) == made
        assert await store.get_by_digest(made.digest) == made
    assert await store.get_by_alias("team – 日本") == FULL
    assert await store.get("nobodyxx") is None
    assert await store.get_by_digest(b"?" * 32) is None
    assert await store.get_by_alias("nobody") is None


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (key("bbbbbbbb", alias="a"), "alias_exists"),
        (key("aaaaaaaa", digest=b"other"), "key_exists"),
        (key("bbbbbbbb", digest=b"aaaaaaaa" * 4), "key_exists"),
    ],
)
async def test_an_alias_and_a_key_are_there_once(store: KeyStore, second: Key, code: str) -> None:
    await store.insert(key(alias="a"))
    with pytest.raises(ConflictError) as caught:
        await store.insert(second)
    assert caught.value.code == code
    assert (await store.list()).total == 1


async def test_of_many_that_want_one_alias_at_once_one_gets_it(store: KeyStore) -> None:
    tries = (store.insert(key(f"key{n:05}", alias="wanted")) for n in range(8))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 7


async def test_an_update_changes_what_it_names_and_keeps_the_spend_that_came_between(
    store: KeyStore, database: Database
) -> None:
    await store.insert(key(rpm=5, spend_nanousd=10))
    stale = await store.get("aaaaaaaa")
    assert stale is not None
    await database.run(lambda connection: count_spend(connection, [spent("aaaaaaaa", 32), spent("deleted!", 7)], 1.0))
    changed = await store.update("aaaaaaaa", lambda old: msgspec.structs.replace(old, rpm=None, alias="new"))
    assert changed is not None
    assert (changed.rpm, changed.alias, changed.spend_nanousd) == (None, "new", 42)
    assert await store.get("aaaaaaaa") == changed
    assert await store.update("nobodyxx", lambda old: old) is None


async def test_no_name_means_two_keys(store: KeyStore) -> None:
    await store.insert(key(alias="bbbbbbbb"))
    for taken in (key("bbbbbbbb"), key("cccccccc", alias="aaaaaaaa")):
        with pytest.raises(ConflictError):
            await store.insert(taken)
    with pytest.raises(ConflictError, match="is a key's id"):
        await store.update("aaaaaaaa", lambda old: msgspec.structs.replace(old, alias=old.id))
    await store.insert(key("dddddddd", digest=b"d" * 32))
    with pytest.raises(ConflictError, match="in use") as caught:
        await store.update("aaaaaaaa", lambda old: msgspec.structs.replace(old, digest=b"d" * 32))
    assert caught.value.code == "key_exists"


async def test_an_update_that_is_refused_changes_nothing(store: KeyStore) -> None:
    await store.insert(key(alias="a"))
    await store.insert(key("bbbbbbbb", alias="b"))
    before = await store.changes(None)
    with pytest.raises(ConflictError):
        await store.update("bbbbbbbb", lambda old: msgspec.structs.replace(old, alias="a"))

    def refuses(old: Key) -> Key:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.update("bbbbbbbb", refuses)
    assert (await store.changes(before.newest)).ids == frozenset()
    assert await store.get("bbbbbbbb") == key("bbbbbbbb", alias="b")


async def test_two_that_update_one_key_do_not_lose_each_others_change(store: KeyStore) -> None:
    await store.insert(key(rpm=0))
    add = (
        store.update("aaaaaaaa", lambda old: msgspec.structs.replace(old, rpm=(old.rpm or 0) + 1)) for _ in range(10)
    )
    await asyncio.gather(*add)
    found = await store.get("aaaaaaaa")
    assert found is not None
    assert found.rpm == 10


async def test_a_list_is_filtered_sorted_and_cut_into_pages(store: KeyStore) -> None:
    for n in range(7):
        await store.insert(key(f"key{n:05}", alias=None if n == 3 else f"alias{6 - n}", created_at=float(n)))
    page = await store.list(page=2, size=3)
    assert ([found.id for found in page.keys], page.total) == (["key00003", "key00004", "key00005"], 7)
    assert [found.id for found in (await store.list(page=4, size=3)).keys] == []
    by_alias = [found.alias for found in (await store.list(sort="key_alias", descending=True)).keys]
    assert by_alias == ["alias6", "alias5", "alias4", "alias2", "alias1", "alias0", None]
    assert [found.id for found in (await store.list(alias="alias6")).keys] == ["key00000"]
    assert [found.id for found in (await store.list(id="key00002")).keys] == ["key00002"]
    assert (await store.list(alias="alias%")).total == 0


async def test_each_change_of_rights_is_told_and_spend_is_none(store: KeyStore, database: Database) -> None:
    begin = await store.changes(None)
    assert begin.newest == 0
    await store.insert(key())
    await store.insert(key("bbbbbbbb"))
    first = await store.changes(begin.newest)
    assert (first.ids, first.complete) == ({"aaaaaaaa", "bbbbbbbb"}, True)
    await database.run(lambda connection: count_spend(connection, [spent("aaaaaaaa", 1)], 1.0))
    assert await store.changes(first.newest) == msgspec.structs.replace(first, ids=frozenset())
    await store.update("aaaaaaaa", lambda old: msgspec.structs.replace(old, digest=b"new"))
    second = await store.changes(first.newest)
    assert second.ids == {"aaaaaaaa"}
    assert await store.delete(["bbbbbbbb", "nobodyxx"]) == {"bbbbbbbb"}
    assert (await store.changes(second.newest)).ids == {"bbbbbbbb"}
    assert await store.delete([]) == frozenset()


async def test_whoever_was_away_longer_than_changes_are_kept_is_told(database: Database) -> None:
    now = 1000.0
    store = KeyStore(database, lambda: now)
    await store.insert(key())
    away = (await store.changes(None)).newest
    for id in ("bbbbbbbb", "cccccccc"):
        await store.insert(key(id))
    now += CHANGES_KEPT_S + 1
    await store.insert(key("dddddddd"))
    found = await store.changes(away)
    assert found == msgspec.structs.replace(found, ids=frozenset({"dddddddd"}), complete=False)
    assert (await store.changes(found.newest)).complete


async def test_no_change_is_missed_by_whoever_follows_while_many_write(store: KeyStore) -> None:
    seen: set[str] = set()
    since = (await store.changes(None)).newest

    async def write(first: int) -> None:
        for n in range(first, 60, 12):
            await store.insert(key(f"key{n:05}"))

    writing = asyncio.gather(*map(write, range(12)))  # all sixty at once wait too long for a connection
    while True:
        last_round = writing.done()
        changes = await store.changes(since)
        since, seen = changes.newest, seen | changes.ids
        if last_round:
            break
    await writing
    assert len(seen) == 60


HOSTILE = ["' OR 1=1--", "a\\'b", "%", "_", '"; DROP TABLE keys; --', "\x1b[31m", "𝕤𝕜", "x" * 10_000]


@pytest.mark.parametrize("words", HOSTILE)
async def test_what_is_looked_for_never_becomes_part_of_a_statement(
    store: KeyStore, database: Database, words: str
) -> None:
    said: list[str] = []
    event.listen(database._engine.sync_engine, "before_cursor_execute", lambda *call: said.append(call[2]))
    assert await store.get(words) is None
    assert await store.get_by_alias(words) is None
    assert (await store.list(alias=words, id=words)).total == 0
    assert await store.delete([words]) == frozenset()
    assert said
    assert not any(words in statement for statement in said if len(words) > 1)
