"""What carries messages to an API: it answers them itself, as a modern MCP server would, and asks the API.

1. The document is read when the API is first asked for, and again when its tools are listed after `FRESH_S`. One that
   can be read no more leaves what was known.
2. Where nothing was said of where the API is, it is where its document says, on the document's own host and nowhere
   else: the credential goes there.
3. An answer of the API is the tool's, whatever its status; from 400 on it says that the tool failed. What cannot be
   asked at all is an error of the call. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import msgspec

from tollbridge.errors import APIError
from tollbridge.mcp.call import Call
from tollbridge.mcp.http import Address, failed, unsendable
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, UPSTREAM_FAILED, RpcError, failure, kind_of, no_method, result
from tollbridge.mcp.openapi.document import BYTES_MAX, NoDocument, base_of, key_of, read_document
from tollbridge.mcp.openapi.operations import Operations, is_json, read_operations
from tollbridge.mcp.openapi.requests import Request, Unfit, build
from tollbridge.mcp.openapi.source import Source
from tollbridge.mcp.revisions import NEWEST
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport

if TYPE_CHECKING:
    from tollbridge.mcp.link import Link

log = logging.getLogger("tollbridge.mcp")

FRESH_S = 300.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024
INSTRUCTIONS_MAX = 2_000
KEY = "x-api-key"


class Api(msgspec.Struct, frozen=True):
    """A document as it was read. `prefix`: the path of the API. `key`: where and as what it takes a key."""

    operations: Operations
    prefix: str
    info: JsonObject
    key: tuple[str, str] | None
    read_at: float


class OpenApi:
    """`Channel`. `address`: where the API is, and the headers of each request."""

    shared = False

    def __init__(self, transport: Transport, address: Address, source: Source, *, connect_s: float = 10.0) -> None:
        self._transport = transport
        self._address = address
        self._source = source
        self._timeouts = Timeouts(connect_s=connect_s)
        self._link: Link | None = None
        self._api: Api | None = None
        self._reading = asyncio.Lock()

    async def start(self, link: Link) -> None:
        self._link = link
        self._api = await self._read(link.name)

    async def send(self, message: JsonObject, call: Call | None = None) -> None:
        link = self._link
        assert link is not None
        if kind_of(message) != "request":
            return
        try:
            told = result(message["id"], await self._answer(link.name, message["method"], message.get("params") or {}))
        except RpcError as error:
            told = failure(message["id"], error)
        link.received(told, call)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _answer(self, name: str, method: str, params: JsonObject) -> JsonObject:
        match method:
            case "server/discover":
                return self._discovered(name)
            case "tools/list":
                api = await self._fresh(name)
                tools = [one.tool for one in api.operations.by_name.values()]
                return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": tools}
            case "tools/call":
                return await self._called(name, params)
            case _:
                raise no_method(method)

    def _discovered(self, name: str) -> JsonObject:
        assert self._api is not None
        info = self._api.info
        told: JsonObject = {
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "private",
            "supportedVersions": [NEWEST],
            "capabilities": {"tools": {}},
            "serverInfo": {
                "name": str(info.get("title") or name)[:200],
                "version": str(info.get("version") or "")[:100],
            },
        }
        if isinstance(info.get("description"), str):
            told["instructions"] = info["description"][:INSTRUCTIONS_MAX]
        return told

    # the document

    async def _fresh(self, name: str) -> Api:
        async with self._reading:
            api = self._api
            assert api is not None
            if time.monotonic() - api.read_at >= FRESH_S:
                try:
                    self._api = api = await self._read(name)
                except RpcError as error:
                    log.warning("the tools of %r are those of before: %s", name, error.message)
                    self._api = api = msgspec.structs.replace(api, read_at=time.monotonic())
            return api

    async def _read(self, name: str) -> Api:
        """Raises RpcError."""
        try:
            data = await self._fetched()
            api = await asyncio.to_thread(self._understood, data)
        except NoDocument as error:
            raise RpcError(UPSTREAM_FAILED, f"The OpenAPI document of {name!r} cannot be used: {error}.") from error
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise RpcError(UPSTREAM_FAILED, f"The OpenAPI document of {name!r} cannot be read: {why}.") from error
        except APIError as error:
            raise failed(name, error) from error
        except ValueError as error:
            raise unsendable(name, error) from error
        for where, reason in api.operations.left_out.items():
            log.warning("the MCP server %r: %s is left out: %s", name, where[:300], reason)
        return api

    async def _fetched(self) -> bytes:
        file, address = self._source.file, self._source.address
        if file is not None:
            return await asyncio.to_thread(_contents, file)
        assert address is not None
        outgoing = Outgoing(
            origin=address.origin,
            method="GET",
            target=address.target,
            headers=(("accept", "application/json, application/yaml, */*"), *address.headers),
        )
        incoming = await self._transport.send(outgoing, self._timeouts)
        if incoming.status != 200:
            incoming.abort()
            raise NoDocument(f"its host answered with HTTP status {incoming.status}")
        return await incoming.read(BYTES_MAX)

    def _understood(self, data: bytes) -> Api:
        """Raises NoDocument."""
        document = read_document(data)
        info = document.get("info")
        prefix = self._address.target
        if self._source.base_inside:
            prefix = self._inside(base_of(document) or "/")
        given = {("header", name.lower()) for name, _ in self._address.headers}
        key = key_of(document) if self._source.keyed else None
        if key is not None:
            given.add((key[0], key[1].lower()))
        return Api(
            read_operations(document, frozenset(given)),
            prefix.rstrip("/"),
            info if isinstance(info, dict) else {},
            key,
            time.monotonic(),
        )

    def _inside(self, base: str) -> str:
        parts, origin = urlsplit(base), self._address.origin
        if parts.netloc and (parts.scheme or origin.scheme, parts.netloc.lower()) != (origin.scheme, origin.authority):
            raise NoDocument("it says that the API is on another host than the document; name that in `url`")
        path = parts.path or "/"
        if parts.query or parts.fragment or not path.startswith("/") or not path.isascii() or not path.isprintable():
            raise NoDocument("where it says that the API is makes no path; name that in `url`")
        return path

    # calls

    async def _called(self, name: str, params: JsonObject) -> JsonObject:
        assert self._api is not None
        operation = self._api.operations.by_name.get(str(params.get("name")))
        if operation is None:
            raise RpcError(INVALID_PARAMS, f"Unknown tool: {str(params.get('name'))[:300]}")
        arguments = params.get("arguments")
        if not isinstance(arguments, dict | None):
            raise RpcError(INVALID_PARAMS, "`arguments` is an object.")
        try:
            request = build(operation, arguments or {})
        except Unfit as error:
            return _told([_text(str(error))], failed=True)
        try:
            incoming = await self._transport.send(self._outgoing(request), self._timeouts)
            body = await incoming.read(ANSWER_BYTES_MAX)
        except APIError as error:
            raise failed(name, error) from error
        except ValueError as error:
            raise unsendable(name, error) from error
        return _result(operation.path, incoming, body)

    def _outgoing(self, request: Request) -> Outgoing:
        api, address = self._api, self._address
        assert api is not None
        target, own = api.prefix + request.target, list(address.headers)
        if api.key is not None:
            place, name = api.key
            key = next((value for header, value in own if header == KEY), None)
            own = [(header, value) for header, value in own if header != KEY]
            if key is not None and place == "header":
                own.append((name.lower(), key))
            elif key is not None:
                target += f"{'&' if '?' in target else '?'}{quote(name, safe='')}={quote(key, safe='')}"
        names = {name for name, _ in own}
        said = [(name, value) for name, value in request.headers if name not in names]
        if "accept" not in names:
            said.insert(0, ("accept", "application/json, */*;q=0.5"))
        return Outgoing(
            origin=address.origin, method=request.method, target=target, headers=(*said, *own), body=request.body
        )


def _contents(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(BYTES_MAX + 1)


def _result(path: str, incoming: Incoming, body: bytes) -> JsonObject:
    """What the API answered, as the result of the tool."""
    failed = incoming.status >= 400
    head = [_text(f"The API answered with HTTP status {incoming.status}.")] if failed or not body else []
    kind = (incoming.header(b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
    if not body:
        return _told(head, failed=failed)
    if is_json(kind) or not kind:
        try:
            value: Json = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _told([*head, _text(body.decode(errors="replace"))], failed=failed)
        return _told([*head, _text(body.decode())], failed=failed, structured=value)
    if kind.startswith(("image/", "audio/")):
        data = base64.b64encode(body).decode()
        return _told([*head, {"type": kind.partition("/")[0], "data": data, "mimeType": kind}], failed=failed)
    try:
        return _told([*head, _text(body.decode())], failed=failed)
    except UnicodeDecodeError:
        blob = {"uri": f"api:{path}", "mimeType": kind, "blob": base64.b64encode(body).decode()}
        return _told([*head, {"type": "resource", "resource": blob}], failed=failed)


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


_NOTHING = object()


def _told(content: list[JsonObject], *, failed: bool, structured: object = _NOTHING) -> JsonObject:
    """`structuredContent` is an object in all revisions but the last, so that another value stands in one."""
    told: JsonObject = {"resultType": "complete", "content": content, "isError": failed}
    if structured is not _NOTHING:
        told["structuredContent"] = structured if isinstance(structured, dict) else {"result": structured}
    return told
