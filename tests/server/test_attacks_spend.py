"""Rows S12, S23 and S54 of the attack matrix at the routes that read the ledger: no value in a query is more than a
value, none costs more than its answer is worth, and a key is told of nobody else's models.

Below: tests/admin/test_spend_routes.py (what each route answers), tests/store/test_entries.py (the sums).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

import pytest

from bench.mock_upstream import serving
from tests.databases import database_url
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, ask, configuration, entry
from tests.server.pipelined import Asked, answers

__all__ = ["database_url"]

DATES = ("start_date", "end_date")
MOMENTS = [
    *("9999-12-31", "9999-12-31T23:59:59.999999+00:00", "0001-01-01", "0001-01-01T00:00:00+23:59", "1969-12-31"),
    *("2026-02-30", "2026-13-01", "2026-11-25T00:00:00+99:99", "-2026-11-25", "99999-01-01", "2026-W48-3", "20261125"),
    *("\uff12\uff10\uff12\uff16-11-25", "now", "1e309", "NaN", "0", "-1", "9" * 4000, "2026-11-25' OR ''='", "\0"),
]
NUMBERS = ["0", "-1", "1e3", "NaN", "9" * 30, "10001", "\u0663", "1;drop", " 1", "+1", "0x1", "1.0", "\0"]
TEXTS = ["%", "_", "' OR ''='", '" OR 1=1--', "\0", "\\", "$.a", "a" * 7000, "\u202e", "sk-\0" + "x" * 20, "(select 1)"]
WORDS = [*TEXTS[:6], "digest", "true"]
QUERY = {
    **dict.fromkeys(DATES, MOMENTS),
    **dict.fromkeys(("limit", "page", "size"), NUMBERS),
    **dict.fromkeys(("api_key", "user_id", "request_id", "after", "key", "key_alias", "key_hash"), TEXTS),
    **dict.fromkeys(("summarize", "sort_by", "sort_order", "return_full_object"), WORDS),
}
ANSWER_BYTES_MAX = 200_000
ADMINS = {"/v1/mcp/pins", "/routes"}
"""Of what is read, the admin's alone."""


async def reading(gateway: Accounted) -> list[str]:
    return [route.path for route in await gateway.routes() if route.handler == "managed" and "GET" in route.methods]


@pytest.mark.parametrize("who", ["a key", "the admin"])
async def test_s23_no_value_in_a_query_is_more_than_a_value(tmp_path: Path, database_url: str, who: str) -> None:
    text = {"database_url": database_url}
    async with serving() as mock, accounted(configuration(entry("m", mock.port), general=text), tmp_path) as gateway:
        made, other = await gateway.made(key_alias="canary-a"), await gateway.made(key_alias="canary-b")
        for key in (made["key"], other["key"]):
            assert (await gateway.send("POST", CHAT, ask(user="canary-user"), key=key)).status == 200
        await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
        key = {"key": made["key"]} if who == "a key" else {}
        for path in await reading(gateway):
            asked = [
                Asked("GET", f"{path}?{word}={quote(value)}") for word, values in QUERY.items() for value in values
            ]
            refused = (403,) if path in ADMINS and who == "a key" else ()
            for one, answered in zip(asked, await answers(gateway, asked, **key), strict=True):
                assert answered.status in (200, 400, 404, 422, *refused), (one.path, answered.body)
                assert len(answered.body) < ANSWER_BYTES_MAX, one.path
                if who == "a key":
                    assert other["token"] not in answered.body.decode()
                    assert b"canary-b" not in answered.body


async def test_s54_a_span_of_thousands_of_years_is_not_told_day_by_day(tmp_path: Path) -> None:
    """One process serves all: a day that nobody asked anything on costs as much to tell as another."""
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        key = (await gateway.made())["key"]
        await gateway.send("POST", CHAT, ask(), key=key)
        await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
        for until in ("9999-12-30", "9999-12-31", "3000-01-01"):
            answered = await gateway.send(
                "GET", f"/spend/logs?start_date=0001-01-01&end_date={until}&summarize=true", key=key
            )
            assert answered.status in (200, 422)
            assert len(answered.body) < ANSWER_BYTES_MAX


async def test_s12_a_price_is_told_for_the_keys_own_models_and_no_other_is_named(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(entry("mine", mock.port), entry("canary-model", mock.port))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=["mine"]))["key"]
            messages = [{"role": "user", "content": "hi"}]
            found = []
            for model in ("canary-model", "canary-madel"):
                body = {"model": model, "messages": messages}
                answered = await gateway.send("POST", "/spend/calculate", body, key=key)
                found.append((answered.status, answered.body.replace(model.encode(), b"")))
                assert b"canary" not in found[-1][1]
            assert found[0] == found[1], "one that is not for it is not told from one that is not there"
