"""The store of what was trusted of MCP servers, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.store.database import Database
from tollbridge.store.mcp_pins import Pin, PinStore, fingerprint


@pytest.fixture
def store(database: Database) -> PinStore:
    return PinStore(database)


def pin(tool: str, text: str = "Adds", **more: Any) -> Pin:
    said = {"name": tool, "description": text, "inputSchema": {"type": "object"}}
    return Pin(server="one", tool=tool, definition=said, fingerprint=fingerprint(said), pinned_at=1000.0, **more)


def changed(before: Pin, text: str) -> Pin:
    return msgspec.structs.replace(before, changed={**before.definition, "description": text}, changed_at=2000.0)


def test_a_fingerprint_is_of_the_whole_definition_whatever_its_order() -> None:
    said = {"name": "a", "inputSchema": {"type": "object", "properties": {"b": {}}}}
    assert fingerprint(said) == fingerprint(dict(reversed(said.items())))
    for other in (
        {**said, "title": "A"},
        {**said, "annotations": {"readOnlyHint": True}},
        {**said, "outputSchema": {}},
        {**said, "_meta": {"x": 1}},
        {**said, "inputSchema": {"type": "object", "properties": {"b": {"description": "x"}}}},
    ):
        assert fingerprint(other) != fingerprint(said)


async def test_the_first_word_stands(store: PinStore) -> None:
    await store.keep([pin("add"), pin("echo")])
    await store.keep([pin("add", "Subtracts")])
    assert sorted(await store.list(), key=lambda one: one.tool) == [pin("add"), pin("echo")]


async def test_a_change_is_noted_beside_it_until_it_is_approved(store: PinStore) -> None:
    await store.keep([pin("add")])
    await store.changed([changed(pin("add"), "Subtracts")])
    assert await store.list() == (changed(pin("add"), "Subtracts"),)
    await store.changed([pin("add")])  # it is again what it was
    assert await store.list() == (pin("add"),)
    await store.approve([pin("add", "Subtracts", pinned_by="master")])
    await store.changed([changed(pin("add"), "Multiplies")])  # of one that was approved away meanwhile
    assert await store.list() == (pin("add", "Subtracts", pinned_by="master"),)


async def test_each_change_has_another_mark(store: PinStore) -> None:
    marks = [await store.mark()]
    for change in (
        store.keep([pin("add")]),
        store.changed([changed(pin("add"), "Subtracts")]),
        store.approve([pin("add", "Subtracts", pinned_by="master")]),
        store.approve([pin("new", pinned_by="master")]),
    ):
        await change
        marks.append(await store.mark())
    assert len(set(marks)) == len(marks)
    await store.keep([pin("add")])
    await store.changed([pin("add", "Subtracts")])  # nothing is noted that was noted
    assert await store.mark() == marks[-1]
    await store.forget("one")
    assert await store.list() == ()


async def test_names_of_any_kind_are_kept(store: PinStore) -> None:
    names = ["", "x" * 1024, "nul\0", "\U000e0041", "ä"]
    await store.keep([pin(name, "\0 \u200b") for name in names])
    assert {one.tool for one in await store.list()} == set(names)
