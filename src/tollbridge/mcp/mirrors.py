"""Headers that mirror the body of a modern request: `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`.

Who stands between client and server decides by them; so a server holds them against the body, and whoever changes a
name changes its header. A value that is no plain ASCII is written `=?base64?...?=`. Source: MCP 2026-07-28, transports.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from tollbridge.mcp.jsonrpc import HEADER_MISMATCH, RpcError
from tollbridge.model.json import Json, JsonObject

NAMED = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The parameter that `Mcp-Name` mirrors."""
PARAM = "mcp-param-"
ANNOTATION = "x-mcp-header"
PROPERTIES_MAX = 10_000
Mirrored = tuple[tuple[str, tuple[str, ...]], ...]
"""(header, path of properties) of what a tool wants mirrored of its arguments."""
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_PLAIN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_SIMPLE = ("string", "integer", "boolean")


def spelled(value: str) -> str:
    """As the value of a header."""
    if _PLAIN.fullmatch(value) and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def unspelled(value: str) -> str:
    """Raises RpcError."""
    found = _SENTINEL.fullmatch(value)
    if found is None:
        return value
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise RpcError(HEADER_MISMATCH, "A header is no valid base64.", status=400) from error


def mirrored(method: str, params: JsonObject, wants: Mirrored = ()) -> list[tuple[str, str]]:
    """The headers of a request. `wants`: what the tool wants mirrored, where it is known."""
    headers = [("mcp-method", method)]
    name = params.get(NAMED.get(method, ""))
    if isinstance(name, str):
        headers.append(("mcp-name", spelled(name)))
    for header, path in wants:
        value = _at(params.get("arguments"), path)
        if isinstance(value, str | int | bool):
            headers.append((PARAM + header.lower(), spelled(_text(value))))
    return headers


def check(headers: Mapping[bytes, bytes], method: str, params: JsonObject) -> None:
    """Raises RpcError where a header that must be there is not, or says something else than the body. (Of the version
    `revisions.Told` does.)"""
    told = headers.get(b"mcp-method", b"").decode("latin-1")
    if told != method:
        raise _mismatch("Mcp-Method", told)
    name = params.get(NAMED.get(method, ""))
    if isinstance(name, str):
        header = headers.get(b"mcp-name", b"").decode("latin-1")
        if (unspelled(header) if header.startswith("=?") else header) != name:
            raise _mismatch("Mcp-Name", header)


def check_params(headers: Mapping[bytes, bytes], params: JsonObject, wants: Mirrored) -> None:
    """The same for what the tool wants mirrored."""
    for name, path in wants:
        value = _at(params.get("arguments"), path)
        header = headers.get((PARAM + name).lower().encode())
        if value is None:
            if header is not None:
                raise _mismatch(f"Mcp-Param-{name}", header.decode("latin-1"))
            continue
        if header is None or not _same(unspelled(header.decode("latin-1")), value):
            raise _mismatch(f"Mcp-Param-{name}", (header or b"").decode("latin-1"))


def annotated(schema: Json) -> Mirrored:
    """What a schema wants mirrored; nothing where an annotation is not valid."""
    try:
        return tuple(_annotations(schema))
    except ValueError:
        return ()


def flaw_in(schema: Json) -> str:
    """Why an annotation of the schema is not valid, so that the tool is not to be offered; "" where all are."""
    try:
        list(_annotations(schema))
    except ValueError as error:
        return str(error)
    return ""


def _annotations(schema: Json) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(schema, dict) or not mentions(schema):
        return
    seen: set[str] = set()
    reached = 0
    pending: list[tuple[JsonObject, tuple[str, ...]]] = [(schema, ())]
    while pending:
        here, path = pending.pop(0)
        properties = here.get("properties")
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            if not isinstance(inner, dict):
                continue
            below = (*path, name)
            if ANNOTATION in inner:
                header = inner[ANNOTATION]
                if not isinstance(header, str) or not _TOKEN.fullmatch(header):
                    raise ValueError(f"`{ANNOTATION}` of `{'.'.join(below)}` is no name of a header")
                if header.lower() in seen:
                    raise ValueError(f"two properties have the same `{ANNOTATION}`")
                if inner.get("type") not in _SIMPLE:
                    raise ValueError(
                        f"`{ANNOTATION}` of `{'.'.join(below)}`: only {', '.join(_SIMPLE)} can be mirrored"
                    )
                seen.add(header.lower())
                reached += 1
                yield header, below
            pending.append((inner, below))
    if count(schema) != reached:
        raise ValueError(f"`{ANNOTATION}` stands where no chain of `properties` leads")


def mentions(schema: JsonObject) -> bool:
    return count(schema) > 0


def count(schema: Json) -> int:
    """How often the annotation stands anywhere in the schema, but as the name of a property. Without recursion."""
    found, pending, steps = 0, [(schema, False)], 0
    while pending and steps < PROPERTIES_MAX:
        here, names = pending.pop()
        steps += 1
        if isinstance(here, dict):
            if not names and ANNOTATION in here:
                found += 1
            pending += [(inner, name == "properties" and not names) for name, inner in here.items()]
        elif isinstance(here, list):
            pending += [(inner, False) for inner in here]
    return found


def _at(value: Json, path: tuple[str, ...]) -> Json:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _same(header: str, value: Json) -> bool:
    """Integers by their value, to the last digit."""
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return _NUMBER.fullmatch(header) is not None and Decimal(header) == value
        except InvalidOperation:  # of an exponent that is beyond all
            return False
    return header == (_text(value) if isinstance(value, str | bool) else value)


def _mismatch(name: str, told: str) -> RpcError:
    said = f"says {told!r}" if told else "is missing"
    return RpcError(
        HEADER_MISMATCH, f"Header mismatch: `{name}` {said[:200]}, and the body says otherwise.", status=400
    )
