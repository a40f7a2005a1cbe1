"""One connection, seen from the client's end of the socket."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.server.http.raw import PATIENCE_S, Stage, connected, get, post, serving
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.listener import Listener
from tollbridge.server.inbound import Inbound, Responder


async def test_a_request_is_answered_and_the_connection_kept() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        for body in (b"", b"a", b"x" * 100_000):
            await wire.send(post("/echo", body))
            answered = await wire.answer()
            assert (answered.status, answered.body) == (200, body)
            assert not answered.closes
            assert b"date" in answered.headers


async def test_what_the_application_sees() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(
            post("/v1/models/openai%2Fgpt-4o?a=%20b", b"{}", "X-Thing:  one \t", "x-thing: two", "Cookie: a")
        )
        assert (await wire.answer()).status == 200
    (inbound,) = stage.seen
    assert (inbound.method, inbound.path, inbound.query) == ("POST", "/v1/models/openai/gpt-4o", "a=%20b")
    assert (inbound.peer, inbound.scheme, inbound.host, inbound.body) == ("127.0.0.1", "http", "localhost", b"{}")
    assert inbound.headers == {b"host": b"localhost", b"content-length": b"2", b"x-thing": b"one, two", b"cookie": b"a"}


async def test_requests_split_anywhere_are_the_same_requests() -> None:
    """100 random splits of three requests in a row, one of them chunked."""
    chunked = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked += b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: u\r\n\r\n"
    whole = post("/echo", b"first") + chunked + get("/echo")
    seed = random.Random(11)
    async with serving(Stage()) as listener:
        for _ in range(100):
            cuts = sorted(seed.sample(range(1, len(whole)), seed.randint(1, 6)))
            async with connected(listener) as wire:
                for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
                    wire.writer.write(whole[begin:end])
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                assert [(await wire.answer()).body for _ in range(3)] == [b"first", b"abcdefg", b""]


async def test_one_byte_at_a_time_is_a_request_too() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        wire.writer.get_extra_info("socket").setsockopt(6, 1, 1)
        for byte in post("/echo", b"slow"):
            wire.writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        assert (await wire.answer()).body == b"slow"


async def test_pipelined_requests_are_answered_in_order() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/wait?1") + post("/echo", b"2") + get("/deny") + post("/echo", b"4"))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        assert len(stage.seen) == 1, "the second request waits for the first answer"
        stage.go.set()
        answers = [await wire.answer() for _ in range(4)]
    assert [(a.status, a.body) for a in answers] == [(200, b"waited 1"), (200, b"2"), (401, b"no"), (200, b"4")]


async def test_reading_pauses_while_too_much_is_pipelined() -> None:
    stage = Stage()
    async with serving(stage, Limits(pipelined_bytes=4096, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(get("/wait"))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        more = get("/echo", "X-Padding: " + "x" * 1000)
        count = 10_000
        writing = asyncio.create_task(wire.send(more * count))
        done, _ = await asyncio.wait((writing,), timeout=0.3)
        assert not done, "the kernel's buffers are full: nobody reads"
        stage.go.set()
        assert (await wire.answer()).body == b"waited "
        for _ in range(count):
            assert (await wire.answer()).status == 200
        await writing


async def test_a_refusal_at_the_head_keeps_the_connection_and_drops_the_body() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        request = post("/deny", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        await wire.send(request[:-10])
        assert (await wire.answer()).status == 401, "before the body is complete"
        await wire.send(request[-10:] + post("/echo", b"next"))
        assert (await wire.answer()).body == b"next"
    assert [inbound.path for inbound in stage.seen] == ["/deny", "/echo"]


@pytest.mark.parametrize("lines", [("Content-Length: 999999",), ("Transfer-Encoding: chunked",)])
async def test_a_refusal_before_a_long_body_ends_the_connection(lines: tuple[str, ...]) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send("\r\n".join(("POST /deny HTTP/1.1", "Host: a", *lines, "", "")).encode())
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (401, True)
        assert await wire.rest() == b""


async def test_continue_is_said_when_the_request_is_admitted() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        head, _, body = post("/echo", b"later", "Expect: 100-continue").partition(b"\r\n\r\n")
        await wire.send(head + b"\r\n\r\n")
        assert await wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(body)
        assert (await wire.answer()).body == b"later"
        await wire.send(post("/echo", b"at once", "Expect: 100-continue"))
        assert (await wire.until(b"\r\n")).startswith(b"HTTP/1.1 200"), "the body is here: nothing to continue"


async def test_a_refused_client_is_not_told_to_continue() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(post("/deny", b"later", "Expect: 100-continue").partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (401, True)


async def test_head_has_the_headers_and_no_body() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(b"HEAD /empty?200 HTTP/1.1\r\nHost: a\r\n\r\n" + get("/echo"))
        answered = await wire.answer(head_only=True)
        assert answered.headers[b"content-length"] == b"14"
        assert (await wire.answer()).status == 200


async def test_a_stream_under_head_has_no_body() -> None:
    stage = Stage()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(b"HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + post("/echo", b"next"))
        assert (await wire.answer(head_only=True)).status == 200
        assert (await wire.answer()).body == b"next"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_body_has_none(status: int) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get(f"/empty?{status}") + post("/echo", b"next"))
        answered = await wire.answer()
        assert answered.status == status
        assert b"content-length" not in answered.headers
        assert (await wire.answer()).body == b"next"


async def test_a_stream_is_chunked_and_keeps_the_connection() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream"))
        assert b"transfer-encoding: chunked" in await wire.until(b"\r\n\r\n")
        assert await wire.exactly(8) == b"3\r\none\r\n", "written at once, length and data together"
        stage.go.set()
        assert await wire.until(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        await wire.send(post("/echo", b"next"))
        assert (await wire.answer()).body == b"next"


async def test_a_stream_on_http_1_0_ends_with_the_connection() -> None:
    stage = Stage()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream", "Connection: keep-alive", version="1.0"))
        answered = await wire.answer()
        assert answered.closes
        assert b"transfer-encoding" not in answered.headers
        assert answered.body == b"onetwo"


async def test_http_1_0_is_kept_only_when_asked() -> None:
    async with serving(Stage()) as listener:
        async with connected(listener) as wire:
            await wire.send(get("/echo", "Connection: keep-alive", version="1.0"))
            assert (await wire.answer()).headers[b"connection"] == b"keep-alive"
            await wire.send(get("/echo", version="1.0"))
            assert (await wire.answer()).closes
            assert await wire.rest() == b""


async def test_close_is_honoured() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get("/echo", "Connection: Close") + get("/echo"))
        assert (await wire.answer()).closes
        assert await wire.rest() == b"", "what was pipelined behind it is not served"


async def test_an_aborted_stream_has_no_end() -> None:
    stage = Stage()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream?abort"))
        received = await wire.rest()
        assert received.endswith(b"3\r\none\r\n3\r\ntwo\r\n"), "all that was written, and no last chunk"


async def test_an_aborted_stream_without_chunks_is_a_reset() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream?abort", version="1.0"))
        await wire.until(b"one")
        stage.go.set()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(wire.reader.read(), PATIENCE_S)


async def test_a_failing_handler_is_a_500_and_the_connection_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get("/raise") + post("/echo", b"next"))
        answered = await wire.answer()
        assert (answered.status, answered.body) == (500, b"internal")
        assert (await wire.answer()).body == b"next"
    assert "a bug" in caplog.text, "the traceback is in the log"


async def test_a_handler_that_fails_late_breaks_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get("/raise?late"))
        assert (await wire.rest()).endswith(b"3\r\none\r\n")
    assert "a bug" in caplog.text


async def test_an_answer_begins_once(caplog: pytest.LogCaptureFixture) -> None:
    class Twice(Stage):
        async def handle(self, inbound: Inbound, responder: Responder) -> None:
            responder.start(200, ())
            responder.reply(200, (), b"")

    async with serving(Twice()) as listener, connected(listener) as wire:
        await wire.send(get("/"))
        assert (await wire.rest()).endswith(b"\r\n\r\n"), "broken off"
    assert "begun already" in caplog.text


async def test_a_handler_that_says_nothing_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get("/silent"))
        assert (await wire.answer()).status == 500
    assert "without a whole answer" in caplog.text


async def test_connections_over_the_limit_are_told_so() -> None:
    async with serving(Stage(), Limits(connections=1, tick_s=0.02)) as listener:
        async with connected(listener) as first, connected(listener) as second:
            answered = await second.answer()
            assert (answered.status, answered.headers[b"retry-after"]) == (503, b"1")
            await first.send(get("/echo"))
            assert (await first.answer()).status == 200


async def test_requests_per_connection_can_be_limited() -> None:
    async with serving(Stage(), Limits(requests=2, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(get("/echo") * 3)
        assert [(await wire.answer()).closes for _ in range(2)] == [False, True]
        assert await wire.rest() == b""


async def test_a_header_that_would_split_the_answer_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.headers = ((b"x-model", b"a\r\nSet-Cookie: b"), (b"x-team", b"c\0"), (b"x-good", b"d"), (b"connection", b"x"))
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/echo") * 2)
        for _ in range(2):
            assert set((await wire.answer()).headers) == {b"date", b"x-good", b"content-length"}
    assert "x-model" in caplog.text


async def test_no_answer_goes_to_another_request() -> None:
    """Forty connections, requests in bursts of any size, answers of three kinds: each request gets its own."""
    stage = Stage()
    seed = random.Random(3)

    async def client(number: int, listener: Listener) -> None:
        async with connected(listener) as wire:
            for burst in range(10):
                marks = [f"{number}-{burst}-{index}" for index in range(seed.randint(1, 8))]
                paths = [seed.choice(("/echo", "/wait", "/stream", "/deny")) for _ in marks]
                requests = [post(f"{path}?{mark}", mark.encode()) for path, mark in zip(paths, marks, strict=True)]
                await wire.send(b"".join(requests))
                for path, mark in zip(paths, marks, strict=True):
                    expected = {"/echo": mark, "/wait": f"waited {mark}", "/stream": "onetwo", "/deny": "no"}[path]
                    assert (await wire.answer()).body == expected.encode()

    stage.go.set()
    async with serving(stage) as listener:
        await asyncio.gather(*(client(number, listener) for number in range(40)))


async def test_a_handler_that_lives_on_cannot_write_into_the_next_answer() -> None:
    class Clinging(Stage):
        async def handle(self, inbound: Inbound, responder: Responder) -> None:
            responder.reply(200, (), inbound.body)
            if inbound.body == b"1":
                await self.go.wait()
            responder.write(b"too late")
            responder.finish()
            responder.abort()
            responder.reply(200, (), b"too late")

    stage = Clinging()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"1") + post("/echo", b"2"))
        assert [(await wire.answer()).body for _ in range(2)] == [b"1", b"2"]
        stage.go.set()
        while listener.in_flight:
            await asyncio.sleep(0.01)
        await wire.send(post("/echo", b"3"))
        assert (await wire.answer()).body == b"3"
