"""Very many requests, one behind the other on one connection: a third of what a client costs that waits for each.

for asked, answered in zip(requests, await answers(gateway, requests, key=key), strict=True): ...
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.server.served import KEY, Answered, Served

AT_ONCE = 32
PATIENCE_S = 60.0


class Asked:
    """`body`: JSON, or None for none. `path` as it goes onto the wire, with the query."""

    def __init__(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.method, self.path, self.body, self.headers = method, path, body, headers or {}

    def written(self, key: str | None) -> bytes:
        data = b"" if self.body is None else json.dumps(self.body).encode()
        sent = {"host": "localhost", **self.headers}
        if self.body is not None:
            sent["content-length"] = str(len(data))
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + data


async def answers(served: Served, requests: Sequence[Asked], key: str | None = KEY) -> list[Answered]:
    """One for each, in their order. Where a connection ends, the rest is asked on another."""
    found: list[Answered] = []
    while len(found) < len(requests):
        before = len(found)
        found += await asyncio.wait_for(_on_one_connection(served.port, requests[before:], key), PATIENCE_S)
        assert len(found) > before, f"no answer to {requests[before].method} {requests[before].path}"
    return found


async def _on_one_connection(port: int, requests: Sequence[Asked], key: str | None) -> list[Answered]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found: list[Answered] = []
    try:
        for first in range(0, len(requests), AT_ONCE):
            together = requests[first : first + AT_ONCE]
            writer.write(b"".join(one.written(key) for one in together))
            for one in together:
                found.append(await _answer(reader, one))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the rest is asked on another
    finally:
        writer.transport.abort()
    return found


async def _answer(reader: asyncio.StreamReader, asked: Asked) -> Answered:
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    status = int(head[0].split(" ")[1])
    body = b""
    if asked.method != "HEAD" and status not in (204, 304):
        body = await reader.readexactly(int(headers["content-length"]))
    return Answered(status, headers, body)
