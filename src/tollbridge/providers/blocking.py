"""One HTTP request by the standard library, for what makes tokens on a thread. Its client is a hundredth of a start, so
this is loaded when the first token is made."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import msgspec


class Answered(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def ask(
    url: str,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    timeout_s: float,
    bytes_max: int = -1,
    redirects: bool = False,
) -> Answered:
    """Whatever status is answered; at most `bytes_max` of it are read (-1: all). Raises OSError or ValueError where
    nobody answers."""
    opener = build_opener() if redirects else build_opener(_NoRedirect)
    try:
        try:
            answer = opener.open(Request(url, body, dict(headers), method=method), timeout=timeout_s)
        except HTTPError as error:
            answer = error
        with answer:
            return Answered(answer.status, dict(answer.headers), answer.read(bytes_max))
    except HTTPException as error:  # what answers is no HTTP, or an answer that was cut
        raise OSError(f"{type(error).__name__}: {error}"[:300]) from error
