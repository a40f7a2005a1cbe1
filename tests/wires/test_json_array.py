"""A stream as one JSON array: cut at the items' borders, wherever the bytes are cut."""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.wires.json_array import ITEM_BYTES_MAX, ItemParser, Listing

ITEMS = [
    {"text": 'brackets ]}[{ and "quotes" \\ in words', "list": [[1], {"a": "}"}]},
    {},
    {"end": "\\", "path": "c:\\dir\\", "quote": '\\"', "more": {"deep": [{"x": []}]}},
    {"umlaut": "Größe ✓", "newline": "a\nb"},
]


def items(*pieces: bytes) -> list[bytes]:
    parser = ItemParser()
    found = [item for piece in pieces for item in parser.feed(piece)]
    parser.close()
    return found


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wide", [True, False])
def test_items_are_found_at_every_cut(indent: int | None, wide: bool) -> None:
    whole = (" \r\n" + json.dumps(ITEMS, indent=indent, ensure_ascii=not wide) + "\n").encode()
    assert [json.loads(item) for item in items(whole)] == ITEMS
    for cut in range(len(whole)):
        assert [json.loads(item) for item in items(whole[:cut], whole[cut:])] == ITEMS, cut
    assert [json.loads(item) for item in items(*(whole[at : at + 1] for at in range(len(whole))))] == ITEMS


def test_nothing_is_an_array_too_and_what_follows_the_end_is_nothing() -> None:
    assert items(b"[]") == []
    assert items(b"[", b"{}", b"]", b"garbage") == [b"{}"]


@pytest.mark.parametrize("data", [b"", b"[", b'[{"a":1}', b'[{"a":1},', b'[{"a":"]'])
def test_an_array_without_its_end_is_cut(data: bytes) -> None:
    with pytest.raises(Truncated):
        items(data)


@pytest.mark.parametrize("data", [b"{}", b"<html>", b"[1]", b'["a"]', b"[[]]", b"]", b"[{}x"])
def test_what_is_no_array_of_objects_is_the_providers_fault(data: bytes) -> None:
    with pytest.raises(BadGatewayError):
        items(data)


def test_an_item_without_end_is_given_up() -> None:
    parser = ItemParser()
    parser.feed(b'[{"a":"')
    with pytest.raises(BadGatewayError, match="more than 16 MiB"):
        parser.feed(b"x" * (ITEM_BYTES_MAX + 1))


@pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")
def test_every_recorded_array_is_cut_as_json_says() -> None:
    chance, seen = random.Random(7), 0
    for exchange in recordings(provider="gemini", endpoints=("streamGenerateContent",)):
        if exchange.get("stream_format") != "json-array":
            continue
        whole = exchange["response_text"].encode()
        cuts = sorted(chance.sample(range(1, len(whole)), min(20, len(whole) - 1)))
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
        assert [msgspec.json.decode(item) for item in items(*pieces)] == msgspec.json.decode(whole)
        seen += 1
    assert seen >= 9


def test_what_is_listed_reads_back() -> None:
    listing = Listing()
    told = b"".join([listing.item(json.dumps(item).encode()) for item in ITEMS]) + listing.end()
    assert json.loads(told) == ITEMS
    assert [json.loads(item) for item in items(told)] == ITEMS
    assert Listing().end() == b"[]"
