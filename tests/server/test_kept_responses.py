"""Responses that the gateway keeps for models whose provider keeps none: going on from them, showing and deleting them,
each to the tenant that it was given to alone."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from bench.mock_upstream import Mock
from bench.mock_upstream import serving as mocking
from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY, served
from tests.wires.openai_responses import grammar

RESPONSES = "/v1/responses"
TOOL: dict[str, Any] = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


@asynccontextmanager
async def keeping(directory: Path) -> AsyncIterator[tuple[Accounted, Mock]]:
    """`chat` and `messages` keep nothing upstream; `tool` calls a tool."""
    async with mocking() as mock:
        entries = (
            entry("chat", mock.port, info={"mode": "chat"}),
            entry("messages", mock.port, "anthropic"),
            entry("tool", mock.port, "anthropic", model="anthropic/mock,tool=true"),
        )
        async with accounted(configuration(*entries), directory) as gateway:
            yield gateway, mock


def asked(mock: Mock) -> list[dict[str, Any]]:
    """The bodies that went upstream."""
    return [json.loads(capture.body) for capture in mock.provider.books.captures]


async def answer(gateway: Accounted, **body: Any) -> dict[str, Any]:
    answered = await gateway.post(RESPONSES, {"model": "chat", "input": "One?", **body})
    assert answered.status == 200, answered.body
    if body.get("stream"):
        final: dict[str, Any] = grammar.obeys(answered.body)
        return final
    told: dict[str, Any] = answered.json()
    return told


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", ["chat", "messages"])
async def test_a_conversation_goes_on_from_the_answer_before(tmp_path: Path, model: str, stream: bool) -> None:
    async with keeping(tmp_path) as (gateway, mock):
        first = await answer(gateway, model=model, stream=stream, instructions="Be kind.")
        second = await answer(gateway, model=model, stream=stream, input="Two?", previous_response_id=first["id"])
        await answer(gateway, model=model, stream=stream, input="Three?", previous_response_id=second["id"])
        sent = asked(mock)
    said = first["output"][0]["content"][0]["text"]
    assert (first["store"], first["previous_response_id"]) == (True, None)
    assert (second["store"], second["previous_response_id"]) == (True, first["id"])
    turns = [turn for turn in sent[2]["messages"] if turn["role"] != "system"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    told = json.dumps(turns)
    assert told.index("One?") < told.index(said) < told.index("Two?") < told.index("Three?")
    assert "Be kind." in json.dumps(sent[0])
    assert "Be kind." not in json.dumps(sent[1:])  # instructions are not carried over
    assert "previous_response_id" not in sent[1]


async def test_the_output_of_a_tool_finds_its_call_in_the_answer_before(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, mock):
        first = await answer(gateway, model="tool", tools=[TOOL])
        (call,) = [item for item in first["output"] if item["type"] == "function_call"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "A cat"}
        await answer(gateway, model="messages", input=[output], previous_response_id=first["id"], tools=[TOOL])
        _, turns = (body["messages"] for body in asked(mock))
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"][-1]["id"] == turns[2]["content"][0]["tool_use_id"] == call["call_id"]


async def test_a_response_is_shown_as_it_was_given_and_stands_so_in_the_ledger(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        for stream in (False, True):
            given = await answer(gateway, stream=stream)
            assert given["id"].startswith("resp_tb")
            shown = await gateway.send("GET", f"{RESPONSES}/{given['id']}")
            assert (shown.status, shown.json()) == (200, given)
            assert (await gateway.send("GET", f"/responses/{given['id']}")).json() == given
            (record,) = [record for record in gateway.records if record.answer_id == given["id"]]
            assert (record.stream, record.endpoint) == (stream, RESPONSES)


async def test_a_response_is_its_tenants_alone(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, mock):
        mine, theirs = await gateway.made(models=["chat"]), await gateway.made(models=["chat"])
        made = await gateway.send("POST", RESPONSES, {"model": "chat", "input": "secret"}, key=mine["key"])
        id = made.json()["id"]
        for path, method in (("", "GET"), ("/input_items", "GET"), ("", "DELETE"), ("/cancel", "POST")):
            refused = await gateway.send(method, f"{RESPONSES}/{id}{path}", key=theirs["key"])
            assert refused.status == 404, path
            assert "secret" not in refused.body.decode()
            assert (await gateway.send(method, f"{RESPONSES}/{id}{path}")).status == 404  # the admin is another too
        body = {"model": "chat", "input": "go on", "previous_response_id": id}
        refused = await gateway.send("POST", RESPONSES, body, key=theirs["key"])
        assert (refused.status, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
        assert len(asked(mock)) == 1
        assert (await gateway.send("GET", f"{RESPONSES}/{id}", key=mine["key"])).status == 200
        assert (await gateway.send("GET", f"{RESPONSES}/{id}", key=None)).status == 401


async def test_what_is_not_to_be_stored_is_not_there(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        given = await answer(gateway, store=False)
        assert given["store"] is False
        assert not given["id"].startswith("resp_tb")
        assert (await gateway.send("GET", f"{RESPONSES}/{given['id']}")).status == 404


async def test_a_deleted_response_is_gone(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        given = await answer(gateway)
        path = f"{RESPONSES}/{given['id']}"
        gone = await gateway.send("DELETE", path)
        assert (gone.status, gone.json()) == (200, {"id": given["id"], "object": "response", "deleted": True})
        assert (await gateway.send("GET", path)).status == 404
        assert (await gateway.send("DELETE", path)).status == 404
        body = {"model": "chat", "input": "x", "previous_response_id": given["id"]}
        assert (await gateway.post(RESPONSES, body)).json()["error"]["param"] == "previous_response_id"


async def test_a_response_that_its_provider_keeps_is_its_tenants_alone_too(tmp_path: Path) -> None:
    """S61. The id is the provider's; who was given it may go on from it, nobody else."""
    async with mocking() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        mine, theirs = await gateway.made(models=["m"]), await gateway.made(models=["m"])
        for stream in (False, True):
            body = {"model": "m", "input": "One?", "stream": stream}
            made = await gateway.send("POST", RESPONSES, body, key=mine["key"])
            id = json.loads(made.events()[0][1])["response"]["id"] if stream else made.json()["id"]
            assert id.startswith("resp_mock_")
            on = {"model": "m", "input": "Two?", "previous_response_id": id}
            refused = await gateway.send("POST", RESPONSES, on, key=theirs["key"])
            assert (refused.status, refused.json()["error"]["code"]) == (400, "previous_response_not_found")
            assert (await gateway.send("POST", RESPONSES, on, key=mine["key"])).status == 200
            assert asked(mock)[-1] == on
            shown = await gateway.send("GET", f"{RESPONSES}/{id}", key=mine["key"])
            assert (shown.status, "its provider" in shown.json()["error"]["message"]) == (404, True)
            assert (
                "its provider" not in (await gateway.send("GET", f"{RESPONSES}/{id}", key=theirs["key"])).body.decode()
            )
        unstored = await gateway.send("POST", RESPONSES, {"model": "m", "input": "x", "store": False}, key=mine["key"])
        on["previous_response_id"] = unstored.json()["id"]
        assert (await gateway.send("POST", RESPONSES, on, key=mine["key"])).status == 400


async def test_a_request_goes_to_the_deployment_that_keeps_what_it_goes_on_from(tmp_path: Path) -> None:
    async with mocking() as one, mocking() as other:
        stranger_entry = entry("elsewhere", one.port, api_key="sk-another-account")
        both = configuration(
            entry("m", one.port), entry("m", other.port), entry("n", one.port), entry("n", other.port), stranger_entry
        )
        async with accounted(both, tmp_path) as gateway:
            first = (await gateway.post(RESPONSES, {"model": "m", "input": "One?"})).json()
            keeper, stranger = (one, other) if one.provider.books.requests else (other, one)
            for _ in range(12):
                on = {"model": "m", "input": "Two?", "previous_response_id": first["id"]}
                assert (await gateway.post(RESPONSES, on)).status == 200
            assert (keeper.provider.books.requests, stranger.provider.books.requests) == (13, 0)
            for _ in range(6):  # another model of the same account
                assert (await gateway.post(RESPONSES, {**on, "model": "n"})).status == 200
            assert stranger.provider.books.requests == 0
            refused = await gateway.post(RESPONSES, {**on, "model": "elsewhere"})
            assert (refused.status, refused.json()["error"]["code"]) == (400, "previous_response_not_found")


async def test_input_items_are_listed_in_pages(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        first = await answer(gateway)
        items = [{"role": "user", "content": "Two?"}, {"role": "user", "content": "Three?"}]
        second = await answer(gateway, input=items, previous_response_id=first["id"])
        path = f"{RESPONSES}/{second['id']}/input_items"
        listed = (await gateway.send("GET", f"{path}?order=asc")).json()
        assert [item["role"] for item in listed["data"]] == ["user", "assistant", "user", "user"]
        assert listed["data"][2]["content"] == [{"type": "input_text", "text": "Two?"}]
        assert (listed["object"], listed["has_more"]) == ("list", False)
        ids = [item["id"] for item in listed["data"]]
        assert (listed["first_id"], listed["last_id"]) == (ids[0], ids[-1])
        page = (await gateway.send("GET", f"{path}?limit=2")).json()
        assert ([item["id"] for item in page["data"]], page["has_more"]) == (ids[:1:-1], True)
        rest = (await gateway.send("GET", f"{path}?limit=2&after={page['last_id']}")).json()
        assert ([item["id"] for item in rest["data"]], rest["has_more"]) == (ids[1::-1], False)
        for query in ("limit=0", "limit=101", "limit=x", "order=up", "after=nobody"):
            assert (await gateway.send("GET", f"{path}?{query}")).status == 400, query


async def test_nothing_can_be_cancelled(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        given = await answer(gateway)
        refused = await gateway.post(f"{RESPONSES}/{given['id']}/cancel", {})
        assert (refused.status, "background" in refused.json()["error"]["message"]) == (400, True)
        assert (await gateway.post(f"{RESPONSES}/resp_tbunknown/cancel", {})).status == 404


async def test_a_stream_that_breaks_is_not_kept(tmp_path: Path) -> None:
    async with mocking() as mock:
        broken = entry("m", mock.port, "anthropic", model="anthropic/mock,events=9,cut=3")
        async with accounted(configuration(broken), tmp_path) as gateway:
            answered = await gateway.post(RESPONSES, {"model": "m", "input": "x", "stream": True})
            events = [json.loads(data) for _, data in answered.events()]
            assert events[-1]["type"] == "response.failed"
            id = events[0]["response"]["id"]
            assert id.startswith("resp_tb")
            assert (await gateway.send("GET", f"{RESPONSES}/{id}")).status == 404


async def test_a_database_that_takes_nothing_keeps_no_answer_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with keeping(tmp_path) as (gateway, _):
        gateway.accounts.database.close()
        with caplog.at_level(logging.WARNING):
            given = await answer(gateway)
        assert given["status"] == "completed"
        assert "could not be kept" in caplog.text
        body = {"model": "chat", "input": "x", "previous_response_id": given["id"]}
        assert (await gateway.post(RESPONSES, body)).status == 503


async def test_without_a_database_nothing_is_kept(tmp_path: Path) -> None:
    async with mocking() as mock, served(configuration(entry("m", mock.port, "anthropic")), tmp_path) as gateway:
        given = (await gateway.post(RESPONSES, {"model": "m", "input": "x"})).json()
        assert given["store"] is False
        body = {"model": "m", "input": "x", "previous_response_id": given["id"]}
        refused = await gateway.post(RESPONSES, body)
        assert (refused.status, refused.json()["error"]["param"]) == (400, "previous_response_id")


async def test_the_openai_sdk_goes_on_shows_lists_and_deletes(tmp_path: Path) -> None:
    async with keeping(tmp_path) as (gateway, _):
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)
        async with client:
            first = await client.responses.create(model="chat", input="One?")
            async with client.responses.stream(model="messages", input="Two?", previous_response_id=first.id) as stream:
                second = await stream.get_final_response()
            assert second.previous_response_id == first.id
            assert (await client.responses.retrieve(second.id)).output_text == second.output_text
            listed = await client.responses.input_items.list(second.id, order="asc")
            assert len(listed.data) == 3
            await client.responses.delete(first.id)
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(first.id)
            with pytest.raises(openai.BadRequestError, match="not found"):
                await client.responses.create(model="chat", input="x", previous_response_id=second.id)
