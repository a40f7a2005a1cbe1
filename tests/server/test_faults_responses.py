"""What goes wrong in the Responses format, through a whole gateway: relayed and translated, it is told in the states of
the format and never looks whole (R11, R12); servers that have no such path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.faults import configuration, entry, hasten
from tests.server.served import Answered, served
from tests.transport.upstream import Peer, Upstream, answer, chunked
from tests.wires.openai_responses.grammar import Machine

RESPONSES = "/v1/responses"
BODY: dict[str, Any] = {"model": "m", "input": "Hi", "stream": True}
WIRES = ["openai", "anthropic"]
IDS = ["relayed", "translated"]


def told(answered: Answered) -> list[dict[str, Any]]:
    return [json.loads(data) for _, data in answered.events() if data != "[DONE]"]


@pytest.mark.parametrize("how", ["rst=3", "cut=3"])
@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_r11_r12_a_stream_that_breaks_ends_as_failed(tmp_path: Path, wire: str, how: str) -> None:
    async with serving() as mock:
        broken = entry("m", mock.port, wire, model=f"{wire}/mock,events=9,pace_ms=5,{how}")
        async with served(configuration(broken), tmp_path) as gateway:
            answered = await gateway.post(RESPONSES, BODY)
            assert mock.provider.books.requests == 1
            (record,) = gateway.records
    events = told(answered)
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert "response.completed" not in [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["response"]["id"] == events[0]["response"]["id"]
    assert events[-2]["message"] == events[-1]["response"]["error"]["message"]
    assert sum(event["type"] == "response.output_text.delta" for event in events) == 3
    assert record.outcome == "upstream_error"
    assert record.tokens is not None
    assert record.tokens["output"] > 0


async def test_a_response_that_failed_at_the_provider_is_told_as_it_came(tmp_path: Path) -> None:
    async with serving() as mock:
        failing = entry("m", mock.port, model="openai/mock,events=9,error=2")
        async with served(configuration(failing), tmp_path) as gateway:
            events = told(await gateway.post(RESPONSES, BODY))
            (record,) = gateway.records
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["message"] == "The mock was told to fail."
    assert record.outcome == "upstream_error"


@pytest.mark.parametrize("dialect", ["chat", "messages"])
async def test_a_response_that_failed_is_an_error_to_other_clients(tmp_path: Path, dialect: str) -> None:
    async with serving() as mock:
        failing = entry("m", mock.port, model="openai/responses/mock,events=9,error=2")
        async with served(configuration(failing), tmp_path) as gateway:
            body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}
            path = "/v1/chat/completions" if dialect == "chat" else "/v1/messages"
            events = told(await gateway.post(path, body))
    assert events[-1]["error"]["message"] == "The mock was told to fail."


@pytest.mark.parametrize("wire", WIRES, ids=IDS)
async def test_a_refusal_before_the_stream_is_tried_again(tmp_path: Path, wire: str) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        hasten(gateway)
        mock.provider.order("m", "status=503", "")
        events = told(await gateway.post(RESPONSES, BODY))
        assert mock.provider.books.requests == 2
    machine = Machine()
    for event in events:
        machine.feed(event)
    assert machine.final["status"] == "completed"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CREATED = b'event: response.created\ndata: {"type":"response.created","response":{"id":"r","error":null}}\n\n'
FAILED = (
    b'event: response.failed\ndata: {"type":"response.failed","response":'
    b'{"id":"r","error":{"code":"server_error","message":"Boom."}}}\n\n'
)


@pytest.mark.parametrize("broken", [chunked(CREATED, FAILED), chunked(CREATED + FAILED), chunked(CREATED)])
async def test_a_stream_that_breaks_after_its_head_alone_is_tried_elsewhere(tmp_path: Path, broken: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(HEAD, broken)
        await peer.sent()
        peer.close()

    async with Upstream(script) as upstream, serving() as mock:
        entries = entry("m", upstream.port), entry("other", mock.port)
        fallbacks = {"fallbacks": [{"m": ["other"]}], "num_retries": 0}
        async with served(configuration(*entries, router=fallbacks), tmp_path) as gateway:
            events = told(await gateway.post(RESPONSES, BODY))
            (record,) = gateway.records
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")
    assert events[0]["response"]["id"].startswith("resp_mock_")
    assert record.fallbacks == 1


async def test_a_tool_is_called_in_states(tmp_path: Path) -> None:
    async with serving() as mock:
        calling = entry("m", mock.port, "anthropic", model="anthropic/mock,tool=true,events=4")
        async with served(configuration(calling), tmp_path) as gateway:
            events = told(await gateway.post(RESPONSES, BODY))
    machine = Machine()
    for event in events:
        machine.feed(event)
    assert [item["type"] for item in machine.final["output"]] == ["function_call"]


# A server without the path

CHAT_ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


def chat_only(refusal: bytes) -> Any:
    async def script(peer: Peer) -> None:
        while (request := await peer.request()) is not None:
            peer.send(answer(CHAT_ANSWER) if b"/chat/completions" in request.split(b"\r\n")[0] else refusal)

    return script


@pytest.mark.parametrize(
    "refusal",
    [
        answer(b'{"detail": "Not Found"}', status="404 Not Found"),
        answer(b"<html>404</html>", status="404 Not Found"),
        answer(b"", status="405 Method Not Allowed"),
    ],
    ids=["FastAPI", "nginx", "405"],
)
async def test_a_server_that_speaks_chat_alone_is_asked_in_chat(tmp_path: Path, refusal: bytes) -> None:
    async with Upstream(chat_only(refusal)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            for _ in range(3):
                answered = await gateway.post(RESPONSES, {"model": "m", "input": "Hi"})
                assert answered.status == 200
                assert answered.json()["output"][0]["content"][0]["text"] == "Hello."
            assert {record.attempts for record in gateway.records} == {1}


async def test_a_model_that_is_not_there_is_told_as_that(tmp_path: Path) -> None:
    gone = answer(b'{"error": {"message": "No such model.", "code": "model_not_found"}}', status="404 Not Found")
    async with Upstream(chat_only(gone)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            answered = await gateway.post(RESPONSES, {"model": "m", "input": "Hi"})
    assert (answered.status, answered.json()["error"]["code"]) == (404, "model_not_found")
