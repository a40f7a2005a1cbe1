"""A provider's stream on its way: what arrived before an error is handed over, however the network cut it."""

from __future__ import annotations

import json

import pytest

from tollbridge.calls.relayed_stream import RelayedStream
from tollbridge.calls.translated_stream import TranslatedStream
from tollbridge.errors import APIError, OverloadedError, RateLimitError, Truncated
from tollbridge.transport.inprocess import InProcessIncoming, Reply
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Head, Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT

OPENED = {
    "type": "message_start",
    "message": {
        "id": "msg_own",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
WORDS = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "arrived"}}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


def _sse(*events: dict[str, object]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


async def _read(*pieces: bytes, secrets: tuple[str, ...] = ()) -> tuple[bytes, APIError]:
    incoming = InProcessIncoming(Reply(200, (), pieces))
    stream = TranslatedStream(incoming, ANTHROPIC_MESSAGES, OPENAI_CHAT, Head(id="x"), secrets=secrets)
    await stream.begin(await incoming.chunk())
    read = b""
    with pytest.raises(APIError) as raised:
        while block := await stream.next():
            read += block
    return read, raised.value


@pytest.mark.parametrize("cut", [1, 40, 400])
async def test_words_before_an_error_in_the_same_read_are_handed_over(cut: int) -> None:
    whole = _sse(OPENED, BLOCK, WORDS, OVERLOADED)
    for pieces in ((whole,), (whole[:cut], whole[cut:])):
        read, error = await _read(*pieces)
        assert b"arrived" in read
        assert b"[DONE]" not in read
        assert isinstance(error, OverloadedError)


async def test_words_before_a_cut_in_the_same_read_are_handed_over() -> None:
    read, error = await _read(_sse(OPENED, BLOCK, WORDS))
    assert b"arrived" in read
    assert isinstance(error, Truncated)
    read, error = await _read(_sse(OPENED, BLOCK, WORDS).rstrip(b"\n"))
    assert b"arrived" in read
    assert isinstance(error, Truncated)


async def test_an_error_with_nothing_before_it_is_raised_before_the_stream_begins() -> None:
    incoming = InProcessIncoming(Reply(200, (), (_sse(OVERLOADED),)))
    stream = TranslatedStream(incoming, ANTHROPIC_MESSAGES, OPENAI_CHAT, Head(id="x"))
    with pytest.raises(OverloadedError):
        await stream.begin(await incoming.chunk())


async def test_an_error_amid_the_stream_shows_no_secret_however_it_was_cut() -> None:
    leaking = {"type": "error", "error": {"type": "api_error", "message": "bad key canary-5301"}}
    words, error_event = _sse(OPENED, BLOCK, WORDS), _sse(leaking)
    for pieces in ((words + error_event,), (words, error_event)):
        _, error = await _read(*pieces, secrets=("canary-5301",))
        assert error.message == "bad key ***"
        assert "canary" not in str(error.body)


CHAT_WORD = b'data: {"choices":[{"index":0,"delta":{"content":"an error"},"finish_reason":null}]}\n\n'
CANARY = "canary-5301"


async def _relay(*pieces: bytes, wire: Wire = OPENAI_CHAT) -> tuple[bytes, APIError | None]:
    """(what went on, the error in it)."""
    incoming = InProcessIncoming(Reply(200, (), pieces))
    stream = RelayedStream(incoming, wire, Head(id="x"), hides_usage=False, secrets=(CANARY,))
    await stream.begin(await incoming.chunk())
    read = b""
    while block := await stream.next():
        read += block
    return read, stream.broken


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    "data", [b"bad key canary-5301", b'{"message":"bad key canary-5301"}', b'{"error":"bad key canary-5301"}', b"[1]"]
)
async def test_a_relayed_event_that_is_named_error_ends_the_stream_whatever_it_holds(
    data: bytes, line_end: bytes
) -> None:
    event = (b"event: error\ndata: %b\n\n" % data).replace(b"\n", line_end)
    read, broken = await _relay(CHAT_WORD, event + CHAT_WORD + b"data: [DONE]\n\n")
    assert read == CHAT_WORD + event.replace(b"canary-5301", b"***")
    assert broken is not None
    assert CANARY not in str(broken)
    assert CANARY not in str(broken.body)
    with pytest.raises(APIError):
        await _relay(event)


async def test_an_error_in_a_choice_ends_a_relayed_stream_like_one_at_the_top() -> None:
    failed = {"choices": [{"index": 0, "delta": {}, "error": {"code": 429, "message": f"busy {CANARY}"}}]}
    event = b"data: %b\n\n" % json.dumps(failed).encode()
    read, broken = await _relay(CHAT_WORD, event + b"data: [DONE]\n\n")
    assert read == CHAT_WORD + event.replace(CANARY.encode(), b"***")
    assert (type(broken), str(broken)) == (RateLimitError, "busy ***")
    with pytest.raises(RateLimitError):
        await _relay(event)


@pytest.mark.parametrize(
    "data", [b"Error: bad key canary-5301", b'{"error": "bad key canary-5301', b'{"errors": ["canary-5301"], }']
)
async def test_a_relayed_event_that_is_no_json_and_speaks_of_an_error_shows_no_secret(data: bytes) -> None:
    event, rest = b"data: %b\n\n" % data, CHAT_WORD + b"data: [DONE]\n\n"
    for pieces in ((CHAT_WORD + event + rest,), (CHAT_WORD, event, rest)):
        read, broken = await _relay(*pieces)
        assert read == CHAT_WORD + event.replace(b"canary-5301", b"***") + rest
        assert broken is None


async def test_what_a_model_says_of_errors_goes_on_as_it_came() -> None:
    word = CHAT_WORD.replace(b"an error", b'canary-5301: an \\"error\\"')
    whole = word + b": a comment on errors\n\n" + b"data: [DONE]\n\n"
    assert await _relay(whole) == (whole, None)
