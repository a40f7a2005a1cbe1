"""Between the eras: what a result and an error become on the other side. Pure.

1. A modern result says how it ended (`resultType`); one that may be kept says for how long and for whom. A legacy
   server says neither: it is complete, and is kept by nobody (`ttlMs` 0, `private`).
2. To a legacy client these words are taken out; they are not in its schema.
3. A resource that is not there is -32002 to the one, -32602 to the other. A URL that a person must visit (-32042) has
   no modern code; it becomes -32603 with its data.
4. Nothing else of a result is touched.
"""

from __future__ import annotations

from tollbridge.mcp.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_CAPABILITY,
    RESOURCE_NOT_FOUND,
    URL_ELICITATION_REQUIRED,
    RpcError,
)
from tollbridge.mcp.revisions import SERVER_INFO, meta_of
from tollbridge.model.json import JsonObject

KEPT = frozenset(
    {
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    }
)
"""Methods whose results say for how long they may be kept."""
COMPLETE, INPUT_REQUIRED, TASK = "complete", "input_required", "task"


def to_modern(method: str, result: JsonObject, server_info: JsonObject | None) -> JsonObject:
    """A result as a modern client reads it, whatever its server speaks."""
    told = dict(result)
    told.setdefault("resultType", COMPLETE)
    if method in KEPT and told["resultType"] == COMPLETE:
        if not isinstance(told.get("ttlMs"), int) or told["ttlMs"] < 0:
            told["ttlMs"] = 0
        told["cacheScope"] = "private"  # what one key is shown, by its rights, is nobody else's
    if server_info is not None:
        meta = meta_of(told) if "_meta" in told else {}
        if SERVER_INFO not in meta:
            told["_meta"] = {**meta, SERVER_INFO: server_info}
    return told


def to_legacy(result: JsonObject) -> JsonObject:
    if not ("resultType" in result or "ttlMs" in result or "cacheScope" in result or SERVER_INFO in meta_of(result)):
        return result
    told = {name: value for name, value in result.items() if name not in ("resultType", "ttlMs", "cacheScope")}
    meta = {name: value for name, value in meta_of(told).items() if name != SERVER_INFO}
    if meta:
        told["_meta"] = meta
    else:
        told.pop("_meta", None)
    return told


def error_to_modern(method: str, error: RpcError) -> RpcError:
    code, status = error.code, error.status
    if code == RESOURCE_NOT_FOUND:
        code = INVALID_PARAMS
    elif code == URL_ELICITATION_REQUIRED:
        code = INTERNAL_ERROR
    elif code == METHOD_NOT_FOUND:
        status = 404
    elif code == MISSING_CAPABILITY:
        status = 400
    return RpcError(code, error.message, error.data, status=status, extra=error.extra)


def error_to_legacy(method: str, error: RpcError, *, from_modern: bool) -> RpcError:
    if from_modern and method == "resources/read" and error.code == INVALID_PARAMS:
        return RpcError(RESOURCE_NOT_FOUND, error.message, error.data, extra=error.extra)
    return error
