"""The provider's front desk: which dialect, which script, what to write.

Where a script is looked for, first found wins
1. the header `x-mock-script`
2. the path: `/s/SCRIPT/v1/...`
3. the steps given for this model (`POST /__script`), one a request
4. the alias of this model (`--model NAME=SCRIPT`, or `POST /__script` with `always`)
5. the model's name: `mock,delay_ms=60`
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from bench.mock.books import Books, Entry, Received
from bench.mock.dialects import DIALECTS, ID, Answer, Dialect, DialectName, frame
from bench.mock.playback import Score
from bench.mock.script import Script, read_script, script_in_name

if TYPE_CHECKING:
    from bench.mock.connection import Connection

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%b: req_mock_%d\r\nContent-Length: %d\r\n\r\n%b"
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n%b: req_mock_%d\r\nTransfer-Encoding: chunked\r\n\r\n"  # noqa: E501
LAST_CHUNK = b"0\r\n\r\n"
ANSWERS_MAX = 2048
BOMB_BYTES = 64 << 20
MARK = re.compile(rb"mark-(\w+)")

PATHS: dict[bytes, DialectName] = {
    b"/chat/completions": "openai",
    b"/responses": "responses",
    b"/messages": "anthropic",
}
KNOWN_PATHS: dict[bytes, DialectName] = {b"/v1" + path: name for path, name in PATHS.items()}


class StreamOptions(msgspec.Struct):
    include_usage: bool = False


class Asked(msgspec.Struct):
    """As much of a request as decides the answer."""

    model: str
    stream: bool = False
    stream_options: StreamOptions | None = None


class ScriptOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /__script`: `steps` are used up one a request, then `always` holds."""

    model: str
    steps: list[str] = []
    always: str | None = None


read_asked = msgspec.json.Decoder(Asked).decode
encode = msgspec.json.Encoder().encode


class Provider:
    def __init__(self, keep_entries: int = 100_000, keep_captures: int = 64, *, marks: bool = False) -> None:
        """`marks`: look for `mark-WORD` in prompts, and write the word on the bill."""
        self._marks = marks
        self.books = Books(keep_entries, keep_captures)
        self.aliases: dict[str, Script] = {}
        self.steps: dict[str, deque[Script]] = {}
        self.connections: set[asyncio.Transport] = set()
        self._answers: dict[tuple[DialectName, str, Script], Answer] = {}
        self._number = 0

    def order(self, model: str, *steps: str, always: str | None = None) -> None:
        """Tell what the next requests for a model shall get, and what all later ones."""
        self.steps.setdefault(model, deque()).extend(map(read_script, steps))
        if always is not None:
            self.aliases[model] = read_script(always)

    def answer(self, connection: Connection, received: Received) -> None:
        path = received.url.partition(b"?")[0]
        name = KNOWN_PATHS.get(path)
        if name is None:
            if path.startswith(b"/__"):
                connection.write(self._control(path, received))
                return
            name = next((name for end, name in PATHS.items() if path.endswith(end)), None)
        self.books.requests += 1
        self.books.captures.append(received)
        if name is None or received.method != b"POST":
            connection.write(self._other(path, received.method))
            return
        dialect = DIALECTS[name]
        try:
            asked = read_asked(received.body)
            script = self._script(path, received, asked.model)
        except msgspec.MsgspecError as error:
            self.books.refused += 1
            connection.write(whole(400, dialect.error(400, f"The mock cannot read this: {error}")))
            return
        self._number += 1
        if script.status != 200:
            self.books.refused += 1
            connection.play(refusal(dialect, script), None)
            return
        input_tokens = len(received.body) // 4 + 1
        entry = Entry(self._number, dialect.id_prefix, asked.model, asked.stream, input_tokens)
        if self._marks and (mark := MARK.search(received.body)):
            entry.mark = mark[1].decode()
        self.books.open(entry)
        answer = self._answers.get((name, asked.model, script)) or self._learn(name, asked.model, script)
        quiet = asked.stream_options is None or not asked.stream_options.include_usage
        if answer.instant:
            parts = streamed(dialect, answer, entry, quiet) if asked.stream else [unstreamed(dialect, answer, entry)]
            connection.write(b"".join(parts))
            entry.output_tokens = script.events
            entry.state = "finished"
            self.books.output_tokens += script.events
        else:
            connection.play(score(dialect, answer, script, entry, quiet), entry)

    def _learn(self, name: DialectName, model: str, script: Script) -> Answer:
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        answer = self._answers[name, model, script] = DIALECTS[name].answer(model, script)
        return answer

    def _script(self, path: bytes, received: Received, model: str) -> Script:
        for header, value in received.headers:
            if len(header) == 13 and header.lower() == b"x-mock-script":
                return read_script(value.decode())
        if path.startswith(b"/s/"):
            return read_script(unquote(path.split(b"/")[2].decode()))
        steps = self.steps.get(model)
        if steps:
            return steps.popleft()
        return self.aliases.get(model) or read_script(script_in_name(model))

    def _other(self, path: bytes, method: bytes) -> bytes:
        if path.endswith(b"/messages/count_tokens"):
            return whole(200, encode({"input_tokens": 42}))
        if path.endswith(b"/models"):
            names = sorted(self.aliases) or ["mock"]
            return whole(200, encode({"object": "list", "data": [{"id": name, "object": "model"} for name in names]}))
        if path == b"/":
            return whole(200, b"" if method == b"HEAD" else b"{}")
        return whole(404, encode({"error": {"message": "The mock has no such path."}}))

    def _control(self, path: bytes, received: Received) -> bytes:
        shown: Any
        match path:
            case b"/__stats":
                shown = self.books.stats()
            case b"/__bill":
                shown = self.books.bill()
            case b"/__captures":
                shown = self.books.shown_captures()
            case b"/__reset":
                self.books.clear()
                self.steps.clear()
                shown = {}
            case b"/__script":
                try:
                    order = msgspec.json.decode(received.body, type=ScriptOrder)
                    self.order(order.model, *order.steps, always=order.always)
                except msgspec.MsgspecError as error:
                    return whole(400, encode({"error": {"message": str(error)}}))
                shown = {}
            case _:
                return whole(404, b"{}")
        return whole(200, encode(shown))


def whole(status: int, body: bytes, content_type: bytes = b"application/json", more: bytes = b"") -> bytes:
    head = b"HTTP/1.1 %d Mock\r\nContent-Type: %b\r\n%bContent-Length: %d\r\n\r\n"
    return head % (status, content_type, more, len(body)) + body


def refusal(dialect: Dialect, script: Script) -> Score:
    after = b"" if script.retry_after is None else b"Retry-After: %b\r\n" % script.retry_after.encode()
    body = dialect.error(script.status, f"The mock was told to answer {script.status}.")
    return timed(script, [whole(script.status, body, more=after + connection_header(script))], [0])


def connection_header(script: Script) -> bytes:
    return b"Connection: close\r\n" if script.close else b""


def unstreamed(dialect: Dialect, answer: Answer, entry: Entry) -> bytes:
    body = answer.fill(answer.json, entry.number, entry.input_tokens)
    return JSON_HEAD % (dialect.request_id_header, entry.number, len(body), body)


def streamed(dialect: Dialect, answer: Answer, entry: Entry, quiet: bool) -> list[bytes]:
    """Opening, each content event, closing: each framed as chunks, the last chunk with the closing."""
    number, tokens = entry.number, entry.input_tokens
    opening = frame(answer.fill(answer.opening, number, tokens))
    closing = frame(answer.fill(answer.quiet_closing if quiet else answer.closing, number, tokens))
    content = [event.replace(ID, b"%010d" % number) for event in answer.content]
    head = SSE_HEAD % (dialect.request_id_header, number)
    return [head + opening, *content, closing + LAST_CHUNK]


def score(dialect: Dialect, answer: Answer, script: Script, entry: Entry, quiet: bool) -> Score:
    """Everything that is not one write: paced, broken off, or garbage."""
    if script.garbage != "none":
        garbled = garbage(dialect, answer, script, entry)
        return timed(script, [garbled], [script.events])
    if entry.stream:
        segments = streamed(dialect, answer, entry, quiet)
        tokens = [0, *(1 for _ in answer.content), 0]
    else:
        segments, tokens = [unstreamed(dialect, answer, entry)], [script.events]
    if script.error is not None and entry.stream:
        segments = [*segments[: script.error + 1], frame(answer.error) + LAST_CHUNK]
        tokens = [*tokens[: script.error + 1], 0]
    early = script.early_ending
    if early is not None:
        segments, tokens = broken_off(segments, tokens, early[1], entry.stream)
    if script.close and segments:
        segments[0] = segments[0].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    return timed(script, segments, tokens)


def broken_off(segments: list[bytes], tokens: list[int], count: int, stream: bool) -> tuple[list[bytes], list[int]]:
    if count == 0 and not stream:
        return [], []
    if not stream:
        return [segments[0][: len(segments[0]) - 20]], tokens
    return segments[: count + 1], tokens[: count + 1]


def timed(script: Script, segments: list[bytes], tokens: list[int]) -> Score:
    if script.split_bytes:
        segments, tokens = split(segments, tokens, script.split_bytes)
    early = script.early_ending
    return Score(
        segments=segments,
        tokens=tokens,
        ending=early[0] if early is not None else script.ending,
        delay_s=script.delay_ms / 1000,
        pace_s=script.pace_ms / 1000 or (1e-9 if script.split_bytes else 0.0),
        stale_s=(script.stale_ms or 0) / 1000,
    )


def split(segments: list[bytes], tokens: list[int], size: int) -> tuple[list[bytes], list[int]]:
    pieces: list[bytes] = []
    counts: list[int] = []
    for segment, count in zip(segments, tokens, strict=True):
        cut = [segment[at : at + size] for at in range(0, len(segment), size)]
        pieces += cut
        counts += [0] * (len(cut) - 1) + [count]
    return pieces, counts


def garbage(dialect: Dialect, answer: Answer, script: Script, entry: Entry) -> bytes:
    body = answer.fill(answer.json, entry.number, entry.input_tokens)
    match script.garbage:
        case "html":
            return whole(200, b"<!doctype html><title>Sign in</title><p>Please sign in.", b"text/html")
        case "json" if entry.stream:
            opening = frame(answer.fill(answer.opening, entry.number, entry.input_tokens))
            broken = frame(b'data: {"choices": [{"delta"\n\n')
            return SSE_HEAD % (dialect.request_id_header, entry.number) + opening + broken + LAST_CHUNK
        case "json":
            return whole(200, body[: len(body) // 2])
        case "type":
            return whole(200, body, b"text/plain")
        case "gzip_bomb":
            return whole(200, bomb(), more=b"Content-Encoding: gzip\r\n")
        case _:
            return whole(200, b"")


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """64 MiB of spaces in 64 kB of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(BOMB_BYTES >> 20)) + packer.flush()
