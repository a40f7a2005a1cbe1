"""The cost stands in the last usage chunk, wherever the network cut the stream, and all else goes on as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.costed_stream import HELD_BYTES_MAX, IN_CHAT, CostedStream
from tollbridge.calls.relayed_stream import RelayedStream
from tollbridge.calls.streams import Stream
from tollbridge.calls.translated_stream import TranslatedStream, WholeStream
from tollbridge.errors import APIError, Truncated
from tollbridge.transport.inprocess import InProcessIncoming, Reply
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Head
from tollbridge.wires.openai_chat import OPENAI_CHAT

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
DONE = b"data: [DONE]\n\n"


def chunk(finish: str | None = None, text: str = "", usage: Any = None, **more: Any) -> bytes:
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": finish}] if text or finish else []
    return event({"id": "c1", "choices": choices, "usage": usage, **more})


def event(said: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(said, separators=(",", ":")).encode()


class Till:
    """Tells a price, and counts how often."""

    def __init__(self, price: str | None = "0.000000001") -> None:
        self.price = price
        self.asked = 0

    async def __call__(self) -> str | None:
        self.asked += 1
        return self.price


def relayed(*pieces: bytes) -> tuple[InProcessIncoming, RelayedStream]:
    incoming = InProcessIncoming(Reply(200, (), pieces))
    return incoming, RelayedStream(incoming, OPENAI_CHAT, Head(id="x"), hides_usage=False)


async def blocks_of(stream: Stream) -> list[bytes]:
    blocks = []
    while block := await stream.next():
        blocks.append(block)
    return blocks


async def told(*pieces: bytes, till: Till | None = None) -> bytes:
    incoming, inner = relayed(*pieces)
    stream = CostedStream(inner, IN_CHAT, till or Till())
    await stream.begin(await incoming.chunk())
    return b"".join(await blocks_of(stream))


WORDS = chunk(text="a") + chunk(text='no "usage":{ here')
LAST = chunk(usage=USAGE, service_tier="default", logprob=0.10)
COSTED = LAST.replace(b'"total_tokens":5', b'"total_tokens":5,"cost":0.000000001')


async def test_the_cost_is_in_the_usage_chunk_and_nothing_else_changes() -> None:
    whole = WORDS + chunk("stop") + LAST + DONE
    for at in range(1, len(whole)):
        till = Till()
        assert await told(whole[:at], whole[at:], till=till) == whole.replace(LAST, COSTED)
        assert till.asked == 1
    assert await told(*(whole[at : at + 1] for at in range(len(whole)))) == whole.replace(LAST, COSTED)


async def test_no_word_waits_for_the_cost() -> None:
    incoming, inner = relayed(chunk(text="a"), chunk(text="b") + chunk("stop"), LAST, b": comment\n\n", DONE)
    till = Till()
    stream = CostedStream(inner, IN_CHAT, till)
    await stream.begin(await incoming.chunk())
    assert [await stream.next(), await stream.next()] == [chunk(text="a"), chunk(text="b") + chunk("stop")]
    assert till.asked == 0
    assert await stream.next() == COSTED + b": comment\n\n" + DONE
    assert stream.closing
    assert stream.ended
    assert (stream.exact, stream.said.id, till.asked) == (True, "c1", 1)


@pytest.mark.parametrize("done", [DONE, b""])
async def test_usage_in_the_chunk_that_finishes_tells_it_too(done: bytes) -> None:
    last = chunk("stop", usage=USAGE)
    costed = last.replace(b'"total_tokens":5', b'"total_tokens":5,"cost":0.000000001')
    assert await told(WORDS, last, done) == WORDS + costed + done


async def test_of_several_the_last_one_tells_it() -> None:
    each = chunk(text="b", usage=USAGE)
    assert await told(each, LAST, LAST + DONE) == each + LAST + COSTED + DONE
    assert await told(each, chunk("stop", usage=USAGE), each, LAST, DONE) == (
        each + chunk("stop", usage=USAGE) + each + COSTED + DONE
    )


async def test_what_a_provider_told_is_replaced() -> None:
    own = chunk(usage={**USAGE, "cost": 7, "cost_details": {"upstream": None}})
    [costed] = [json.loads(line[6:]) for line in (await told(WORDS, own + DONE)).splitlines() if b"cost" in line]
    assert costed["usage"] == {**USAGE, "cost": 0.000000001, "cost_details": {"upstream": None}}


async def test_a_cost_that_is_not_known_changes_nothing() -> None:
    whole = (WORDS, chunk("stop"), LAST, DONE)
    assert await told(*whole, till=Till(None)) == b"".join(whole)


@pytest.mark.parametrize("usage", [None, 7, [], "{}"])
async def test_where_no_usage_is_told_no_cost_is(usage: Any) -> None:
    whole, till = WORDS + chunk("stop") + chunk(usage=usage) + DONE, Till()
    assert await told(whole, till=till) == whole
    assert till.asked == 0


async def test_data_in_several_lines_is_told_in_one() -> None:
    lines = LAST.replace(b',"usage"', b',\ndata: "usage"')
    assert await told(WORDS + lines + DONE) == WORDS + COSTED + DONE


async def test_a_stream_that_breaks_tells_what_came_and_no_cost() -> None:
    incoming, inner = relayed(WORDS, LAST)
    till = Till()
    stream = CostedStream(inner, IN_CHAT, till)
    await stream.begin(await incoming.chunk())
    assert await stream.next() == WORDS
    with pytest.raises(Truncated) as raised:
        await stream.next()
    failed = stream.fail(raised.value)
    assert failed.startswith(LAST + b'data: {"error"')
    assert till.asked == 0
    assert not stream.ended


async def test_an_error_amid_the_stream_is_told_of_as_ever() -> None:
    incoming, inner = relayed(WORDS + event({"error": {"message": "no"}}) + DONE)
    stream = CostedStream(inner, IN_CHAT, Till())
    await stream.begin(await incoming.chunk())
    assert b"".join(await blocks_of(stream)) == WORDS + event({"error": {"message": "no"}})
    assert isinstance(stream.broken, APIError)


async def test_a_provider_that_never_ends_fills_no_memory() -> None:
    empty = chunk()
    count = HELD_BYTES_MAX // len(empty) + 2
    incoming, inner = relayed(LAST, *[empty] * count, DONE)
    stream = CostedStream(inner, IN_CHAT, Till())
    await stream.begin(await incoming.chunk())
    first = await stream.next()
    assert first.startswith(LAST + empty)
    assert DONE not in first


async def test_a_translated_stream_and_a_whole_answer_tell_it_too() -> None:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
    events = [
        {"type": "message_start", "message": {**message, "usage": {"input_tokens": 3, "output_tokens": 1}}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    head = Head(id="x", include_usage=True)
    incoming = InProcessIncoming(
        Reply(200, (), [f"event: {said['type']}\ndata: {json.dumps(said)}\n\n".encode() for said in events])
    )
    whole = {"id": "c1", "choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    streams: list[Stream] = [
        TranslatedStream(incoming, ANTHROPIC_MESSAGES, OPENAI_CHAT, head),
        WholeStream(OPENAI_CHAT.read_response({**whole, "usage": USAGE}), OPENAI_CHAT, head),
    ]
    for inner in streams:
        stream = CostedStream(inner, IN_CHAT, Till())
        await stream.begin(await incoming.chunk() if inner is streams[0] else b"")
        read = b"".join(await blocks_of(stream))
        assert read.endswith(b',"total_tokens":5,"cost":0.000000001}}\n\n' + DONE)
        assert read.count(b'"cost"') == 1
