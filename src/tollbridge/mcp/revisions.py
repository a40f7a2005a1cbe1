"""The protocol's revisions, and what of a request belongs to the protocol and not to its subject.

*Legacy* revisions begin with a handshake (`initialize`) and may have sessions; *modern* ones tell everything with each
request. One URL serves both: a request whose `MCP-Protocol-Version` names a legacy revision, or that has none, is
legacy; any other is modern, so that a revision nobody knows is refused in the modern way.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.mcp.jsonrpc import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION, RpcError
from tollbridge.model.json import Json, JsonObject

LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN = ("2026-07-28",)
NEWEST_LEGACY = LEGACY[-1]
NEWEST = MODERN[-1]
WITHOUT_HEADER = "2025-03-26"
"""What a legacy request without the header speaks, after its handshake."""
WITH_BATCHES = frozenset({"2024-11-05", "2025-03-26"})

_PREFIX = "io.modelcontextprotocol/"
VERSION = _PREFIX + "protocolVersion"
CAPABILITIES = _PREFIX + "clientCapabilities"
CLIENT_INFO = _PREFIX + "clientInfo"
LOG_LEVEL = _PREFIX + "logLevel"
SERVER_INFO = _PREFIX + "serverInfo"
SUBSCRIPTION = _PREFIX + "subscriptionId"
TASKS = _PREFIX + "tasks"
"""The extension."""
RELATED_TASK = _PREFIX + "related-task"
OF_THE_PROTOCOL = frozenset({VERSION, CAPABILITIES, CLIENT_INFO, LOG_LEVEL, SUBSCRIPTION, "progressToken"})

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
SERVER_REQUESTS: Mapping[str, str] = {
    "sampling/createMessage": "sampling",
    "elicitation/create": "elicitation",
    "roots/list": "roots",
}
"""What a server may ask a client, and the capability by which a client says that it may."""
CLIENT_CAPABILITIES = ("sampling", "elicitation", "roots")
ONLY_LEGACY = frozenset(
    {
        *("initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"),
        *("tasks/list", "tasks/result"),
    }
)
"""Methods of clients that the modern revisions took out."""
ONLY_MODERN = frozenset({"server/discover", "subscriptions/listen", "tasks/update"})
"""Those that they brought."""


def is_modern(version: str | None) -> bool:
    """By the header of a request."""
    return version is not None and version not in LEGACY


def negotiated(wanted: Json) -> str:
    """What a handshake ends with: the revision that was asked for, else the newest with a handshake."""
    return wanted if wanted in LEGACY else NEWEST_LEGACY


def unsupported(requested: Json) -> RpcError:
    data = {"supported": list(MODERN), "requested": requested}
    return RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data, status=400)


def meta_of(params: JsonObject) -> JsonObject:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


class Told:
    """What a modern request tells of its caller, in `_meta`."""

    __slots__ = ("capabilities", "client_info", "log_level", "progress_token")

    def __init__(self, params: JsonObject, header: str | None) -> None:
        """`header`: its `MCP-Protocol-Version`, None where there are no headers. Raises RpcError."""
        meta = params.get("_meta")
        if not isinstance(meta, dict):
            meta = {}
        version, capabilities = meta.get(VERSION), meta.get(CAPABILITIES)
        if version is None:
            raise RpcError(INVALID_PARAMS, f"`_meta` lacks `{VERSION}`.", status=400)
        if header is not None and header != version:
            raise RpcError(HEADER_MISMATCH, "Header mismatch: `MCP-Protocol-Version` and `_meta` differ.", status=400)
        if version not in MODERN:
            raise unsupported(version)
        if not isinstance(capabilities, dict):
            raise RpcError(INVALID_PARAMS, f"`_meta` lacks `{CAPABILITIES}`.", status=400)
        info = meta.get(CLIENT_INFO)
        self.capabilities: JsonObject = capabilities
        self.client_info: JsonObject | None = info if isinstance(info, dict) else None
        level = meta.get(LOG_LEVEL)
        self.log_level = level if level in LOG_LEVELS else None
        self.progress_token = token_of(meta) if "progressToken" in meta else None


def token_of(meta: JsonObject) -> str | int | None:
    token = meta.get("progressToken")
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def subject_of(params: JsonObject) -> JsonObject:
    """The parameters without what belongs to the protocol; everything else in `_meta` stays."""
    meta = params.get("_meta")
    if not isinstance(meta, dict):
        return params
    rest = dict(params)
    if meta.keys() <= OF_THE_PROTOCOL:
        del rest["_meta"]
    else:
        rest["_meta"] = {name: value for name, value in meta.items() if name not in OF_THE_PROTOCOL}
    return rest


def loud_enough(level: Json, wanted: str) -> bool:
    """Whether a log message of this level is to be told to who wants `wanted` and above."""
    return level not in LOG_LEVELS or LOG_LEVELS.index(level) >= LOG_LEVELS.index(wanted)
