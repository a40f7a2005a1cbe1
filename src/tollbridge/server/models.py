"""`GET /v1/models`: what may be asked for, in OpenAI's shape, or in Anthropic's for clients that speak it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tollbridge.model.json import JsonObject
from tollbridge.server.gateway import Gateway


def list_models(gateway: Gateway, headers: Mapping[bytes, bytes]) -> JsonObject:
    names = gateway.engine.routes.groups.listed()
    if _speaks_anthropic(headers):
        data = [_anthropic(gateway, name) for name in names]
        first, last = (names[0], names[-1]) if names else (None, None)
        return {"data": data, "has_more": False, "first_id": first, "last_id": last}
    return {"object": "list", "data": [_openai(gateway, name) for name in names]}


def show_model(gateway: Gateway, name: str, headers: Mapping[bytes, bytes]) -> JsonObject:
    """Raises NotFoundError with near names."""
    gateway.engine.routes.groups.resolve(name)
    return _anthropic(gateway, name) if _speaks_anthropic(headers) else _openai(gateway, name)


def _speaks_anthropic(headers: Mapping[bytes, bytes]) -> bool:
    return b"anthropic-version" in headers


def _openai(gateway: Gateway, name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": gateway.started, "owned_by": "tollbridge"}


def _anthropic(gateway: Gateway, name: str) -> JsonObject:
    created = datetime.fromtimestamp(gateway.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": created}
