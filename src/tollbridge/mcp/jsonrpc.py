"""JSON-RPC 2.0 as MCP uses it: messages are plain dicts, so that what we do not know passes untouched.

Codes of errors: https://modelcontextprotocol.io/specification/2026-07-28 (2026-07-28 schema). Each error that a client
is told has the id of its request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeGuard

import msgspec

from tollbridge.model.json import Json, JsonObject

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
"""Of the legacy revisions; INVALID_PARAMS since 2026-07-28."""
HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
MODERN_CODES = frozenset({HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION})
URL_ELICITATION_REQUIRED = -32042

UPSTREAM_FAILED = -31001
"""Ours: the server cannot be reached, or broke off. (Codes of one's own lie outside -32768 to -32000.)"""
FORBIDDEN = -31003
QUARANTINED = -31004
TOO_MANY = -31029
BUDGET = -31030

Kind = Literal["request", "notification", "response"]
Id = str | int

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class RpcError(Exception):
    """An error in JSON-RPC's words. `status`: the HTTP status that it has in the modern revisions, where it has one.
    `extra`: fields of the error that nobody here knows. `last_words`: lines that a process wrote before it ended, and
    `where`: the message with an address or a path, for the operator: no client is told either."""

    def __init__(
        self,
        code: int,
        message: str,
        data: Json = None,
        *,
        status: int = 200,
        extra: JsonObject | None = None,
        last_words: Sequence[str] | None = None,
        where: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.status = status
        self.extra = extra or {}
        self.last_words = last_words
        self.where = where

    @property
    def in_full(self) -> str:
        """For the operator, on one line."""
        said = self.where or self.message
        return f"{said} Its last words: {' | '.join(self.last_words)}" if self.last_words else said

    def value(self) -> JsonObject:
        error: JsonObject = {"code": self.code, "message": self.message, **self.extra}
        if self.data is not None:
            error["data"] = self.data
        return error


def no_method(method: str) -> RpcError:
    return RpcError(METHOD_NOT_FOUND, f"Method not found: {method[:300]}", status=404)


def decode(body: bytes) -> Json:
    """Raises RpcError."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = str(error) if body.strip() else "the body is empty: it must be a message of JSON-RPC"
        raise RpcError(PARSE_ERROR, f"Parse error: {why}"[:300], status=400) from error


def kind_of(message: Json) -> Kind:
    """Raises RpcError for what is no message."""
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, "A message is a JSON object.", status=400)
    if message.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'A message says `"jsonrpc": "2.0"`.', status=400)
    method = message.get("method")
    if method is None:
        if "id" in message and ("result" in message or "error" in message):
            return "response"
        raise RpcError(INVALID_REQUEST, "A message has a `method`, or it answers one by its `id`.", status=400)
    if not isinstance(method, str) or not isinstance(message.get("params", {}), dict):
        raise RpcError(INVALID_REQUEST, "`method` is a string and `params` an object.", status=400)
    if type(message.get("id")) is int:
        return "request"
    if "id" not in message:
        return "notification"
    if not is_id(message["id"]):
        raise RpcError(INVALID_REQUEST, "An `id` is a string or an integer.", status=400)
    return "request"


def is_id(value: Json) -> TypeGuard[Id]:
    return isinstance(value, str | int) and not isinstance(value, bool)


def id_of(message: Json) -> Id | None:
    """Where one can be told, for an error about a message that is none."""
    id = message.get("id") if isinstance(message, dict) else None
    return id if is_id(id) else None


def request(id: Id, method: str, params: JsonObject | None = None) -> JsonObject:
    message: JsonObject = {"jsonrpc": "2.0", "id": id, "method": method}
    if params is not None:
        message["params"] = params
    return message


def notification(method: str, params: JsonObject | None = None) -> JsonObject:
    message: JsonObject = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    return message


def result(id: Id, value: Json) -> JsonObject:
    return {"jsonrpc": "2.0", "id": id, "result": value}


def failure(id: Id | None, error: RpcError) -> JsonObject:
    return {"jsonrpc": "2.0", "id": id, "error": error.value()}


def outcome(message: JsonObject) -> JsonObject:
    """The result that a response tells. Raises the RpcError that it tells."""
    error = message.get("error")
    if error is not None:
        raise read_error(error)
    found = message.get("result")
    if not isinstance(found, dict):
        raise RpcError(UPSTREAM_FAILED, "The server answered with a result that is no object.")
    return found


def read_error(error: Json) -> RpcError:
    if not isinstance(error, dict):
        return RpcError(INTERNAL_ERROR, str(error)[:500])
    code, message = error.get("code"), error.get("message")
    return RpcError(
        code if isinstance(code, int) else INTERNAL_ERROR,
        message if isinstance(message, str) else "The server told an error without words.",
        error.get("data"),
        extra={name: value for name, value in error.items() if name not in ("code", "message", "data")},
    )
