import asyncio
import threading
from typing import Any

import pytest
from msgspec.structs import fields
from sqlalchemy import insert
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import fresh_postgresql, postgresql_server, rows
from tests.ledger.records import ids, record
from tollbridge.errors import EntryRefused, StoreUnavailable
from tollbridge.observe import Record, Tried
from tollbridge.observe.ulid import Ulids, at
from tollbridge.store.address import Dialect
from tollbridge.store.database import Database
from tollbridge.store.entries import BLOCK, SHELF, SLICE, EntryStore, of_many
from tollbridge.store.key_tables import KEYS
from tollbridge.store.ledger_rows import day_of, day_rows
from tollbridge.store.ledger_tables import ENTRIES
from tollbridge.store.spend import SpendReader, Wanted
from tollbridge.store.upsert import spelling

DAY_NS = 86_400 * 10**9
NEW_YEAR_NS = 1_767_225_600 * 10**9  # 2026-01-01T00:00:00Z


async def add_keys(database: Database, *keys: str) -> None:
    blank = {column.name: 0 for column in KEYS.c if not (column.nullable or column.server_default)}
    texts = {"models": "[]", "aliases": "{}", "metadata": "{}", "minted_by": ""}

    async def work(connection: AsyncConnection) -> None:
        for id in keys:
            named = {"id": id, "digest": id.encode(), "name": f"sk-...{id}", "alias": f"alias {id}"}
            await connection.execute(insert(KEYS).values({**blank, **texts, **named}))

    await database.run(work)


async def spent(database: Database) -> dict[str, int]:
    return dict(await rows(database, "SELECT id, spend_nanousd FROM keys"))  # type: ignore[arg-type]


def dated(*moments_ns: int, **fields: Any) -> list[Record]:
    return [record(id=Ulids(lambda moment=moment: moment).next(), **fields) for moment in moments_ns]  # type: ignore[misc]


async def test_a_record_becomes_a_row_that_shows_all_of_it(database: Database) -> None:
    await add_keys(database, "k1")
    one = record(
        answer_id="msg_1",
        tokens={"input": 100, "output": 20, "cache_read": 60, "web_searches": 2},
        cost_nanousd=123,
        user="zoë",
        tags=("a", "b"),
        metadata={"n": [1, None]},
        caveats=("dropped_param $.x",),
        stream=True,
        estimated=True,
        cache_hit=True,
        ttft_ms=3.25,
        priced="2026-11-21",
        parent="P",
        trace_id="T",
    )
    EntryStore(database).fold([one])
    [row] = await SpendReader(database).entries(Wanted())
    for name in ("id", "request_id", "answer_id", "key_id", "endpoint", "model_requested", "deployment", "provider"):
        assert row[name] == getattr(one, name)
    for name in ("model", "status", "outcome", "attempts", "duration_ms", "ttft_ms", "cost_nanousd", "priced"):
        assert row[name] == getattr(one, name)
    assert (row["started_at"], row["model_group"]) == (one.at, one.group)
    assert (row["input_tokens"], row["output_tokens"], row["parts"]) == (100, 20, {"cache_read": 60, "web_searches": 2})
    assert (row["end_user"], row["tags"], row["metadata"]) == ("zoë", ("a", "b"), {"n": [1, None]})
    assert (row["caveats"], row["stream"], row["estimated"], row["cache_hit"]) == (("dropped_param $.x",), 1, 1, 1)
    assert (row["key_alias"], row["tried"], row["parent"], row["trace_id"]) == ("alias k1", [], "P", "T")


async def test_each_field_of_a_record_is_told_by_its_row(database: Database) -> None:
    EntryStore(database).fold([record()])
    [row] = await SpendReader(database).entries(Wanted())
    renamed = {"at": "started_at", "group": "model_group", "user": "end_user", "tokens": "input_tokens"}
    of_the_log = {"ts", "level", "method", "began", "why"}
    told = {renamed.get(field.name, field.name) for field in fields(Record) if field.name not in of_the_log}
    assert told <= row.keys()
    assert "details" not in row


async def test_what_is_unknown_stays_unknown_and_what_is_free_is_zero(database: Database) -> None:
    EntryStore(database).fold(
        [record(tokens=None, cost_nanousd=None, outcome="upstream_error"), record(cost_nanousd=0)]
    )
    free, unknown = await SpendReader(database).entries(Wanted())
    assert (unknown["cost_nanousd"], unknown["input_tokens"], unknown["output_tokens"]) == (None, None, None)
    assert free["cost_nanousd"] == 0
    [sums] = await SpendReader(database).sums()
    assert (sums["requests"], sums["failures"], sums["unpriced"], sums["cost_nanousd"]) == (2, 1, 1, 0)


async def test_folding_again_changes_nothing_whichever_part_is_there(database: Database) -> None:
    await add_keys(database, "k1", "k2")
    store, reader = EntryStore(database), SpendReader(database)
    records = [record(key_id="k1" if n % 2 else "k2", cost_nanousd=n) for n in range(10)]
    assert ids(store.fold(records[:6])) == ids(records[:6])
    assert store.fold(records[2:4], again=True) == []
    assert ids(store.fold(records[4:])) == ids(records[6:])
    assert ids(store.fold([*records, records[0]], again=True)) == []
    assert ids(store.fold([doubled := record(cost_nanousd=None), doubled])) == [doubled.id]
    [sums] = await reader.sums()
    assert (sums["requests"], sums["cost_nanousd"]) == (11, 45)
    assert await spent(database) == {"k1": 25, "k2": 20}


@pytest.mark.parametrize("there", [slice(0, 1), slice(BLOCK + 7, BLOCK + 8), slice(SLICE, SLICE + 1), slice(-1, None)])
async def test_of_many_of_which_one_is_there_the_others_are_folded_once(database: Database, there: slice) -> None:
    await add_keys(database, "k1")
    records = [record(cost_nanousd=1) for _ in range(SLICE + BLOCK + 3)]
    store = EntryStore(database)
    assert store.fold(records[there]) == records[there]
    fresh = store.fold(records)
    assert ids(fresh) == [one.id for one in records if one not in records[there]]
    assert await rows(database, "SELECT COUNT(*), COUNT(DISTINCT id) FROM entries") == [(len(records), len(records))]
    assert (await SpendReader(database).sums())[0]["requests"] == len(records)
    assert await spent(database) == {"k1": len(records)}


async def test_two_that_fold_the_same_at_once_insert_it_once(database: Database) -> None:
    await add_keys(database, "k1")
    records = [record(cost_nanousd=1) for _ in range(200)]
    folders = [EntryStore(database) for _ in range(4)]
    shares = await asyncio.gather(*(asyncio.to_thread(store.fold, records) for store in folders))
    assert sorted(ids([one for share in shares for one in share])) == ids(records)
    assert await spent(database) == {"k1": 200}
    [sums] = await SpendReader(database).sums()
    assert (sums["requests"], sums["cost_nanousd"], sums["input_count"]) == (200, 200, 2000)


@pytest.mark.parametrize("before", [1, BLOCK + 1, SLICE + 1])
async def test_a_batch_with_a_record_that_cannot_be_kept_is_undone(database: Database, before: int) -> None:
    with pytest.raises(EntryRefused):
        EntryStore(database).fold([*(record() for _ in range(before)), record(status=1 << 64)])
    assert await SpendReader(database).entries(Wanted()) == []
    assert (await SpendReader(database).sums())[0]["requests"] == 0


async def test_a_table_that_is_missing_is_no_entrys_fault(database: Database) -> None:
    async def break_it(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("DROP TABLE daily")

    await database.run(break_it)
    with pytest.raises(StoreUnavailable, match="tables"):
        EntryStore(database).fold([record()])
    assert await rows(database, "SELECT COUNT(*) FROM entries") == [(0,)]


async def test_attempts_are_kept_and_each_counts_for_its_own_provider(database: Database) -> None:
    tried = (
        Tried(deployment="a/1", provider="a", model="m1", status=500, error_class="InternalServerError", ms=1.5),
        Tried(deployment="b/1", provider="b", model="m2", tokens={"input": 7, "output": 0}, cost_nanousd=30,
              error_class="APITimeoutError", estimated=True),
        Tried(deployment="c/1", provider="c", model="m3", status=200, tokens={"input": 7, "output": 3, "reasoning": 2},
              cost_nanousd=70),
    )  # fmt: skip
    one = record(
        tried=tried,
        attempts=3,
        provider="c",
        model="m3",
        cost_nanousd=100,
        estimated=True,
        tokens={"input": 14, "output": 3, "reasoning": 2},
    )
    EntryStore(database).fold([one])
    reader = SpendReader(database)
    [row] = await reader.entries(Wanted())
    assert [(got["provider"], got["status"], got["cost_nanousd"]) for got in row["tried"]] == [
        ("a", 500, None),
        ("b", 0, 30),
        ("c", 200, 70),
    ]
    assert row["tried"][2]["parts"] == {"reasoning": 2}
    sums = {got["provider"]: got for got in await reader.sums(["provider"])}
    assert [(sums[name]["requests"], sums[name]["cost_nanousd"], sums[name]["input_count"]) for name in "bc"] == [
        (0, 30, 7),
        (1, 70, 7),
    ]
    assert "a" not in sums, "it used nothing: no row"
    [whole] = await reader.sums()
    assert (whole["cost_nanousd"], whole["input_count"], whole["reasoning_count"]) == (100, 14, 2)


def test_the_day_is_that_of_the_id_in_utc() -> None:
    before, after = dated(NEW_YEAR_NS - 10**6, NEW_YEAR_NS)
    assert (day_of(before.id), day_of(after.id)) == ("2025-12-31", "2026-01-01")
    assert at(after.id) == NEW_YEAR_NS / 1e9
    assert [row[0] for row in day_rows([after, before])] == ["2025-12-31", "2026-01-01"]


async def test_sums_are_by_whatever_is_asked_for(database: Database) -> None:
    await add_keys(database, "k1")
    EntryStore(database).fold(
        [
            *dated(NEW_YEAR_NS, NEW_YEAR_NS + 5, key_id="k1", cost_nanousd=10),
            *dated(NEW_YEAR_NS + DAY_NS, key_id="k2", cost_nanousd=50, provider="anthropic", model="claude"),
            *dated(NEW_YEAR_NS + 2 * DAY_NS, key_id="k1", cost_nanousd=5),
        ]
    )
    reader = SpendReader(database)

    async def told(*by: Any, **among: Any) -> list[tuple[Any, ...]]:
        return [
            (*(row[{"key": "key_id"}.get(one, one)] for one in by), row["cost_nanousd"])
            for row in await reader.sums(by, **among)
        ]

    assert await told("day") == [("2026-01-01", 20), ("2026-01-02", 50), ("2026-01-03", 5)]
    assert await told("key") == [("k2", 50), ("k1", 25)]
    assert await told("provider", limit=1) == [("anthropic", 50)]
    assert await told("day", "model", since="2026-01-02", until="2026-01-02") == [("2026-01-02", "claude", 50)]
    assert await told("model", key_id="k1") == [("gpt-4.1", 25)]
    assert await told(since="2027-01-01") == [(0,)]
    assert await told("day", since="2027-01-01") == []
    named = {row["key_id"]: (row["key_alias"], row["key_name"]) for row in await reader.sums(["key"])}
    assert named == {"k1": ("alias k1", "sk-...k1"), "k2": (None, None)}


async def test_rows_are_paged_newest_first_and_filtered(database: Database) -> None:
    records = [record(key_id=f"k{n % 2}", user="u" if n % 3 else None) for n in range(10)]
    EntryStore(database).fold(records)
    reader = SpendReader(database)
    newest = [one.id for one in reversed(records)]
    page = await reader.entries(Wanted(limit=4))
    assert [row["id"] for row in page] == newest[:4]
    assert [row["id"] for row in await reader.entries(Wanted(limit=4, after=page[-1]["id"]))] == newest[4:8]
    own = await reader.entries(Wanted(key_id="k1"))
    assert [row["id"] for row in own] == [one.id for one in reversed(records) if one.key_id == "k1"]
    users = await reader.entries(Wanted(end_user="u"))
    assert {row["end_user"] for row in users} == {"u"}
    assert len(users) == 6


async def test_rows_are_found_within_a_span_of_time(database: Database) -> None:
    records = dated(*(NEW_YEAR_NS + n * DAY_NS for n in range(5)))
    EntryStore(database).fold(records)
    since, until = (NEW_YEAR_NS + DAY_NS) / 1e9, (NEW_YEAR_NS + 3 * DAY_NS) / 1e9
    found = await SpendReader(database).entries(Wanted(since=since, until=until))
    assert [row["id"] for row in found] == [records[2].id, records[1].id]


async def test_a_request_is_found_by_each_of_its_ids_and_only_by_its_key(database: Database) -> None:
    records = [record(answer_id="same", key_id="k1"), record(answer_id="same", key_id="k2"), record(answer_id="")]
    EntryStore(database).fold(records)
    reader = SpendReader(database)

    async def found(id: str, key_id: str | None = None) -> list[str]:
        return [row["id"] for row in await reader.named(id, key_id)]

    assert await found("same") == [records[1].id, records[0].id]
    assert await found("same", "k1") == [records[0].id]
    assert await found(records[2].request_id) == [records[2].id]
    assert await found(records[0].request_id, "k2") == []
    assert await found(records[0].id) == [records[0].id]
    assert await found("nobody's") == []


async def test_an_answer_is_found_on_whichever_shelf_it_stands(database: Database) -> None:
    store = EntryStore(database)
    first, second, third = record(), record(), record()
    store.fold([first])
    store._shelved = SHELF
    store.fold([second])
    EntryStore(database).fold([third])
    shelves = await rows(database, "SELECT shelf FROM entries ORDER BY id")
    assert shelves == [(0,), (1,), (1,)]
    reader = SpendReader(database)
    for one in (first, second, third):
        assert [row["id"] for row in await reader.named(one.answer_id)] == [one.id]


async def test_old_rows_go_with_their_attempts_a_few_at_a_time(database: Database) -> None:
    tried = (Tried(deployment="a", provider="a", model="m"), Tried(deployment="b", provider="b", model="m"))
    old = dated(*(NEW_YEAR_NS + n for n in range(0, 5 * 10**6, 10**6)), tried=tried)
    [young] = dated(NEW_YEAR_NS + DAY_NS, tried=tried)
    store = EntryStore(database)
    store.fold([*old, young])
    cut = (NEW_YEAR_NS + DAY_NS) / 1e9
    assert [store.remove_before(cut, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert await rows(database, "SELECT DISTINCT entry_id FROM attempts") == [(young.id,)]
    assert await rows(database, "SELECT id FROM entries") == [(young.id,)]
    assert (await SpendReader(database).sums())[0]["requests"] == 6


async def test_text_is_bound_never_spliced(database: Database) -> None:
    evil = "'; DROP TABLE entries; --"
    EntryStore(database).fold([record(user=evil, answer_id=evil, key_id=evil, model_requested=evil)])
    reader = SpendReader(database)
    assert len(await reader.named(evil, evil)) == 1
    assert len(await reader.entries(Wanted(end_user=evil, key_id=evil, after="Z" * 26))) == 1
    assert len(await reader.sums(["key"], key_id=evil, since="'", until="zzzz'")) == 1


async def refusing(setting: str, statement: str | None = None) -> None:
    """A PostgreSQL that does not take writes now is unavailable: no entry is at fault, and all are folded later."""
    url = fresh_postgresql()
    name = make_url(url).database
    Database.open(url).close()
    postgresql_server().psql(f"ALTER DATABASE {name} SET {setting};")
    database, other = Database.open(url), Database.open(url)
    store, one = EntryStore(database), record()
    held, release = threading.Event(), threading.Event()

    async def hold(connection: AsyncConnection) -> None:
        if statement is not None:
            await connection.exec_driver_sql(statement)
        held.set()
        await asyncio.to_thread(release.wait)

    holding = asyncio.create_task(other.run(hold))
    await asyncio.to_thread(held.wait)
    with pytest.raises(StoreUnavailable):
        await asyncio.to_thread(store.fold, [one])
    release.set()
    await holding
    other.close()
    database.close()
    postgresql_server().psql(f"ALTER DATABASE {name} RESET ALL;")
    database = Database.open(url)
    assert EntryStore(database).fold([one], again=True) == [one]
    database.close()


async def test_a_read_only_standby_refuses_no_entry() -> None:
    await refusing("default_transaction_read_only = on")


async def test_a_statement_whose_time_is_up_refuses_no_entry() -> None:
    await refusing("lock_timeout = '50ms'", "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")
    await refusing("statement_timeout = '100ms'", "LOCK TABLE entries IN ACCESS EXCLUSIVE MODE")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_statement_of_many_rows_is_what_would_be_compiled(kind: Dialect) -> None:
    one = insert(ENTRIES).prefix_with("OR FAIL", dialect="sqlite")
    many = one.values([dict.fromkeys(ENTRIES.c.keys())] * BLOCK)
    compiled = str(many.compile(dialect=spelling(kind)))
    assert of_many(str(one.compile(dialect=spelling(kind))), len(ENTRIES.c)) == compiled
