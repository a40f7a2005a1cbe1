"""Arrays on either side of the gateway, events in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.exchange import Streaming, exchange
from tollbridge.calls.listed import ListedStream
from tollbridge.errors import APIError, BadRequestError, Truncated
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.transport.inprocess import InProcess, Reply
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT

ASKED = {
    GEMINI.name: {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    OPENAI_CHAT.name: {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True},
}


def told(text: str, tokens: int, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": {"candidatesTokenCount": tokens}, "responseId": "r"}


ITEMS = [told("One\r\n", 1), told("two.", 3, finishReason="STOP")]
WHOLE = json.dumps(ITEMS, indent=1).replace("\n", "\r\n").encode()
EVENTS = b"".join(b"data: %b\r\n\r\n" % json.dumps(item).encode() for item in ITEMS)
FAILED = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}


async def asked(dialect: Wire, *pieces: bytes, listed: bool = False) -> tuple[bytes, APIError | None]:
    body = json.dumps(ASKED[dialect.name]).encode()
    ask = Ask(dialect, body, peek(body), "m", stream=True, id="id")
    deployment = build(Wanted(id="d", group="m", model="gemini/x", given=Given(api_key="k")), {}, ROWS)
    streaming = await exchange(ask, deployment, InProcess(lambda _: Reply(200, (), pieces)))
    assert isinstance(streaming, Streaming)
    stream = ListedStream(streaming.stream) if listed else streaming.stream
    read = b""
    try:
        while block := await stream.next():
            read += block
    except APIError as error:
        return read + stream.fail(error), error
    assert stream.ended
    assert stream.exact
    assert stream.said.id == "r"
    return read, None


def data_of(read: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in read.decode().splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("cut", [1, 30, len(WHOLE) - 3])
async def test_a_providers_array_is_relayed_as_the_events_that_were_asked_for(cut: int) -> None:
    read, error = await asked(GEMINI, WHOLE[:cut], WHOLE[cut:])
    assert error is None
    assert data_of(read) == ITEMS


async def test_a_providers_array_is_translated_like_events() -> None:
    read, error = await asked(OPENAI_CHAT, WHOLE)
    assert error is None
    words = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in data_of(read) if chunk["choices"])
    assert words == "One\r\ntwo."


@pytest.mark.parametrize("source", [WHOLE, EVENTS])
async def test_a_client_that_asked_for_no_events_gets_one_array(source: bytes) -> None:
    read, error = await asked(GEMINI, source, listed=True)
    assert error is None
    assert json.loads(read) == ITEMS


async def test_an_array_that_is_cut_ends_with_an_error_and_is_json_to_its_end() -> None:
    read, error = await asked(GEMINI, WHOLE[: WHOLE.index(b"two")], listed=True)
    assert isinstance(error, Truncated)
    first, last = json.loads(read)
    assert first == ITEMS[0]
    assert last["error"]["status"] == "UNAVAILABLE"


async def test_an_error_inside_a_stream_is_the_last_item() -> None:
    events = b"data: %b\n\n" % json.dumps(ITEMS[0]).encode() + b"data: %b\n\n" % json.dumps(FAILED).encode()
    read, _ = await asked_broken(events)
    assert json.loads(read)[-1] == FAILED


async def asked_broken(events: bytes) -> tuple[bytes, Any]:
    body = json.dumps(ASKED[GEMINI.name]).encode()
    ask = Ask(GEMINI, body, peek(body), "m", stream=True, id="id")
    deployment = build(Wanted(id="d", group="m", model="gemini/x", given=Given(api_key="k")), {}, ROWS)
    streaming = await exchange(ask, deployment, InProcess(lambda _: Reply(200, (), (events,))))
    assert isinstance(streaming, Streaming)
    stream, read = ListedStream(streaming.stream), b""
    while block := await stream.next():
        read += block
    return read, stream.broken


async def test_an_array_of_one_error_is_that_error() -> None:
    with pytest.raises(BadRequestError, match="Nonsense"):
        await asked(GEMINI, b'[{"error": {"code": 400, "message": "Nonsense.", "status": "INVALID_ARGUMENT"}}]')
