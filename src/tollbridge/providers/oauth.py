"""A bearer token in exchange for something that lasts: a client's secret, a password, an API key.

One POST of a form, answered by `{"access_token", "expires_in"}` (RFC 6749, 4.4); IBM's IAM adds `expiration`, epoch
seconds. Blocking: whoever asks does so in a thread.

Rules
1. What is refused (any 4xx but 408 and 429) is the operator's to mend, and is told in the office's own words; all else
   (no answer, 429, 5xx, a page of HTML) may be tried again.
2. A redirect is not followed: secrets stand in the request.
3. An office that does not say how long its token holds is taken at an hour, which all of these give.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import ClassVar, NoReturn
from urllib.parse import urlencode

import msgspec

from tollbridge.errors import APIConnectionError, APIError, AuthenticationError
from tollbridge.model.json import JsonObject
from tollbridge.providers.token import Token
from tollbridge.secret import Secret

TIMEOUT_S = 30.0
LIFETIME_S = 3600.0
ANSWER_BYTES_MAX = 1024 * 1024
_AGAIN = frozenset({408, 429})


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """`office`: whose endpoint it is, for messages. `form`: the fields that are sent; secrets among them are Secrets.
    `client`: a name and a secret that are shown by HTTP Basic instead. `mend`: what to look at when it is refused."""

    extra: ClassVar[str] = ""  # it needs no library

    provider: str
    office: str
    url: str
    form: tuple[tuple[str, str | Secret], ...]
    client: tuple[str, Secret] | None = None
    mend: str = ""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        shown = () if self.client is None else (self.client[1],)
        return (*(value for _, value in self.form if isinstance(value, Secret)), *shown)

    @property
    def identity(self) -> str:
        """Whom a token makes one: the same for the same identity, whatever its secret is now."""
        named = (value for name, value in self.form if name in ("client_id", "username") and isinstance(value, str))
        keys = (value.reveal() for name, value in self.form if name == "apikey" and isinstance(value, Secret))
        return "\0".join((self.url, *named, *keys, *(() if self.client is None else self.client[:1])))


def fetcher(exchange: Exchange, clock: Callable[[], float]) -> Callable[[], Token]:
    """What makes the exchange. It raises AuthenticationError, the operator's, where it is refused, and
    APIConnectionError where the office cannot be asked."""
    fields = [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in exchange.form]
    body = urlencode(fields).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    if exchange.client is not None:
        name, secret = exchange.client
        headers["authorization"] = "Basic " + b64encode(f"{name}:{secret.reveal()}".encode()).decode()

    def fetch() -> Token:
        from tollbridge.providers.blocking import ask  # see there

        began = clock()
        try:
            answer = ask(exchange.url, "POST", body, headers, timeout_s=TIMEOUT_S, bytes_max=ANSWER_BYTES_MAX)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)  # of urllib's URLError
            raise _unreachable(exchange, f"could not be asked: {reason}") from error
        said = _object(answer.body)
        if not 200 <= answer.status < 300:
            _refused(exchange, answer.status, said)
        return _token(exchange, said, began)

    return fetch


def _object(body: bytes) -> JsonObject:
    """What was answered; empty where it is no JSON object."""
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _token(exchange: Exchange, said: Mapping[str, object], began: float) -> Token:
    text = said.get("access_token")
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        raise _unreachable(exchange, "answered without a token")
    ends = _number(said.get("expiration"))
    if ends is None:
        lifetime = _number(said.get("expires_in"))
        ends = began + (LIFETIME_S if lifetime is None else lifetime)
    return Token(Secret(text), ends)


def _number(value: object) -> float | None:
    """A count of seconds; some offices write it as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e12 else None


def _refused(exchange: Exchange, status: int, said: Mapping[str, object]) -> NoReturn:
    words = _words(said)
    if status >= 500 or status < 400 or status in _AGAIN:
        raise _unreachable(exchange, f"answered {status}{': ' + words if words else ''}")
    why = words or f"it answered {status}"
    raise AuthenticationError(
        f"{exchange.provider}: {exchange.office} gave no token: {why}. {exchange.mend}".rstrip(),
        code="cloud_credentials",
        fault="operator",
        provider=exchange.provider,
    )


def _words(said: Mapping[str, object]) -> str:
    """Why, in the office's words: RFC 6749's, or IBM's."""
    for name in ("error_description", "errorMessage", "message", "error", "errorCode"):
        value = said.get(name)
        if isinstance(value, str) and value.strip():
            return " ".join(value.split()).rstrip(".")[:500]
    return ""


def _unreachable(exchange: Exchange, what: str) -> APIError:
    return APIConnectionError(f"{exchange.provider}: {exchange.office} {what}.", provider=exchange.provider)
