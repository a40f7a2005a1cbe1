"""Several processes on one database: what a key spends at one of them is soon known to the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import CHAT, ask, configuration, entry
from tests.server.test_accounting import PRICES
from tollbridge.ledger.elsewhere import Elsewhere


async def test_what_others_spent_of_a_budget_is_heard_of(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port, **PRICES))
        async with accounted(text, tmp_path) as one, accounted(text, tmp_path) as other:
            made = await one.made(models=["m"])
            cost = float((await one.send("POST", CHAT, ask(), key=made["key"])).headers["x-tollbridge-cost-usd"])
            changed = {"key": made["token"], "max_budget": cost * 4.5}
            assert (await one.send("POST", "/key/update", changed)).status == 200
            for gateway in (one, other):
                await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
                await gateway.accounts.keyring.hear()
            assert (await other.send("POST", CHAT, ask(), key=made["key"])).status == 200
            answers = [await one.send("POST", CHAT, ask(), key=made["key"]) for _ in range(3)]
            assert [answer.status for answer in answers] == [200] * 3
            async with asyncio.timeout(20):
                while other.accounts.book.spent(made["token"]) != round(cost * 5e9):
                    await asyncio.sleep(0.05)
            refused = await other.send("POST", CHAT, ask(), key=made["key"])
            for gateway in (one, other):
                await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
                accounts = gateway.accounts
                await Elsewhere(accounts.book, accounts.keys, accounts.folding).look()
            spent = [gateway.accounts.book.spent(made["token"]) for gateway in (one, other)]
        assert len(mock.provider.books.captures) == 5
    assert (refused.status, refused.json()["error"]["code"]) == (429, "budget_exceeded")
    assert spent == [round(cost * 5e9)] * 2


async def test_who_rests_is_not_looked_at(tmp_path: Path) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, **PRICES)), tmp_path) as gateway:
            made = await gateway.made(models=["m"], max_budget=5)
            await gateway.send("POST", CHAT, ask(), key=made["key"])
            book = gateway.accounts.book
            assert book.used_since(book.clock() - 60) == [made["token"]]
            assert book.used_since(book.clock()) == []
