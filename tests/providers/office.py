"""An office that gives tokens for something that lasts: a real server on loopback, which remembers what it heard."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


class Office:
    """`answers`: (status, JSON or text) for each question, the last for all that follow. `open`: while it is not set,
    whoever asks waits."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [
            (200, {"access_token": "fresh", "token_type": "Bearer", "expires_in": 3600})
        ]
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.headers: dict[str, str] = {}
        self.open = threading.Event()
        self.open.set()
        self.url = ""

    def answer(self, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        self.asked.append((path, form, headers))
        assert self.open.wait(10)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def opened() -> Iterator[Office]:
    office = Office()

    class Window(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"] or 0)).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, said = office.answer(self.path, form, {name.lower(): value for name, value in self.headers.items()})
            told = (said if isinstance(said, str) else json.dumps(said)).encode()
            self.send_response(status)
            for name, value in office.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Window)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    office.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
