"""A gateway that runs, asked over HTTP by commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tollbridge.cli.place import KEY_VARIABLES
from tollbridge.errors import PROVIDER_HEADER, APIError, ConfigError, NotFoundError
from tollbridge.home import Home
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Outgoing, Timeouts, Transport
from tollbridge.transport.egress import split_url
from tollbridge.transport.http1 import HttpTransport

URL_VARIABLE, KEY_VARIABLE = "TOLLBRIDGE_URL", "TOLLBRIDGE_KEY"
DEFAULT_URL = "http://127.0.0.1:{port}"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class Answered(msgspec.Struct, frozen=True):
    """`request_id`: the gateway's, "" where it gave none. `provider`: whose answer it passes on, "" where it is its
    own."""

    status: int
    request_id: str
    raw: bytes
    provider: str = ""

    def told(self, url: str) -> Json:
        """As JSON. Raises APIError where it is none, or a refusal."""
        try:
            told: Json = msgspec.json.decode(self.raw)
        except msgspec.DecodeError as error:
            raise APIError(f"{url} answered with status {self.status} and no JSON.") from error
        if self.status >= 400:
            raise _refusal(self.status, told, self.provider)
        return told


class Gateway:
    """`url`: where it is, with a root path if it has one. `key`: None where none is shown."""

    def __init__(self, transport: Transport, url: str, key: str | None) -> None:
        self._transport = transport
        self.url = url.rstrip("/")
        self._key = key

    async def ask(self, method: str, path: str, body: JsonObject | None = None) -> Any:
        """What it answers, as JSON. Raises APIError; NotFoundError where it says so."""
        return (await self.exchange(method, path, body)).told(self.url)

    async def exchange(
        self, method: str, path: str, body: JsonObject | None = None, *, accept: str = "application/json"
    ) -> Answered:
        """The whole answer as it came, also a stream or a refusal. Raises APIError where there is none."""
        origin, target = split_url(self.url)
        headers = [("accept", accept), ("content-type", "application/json")]
        if self._key is not None:
            headers.append(("authorization", f"Bearer {self._key}"))
        outgoing = Outgoing(
            origin=origin,
            method=method,
            target=target.rstrip("/") + path,
            headers=tuple(headers),
            body=b"" if body is None else msgspec.json.encode(body),
        )
        incoming = await self._transport.send(outgoing, Timeouts(connect_s=5.0))
        request_id = (incoming.header(b"x-tollbridge-request-id") or b"").decode("latin-1")
        provider = (incoming.header(PROVIDER_HEADER.encode()) or b"").decode("latin-1")
        return Answered(incoming.status, request_id, await incoming.read(ANSWER_BYTES_MAX), provider)


def _refusal(status: int, told: Json, provider: str) -> APIError:
    said = told.get("error") if isinstance(told, dict) else None
    message = said.get("message") if isinstance(said, dict) else None
    if status == 401 and provider:
        message = f"{provider} refused the gateway's key, and not yours: {message or 'it does not say why.'}"
    elif status == 401:
        message = f"{message or 'The key was refused.'} Give it with --key or {KEY_VARIABLE}."
    kind = NotFoundError if status == 404 else APIError
    return kind(str(message or f"The gateway answered with status {status}."), status_code=status)


@asynccontextmanager
async def reached(url: str, key: str | None) -> AsyncIterator[Gateway]:
    transport = HttpTransport()
    try:
        yield Gateway(transport, url, key)
    finally:
        await transport.close()


def address(url: str | None, key: str | None, environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Where the gateway is, and the key for it: as said, else as the environment says; on this machine else the
    admin's, which goes nowhere else. Raises ConfigError."""
    url = url or environ.get(URL_VARIABLE) or DEFAULT_URL.format(port=environ.get("PORT") or 4000)
    try:
        origin, _ = split_url(url)
    except ValueError as error:
        raise ConfigError(f"--url: {error}.") from error
    key = key or environ.get(KEY_VARIABLE)
    if key is None and origin.host in LOOPBACK:
        key = next((environ[name] for name in KEY_VARIABLES if environ.get(name)), None)
        key = key or Home.of(environ).known_master_key()
    return url, key
