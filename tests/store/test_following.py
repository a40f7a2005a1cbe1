"""Hearing of what other processes wrote."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tollbridge.errors import StoreUnavailable
from tollbridge.store import following

log = logging.getLogger("tollbridge.following")


async def test_that_the_database_is_away_is_told_once_and_so_is_that_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "FOLLOW_S", 0.0)
    answers = iter([None, "gone", "gone", None, None, "locked", None])
    left = 7

    async def look() -> None:
        nonlocal left
        left -= 1
        why = next(answers)
        if why is not None:
            raise StoreUnavailable(why)

    await following.follow(look, log, "changes", over=lambda: not left)
    assert [record.message for record in caplog.records if record.name == log.name] == [
        "changes are not heard of: gone",
        "changes are heard of again",
        "changes are not heard of: locked",
        "changes are heard of again",
    ]


async def test_what_is_no_error_of_the_database_ends_it() -> None:
    async def look() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await following.follow(look, log, "changes")


async def test_it_goes_on_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FOLLOW_S", 0.0)
    often = asyncio.Event()
    times = 0

    async def look() -> None:
        nonlocal times
        times += 1
        if times == 5:
            often.set()

    task = asyncio.ensure_future(following.follow(look, log, "changes"))
    await often.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
