"""A cloud on loopback: what is asked of it, and what it answers, by method and path."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


class Asked(msgspec.Struct):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Told(msgspec.Struct):
    body: Any
    status: int = 200
    headers: dict[str, str] = {}


Answer = Callable[[Asked], Told]


class Cloud:
    """`answer` says what each request gets; `asked` are those so far."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = ""
        self.lock = threading.Lock()

    def of(self, part: str) -> list[Asked]:
        return [one for one in self.asked if part in one.path]


def sse(*events: tuple[str, Any]) -> bytes:
    """Data that is text may have lines."""
    out = []
    for name, data in events:
        text = data if isinstance(data, str) else json.dumps(data)
        lines = "".join(f"data: {line}\n" for line in text.split("\n"))
        out.append((f"event: {name}\n" if name else "") + lines + "\n")
    return "".join(out).encode()


@contextmanager
def cloud(answer: Answer) -> Iterator[Cloud]:
    one = Cloud(answer)

    class Window(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            with one.lock:
                one.asked.append(asked)
            told = one.answer(asked)
            data = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            for name, value in {"content-type": "application/json", **told.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except ConnectionError:
                pass  # who asked has left

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Window)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
