"""How responses that run in the background end when something is in the way: their client, their process, the database,
their size; and what one key may take of the gateway by them."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, ClientTimeout

from tests.server.backgrounds import (
    RESPONSES,
    WAIT_S,
    Closed,
    accounted_for,
    background_gateway,
    begun,
    ended,
    events_of,
    shown,
)
from tests.server.served import KEY
from tollbridge.errors import InternalServerError, StoreUnavailable
from tollbridge.home import Home
from tollbridge.server import background, managed, responses, running
from tollbridge.server.background import Background
from tollbridge.server.keeping import Kept
from tollbridge.server.running import Running
from tollbridge.server.told_again import LAST, NONE_YET, Events, replay
from tollbridge.store.responses import ALIVE_S, ResponseStore

STREAM = {"model": "chat", "input": "x", "background": True, "stream": True}


def another(gateway: Any, later_s: float = 0.0) -> Background:
    """As another process sees them, whose clock is so much ahead."""
    key = Home(gateway.home).reply_key()
    return Background(ResponseStore(gateway.accounts.database, key, lambda: time.time() + later_s))


async def test_one_key_follows_so_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed, "FOLLOWED_MAX", 3)
    async with (
        background_gateway(tmp_path, "events=100,pace_ms=50") as (gateway, _),
        ClientSession() as session,
    ):
        mine = await gateway.made(models=["chat"])
        other = await gateway.made(models=["chat"])
        headers = {"authorization": f"Bearer {mine['key']}"}
        first = await session.post(gateway.url + RESPONSES, json=STREAM, headers=headers)
        line = b""
        while b"resp_tb" not in line:
            line = await first.content.readline()
        path = f"{RESPONSES}/{json.loads(line.split(b'data: ')[1])['response']['id']}"
        following = [await session.get(f"{gateway.url}{path}?stream=true", headers=headers) for _ in range(4)]
        assert [one.status for one in following] == [200, 200, 200, 429]
        told = await following[3].json()
        assert told["error"]["code"] == "too_many_followed_streams"
        assert (await gateway.send("GET", path, key=mine["key"])).status == 200
        following[0].close()
        until = time.monotonic() + WAIT_S
        while (again := await session.get(f"{gateway.url}{path}?stream=true", headers=headers)).status == 429:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)
        chat = {"model": "chat", "messages": [{"role": "user", "content": "x"}], "stream": True}
        assert (await gateway.send("POST", "/v1/chat/completions", chat, key=other["key"])).status == 200
        for one in (first, again, *following):
            one.close()


async def test_a_client_that_leaves_while_its_answer_is_kept_for_a_retry_ends_nothing(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=900") as (gateway, mock):
        gateway.gateway.rules = msgspec.structs.replace(gateway.gateway.rules, drain_s=0.5)
        assert gateway.gateway.idempotency is not None
        store = gateway.gateway.idempotency.store
        keep = store.keep

        async def slow(*given: Any) -> None:
            await asyncio.sleep(0.3)
            await keep(*given)

        store.keep = slow  # type: ignore[method-assign]
        body, retry = {"model": "chat", "input": "x", "background": True}, {"idempotency-key": "one"}
        patience = ClientTimeout(total=0.15)
        async with ClientSession() as session:
            with pytest.raises(asyncio.TimeoutError):
                headers = {"authorization": f"Bearer {KEY}", **retry}
                await session.post(gateway.url + RESPONSES, json=body, headers=headers, timeout=patience)
        again = await gateway.post(RESPONSES, body, retry)
        answer = await ended(gateway, again.json()["id"])
        assert answer["status"] == "completed"
        record = await accounted_for(gateway, answer["id"])
        assert (record.status, record.outcome) == (200, "ok")
        assert (gateway.gateway.load.drains, gateway.gateway.load.requests) == (0, 0)
        assert mock.provider.books.requests == 1


async def test_what_ended_while_the_database_was_away_is_written_down_by_a_process_that_stops(tmp_path: Path) -> None:
    async with background_gateway(tmp_path) as (gateway, _):
        key = await gateway.made(models=["chat"])
        told = await begun(gateway, key=key["key"])
        store = gateway.accounts.responses.background._store
        database, store._database = store._database, Closed()  # type: ignore[assignment]
        await accounted_for(gateway, told["id"])
        store._database = database
        assert len(gateway.accounts.responses.background) == 1
    async with background_gateway(tmp_path) as (gateway, _):
        assert (await shown(gateway, told["id"], key["key"]))["status"] == "completed"


async def test_one_that_counted_as_lost_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.3)
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, mock):
        key = await gateway.made(models=["chat"])
        told = await begun(gateway, key=key["key"])
        other = another(gateway, ALIVE_S + 1)
        kept = await other._store.get(key["token"], told["id"])
        assert kept is not None
        lost = json.loads(await other.shown(key["token"], told["id"], kept))
        assert (lost["status"], lost["error"]["code"]) == ("failed", "server_error")
        assert (await accounted_for(gateway, told["id"])).outcome == "cancelled"
        while len(gateway.accounts.responses.background):
            await asyncio.sleep(0.02)
        assert await shown(gateway, told["id"], key["key"]) == lost
        assert not mock.provider.connections


async def test_who_is_heard_of_again_does_not_count_as_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.05)
    async with background_gateway(tmp_path, "delay_ms=500") as (gateway, _):
        key = await gateway.made(models=["chat"])
        told = await begun(gateway, key=key["key"])
        other = another(gateway)
        kept = await other._store.get(key["token"], told["id"])
        assert kept is not None
        stale = msgspec.structs.replace(kept, alive_until=time.time() - 1)
        assert json.loads(await other.shown(key["token"], told["id"], stale))["status"] == "in_progress"
        assert (await ended(gateway, told["id"], key["key"]))["status"] == "completed"


async def test_who_follows_one_that_is_lost_is_told(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, _):
        key = await gateway.made(models=["chat"])
        answered = asyncio.create_task(gateway.send("POST", RESPONSES, STREAM, key=key["key"]))
        while not len(gateway.accounts.responses.background):
            await asyncio.sleep(0.01)
        ((owner, id),) = gateway.accounts.responses.background._running
        other = another(gateway, ALIVE_S + 1)
        kept = await other._store.get(owner, id)
        assert kept is not None
        (told,) = [event async for event in other.events(owner, id, kept, 17)]
        assert b"event: response.failed\n" in told
        await gateway.send("DELETE", f"{RESPONSES}/{id}", key=key["key"])
        await answered


@pytest.mark.parametrize("how", ["cancelled", "refused"])
async def test_who_follows_one_that_ends_before_its_first_event_is_told(tmp_path: Path, how: str) -> None:
    script = "delay_ms=60000" if how == "cancelled" else "delay_ms=300,status=400"
    async with background_gateway(tmp_path, script) as (gateway, _):
        answered = asyncio.create_task(gateway.post(RESPONSES, STREAM))
        while not len(gateway.accounts.responses.background):
            await asyncio.sleep(0.01)
        ((_, id),) = gateway.accounts.responses.background._running
        following = asyncio.create_task(gateway.send("GET", f"{RESPONSES}/{id}?stream=true"))
        await asyncio.sleep(0.1)
        if how == "cancelled":
            await gateway.post(f"{RESPONSES}/{id}/cancel", {})
        created, told = events_of(await following)
        assert (created["type"], created["response"]["id"]) == ("response.created", id)
        assert told["type"] == ("error" if how == "cancelled" else "response.failed")
        assert [created["sequence_number"], told["sequence_number"]] == [0, 1]
        assert events_of(await answered) == [created, told]
        if how == "refused":
            assert told["response"]["id"] == id
            assert told["response"]["error"]["message"]
        assert events_of(await gateway.send("GET", f"{RESPONSES}/{id}?stream=true")) == [created, told]


async def test_an_input_that_is_too_large_to_keep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "KEPT_BYTES_MAX", 100_000)
    async with background_gateway(tmp_path, "delay_ms=1") as (gateway, mock):
        image = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 100_000}
        body = {"model": "chat", "input": [{"role": "user", "content": [image]}]}
        refused = await gateway.post(RESPONSES, {**body, "background": True})
        told = refused.json()["error"]
        assert (refused.status, told["param"]) == (413, "input")
        assert str(100_000) in told["message"]
        assert not mock.provider.books.requests
        assert (await gateway.post(RESPONSES, body)).status == 200


async def test_events_that_are_too_many_beside_the_answer_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "KEPT_BYTES_MAX", 4000)
    async with background_gateway(tmp_path, "delay_ms=1") as (gateway, _):
        told = events_of(await gateway.post(RESPONSES, {**STREAM, "input": "x" * 2000}))
        id = told[0]["response"]["id"]
        assert (await ended(gateway, id))["status"] == "completed"
        while len(gateway.accounts.responses.background):
            await asyncio.sleep(0.02)
        refused = await gateway.send("GET", f"{RESPONSES}/{id}?stream=true")
        assert (refused.status, refused.json()["error"]["param"]) == (400, "stream")


async def test_an_answer_that_is_too_large_to_keep_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT_BYTES_MAX", 300)
    async with background_gateway(tmp_path, "delay_ms=1") as (gateway, _):
        for model in ("native", "chat"):
            told = await begun(gateway, model=model)
            answer = await ended(gateway, told["id"])
            assert (answer["status"], answer["output"]) == ("failed", [])
            assert "cannot be kept" in answer["error"]["message"]
            assert (await accounted_for(gateway, told["id"])).status == 200


async def test_who_follows_by_another_process_hears_what_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "KEPT_BYTES_MAX", 3000)
    async with background_gateway(tmp_path, "delay_ms=700") as (gateway, _):
        answered = asyncio.create_task(gateway.post(RESPONSES, {**STREAM, "input": "x" * 2000}))
        while not len(gateway.accounts.responses.background):
            await asyncio.sleep(0.01)
        ((owner, id),) = gateway.accounts.responses.background._running
        other = another(gateway)
        kept = await other._store.get(owner, id)
        assert kept is not None
        with pytest.raises(InternalServerError, match="too many"):
            async for _ in other.events(owner, id, kept, -1):
                pass
        await answered


async def test_who_follows_by_another_process_hears_that_it_was_forgotten(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, _):
        answered = asyncio.create_task(gateway.post(RESPONSES, STREAM))
        while not len(gateway.accounts.responses.background):
            await asyncio.sleep(0.01)
        ((owner, id),) = gateway.accounts.responses.background._running
        other = another(gateway)
        kept = await other._store.get(owner, id)
        assert kept is not None
        following = other.events(owner, id, kept, 3)
        await gateway.send("DELETE", f"{RESPONSES}/{id}")
        (told,) = [event async for event in following]
        await answered
    assert b'"code":"cancelled"' in told
    assert b'"sequence_number":4' in told


async def test_beats_go_on_whatever_befell_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.02)
    async with background_gateway(tmp_path, "delay_ms=500") as (gateway, _):
        store = gateway.accounts.responses.background._store
        beat, beats = store.beat, 0

        async def stumbling(keys: Any) -> Any:
            nonlocal beats
            beats += 1
            if beats == 1:
                raise ZeroDivisionError
            return await beat(keys)

        monkeypatch.setattr(store, "beat", stumbling)
        told = await begun(gateway)
        assert (await ended(gateway, told["id"]))["status"] == "completed"
        assert beats > 1


ODD = [
    ({"type": "error", "code": 429, "message": "slow down", "sequence_number": 3}, "slow down"),
    ({"type": "error", "code": None, "message": "slow down", "sequence_number": "3"}, "slow down"),
    ({"type": "error", "error": {"code": 429, "message": "slow down"}, "sequence_number": 3.5}, "slow down"),
    ({"type": "error", "message": {"a": 1}}, ""),
]


@pytest.mark.parametrize(("event", "message"), ODD)
def test_what_an_odd_error_event_says_is_told(event: dict[str, Any], message: str) -> None:
    one = running_one()
    one.write(b"event: error\ndata: %b\n\n" % json.dumps(event).encode())
    one.end()
    told = json.loads(one.came_to().response)
    assert told["status"] == "failed"
    assert message in told["error"]["message"]


@pytest.mark.parametrize("number", [7, "7", None, 7.5, True, -3, 2**70])
def test_a_last_event_with_an_odd_number_is_the_last(number: Any) -> None:
    one = running_one()
    response = {"id": "resp_theirs", "status": "completed", "output": []}
    event = {"type": "response.completed", "sequence_number": number, "message": 5, "error": 3, "response": response}
    one.write(b"event: response.completed\ndata: %b\n\n" % json.dumps(event).encode())
    one.end()
    assert json.loads(one.came_to().response) == {**response, "id": "resp_tb1", "background": True, "store": True} | {
        "previous_response_id": None
    }
    assert len(list(replay(one.to_keep().events, -1))) == 1


def test_an_error_after_the_end_changes_nothing() -> None:
    one = running_one()
    response = {"id": "resp_theirs", "status": "completed", "output": []}
    for event in ({"type": "response.completed", "response": response}, {"type": "error", "message": "late"}):
        one.write(b"data: %b\n\n" % json.dumps(event).encode())
    one.end()
    assert json.loads(one.came_to().response)["status"] == "completed"


def running_one() -> Running:
    one = Running(Kept("owner", "resp_tb1", b"[]", None), {"id": "resp_tb1", "output": []}, None, lambda: None)
    one.streams = True
    return one


def test_a_database_that_is_away_is_told_of_when_it_stays_away(caplog: pytest.LogCaptureFixture) -> None:
    async def stops() -> None:
        one = running_one()
        one.end()

        class Away(ResponseStore):
            def __init__(self) -> None:
                pass

            async def end(self, *_: Any, **__: Any) -> None:
                raise StoreUnavailable("away")

        gone = Background(Away())
        gone._running["owner", "resp_tb1"] = one
        await gone.stop()

    asyncio.run(stops())
    assert "resp_tb1" in caplog.text


async def test_what_it_came_to_is_told_when_every_process_can_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with background_gateway(tmp_path, "delay_ms=100") as (gateway, _):
        store, writing, written = gateway.accounts.responses._store, asyncio.Event(), asyncio.Event()
        end = store.end

        async def slow(*given: Any) -> None:
            writing.set()
            await written.wait()
            await end(*given)

        monkeypatch.setattr(store, "end", slow)
        told = await begun(gateway)
        await writing.wait()
        assert (await shown(gateway, told["id"]))["status"] == "in_progress"
        body = {"model": "chat", "input": "Two?", "previous_response_id": told["id"]}
        going_on = asyncio.create_task(gateway.post(RESPONSES, body))
        await asyncio.sleep(0.1)
        written.set()
        assert (await going_on).status == 200
        assert (await shown(gateway, told["id"]))["status"] == "completed"


def test_events_are_told_again_as_they_were() -> None:
    events, said = Events(), [b"a" * 100_000, b"b", b"", os.urandom(200_000), b"c" * 70_000]
    for number, event in enumerate(said):
        events.add(event, -1 if number in (1, 3) else number)
    events.add(b"end", LAST)
    squeezed = events.squeezed()
    assert list(replay(squeezed, -1)) == [*said, b"end"]
    assert list(replay(squeezed, 2)) == [*said[3:], b"end"]
    assert list(replay(squeezed, 99)) == [b"end"]
    assert list(replay(NONE_YET, -1)) == []


def test_events_without_a_number_are_told_again_too() -> None:
    events = Events()
    for event in (b"one", b"two"):
        events.add(event, -1)
    assert list(events.since(0, -1)) == list(replay(events.squeezed(), -1)) == [b"one", b"two"]
