"""A provider of tasks: answers by path, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tests.transport.upstream import Peer, answer
from tollbridge.wires.multipart import read_form
from tollbridge.wires.task import Form


class Asked(NamedTuple):
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def form(self) -> Form:
        return read_form(self.raw, self.headers["content-type"])


Answerer = Callable[[Asked], Any]


class Provider:
    """`answers`: by the end of the path: JSON, bytes with a content type, or a function of what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {f"/{path}": value for path, value in answers.items()}
        self.asked: list[Asked] = []

    def at(self, path: str, value: Any) -> Provider:
        self.answers[path] = value
        return self

    async def __call__(self, peer: Peer) -> None:
        while (said := await peer.request()) is not None:
            head, _, raw = said.partition(b"\r\n\r\n")
            line, *rest = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
            asked = Asked(line.split(" ")[1], headers, raw)
            self.asked.append(asked)
            value = next(
                (value for path, value in self.answers.items() if asked.path.partition("?")[0].endswith(path)), None
            )
            if callable(value):
                value = value(asked)
                if isinstance(value, Awaitable):
                    value = await value
            match value:
                case None:
                    peer.send(answer(b'{"error":{"message":"no such path"}}', status="404 Not Found"))
                case (int(status), body):
                    peer.send(answer(json.dumps(body).encode(), "content-type: application/json", status=f"{status} X"))
                case (bytes(body), str(kind)):
                    peer.send(answer(body, f"content-type: {kind}"))
                case (dict(headers_of), body):
                    lines = [f"{name}: {value}" for name, value in headers_of.items()]
                    peer.send(answer(json.dumps(body).encode(), "content-type: application/json", *lines))
                case _:
                    peer.send(answer(json.dumps(value).encode(), "content-type: application/json"))
