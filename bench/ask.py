"""Single questions over HTTP, for control and for samples."""

from __future__ import annotations

import http.client
import time
from typing import Any

import msgspec

TIMEOUT_S = 30.0


def post(port: int, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get_json(port: int, path: str) -> Any:
    return msgspec.json.decode(get(port, path, {})[1])


def get(port: int, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def post_until_200(port: int, path: str, headers: dict[str, str], body: bytes, within_s: float) -> str | None:
    """Ask again and again until the answer is a 200. Returns None then, or what came last when the time is over."""
    deadline = time.perf_counter() + within_s
    last = "no answer"
    while time.perf_counter() < deadline:
        try:
            status, answer = post(port, path, headers, body)
            if status == 200:
                return None
            last = f"status {status}: {answer[:200].decode('utf-8', 'replace')}"
        except (OSError, http.client.HTTPException) as error:
            last = repr(error)
        time.sleep(0.002)
    return last
