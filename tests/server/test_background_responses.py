"""Responses that run in the background: told at once, asked for again, followed, cancelled; each accounted for as if
its client had waited."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import openai
import pytest

from bench.mock_upstream import serving as mocking
from tests.server.backgrounds import (
    MODELS,
    OWN,
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
from tests.server.faults import configuration, entry
from tests.server.served import KEY, served
from tests.wires.openai_responses import grammar
from tollbridge.home import Home
from tollbridge.server import background
from tollbridge.server.background import Background
from tollbridge.store.responses import ResponseStore


@pytest.mark.parametrize("model", MODELS)
async def test_a_client_is_answered_at_once_and_asks_for_the_rest(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path) as (gateway, mock):
        told = await begun(gateway, model=model, instructions="Be kind.", metadata={"a": "b"})
        assert (told["instructions"], told["metadata"]) == ("Be kind.", {"a": "b"})
        assert (await shown(gateway, told["id"]))["status"] == "in_progress"
        answer = await ended(gateway, told["id"])
        assert answer["status"] == "completed"
        assert (answer["id"], answer["background"], answer["store"]) == (told["id"], True, True)
        assert answer["output"][-1]["content"][0]["text"]
        record = await accounted_for(gateway, told["id"])
        assert (record.status, record.outcome, record.endpoint) == (200, "ok", RESPONSES)
        (bill,) = mock.provider.books.entries
        assert record.tokens["output"] == answer["usage"]["output_tokens"] == bill.output_tokens
        assert "background" not in json.loads(mock.provider.books.captures[0].body)
        listed = await gateway.send("GET", f"{RESPONSES}/{told['id']}/input_items")
        assert listed.json()["data"][0]["content"] == [{"type": "input_text", "text": "One?"}]


@pytest.mark.parametrize("model", MODELS)
async def test_a_request_goes_on_from_one_that_has_ended(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path) as (gateway, mock):
        first = await begun(gateway, model=model)
        on = {"model": model, "input": "Two?", "previous_response_id": first["id"]}
        early = await gateway.post(RESPONSES, on)
        assert (early.status, early.json()["error"]["code"]) == (400, "previous_response_not_completed")
        await ended(gateway, first["id"])
        second = await begun(gateway, **on)
        answer = await ended(gateway, second["id"])
        assert answer["previous_response_id"] == second["previous_response_id"] == first["id"]
        sent = json.loads(mock.provider.books.captures[-1].body)
        if model == OWN:
            assert sent["previous_response_id"].startswith("resp_mock_")
        else:
            assert "One?" in json.dumps(sent)
            assert "previous_response_id" not in sent
        assert (await gateway.post(RESPONSES, {**on, "previous_response_id": second["id"]})).status == 200


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_goes_on_when_its_client_has_left_and_is_told_again(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path, "events=30,pace_ms=20") as (gateway, _):
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)
        async with client:
            stream = await client.responses.create(model=model, input="x", background=True, stream=True)
            async for event in stream:
                if event.type == "response.output_text.delta":
                    last = event.sequence_number
                    break
                if event.type == "response.created":
                    id = event.response.id
                    assert (event.response.background, id.startswith("resp_tb")) == (True, True)
            await stream.close()
            assert (await shown(gateway, id))["status"] == "in_progress"
            rest = [one async for one in await client.responses.retrieve(id, stream=True, starting_after=last)]
        assert [one.sequence_number for one in rest] == list(range(last + 1, last + 1 + len(rest)))
        assert rest[-1].type == "response.completed"
        final = await ended(gateway, id)
        assert rest[-1].response.to_dict() == final
        whole = await gateway.send("GET", f"{RESPONSES}/{id}?stream=true")
        assert whole.headers["content-type"].startswith("text/event-stream")
        if model != OWN:
            assert grammar.obeys(whole.body) == final
        told = events_of(whole)
        assert [one["sequence_number"] for one in told] == list(range(len(told)))
        assert told[last + 1 :] == [one.to_dict() for one in rest]
        nothing = await gateway.send("GET", f"{RESPONSES}/{id}?stream=true&starting_after={len(told)}")
        assert (nothing.status, events_of(nothing)) == (200, [])
        record = await accounted_for(gateway, id)
        assert (record.status, record.outcome, record.estimated) == (200, "ok", False)


async def test_who_follows_may_leave_too(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "events=30,pace_ms=20") as (gateway, _):
        answered = await gateway.post(RESPONSES, {"model": "chat", "input": "x", "background": True, "stream": True})
        id = events_of(answered)[0]["response"]["id"]
        assert grammar.obeys(answered.body)["id"] == id
        held = await begun(gateway)
        async with gateway.begun(f"{RESPONSES}/{id}?stream=true", {"authorization": f"Bearer {KEY}"}) as following:
            assert await following.content.readany()
        assert (await ended(gateway, held["id"]))["status"] == "completed"
        assert gateway.gateway.load.streams == 0


async def test_what_was_not_asked_for_as_a_stream_is_not_told_as_one(tmp_path: Path) -> None:
    async with background_gateway(tmp_path) as (gateway, _):
        told = await begun(gateway)
        for _ in range(2):
            refused = await gateway.send("GET", f"{RESPONSES}/{told['id']}?stream=true")
            assert (refused.status, refused.json()["error"]["param"]) == (400, "stream")
            await ended(gateway, told["id"])
        refused = await gateway.send("GET", f"{RESPONSES}/{told['id']}?stream=true&starting_after=x")
        assert (refused.status, refused.json()["error"]["param"]) == (400, "starting_after")


@pytest.mark.parametrize("model", MODELS)
async def test_one_that_is_cancelled_ends_at_its_provider_too(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, mock):
        told = await begun(gateway, model=model)
        while not mock.provider.books.requests:
            await asyncio.sleep(0.02)
        for _ in range(2):
            cancelled = await gateway.post(f"{RESPONSES}/{told['id']}/cancel", {})
            assert (cancelled.status, cancelled.json()["status"]) == (200, "cancelled")
        assert (await shown(gateway, told["id"]))["status"] == "cancelled"
        record = await accounted_for(gateway, told["id"])
        assert (record.status, record.outcome) == (499, "cancelled")
        assert gateway.gateway.load.requests == 0
        until = time.monotonic() + WAIT_S
        while mock.provider.connections:
            assert time.monotonic() < until
            await asyncio.sleep(0.02)


async def test_who_sees_the_stream_of_one_that_is_cancelled_is_told(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "events=90,pace_ms=50") as (gateway, _):
        body = {"model": "chat", "input": "x", "background": True, "stream": True}
        seeing = asyncio.create_task(gateway.post(RESPONSES, body))
        while not gateway.accounts.responses.background._running:
            await asyncio.sleep(0.01)
        ((_, id),) = gateway.accounts.responses.background._running
        await asyncio.sleep(0.3)
        following = asyncio.create_task(gateway.send("GET", f"{RESPONSES}/{id}?stream=true"))
        await asyncio.sleep(0.1)
        assert (await gateway.post(f"{RESPONSES}/{id}/cancel", {})).json()["status"] == "cancelled"
        for told in (events_of(await seeing), events_of(await following)):
            assert told[0]["type"] == "response.created"
            assert (told[-1]["type"], told[-1]["code"]) == ("error", "cancelled")
            assert [one["sequence_number"] for one in told] == list(range(len(told)))
        assert (await accounted_for(gateway, id)).outcome == "cancelled"


async def test_one_that_has_ended_stays_as_it_is_when_it_is_cancelled(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=1") as (gateway, _):
        told = await begun(gateway)
        answer = await ended(gateway, told["id"])
        cancelled = await gateway.post(f"{RESPONSES}/{told['id']}/cancel", {})
        assert (cancelled.status, cancelled.json()) == (200, answer)


async def test_one_that_is_forgotten_ends(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, _):
        told = await begun(gateway)
        assert (await gateway.send("DELETE", f"{RESPONSES}/{told['id']}")).status == 200
        assert (await gateway.send("GET", f"{RESPONSES}/{told['id']}")).status == 404
        assert (await accounted_for(gateway, told["id"])).outcome == "cancelled"
        assert (await gateway.send("GET", f"{RESPONSES}/{told['id']}")).status == 404
        assert len(gateway.accounts.responses.background) == 0


async def test_it_is_its_tenants_alone(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, _):
        mine, theirs = await gateway.made(models=["chat"]), await gateway.made(models=["chat"])
        told = await begun(gateway, key=mine["key"])
        for path, method in (("", "GET"), ("?stream=true", "GET"), ("/cancel", "POST"), ("", "DELETE")):
            refused = await gateway.send(method, f"{RESPONSES}/{told['id']}{path}", key=theirs["key"])
            assert refused.status == 404, path
        assert (await shown(gateway, told["id"], mine["key"]))["status"] == "in_progress"
        cancelled = await gateway.send("POST", f"{RESPONSES}/{told['id']}/cancel", key=mine["key"])
        assert cancelled.json()["status"] == "cancelled"


async def test_one_whose_provider_fails_has_failed(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "status=400") as (gateway, _):
        for model in MODELS:
            told = await begun(gateway, model=model)
            answer = await ended(gateway, told["id"])
            assert (answer["status"], answer["output"]) == ("failed", [])
            assert answer["error"]["message"]
            assert (await accounted_for(gateway, told["id"])).status == 400
            failed = [one for one in gateway.records if one.outcome == "upstream_error"]
            assert failed


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_that_never_begins_has_failed_and_tells_its_id(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path, "status=500") as (gateway, _):
        body = {"model": model, "input": "x", "background": True, "stream": True}
        answered = await gateway.post(RESPONSES, body)
        created, failed = events_of(answered)
        assert answered.status == 200
        assert answered.headers["content-type"].startswith("text/event-stream")
        assert answered.headers["x-tollbridge-request-id"]
        assert (created["type"], created["response"]["status"]) == ("response.created", "queued")
        assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
        assert failed["response"]["error"]["message"]
        id = created["response"]["id"]
        assert await ended(gateway, id) == failed["response"]
        assert events_of(await gateway.send("GET", f"{RESPONSES}/{id}?stream=true")) == [created, failed]
        assert (await accounted_for(gateway, id)).status == 500


@pytest.mark.parametrize("model", MODELS)
async def test_a_stream_that_breaks_has_failed(tmp_path: Path, model: str) -> None:
    async with background_gateway(tmp_path, "events=9,cut=3") as (gateway, _):
        body = {"model": model, "input": "x", "background": True, "stream": True}
        told = events_of(await gateway.post(RESPONSES, body))
        assert told[-1]["type"] == "response.failed"
        answer = await ended(gateway, told[0]["response"]["id"])
        assert (answer["status"], answer["id"]) == ("failed", told[0]["response"]["id"])
        again = await gateway.send("GET", f"{RESPONSES}/{answer['id']}?stream=true")
        assert events_of(again) == told


async def test_what_may_not_be_asked_is_refused_at_once(tmp_path: Path) -> None:
    async with background_gateway(tmp_path) as (gateway, mock):
        ask = {"model": "chat", "input": "x", "background": True}
        unstored = await gateway.post(RESPONSES, {**ask, "store": False})
        assert (unstored.status, unstored.json()["error"]["param"]) == (400, "store")
        assert (await gateway.post(RESPONSES, {**ask, "background": "yes"})).status == 400
        assert (await gateway.post(RESPONSES, {**ask, "model": "unknown"})).status == 404
        poor = await gateway.made(models=["chat"], max_parallel_requests=1)
        told = await begun(gateway, key=poor["key"])
        refused = await gateway.send("POST", RESPONSES, ask, key=poor["key"])
        assert refused.status == 429
        await ended(gateway, told["id"], poor["key"])
        await accounted_for(gateway, told["id"])
        assert mock.provider.books.requests == 1
        await begun(gateway, key=poor["key"])


async def test_without_a_database_nothing_runs_in_the_background(tmp_path: Path) -> None:
    async with mocking() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        refused = await gateway.post(RESPONSES, {"model": "m", "input": "x", "background": True})
        assert (refused.status, refused.json()["error"]["param"]) == (400, "background")
        assert mock.provider.books.requests == 0


async def test_a_retry_under_the_same_idempotency_key_begins_no_other(tmp_path: Path) -> None:
    async with background_gateway(tmp_path) as (gateway, mock):
        body = {"model": "chat", "input": "x", "background": True}
        told = [await gateway.post(RESPONSES, body, {"idempotency-key": "one"}) for _ in range(2)]
        assert told[0].json() == told[1].json()
        assert (await ended(gateway, told[0].json()["id"]))["status"] == "completed"
        assert mock.provider.books.requests == 1


async def test_a_process_that_stops_tells_that_it_failed(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=60000") as (gateway, _):
        told = await begun(gateway)
        await gateway.listener.drain(grace_s=0.2)
        (record,) = [one for one in gateway.records if one.answer_id == told["id"]]
        assert (record.status, record.error_class) == (503, "Stopping")
    async with background_gateway(tmp_path) as (gateway, _):
        answer = await shown(gateway, told["id"])
        assert (answer["status"], answer["error"]["code"]) == ("failed", "server_error")


async def test_a_process_that_stops_lets_it_end_within_its_grace(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=300") as (gateway, _):
        key = await gateway.made(models=["chat"])
        told = await begun(gateway, key=key["key"])
        drained = await gateway.listener.drain(grace_s=WAIT_S)
        assert (drained.finished, drained.aborted) == (1, 0)
        kept = await gateway.accounts.responses._store.get(key["token"], told["id"])
        assert kept is not None
        assert json.loads(kept.response)["status"] == "completed"


async def test_another_process_shows_follows_and_cancels_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.05)
    async with background_gateway(tmp_path, "delay_ms=1000,events=9,pace_ms=20") as (gateway, _):
        store = ResponseStore(gateway.accounts.database, Home(gateway.home).reply_key())
        other = Background(store)
        key = await gateway.made(models=["chat"])
        told = await begun(gateway, key=key["key"])
        owner = key["token"]
        kept = await store.get(owner, told["id"])
        assert kept is not None
        assert json.loads(await other.shown(owner, told["id"], kept))["status"] == "in_progress"
        assert json.loads(await other.cancel(owner, told["id"], kept))["status"] == "cancelled"
        assert (await shown(gateway, told["id"], key["key"]))["status"] == "cancelled"

        body = {"model": "chat", "input": "x", "background": True, "stream": True}
        answered = asyncio.create_task(gateway.send("POST", RESPONSES, body, key=key["key"]))
        while not len(gateway.accounts.responses.background):
            await asyncio.sleep(0.01)
        ((_, id),) = gateway.accounts.responses.background._running
        kept = await store.get(owner, id)
        assert kept is not None
        followed = b"".join([event async for event in other.events(owner, id, kept, -1)])
        assert followed == (await answered).body


async def test_what_it_came_to_is_written_down_when_the_database_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "BEAT_S", 0.05)
    async with background_gateway(tmp_path) as (gateway, _):
        told = await begun(gateway)
        store = gateway.accounts.responses.background._store
        database, store._database = store._database, Closed()  # type: ignore[assignment]
        await accounted_for(gateway, told["id"])
        store._database = database
        answer = await ended(gateway, told["id"])
        assert answer["status"] == "completed"
        while len(gateway.accounts.responses.background):
            await asyncio.sleep(0.02)
        assert await shown(gateway, told["id"]) == answer


async def test_the_openai_sdk_polls_and_cancels(tmp_path: Path) -> None:
    async with background_gateway(tmp_path, "delay_ms=300") as (gateway, _):
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)
        async with client:
            for model in MODELS:
                response = await client.responses.create(model=model, input="x", background=True)
                assert response.status == "queued"
                while response.status in ("queued", "in_progress"):
                    await asyncio.sleep(0.02)
                    response = await client.responses.retrieve(response.id)
                assert (response.status, bool(response.output_text)) == ("completed", True)
                response = await client.responses.create(model=model, input="x", background=True)
                assert (await client.responses.cancel(response.id)).status == "cancelled"


@pytest.mark.parametrize("model", [OWN, "chat"])
async def test_credentials_for_servers_of_tools_are_neither_told_back_nor_kept(tmp_path: Path, model: str) -> None:
    secret = {"authorization": "canary-one", "headers": {"x-key": "canary-two"}}
    whole = {"type": "mcp", "server_label": "a", "server_url": "https://u:canary-3@tools.example/canary-4?k=canary-5"}
    tool = {**whole, "server_url": "https://tools.example"}
    async with background_gateway(tmp_path, "delay_ms=1") as (gateway, _):
        begun = await gateway.post(
            RESPONSES, {"model": model, "input": "x", "background": True, "tools": [{**whole, **secret}]}
        )
        assert begun.json()["tools"] == [tool]
        answer = await ended(gateway, begun.json()["id"])
        items = await gateway.send("GET", f"{RESPONSES}/{answer['id']}/input_items")
        for told in (begun.body, json.dumps(answer).encode(), items.body):
            assert b"canary" not in told
