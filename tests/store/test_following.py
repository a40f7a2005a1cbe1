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


async def test_a_fault_of_ours_is_told_once_and_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "FOLLOW_S", 0.0)
    left = 3

    async def look() -> None:
        nonlocal left
        left -= 1
        if left:
            raise ZeroDivisionError

    await following.follow(look, log, "changes", over=lambda: not left)
    told = [record for record in caplog.records if record.name == log.name]
    assert [record.message for record in told] == ["changes are not heard of", "changes are heard of again"]
    assert told[0].exc_info is not None


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
