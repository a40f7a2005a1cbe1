"""`GET /v1/models`: what the caller may ask for, in OpenAI's shape, or in that of Anthropic or Gemini for clients that
speak it. `GET /v1beta/models`: always in Gemini's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from tollbridge.errors import APIError, NotFoundError
from tollbridge.model.json import JsonObject
from tollbridge.policy.access import Access
from tollbridge.routing.groups import unknown_model
from tollbridge.server.gateway import Gateway
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini import GEMINI

_GOOGLE = frozenset({b"x-goog-api-client", b"x-goog-api-key"})
"""Google's SDK asks at `/v1/models` too."""


class Shape(msgspec.Struct, frozen=True):
    """How one dialect shows a model, and the list of them."""

    model: Callable[[Gateway, str], JsonObject]
    listed: Callable[[Sequence[JsonObject]], JsonObject]


def shape_for(dialect: Wire, headers: Mapping[bytes, bytes]) -> Shape:
    if dialect is GEMINI or not _GOOGLE.isdisjoint(headers):
        return Shape(_gemini, lambda data: {"models": data})
    if b"anthropic-version" in headers:
        return Shape(_anthropic, _anthropic_list)
    return Shape(_openai, lambda data: {"object": "list", "data": data})


def list_models(gateway: Gateway, shape: Shape, access: Access) -> JsonObject:
    return shape.listed([shape.model(gateway, name) for name in visible(gateway, access)])


def show_model(gateway: Gateway, name: str, shape: Shape, access: Access) -> JsonObject:
    """Raises NotFoundError with near names, of those that the caller may ask for: another is not told from none."""
    try:
        allowed = access.allows(gateway.engine.routes.groups.resolve(access.named(name)).name, access.named(name))
    except NotFoundError:
        allowed = False
    if not allowed:
        raise unknown_model(name, visible(gateway, access))
    return shape.model(gateway, name)


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


def _openai(gateway: Gateway, name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": gateway.started, "owned_by": "tollbridge"}


def _anthropic_list(data: Sequence[JsonObject]) -> JsonObject:
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": False, "first_id": first, "last_id": last}


def _anthropic(gateway: Gateway, name: str) -> JsonObject:
    created = datetime.fromtimestamp(gateway.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": created}


def _gemini(gateway: Gateway, name: str) -> JsonObject:
    """With the limits of the deployments behind it, where all of them have some: the least of each."""
    shown: JsonObject = {
        "name": f"models/{name}",
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    try:
        members = gateway.engine.routes.groups.resolve(name).members
    except APIError:
        return shown
    for field, limits in (
        ("inputTokenLimit", [deployment.max_input_tokens for deployment in members]),
        ("outputTokenLimit", [deployment.target.max_output_tokens for deployment in members]),
    ):
        known = [limit for limit in limits if limit is not None]
        if known and len(known) == len(limits):
            shown[field] = min(known)
    return shown
