"""The provider of the other suites: it must do what it is told, and bill what it did."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from bench.bodies import PATHS, request_body, wrong_answer
from bench.load.client import request_bytes
from bench.load.jobs import Aim
from bench.mock.dialects import DialectName
from bench.mock.provider import Provider
from bench.mock_upstream import Mock, serving

DIALECT_NAMES: tuple[DialectName, ...] = ("openai", "anthropic")


@pytest.fixture
async def mock() -> AsyncIterator[Mock]:
    async with serving() as running:
        yield running


def aim(mock: Mock, dialect: DialectName, model: str, stream: bool) -> Aim:
    body = request_body(dialect, model, 1024, stream)
    headers = {"connection": "close"}
    script = model.partition(",")[2]
    return Aim(
        port=mock.port, headers=headers, dialect=dialect, path=PATHS[dialect], body=body, stream=stream, script=script
    )


async def exchange(aim: Aim) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body, read until the other side closes. Raises ConnectionResetError where it resets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", aim.port)
    try:
        writer.write(request_bytes(aim))
        return parsed(await reader.read())
    finally:
        writer.close()


def parsed(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    if not head:
        return 0, {}, b""
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = unchunked(body)
    return int(first.split()[1]), headers, body


def unchunked(body: bytes) -> bytes:
    pieces = []
    while body:
        size, _, body = body.partition(b"\r\n")
        pieces.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(pieces)


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
@pytest.mark.parametrize(
    "script", ["", "events=3,size=5", "events=4,pace_ms=1", "delay_ms=1", "events=3,split_bytes=7"]
)
async def test_streamed_and_whole_answers_say_the_same(mock: Mock, dialect: DialectName, script: str) -> None:
    for stream in (False, True):
        status, _, body = await exchange(told := aim(mock, dialect, f"mock,{script}", stream))
        assert wrong_answer(dialect, stream, told.script, status, body) is None


@pytest.mark.parametrize("dialect", DIALECT_NAMES)
async def test_the_bill_names_each_answer_and_its_tokens(mock: Mock, dialect: DialectName) -> None:
    _, _, body = await exchange(aim(mock, dialect, "mock,events=5", False))
    answer = msgspec.json.decode(body)
    bill = mock.provider.books.bill()
    counted = [answer["usage"][name] for name in USAGE_NAMES[dialect]]
    assert [(line["id"], line["state"]) for line in bill["entries"]] == [(answer["id"], "finished")]
    assert counted == [bill["input_tokens"], bill["output_tokens"]]
    assert bill["output_tokens"] == 5


USAGE_NAMES: dict[DialectName, tuple[str, str]] = {
    "openai": ("prompt_tokens", "completion_tokens"),
    "anthropic": ("input_tokens", "output_tokens"),
}


async def test_openai_streams_tell_usage_only_when_asked(mock: Mock) -> None:
    body = msgspec.json.decode(request_body("openai", "mock", 1024, True))
    for options, told in (({}, False), ({"stream_options": {"include_usage": True}}, True)):
        asked = msgspec.structs.replace(aim(mock, "openai", "mock", True), body=msgspec.json.encode(body | options))
        _, _, answer = await exchange(asked)
        assert (b'"usage":{' in answer) is told


async def test_a_cut_stream_ends_without_its_marker_and_is_billed_for_what_went_out(mock: Mock) -> None:
    _, _, body = await exchange(aim(mock, "openai", "mock,events=9,cut=4", True))
    assert body.count(b'"content":"') == 1 + 4
    assert b"[DONE]" not in body
    assert mock.provider.books.bill()["output_tokens"] == 4
    assert mock.provider.books.entries[0].state == "broken"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 2])
async def test_a_reset_reaches_the_client_as_a_reset(mock: Mock, stream: bool, after: int) -> None:
    with pytest.raises(ConnectionResetError):
        await exchange(aim(mock, "anthropic", f"mock,rst={after}", stream))


async def test_a_refusal_carries_retry_after_and_costs_nothing(mock: Mock) -> None:
    status, headers, body = await exchange(aim(mock, "anthropic", "mock,status=529,retry_after=3,close", False))
    assert (status, headers["retry-after"]) == (529, "3")
    assert msgspec.json.decode(body)["error"]["type"] == "overloaded_error"
    assert mock.provider.books.stats()["refused"] == 1
    assert mock.provider.books.billed == 0


async def test_a_client_that_leaves_is_counted_and_billed_for_what_it_was_sent(mock: Mock) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", mock.port)
    writer.write(request_bytes(aim(mock, "openai", "mock,events=5,silence=2", True)))
    received = b""
    while received.count(b'"content":"') < 3:
        received += await reader.read(65536)
    writer.close()
    while not mock.provider.books.cancelled:
        await asyncio.sleep(0)
    assert mock.provider.books.entries[0].state == "cancelled"
    assert mock.provider.books.output_tokens == 2


async def test_steps_are_used_up_one_a_request_then_the_alias_holds(mock: Mock) -> None:
    mock.provider.order("m", "status=500,close", "status=429,close", always="close")
    assert [(await exchange(aim(mock, "openai", "m", False)))[0] for _ in range(4)] == [500, 429, 200, 200]


async def test_the_path_and_a_header_carry_scripts_too(mock: Mock) -> None:
    plain = aim(mock, "openai", "mock", False)
    by_path = msgspec.structs.replace(plain, path="/s/status=503,close/v1/chat/completions")
    by_header = msgspec.structs.replace(plain, headers={"x-mock-script": "status=502,close"})
    assert [(await exchange(asked))[0] for asked in (by_path, by_header)] == [503, 502]


async def test_an_unknown_word_in_a_script_is_a_400_that_names_it(mock: Mock) -> None:
    status, _, body = await exchange(aim(mock, "openai", "mock,spede=3", False))
    assert status == 400
    assert b"spede" in body


@pytest.mark.parametrize(
    ("garbage", "content_type"), [("html", "text/html"), ("type", "text/plain"), ("json", "application/json")]
)
async def test_garbage_comes_with_a_200(mock: Mock, garbage: str, content_type: str) -> None:
    status, headers, body = await exchange(aim(mock, "openai", f"mock,garbage={garbage},close", False))
    assert (status, headers["content-type"]) == (200, content_type)
    assert (wrong_answer("openai", False, "", 200, body) is None) == (garbage == "type")


async def test_a_prompt_may_name_its_line_of_the_bill() -> None:
    async with serving(Provider(marks=True)) as mock:
        plain = aim(mock, "openai", "mock", False)
        await exchange(msgspec.structs.replace(plain, body=plain.body.replace(b"Then shorten", b"mark-a7 shorten")))
        await exchange(plain)
        assert [line["mark"] for line in mock.provider.books.bill()["entries"]] == ["a7", ""]


async def test_captures_show_what_was_sent(mock: Mock) -> None:
    await exchange(asked := aim(mock, "openai", "mock", False))
    captured: Any = mock.provider.books.shown_captures()[0]
    assert captured["path"] == "/v1/chat/completions"
    assert captured["body"].encode() == asked.body


async def test_the_command_prints_its_port_and_answers_there() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.mock_upstream", "--model", "m=events=2", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /v1/models HTTP/1.1\r\nhost: m\r\n\r\n")
        assert b'"id":"m"' in await reader.readuntil(b"]}")
        writer.close()
    finally:
        process.terminate()
        await process.wait()
