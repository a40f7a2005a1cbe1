"""The store of files and batches, on SQLite and on PostgreSQL."""

from __future__ import annotations

import msgspec
import pytest

from tests.databases import rows
from tollbridge.store import objects
from tollbridge.store.database import Database
from tollbridge.store.objects import KeptObject, ObjectStore

KEY = bytes(range(32))


@pytest.fixture
def store(database: Database) -> ObjectStore:
    return ObjectStore(database, KEY, lambda: 1000.0)


def kept(id: str, owner: str = "key1", *, at: float = 1.0, owing: int = 0, kind: str = "file") -> KeptObject:
    shown = b'{"id": "%b"}' % id.encode()
    return KeptObject(
        owner=owner, id=id, kind=kind, account="a", theirs=f"their-{id}", shown=shown, created_at=at, owing=owing
    )


async def test_an_object_is_known_to_its_tenant_alone(store: ObjectStore) -> None:
    await store.keep(kept("f1"))
    assert await store.get("key1", "f1") == kept("f1")
    assert await store.get("key2", "f1") is None
    assert await store.listed("key2", "file") == []


async def test_a_list_has_the_latest_first_and_one_kind(store: ObjectStore) -> None:
    for number in range(3):
        await store.keep(kept(f"f{number}", at=number))
    await store.keep(kept("b", kind="batch"))
    assert [one.id for one in await store.listed("key1", "file")] == ["f2", "f1", "f0"]


async def test_what_is_kept_again_owes_what_it_owed(store: ObjectStore) -> None:
    await store.keep(kept("b1", owing=7))
    await store.keep(msgspec.structs.replace(kept("b1"), shown=b"{}"))
    found = await store.get("key1", "b1")
    assert found is not None
    assert (found.owing, found.shown) == (7, b"{}")


async def test_what_is_owing_is_told_until_it_is_paid(store: ObjectStore) -> None:
    for number, owner in enumerate(("key1", "key1", "key2")):
        await store.keep(kept(f"b{number}", owner, at=number, owing=10 + number))
    assert [one.id for one in await store.owing(2.0, 10)] == ["b0", "b1"]
    assert await store.owed_by("key1") == 21
    await store.paid(kept("b0"))
    assert await store.owed_by("key1") == 11
    assert [one.id for one in await store.owing(9.0, 10)] == ["b1", "b2"]
    await store.forget("key1", "b1")
    assert await store.get("key1", "b1") is not None, "its cost is not known yet"
    await store.forget("key1", "b0")
    assert await store.get("key1", "b0") is None


async def test_of_a_tenant_so_many_are_kept(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "KEPT_BY_OWNER_MAX", 2)
    await store.keep(kept("b", at=0.0, owing=1))
    for number in range(1, 5):
        await store.keep(kept(f"f{number}", at=number))
    await store.keep(kept("other", "key2"))
    assert [one.id for one in await store.listed("key1", "file")] == ["f4", "f3", "b"]
    assert len(await store.listed("key2", "file")) == 1


async def test_a_row_tells_nothing_to_who_has_the_database_alone(database: Database, store: ObjectStore) -> None:
    await store.keep(kept("f1"))
    told = str(await rows(database, "SELECT * FROM objects"))
    assert "key1" not in told
    assert "their" not in told
    assert await ObjectStore(database, b"x" * 32).get("key1", "f1") is None
    assert await ObjectStore(database, b"x" * 32).owing(9.0, 9) == []
