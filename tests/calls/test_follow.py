"""The rest of an answer: where a link may lead, how long is waited, and what ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tollbridge.calls import follow
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.follow import Steps
from tollbridge.errors import APIConnectionError, APITimeoutError, BadGatewayError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts
from tollbridge.transport.inprocess import InProcessIncoming, Reply
from tollbridge.wires.replicate import REPLICATE

OWN = "https://api.replicate.com"
CREATED = {"status": "starting", "urls": {"get": f"{OWN}/v1/predictions/p"}}
DONE = {"status": "succeeded", "output": "x"}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FIRST_PAUSE_S", 0.0)


def deployment(base: str | None = None) -> Deployment:
    given = Given(api_key="replicate-key", api_base=base)
    return build(Wanted(id="d", group="m", model="replicate/meta/llama", given=given), {}, ROWS)


def told(body: Any, status: int = 200) -> Incoming:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InProcessIncoming(Reply(pieces=[data], status=status, headers=((b"content-type", b"application/json"),)))


class Line:
    """A transport that gives what it was told, and remembers what it was sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers: Iterator[Any] = iter(answers)
        self.sent: list[Outgoing] = []
        self.timeouts: list[Timeouts] = []

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(request)
        self.timeouts.append(timeouts)
        return told(*next(self.answers))

    async def close(self) -> None:
        """Holds nothing."""


class Created:
    """Answers the first request with `first`, and hands all others on to `line`."""

    def __init__(self, first: Any, line: Line) -> None:
        self.first = first
        self.line = line
        self.sent: Outgoing | None = None

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        if self.sent is None:
            self.sent = request
            return told(self.first)
        return await self.line.send(request, timeouts)

    async def close(self) -> None:
        """Holds nothing."""


async def follow_it(
    line: Line, first: Any, place: Deployment | None = None, *, stream: bool = False, **more: Any
) -> Incoming:
    place = place or deployment()
    sent = Outgoing(origin=place.origin, method="POST", target=place.path, headers=place.headers, body=b"{}")
    timeouts = more.pop("timeouts", Timeouts())
    steps = Steps(REPLICATE, more["links_to"], more["clock"]) if more else place.steps
    assert steps is not None
    return await steps.ask(sent, Created(first, line), timeouts, stream=stream)


async def test_an_answer_that_is_whole_is_given_as_it_came() -> None:
    line = Line()
    incoming = await follow_it(line, DONE)
    assert json.loads(await incoming.read(100)) == DONE
    assert json.loads(await incoming.chunk()) == DONE
    assert await incoming.chunk() == b""
    assert incoming.header(b"content-type") == b"application/json"
    assert line.sent == []
    with pytest.raises(BadGatewayError):
        await incoming.read(3)


async def test_it_is_asked_again_as_the_same_account_until_it_ended() -> None:
    line = Line([CREATED], [CREATED], [DONE])
    incoming = await follow_it(line, CREATED)
    assert json.loads(await incoming.read(100)) == DONE
    assert [(one.method, one.target, one.body) for one in line.sent] == [("GET", "/v1/predictions/p", b"")] * 3
    assert all(dict(one.headers)["authorization"] == "Bearer replicate-key" for one in line.sent)
    assert not {"prefer", "content-type"} & {name for one in line.sent for name, _ in one.headers}


async def test_an_error_on_the_way_is_the_answer() -> None:
    incoming = await follow_it(Line([{"detail": "gone"}, 404]), CREATED)
    assert incoming.status == 404
    assert json.loads(await incoming.read(100)) == {"detail": "gone"}


@pytest.mark.parametrize("first", [b"", b"<html>", b"\xff", b"[[["])
async def test_what_is_no_json_is_left_to_who_reads_the_answer(first: bytes) -> None:
    assert await (await follow_it(Line(), first)).read(100) == first


def linked(url: str) -> dict[str, Any]:
    return {"status": "starting", "urls": {"stream": url, "get": url}}


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://api.replicate.com/v1/x?a=b", Origin("https", "api.replicate.com", 443), "/v1/x?a=b"),
        ("https://api.replicate.com:443/v1/x", Origin("https", "api.replicate.com", 443), "/v1/x"),
        ("https://stream.replicate.com/v1/files/x", Origin("https", "stream.replicate.com", 443), "/v1/files/x"),
        ("https://STREAM.b.replicate.com", Origin("https", "stream.b.replicate.com", 443), "/"),
    ],
)
async def test_a_link_leads_to_its_own_origin_or_within_the_rows_domain(url: str, origin: Origin, target: str) -> None:
    line = Line([b"event: done\ndata: {}\n\n"])
    await follow_it(line, linked(url), stream=True)
    (sent,) = line.sent
    assert (sent.origin, sent.target) == (origin, target)
    assert dict(sent.headers)["accept"] == "text/event-stream"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.replicate.com/v1/x",
        "http://stream.replicate.com/v1/x",
        "https://api.replicate.com:8443/v1/x",
        "https://stream.replicate.com:8443/v1/x",
        "https://replicate.com.evil.example/x",
        "https://evilreplicate.com/x",
        "https://user@stream.replicate.com/x",
        "https://stream.replicate.com@evil.example/x",
        "https://169.254.169.254/latest/meta-data",
        "https://api.replicate.com/\r\nx: y",
        "https://api.replicate.com/ x",
        "https://api.replicate.com:port/",
        "//stream.replicate.com/x",
        "/v1/predictions/p",
        "file:///etc/passwd",
        "",
    ],
)
async def test_any_other_link_is_an_error_and_nothing_is_sent_there(url: str) -> None:
    line = Line()
    with pytest.raises(APIConnectionError) as raised:
        await follow_it(line, linked(url), stream=True)
    assert raised.value.code == "egress_refused"
    assert "replicate-key" not in str(raised.value)
    assert line.sent == []


async def test_a_server_of_ones_own_is_followed_to_itself_alone() -> None:
    own = deployment("http://127.0.0.1:9/v1")
    line = Line([DONE])
    await follow_it(line, linked("http://127.0.0.1:9/v1/p"), own)
    assert line.sent[0].origin == own.origin
    for elsewhere in ("http://127.0.0.1:10/v1/p", "https://stream.replicate.com/v1/p"):
        with pytest.raises(APIConnectionError):
            await follow_it(Line(), linked(elsewhere), own)


async def test_the_time_for_all_of_it_is_one() -> None:
    now = iter(range(0, 1000, 4))
    line = Line(*[[CREATED]] * 9)
    with pytest.raises(APITimeoutError, match="after 10 s") as raised:
        await follow_it(line, CREATED, timeouts=Timeouts(total_s=10), links_to="", clock=lambda: float(next(now)))
    assert raised.value.code == "total_timeout"
    assert [one.total_s for one in line.timeouts] == [6, 2]


STOPPABLE = {
    "status": "starting",
    "urls": {"get": f"{OWN}/v1/p", "stream": f"{OWN}/s/p", "cancel": f"{OWN}/v1/p/cancel"},
}


class Waiting(Line):
    """Answers nothing but what stops it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = b""
        self.asked = asyncio.Event()
        self.stopped = asyncio.Event()

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        self.sent.append(request)
        if self.first:
            first, self.first = self.first, b""
            return told(first)
        if request.method == "POST":
            self.stopped.set()
            return told({"status": "canceled"})
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")


async def test_who_stops_waiting_has_it_stopped() -> None:
    line = Waiting()
    waiting = asyncio.create_task(follow_it(line, STOPPABLE))
    await line.asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(line.stopped.wait(), 10)
    stop = line.sent[-1]
    assert (stop.method, stop.target, stop.body) == ("POST", "/v1/p/cancel", b"")
    assert dict(stop.headers)["authorization"] == "Bearer replicate-key"


async def test_a_stream_that_is_given_up_is_stopped_and_one_that_ended_is_not() -> None:
    given_up, ended = Waiting(), Waiting()
    for line in (given_up, ended):
        line.first = b"event: output\ndata: a\n\n"
    incoming = await follow_it(given_up, STOPPABLE, stream=True)
    assert await incoming.chunk()
    incoming.abort()
    incoming.abort()
    await asyncio.wait_for(given_up.stopped.wait(), 10)
    assert [one.method for one in given_up.sent] == ["GET", "POST"]
    incoming = await follow_it(ended, STOPPABLE, stream=True)
    while await incoming.chunk():
        pass
    incoming.abort()
    await asyncio.sleep(0)
    assert [one.method for one in ended.sent] == ["GET"]


async def test_a_stop_that_fails_or_leads_elsewhere_is_nobodys_error() -> None:
    elsewhere = {"status": "starting", "urls": {"get": "https://evil.example/p", "cancel": "https://evil.example/c"}}
    line = Line()
    with pytest.raises(APIConnectionError):
        await follow_it(line, elsewhere)
    await asyncio.sleep(0)
    assert line.sent == []


@pytest.mark.parametrize("stream", [False, True])
async def test_a_whole_answer_is_waited_for_at_once(stream: bool) -> None:
    place = deployment()
    assert place.steps is not None
    created = Created(DONE, Line())
    sent = Outgoing(
        origin=place.origin, method="POST", target=place.path, headers=place.headers, head=b"kept", body=b"{}"
    )
    await place.steps.ask(sent, created, Timeouts(), stream=stream)
    assert created.sent is not None
    assert dict(created.sent.headers).get("prefer") == (None if stream else "wait")
    assert created.sent.head == (b"kept" if stream else b"")
