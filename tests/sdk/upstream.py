"""A provider that sends what it is told to and knows when its client left. One thread a connection."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any


def chunk(text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-own",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    }


class Upstream:
    """Answers each request with `events` as a stream, then with silence until the client leaves. With `events` None it
    reads the request and says nothing."""

    def __init__(self, events: Sequence[dict[str, Any] | str] | None) -> None:
        self._events = events
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked = threading.Event()
        self.left = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def close(self) -> None:
        self._listener.close()

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            self.asked.set()
            try:
                self._tell(connection)
                while connection.recv(1 << 16):
                    continue
            except OSError:
                pass  # the client left, perhaps while it was told something
            self.left.set()

    def _tell(self, connection: socket.socket) -> None:
        if self._events is None:
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        for event in self._events:
            data = event if isinstance(event, str) else json.dumps(event)
            connection.sendall(b"data: %b\n\n" % data.encode())
