"""An MCP server as LiteLLM's `/v1/mcp/server` shows it, without its secrets.

1. Keys stand in paths and queries of URLs, in headers and in the environment: of a URL its origin is shown, of the
   others the names. Who may only use a server is not even told where it is.
2. What is sent back as it was shown is what it was (`restored`), so that a client may change one field of what it read.
   A credential is taken away by `{}`.
"""

from __future__ import annotations

from typing import Any

from tollbridge.config.masking import MASK
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe.line import spelled
from tollbridge.store.mcp_servers import KeptServer

NOTHING: JsonObject = {
    "alias": None,
    "description": None,
    "url": None,
    "auth_type": None,
    "credentials": None,
    "instructions": None,
    "created_at": None,
    "created_by": None,
    "updated_at": None,
    "updated_by": None,
    "teams": [],
    "mcp_access_groups": [],
    "allowed_tools": [],
    "disallowed_tools": [],
    "allowed_params": None,
    "tool_name_to_display_name": None,
    "tool_name_to_description": None,
    "extra_headers": [],
    "mcp_info": None,
    "static_headers": None,
    "status": "unknown",
    "last_health_check": None,
    "health_check_error": None,
    "spec_path": None,
    "command": None,
    "args": [],
    "env": {},
    "allow_all_keys": False,
    "timeout": None,
    "max_concurrent_requests": None,
    "rpm": None,
    "pin": "alert",
}
TOLD = frozenset({"created_at", "created_by", "updated_at", "updated_by", "teams", "status", "last_health_check"}) | {
    "health_check_error",
    "approval_status",
    "submitted_by",
    "submitted_at",
    "reviewed_at",
    "review_notes",
    "has_user_credential",
    "warnings",
}
"""What an answer tells and nobody says."""
NEVER_SHOWN = frozenset(
    {
        *("credentials", "auth_value", "authentication_token", "client_private_key"),
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
        *("aws_region_name", "aws_service_name", "aws_role_name", "aws_session_name"),
    }
)
CREDENTIALS = frozenset({"authorization", "x-api-key"})


def shape(upstream: Upstream, kept: KeptServer | None, *, admin: bool) -> JsonObject:
    definition = upstream.definition
    status, why = upstream.state
    told: JsonObject = {
        "server_id": definition.id or definition.name,
        "server_name": definition.name,
        **NOTHING,
        "alias": definition.alias,
        "description": definition.description or None,
        "transport": definition.transport or upstream.links.carrier,
        "auth_type": definition.auth_type,
        "instructions": definition.instructions,
        "mcp_access_groups": sorted(definition.groups),
        "allowed_tools": sorted(definition.allowed or ()),
        "disallowed_tools": sorted(definition.disallowed),
        "tool_name_to_display_name": dict(definition.display) or None,
        "tool_name_to_description": dict(definition.descriptions) or None,
        "mcp_info": {"server_name": definition.name, **definition.info},
        "status": status,
        "allow_all_keys": definition.for_all,
        "timeout": definition.timeout_s,
        "max_concurrent_requests": definition.parallel,
        "rpm": definition.rpm,
        "pin": definition.pin,
    }
    if not admin:
        return told
    told["extra_headers"] = list(definition.brings)
    told["health_check_error"] = why
    told["allowed_params"] = {tool: sorted(names) for tool, names in definition.allowed_params.items()} or None
    if definition.address is not None:
        origin = definition.address.origin
        told["url"] = f"{origin.scheme}://{origin}/" + ("" if definition.address.target == "/" else MASK)
        names = [name for name, _ in definition.address.headers if name.lower() not in CREDENTIALS]
        told["static_headers"] = dict.fromkeys(names, MASK) or None
    if definition.api is not None:
        document = definition.api.address
        told["spec_path"] = MASK if document is None else f"{document.origin.scheme}://{document.origin}/{MASK}"
    if definition.command is not None:
        told["command"] = definition.command.command
        told["args"] = [MASK for _ in definition.command.args]
        told["env"] = dict.fromkeys(definition.command.env, MASK)
    return told if kept is None else {**told, **_changes(kept)}


def shape_of_unserved(kept: KeptServer, why: str) -> JsonObject:
    """One that stands in the table and is not served here."""
    plain: JsonObject = {name: kept.said[name] for name in ("alias", "description", "auth_type") if name in kept.said}
    return {
        "server_id": kept.id,
        "server_name": kept.name,
        **NOTHING,
        **plain,
        "transport": kept.said.get("transport") or "http",
        "status": "unhealthy",
        "health_check_error": why,
        **_changes(kept),
    }


def restored(said: JsonObject, former: JsonObject, shown: JsonObject) -> JsonObject:
    """`said`, with what was `shown` in it as it was in `former`."""
    return {
        name: former.get(name)
        if name in NEVER_SHOWN and value is None
        else _restored(value, former.get(name), shown.get(name))
        for name, value in said.items()
    }


def _restored(value: Json, former: Json, shown: Json) -> Any:
    if isinstance(value, dict) and isinstance(former, dict):
        kept = {str(name).lower(): one for name, one in former.items()}
        return {name: kept.get(name.lower(), one) if one == MASK else one for name, one in value.items()}
    if isinstance(value, list) and MASK in value and value == shown:
        return former
    return former if isinstance(value, str) and MASK in value and value == shown else value


def _changes(kept: KeptServer) -> JsonObject:
    return {
        "created_at": spelled(kept.created_at),
        "created_by": kept.created_by,
        "updated_at": spelled(kept.updated_at),
        "updated_by": kept.updated_by,
    }
