"""What the upstream does to a request in the soak of the server, and what a client may then see.

There are three honest ways for an answer to be: whole, an error with its own status, a stream that says that it
broke. Anything else (a cut stream without a word, an end marker after a break, half an answer under 200) is wrong,
whatever the upstream did.
"""

from __future__ import annotations

import json
import re
from typing import Literal

import msgspec

from bench.mock.dialects import pieces
from bench.mock.script import read_script

Seen = Literal["whole", "refused", "broken", "left", "wrong"]
END_MARKS = {"/v1/chat/completions": b"data: [DONE]\n\n", "/v1/messages": b'data: {"type":"message_stop"}\n\n'}
PATHS = tuple(END_MARKS)
WIRES = ("openai", "anthropic")
_SAID = re.compile(rb'"(?:content|text)":"([^"]*)"')


class Fault(msgspec.Struct, frozen=True):
    """`script`: the mock's. `whole`, `stream`: what may be seen of an answer that is not, or is, a stream. `leaves`:
    the client does, after the first bytes."""

    name: str
    script: str
    weight: int
    whole: tuple[Seen, ...]
    stream: tuple[Seen, ...]
    leaves: bool = False

    @property
    def text(self) -> bytes:
        return "".join(pieces(read_script(self.script))).encode()


FAULTS = (
    Fault("none", "events=8", 120, ("whole",), ("whole",)),
    Fault("slow", "delay_ms=20,events=20,pace_ms=2", 16, ("whole",), ("whole",)),
    Fault("split into bytes", "events=4,split_bytes=7", 4, ("whole",), ("whole",)),
    Fault("stale connections", "stale_ms=1", 12, ("whole",), ("whole",)),
    Fault("closes after each", "close", 8, ("whole",), ("whole",)),
    Fault("status 500", "status=500", 8, ("refused",), ("refused",)),
    Fault("status 429", "status=429,retry_after=1", 6, ("refused",), ("refused",)),
    Fault("error in the stream", "error=3", 6, ("whole",), ("broken",)),
    Fault("reset", "events=8,rst=3", 8, ("refused",), ("broken", "refused")),
    Fault("cut", "events=8,cut=3", 8, ("refused",), ("broken",)),
    Fault("cut before the first byte", "cut=0", 4, ("refused",), ("refused", "broken")),
    Fault("falls silent", "events=8,silence=3", 1, ("refused",), ("broken",)),
    Fault("a web page", "garbage=html", 4, ("refused",), ("refused",)),
    Fault("half of the JSON", "garbage=json", 4, ("refused",), ("refused", "broken")),
    Fault("the client leaves", "events=200,pace_ms=5", 8, ("whole",), ("left",), leaves=True),
)
"""`reset` may be refused: a reset takes along what the gateway has not read yet."""


def judge(path: str, status: int, body: bytes, *, stream: bool, text: bytes) -> Seen:
    """What a client saw that stayed to the end. `text`: all that the model says."""
    if status != 200:
        return "refused" if _is_error(body) else "wrong"
    if not stream:
        return "whole" if _is_json(body) and words(body) == text else "wrong"
    mark = END_MARKS[path]
    if b'"error"' in body:
        last = body.rstrip().rpartition(b"\n\n")[2]
        return "broken" if b'"error"' in last and mark not in body else "wrong"
    return "whole" if body.endswith(mark) and words(body) == text else "wrong"


def words(body: bytes) -> bytes:
    """What a model said, in either dialect: the mock's words hold no quotes."""
    return b"".join(_SAID.findall(body))


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _is_error(body: bytes) -> bool:
    return _is_json(body) and b'"error"' in body and b'"message"' in body
