"""`GET /v1/models`: what the caller may ask for, in OpenAI's shape, or in Anthropic's for clients that speak it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tollbridge.errors import APIError, NotFoundError
from tollbridge.model.json import JsonObject
from tollbridge.policy.access import Access
from tollbridge.routing.groups import unknown_model
from tollbridge.server.gateway import Gateway


def list_models(gateway: Gateway, headers: Mapping[bytes, bytes], access: Access) -> JsonObject:
    names = visible(gateway, access)
    if _speaks_anthropic(headers):
        data = [_anthropic(gateway, name) for name in names]
        first, last = (names[0], names[-1]) if names else (None, None)
        return {"data": data, "has_more": False, "first_id": first, "last_id": last}
    return {"object": "list", "data": [_openai(gateway, name) for name in names]}


def show_model(gateway: Gateway, name: str, headers: Mapping[bytes, bytes], access: Access) -> JsonObject:
    """Raises NotFoundError with near names, of those that the caller may ask for: another is not told from none."""
    try:
        allowed = access.allows(gateway.engine.routes.groups.resolve(access.named(name)).name, access.named(name))
    except NotFoundError:
        allowed = False
    if not allowed:
        raise unknown_model(name, visible(gateway, access))
    return _anthropic(gateway, name) if _speaks_anthropic(headers) else _openai(gateway, name)


def visible(gateway: Gateway, access: Access) -> list[str]:
    """Of the names that clients are shown those that the caller may ask for, and what its list names beyond them."""
    groups = gateway.engine.routes.groups

    def reached(name: str) -> str:
        try:
            return name if "*" in name else groups.resolve(name).name
        except APIError:
            return name

    names = [name for name in groups.listed() if access.allows(reached(name), name)]
    more = [name for name in access.models if "*" not in name and access.allows(name) and groups.knows(name)]
    return list(dict.fromkeys((*names, *more)))


def _speaks_anthropic(headers: Mapping[bytes, bytes]) -> bool:
    return b"anthropic-version" in headers


def _openai(gateway: Gateway, name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": gateway.started, "owned_by": "tollbridge"}


def _anthropic(gateway: Gateway, name: str) -> JsonObject:
    created = datetime.fromtimestamp(gateway.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": created}
