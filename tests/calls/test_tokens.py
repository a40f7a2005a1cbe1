"""Tokens that run out: one fetch for all who wait, none for those who need not."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest

from tollbridge.calls.tokens import LEAST_S, RENEW_S, Tokens
from tollbridge.errors import AuthenticationError
from tollbridge.secret import Secret


class Told(msgspec.Struct):
    text: Secret
    expires_at: float


class Office:
    """Gives tokens that are numbered, each for an hour. `open`: while it is not set, whoever asks waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.given = 0
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Semaphore(0)
        self.closed = False

    def fetch(self) -> Told:
        self.asked.release()
        assert self.open.wait(10)
        if self.closed:
            raise AuthenticationError("No.")
        self.given += 1
        return Told(Secret(f"t{self.given}"), self.now + 3600)

    def tokens(self) -> Tokens:
        return Tokens(self.fetch, lambda: self.now)


async def test_many_who_wait_share_one_fetch() -> None:
    office = Office()
    office.open.clear()
    tokens = office.tokens()
    waiting = [asyncio.create_task(tokens.bearer()) for _ in range(20)]
    await asyncio.to_thread(office.asked.acquire)
    office.open.set()
    assert set(await asyncio.gather(*waiting)) == {"Bearer t1"}
    assert office.given == 1
    assert tokens.secrets == ("t1",)


async def test_a_token_that_holds_is_used_while_the_next_is_fetched() -> None:
    office = Office()
    tokens = office.tokens()
    assert await tokens.bearer() == "Bearer t1"
    office.open.clear()
    office.now += 3600 - RENEW_S + 1
    assert [await tokens.bearer() for _ in range(3)] == ["Bearer t1"] * 3
    await asyncio.to_thread(office.asked.acquire)
    office.open.set()
    while await tokens.bearer() != "Bearer t2":  # the thread hands it over when it likes
        await asyncio.sleep(0)
    assert office.given == 2


async def test_a_token_that_is_about_to_end_is_none() -> None:
    office = Office()
    tokens = office.tokens()
    await tokens.bearer()
    office.now += 3600 - LEAST_S + 1
    assert await tokens.bearer() == "Bearer t2"


async def test_a_fetch_that_failed_is_told_to_all_who_wait_and_tried_again_by_the_next() -> None:
    office = Office()
    office.closed = True
    tokens = office.tokens()
    failed = await asyncio.gather(*(tokens.bearer() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, AuthenticationError) for one in failed)
    office.closed = False
    assert await tokens.bearer() == "Bearer t1"


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    office = Office()
    office.open.clear()
    tokens = office.tokens()
    leaving, staying = asyncio.create_task(tokens.bearer()), asyncio.create_task(tokens.bearer())
    await asyncio.to_thread(office.asked.acquire)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    office.open.set()
    assert await staying == "Bearer t1"
