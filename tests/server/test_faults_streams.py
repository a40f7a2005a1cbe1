"""Rows R08, R11 to R15, R18 and R19 of the fault matrix, and heartbeats, through a whole gateway: a stream that breaks
is told in the client's dialect and never looks whole; usage is the provider's or it is none; whatever the bytes look
like on the way, both the relayed and the translated stream say the same.

Below the application the same rows are tested by
  R08 R11 R12   tests/transport/test_faults.py (gaps, resets and ends as errors, with what came before them)
  R18           tests/wires/test_sse.py (the parser), tests/calls/test_streams.py (relayed and translated, cut anywhere)
  R19           tests/transport/test_http1.py (compressed streams, event by event)
  R14           tests/wires/openai_chat/test_usage.py (which counts are usable)
"""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.mock_upstream import serving
from tests.server.faults import (
    CHAT,
    DONE,
    EVENTS_HEAD,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    STOP,
    USAGE,
    always,
    answers_so_far,
    ask,
    broken_off,
    chunk,
    configuration,
    ended,
    entry,
    error_body,
    error_of,
    events_of,
    hasten,
    stream,
    streaming,
    text_of,
    word,
)
from tests.server.served import KEY, Served, served
from tests.transport.upstream import Peer, Upstream, answer, chunked

WORDS = ("Hello", " wor", "ld \u00e9\u2603\U0001f600")
SAID = "".join(WORDS)


@pytest.mark.parametrize("how", ["rst=3", "cut=3", "error=3"], ids=["reset", "end without a mark", "error event"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r11_r12_a_stream_that_breaks_ends_with_an_error_and_is_not_begun_again(
    tmp_path: Path, path: str, wire: str, how: str
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=f"events=9,{how}")
        async with served(configuration(entry("m", mock.port, wire), router={"num_retries": 3}), tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask(stream=True))
        assert mock.provider.books.requests == 1
        billed = mock.provider.books.input_tokens
    assert answered.status == 200
    broken_off(path, answered.body)
    assert text_of(path, answered.body).startswith("the quick brown fox jumps over a")
    (record,) = gateway.records
    assert (record.status, record.outcome, record.attempts) == (200, "upstream_error", 1)
    assert record.estimated
    assert record.tokens is not None
    assert record.tokens["output"] >= 7, "the words that had arrived are counted"
    if wire == "anthropic":  # told at the start of its streams
        assert record.tokens["input"] == billed


async def read_until_broken(gateway: Served, path: str, heard: asyncio.Event) -> bytes:
    """The stream, whose upstream is told when its first words have arrived (all of it was sent at once)."""
    body = b""
    headers = {"authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession() as session:
        async with session.post(gateway.url + path, json=ask(stream=True), headers=headers) as answered:
            async for piece in answered.content.iter_any():
                body += piece
                if WORDS[0].encode() in body:
                    heard.set()
    return body


@pytest.mark.parametrize("end", ["reset", "silence"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r11_what_happens_to_the_connection_after_the_end_marker_breaks_nothing(
    tmp_path: Path, path: str, wire: str, end: str
) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(EVENTS_HEAD, chunked(*EVENTS[wire]))
        await heard.wait()
        if end == "reset":
            peer.reset()
        else:
            await peer.gone()

    async with Upstream(script) as upstream:
        text = configuration(entry("m", upstream.port, wire), general={"timeouts": {"gap_s": 0.2}})
        async with served(text, tmp_path) as gateway:
            body = await read_until_broken(gateway, path, heard)
    assert ended(path, body)
    assert text_of(path, body) == SAID
    (record,) = gateway.records
    assert (record.outcome, record.tokens) == ("ok", {"input": 3, "output": 2})


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r11_a_reset_before_the_end_marker_is_an_error_though_all_words_are_there(
    tmp_path: Path, path: str, wire: str
) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(EVENTS_HEAD, chunked(*EVENTS[wire][:-1]))
        await heard.wait()
        peer.reset()

    async with Upstream(script) as upstream:
        async with served(configuration(entry("m", upstream.port, wire)), tmp_path) as gateway:
            body = await read_until_broken(gateway, path, heard)
    assert text_of(path, body.rpartition(b"event: error" if path == MESSAGES else b"data: ")[0]) == SAID
    broken_off(path, body)
    assert gateway.records[0].outcome == "upstream_error"


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r08_silence_within_a_stream_ends_it_with_a_timeout(tmp_path: Path, path: str, wire: str) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="events=9,silence=3")
        text = configuration(entry("m", mock.port, wire), general={"timeouts": {"gap_s": 0.1}})
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
        assert mock.provider.books.requests == 1
    assert "fell silent" in broken_off(path, answered.body)["message"]
    assert gateway.records[0].outcome == "timeout"


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r11_an_error_as_the_first_event_is_tried_again_unseen(tmp_path: Path, path: str, wire: str) -> None:
    first = stream(b"event: error\ndata: %b\n\n" % error_body(wire, "full", 529))
    async with serving() as mock, Upstream(always(first)) as upstream:
        text = configuration(
            entry("full", upstream.port, wire), entry("m", mock.port, wire), router={"fallbacks": [{"full": ["m"]}]}
        )
        async with served(text, tmp_path) as gateway:
            hasten(gateway, retries=1)
            answered = await gateway.post(path, ask("full", stream=True))
            alone = await gateway.post(path, ask("full", stream=True, disable_fallbacks=True))
    assert ended(path, answered.body)
    assert len(upstream.requests) == 4
    assert alone.status == 529
    assert error_of(path, alone.json())["message"] == "full"


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
@pytest.mark.parametrize("usage", ["none", "null", "negative"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_r13_r14_usage_that_is_missing_or_senseless_is_counted_here_and_marked_so(
    tmp_path: Path, path: str, wire: str, usage: str, streamed: bool
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=f"usage={usage}")
        async with served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
            asked: dict[str, Any] = {"stream_options": {"include_usage": True}} if path == CHAT and streamed else {}
            answered = await gateway.post(path, ask(stream=streamed, **asked))
        right_input = mock.provider.books.input_tokens
    assert answered.status == 200
    (record,) = gateway.records
    assert record.outcome == "ok"
    if streamed:
        assert ended(path, answered.body)
    assert record.estimated
    assert record.tokens is not None
    assert record.tokens["output"] > 1, "what was said is counted"
    if wire == "anthropic" and streamed and usage != "none":
        assert record.tokens["input"] == right_input, "what was told at the start holds"
    assert record.tokens["input"] > 0
    if path == CHAT and wire == "openai":
        assert b'"total_tokens":0' not in answered.body


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r14_usage_that_comes_twice_counts_once(tmp_path: Path, path: str, wire: str) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="usage=twice")
        async with served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
        books = mock.provider.books
        assert gateway.records[0].tokens == {"input": books.input_tokens, "output": books.output_tokens}
    assert ended(path, answered.body)


@pytest.mark.parametrize(
    "wrong", ["7", None, [], {}, {"prompt_tokens": "3"}, {"prompt_tokens": -1}, {"total_tokens": 5}]
)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r14_the_last_usable_usage_wins(tmp_path: Path, path: str, wrong: Any) -> None:
    told = stream(word("a"), STOP, chunk(choices=[], usage=USAGE), chunk(choices=[], usage=wrong), DONE)
    async with (
        Upstream(always(told)) as upstream,
        served(configuration(entry("m", upstream.port)), tmp_path) as gateway,
    ):
        answered = await gateway.post(path, ask(stream=True))
    assert ended(path, answered.body)
    assert gateway.records[0].tokens == {"input": 3, "output": 2}


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("spaced", [True, False], ids=["with spaces", "compact"])
@pytest.mark.parametrize("bytewise", [True, False], ids=["byte by byte", "at once"])
async def test_r15_the_usage_chunk_is_hidden_from_who_did_not_ask(
    tmp_path: Path, asks: bool, spaced: bool, bytewise: bool
) -> None:
    usage = chunk(choices=[], usage=USAGE)
    if spaced:
        usage = b"data: %b\n\n" % json.dumps(json.loads(usage[6:])).encode()
    told = stream(*map(word, WORDS), STOP, usage, DONE)
    script = dripping(told) if bytewise else always(told)
    async with Upstream(script) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        options = {"stream_options": {"include_usage": True}} if asks else {}
        answered = await gateway.post(CHAT, ask(stream=True, **options))
    assert text_of(CHAT, answered.body) == SAID
    assert ended(CHAT, answered.body)
    assert (b"usage" in answered.body) == asks
    assert gateway.records[0].tokens == {"input": 3, "output": 2}
    sent = json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2])
    assert sent["stream_options"] == {"include_usage": True}


async def test_r15_usage_beside_choices_is_the_providers_own_and_stays(tmp_path: Path) -> None:
    last = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE)
    async with Upstream(always(stream(word("a"), last, DONE))) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(stream=True))
    assert json.loads(events_of(answered.body)[-2][1])["usage"] == USAGE


def dripping(told: bytes) -> Any:
    """One byte a write, so that nearly each has a segment of its own."""

    async def script(peer: Peer) -> None:
        while await peer.request():
            for at in range(len(told)):
                peer.send(told[at : at + 1])
                await asyncio.sleep(0)

    return script


def framed(event: bytes, size: int = 0) -> bytes:
    return chunked(*(event[at : at + size] for at in range(0, len(event), size)) if size else (event,))


CHAT_EVENTS = [*map(word, WORDS), STOP, chunk(choices=[], usage=USAGE), DONE]


def named(value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (value["type"].encode(), json.dumps(value, separators=(",", ":")).encode())


def grown(text: str) -> bytes:
    return named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
MESSAGES_EVENTS = [
    named({"type": "message_start", "message": {**MESSAGE, "usage": {"input_tokens": 3, "output_tokens": 1}}}),
    named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    *map(grown, WORDS),
    named({"type": "content_block_stop", "index": 0}),
    named({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
    named({"type": "message_stop"}),
]
EVENTS = {"openai": CHAT_EVENTS, "anthropic": MESSAGES_EVENTS}


def over_lines(event: bytes) -> bytes:
    """The data over several lines, as the standard joins them: a line end is white space in JSON."""
    return event.replace(b'{"', b'{\ndata: "', 1)


ODDITIES = {
    "CR LF": lambda event: event.replace(b"\n", b"\r\n"),
    "CR": lambda event: event.replace(b"\n", b"\r"),
    "comments": lambda event: b": a comment\n\n:\n\n" + event.replace(b"data:", b": between\ndata:"),
    "several data lines": over_lines,
    "no space": lambda event: event.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),
    "event without data": lambda event: b"event: ping\n\n" + event,
    "id and retry": lambda event: b"id: 7\nretry: 10\n" + event,
}


@pytest.mark.parametrize("size", [0, 1], ids=["at once", "byte by byte"])
@pytest.mark.parametrize("bom", [False, True], ids=["", "BOM"])
@pytest.mark.parametrize("odd", ODDITIES.values(), ids=ODDITIES)
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r18_odd_but_legal_events_say_the_same_relayed_and_translated(
    tmp_path: Path, path: str, wire: str, odd: Any, bom: bool, size: int
) -> None:
    told = b"".join(map(odd, EVENTS[wire]))
    body = (b"\xef\xbb\xbf" if bom else b"") + told
    script = dripping(EVENTS_HEAD + framed(body, 1) + b"0\r\n\r\n") if size else always(stream(body))
    async with Upstream(script) as upstream:
        async with served(configuration(entry("m", upstream.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
    assert text_of(path, answered.body) == SAID
    (record,) = gateway.records
    assert record.outcome == "ok"
    assert record.tokens == {"input": 3, "output": 2}
    marks = [data for _, data in events_of(answered.body)]
    assert json.loads(marks[-1].replace("[DONE]", '"end"')) in ("end", {"type": "message_stop"})


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r18_an_event_of_a_mebibyte_arrives_whole(tmp_path: Path, path: str, wire: str) -> None:
    long = "x\u00e9" * (1 << 19)
    events = EVENTS[wire]
    events = [*events[:2], (word if wire == "openai" else grown)(long), *events[2:]]
    async with Upstream(always(EVENTS_HEAD + framed(b"".join(events), 7001) + b"0\r\n\r\n")) as upstream:
        async with served(configuration(entry("m", upstream.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
    assert text_of(path, answered.body).replace(long, "") == SAID
    assert ended(path, answered.body)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r19_a_compressed_stream_reaches_the_client_plain(tmp_path: Path, path: str, wire: str) -> None:
    packed = gzip.compress(b"".join(EVENTS[wire]))
    head = EVENTS_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    async with Upstream(always(head + framed(packed, 50) + b"0\r\n\r\n")) as upstream:
        async with served(configuration(entry("m", upstream.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
    assert text_of(path, answered.body) == SAID
    assert ended(path, answered.body)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_a_whole_answer_to_a_request_for_a_stream_is_told_as_a_stream(
    tmp_path: Path, path: str, wire: str
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="garbage=type")
        async with served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
    assert text_of(path, answered.body).startswith("the quick brown fox")
    assert ended(path, answered.body)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_in_long_silences_the_client_hears_comments_before_and_between_events(
    tmp_path: Path, path: str, wire: str
) -> None:
    begin, go_on = asyncio.Event(), asyncio.Event()
    events = EVENTS[wire]

    async def script(peer: Peer) -> None:
        await peer.request()
        await begin.wait()
        peer.send(EVENTS_HEAD, chunked(*events[:4]))
        await go_on.wait()
        peer.send(chunked(*events[4:]), b"0\r\n\r\n")

    async with Upstream(script) as upstream:
        async with served(
            configuration(entry("m", upstream.port, wire)), tmp_path, rules={"heartbeat_s": 0.05}
        ) as gateway:
            async with streaming(gateway, path, ask(stream=True)) as answered:
                assert answered.status == 200
                assert answered.headers["content-type"].startswith("text/event-stream")
                body = await answers_so_far(answered, b": keep-alive\n\n")
                begin.set()
                body += await answers_so_far(answered, b"Hello")
                body += await answers_so_far(answered, b": keep-alive\n\n")
                go_on.set()
                body += await answered.content.read()
    assert body.startswith(b": keep-alive\n\n")
    assert text_of(path, body) == SAID
    assert ended(path, body)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_an_error_after_a_heartbeat_is_an_event_of_the_stream(tmp_path: Path, path: str, wire: str) -> None:
    begin = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await begin.wait()
        peer.send(answer(error_body(wire, "no"), status="400 No"))

    async with Upstream(script) as upstream:
        async with served(
            configuration(entry("m", upstream.port, wire)), tmp_path, rules={"heartbeat_s": 0.05}
        ) as gateway:
            async with streaming(gateway, path, ask(stream=True)) as answered:
                body = await answers_so_far(answered, b": keep-alive\n\n")
                begin.set()
                body += await answered.content.read()
    assert broken_off(path, body)["message"] == "no"
    assert gateway.records[0].status == 400
