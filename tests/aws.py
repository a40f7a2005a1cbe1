"""AWS as a client meets it: a server that looks at each signature as AWS does, and answers as it is told.

The signature is computed here anew, from what arrived, by the published rules and nothing of botocore's
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, seen 2026-11-26).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import msgspec

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)
FRAMED = "application/vnd.amazon.eventstream"


class Asked(msgspec.Struct, frozen=True):
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def signed_for(self) -> tuple[str, str, str]:
        """(access key, region, service)."""
        found = _AUTHORIZATION.fullmatch(self.headers.get("authorization", ""))
        assert found is not None, self.headers
        return found[1], found[3], found[4]


class Told(msgspec.Struct, frozen=True):
    """What the server answers; `cut`: and leaves before the end of it."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    cut: bool = False


def signature(asked: Asked, secret_key: str) -> str:
    """As it ought to be."""
    found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
    assert found is not None, asked.headers.get("authorization")
    _, day, region, service, names, _ = found.groups()
    path, _, query = asked.target.partition("?")
    canonical = "\n".join(
        (
            asked.method,
            quote(path, safe="/-_.~"),
            "&".join(sorted(query.split("&"))) if query else "",
            *(f"{name}:{' '.join(asked.headers[name].split())}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(asked.body).hexdigest(),
        )
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, hashed))
    key = f"AWS4{secret_key}".encode()
    for step in (day, region, service, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def is_signed(asked: Asked, secret_key: str = SECRET_KEY) -> bool:
    found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
    return found is not None and hmac.compare_digest(found[6], signature(asked, secret_key))


class Service:
    """`asked`: what came, in order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []

    def last(self) -> Asked:
        (found,) = self.asked
        return found


@contextmanager
def serving(answer: Callable[[Asked], Told]) -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, names, body)
            service.asked.append(asked)
            told = answer(asked)
            self.send_response(told.status)
            self.send_header("content-type", told.content_type)
            self.send_header("content-length", str(len(told.body) + told.cut))
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told.body)
            self.close_connection = told.cut

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
