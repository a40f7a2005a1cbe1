"""`GET /v1/models`: what the caller may ask for, in OpenAI's shape, or in that of Anthropic or Gemini for clients that
speak it. `GET /v1beta/models`: always in Gemini's.

Each tells what is known of a model's limits, and OpenAI's also what it can do, in fields that OpenAI has not: the least
of all deployments behind the name, and nothing where one of them is unknown.

Pages are given where a client asks for some: Anthropic's `limit`, `after_id` and `before_id`, Gemini's `pageSize` and
`pageToken` (https://platform.claude.com/docs/en/api/models/list, https://ai.google.dev/api/models, seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.model.json import JsonObject
from tollbridge.policy.access import Access
from tollbridge.routing.groups import unknown_model
from tollbridge.server.gateway import Gateway
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import CHAT, GEMINI, MESSAGES

_GOOGLE = frozenset({b"x-goog-api-client", b"x-goog-api-key"})
"""Google's SDK asks at `/v1/models` too."""
PAGE_MAX = 1_000


class Page(msgspec.Struct, frozen=True):
    """Some of the names. `more`: there are others beyond. `next`: what asks for them, in Gemini's words."""

    names: Sequence[str]
    more: bool = False
    next: str = ""


class Shape(msgspec.Struct, frozen=True):
    """How one dialect shows a model, the list of them, and asks for a part of it."""

    model: Callable[[Gateway, str], JsonObject]
    listed: Callable[[Sequence[JsonObject], Page], JsonObject]
    page: Callable[[Sequence[str], Mapping[str, str]], Page]


def spoken_by(headers: Mapping[bytes, bytes]) -> str:
    """The dialect of a client that the path does not tell, by what its vendor's libraries send."""
    if not _GOOGLE.isdisjoint(headers):
        return GEMINI
    return MESSAGES if b"anthropic-version" in headers else CHAT


def shape_for(dialect: Wire, headers: Mapping[bytes, bytes]) -> Shape:
    by = spoken_by(headers)
    if GEMINI in (dialect.name, by):
        return Shape(_gemini, _gemini_list, _gemini_page)
    if by == MESSAGES:
        return Shape(_anthropic, _anthropic_list, _anthropic_page)
    return Shape(_openai, lambda data, _: {"object": "list", "data": data}, lambda names, _: Page(names))


def list_models(gateway: Gateway, shape: Shape, access: Access, query: str) -> JsonObject:
    """Raises BadRequestError for a page that cannot be given."""
    asked = dict(parse_qsl(query)) if query else {}
    page = shape.page(_wanted(gateway, access, asked), asked)
    return shape.listed([shape.model(gateway, name) for name in page.names], page)


def _wanted(gateway: Gateway, access: Access, asked: Mapping[str, str]) -> list[str]:
    """LiteLLM's `only_model_access_groups` and `include_model_access_groups`: the caller's groups instead of the
    models, or before them."""
    only, beside = (asked.get(f"{how}_model_access_groups", "").lower() == "true" for how in ("only", "include"))
    if not (only or beside):
        return visible(gateway, access)
    groups = [name for name in gateway.rules.access_groups if access.every or name in access.models]
    return groups if only else list(dict.fromkeys((*groups, *visible(gateway, access))))


def show_model(gateway: Gateway, name: str, shape: Shape, access: Access) -> JsonObject:
    """Raises NotFoundError with near names, of those that the caller may ask for: another is not told from none."""
    try:
        allowed = access.reaches(gateway.engine.routes.groups.resolve(access.named(name)), access.named(name))
    except NotFoundError:
        allowed = False
    if not allowed:
        raise unknown_model(name, visible(gateway, access), others=not access.every)
    return shape.model(gateway, name)


def visible(gateway: Gateway, access: Access) -> list[str]:
    """Of the names that clients are shown those that the caller may ask for and somebody answers to, and what its list
    names beyond them."""
    groups = gateway.engine.routes.groups

    def reached(name: str) -> str:
        try:
            return name if "*" in name else groups.resolve(name).right
        except APIError:
            return name

    names = [name for name in groups.listed() if groups.serves(name) and access.allows(reached(name), name)]
    more = [name for name in access.models if "*" not in name and access.allows(name) and groups.knows(name)]
    return list(dict.fromkeys((*names, *more)))


# OpenAI


def _openai(gateway: Gateway, name: str) -> JsonObject:
    shown: JsonObject = {"id": name, "object": "model", "created": gateway.started, "owned_by": "tollbridge"}
    members = _members(gateway, name)
    for field, limit in (("max_input_tokens", _reads(members)), ("max_output_tokens", _writes(members))):
        if limit is not None:
            shown[field] = limit
    known = [member.facts.features for member in members if member.facts is not None]
    if known and len(known) == len(members):
        shown["features"] = sorted(frozenset.intersection(*known))
    return shown


# Anthropic


def _anthropic_list(data: Sequence[JsonObject], page: Page) -> JsonObject:
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    return {"data": data, "has_more": page.more, "first_id": first, "last_id": last}


def _anthropic_page(names: Sequence[str], asked: Mapping[str, str]) -> Page:
    limit = _count(asked, "limit")
    after, before = asked.get("after_id"), asked.get("before_id")
    if after is not None:
        names = names[_at(names, after, "after_id") + 1 :]
    elif before is not None:
        names = names[: _at(names, before, "before_id")]
        return Page(names[-limit:], len(names) > limit) if limit else Page(names)
    return Page(names[:limit], len(names) > limit) if limit else Page(names)


def _anthropic(gateway: Gateway, name: str) -> JsonObject:
    created = datetime.fromtimestamp(gateway.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    members = _members(gateway, name)
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": created,
        "max_input_tokens": _reads(members),
        "max_tokens": _writes(members),
        "lifecycle": "active",
    }


# Gemini


def _gemini_list(data: Sequence[JsonObject], page: Page) -> JsonObject:
    return {"models": data, "nextPageToken": page.next} if page.more else {"models": data}


def _gemini_page(names: Sequence[str], asked: Mapping[str, str]) -> Page:
    token = asked.get("pageToken") or asked.get("page_token")
    rest = names[_at(names, token, "pageToken") + 1 :] if token else names
    size = _count(asked, "pageSize") or _count(asked, "page_size")
    if not size or len(rest) <= size:
        return Page(rest)
    return Page(rest[:size], True, rest[size - 1])


GENERATES = ["generateContent", "streamGenerateContent", "countTokens"]
EMBEDS = ["embedContent", "batchEmbedContents"]


def _gemini(gateway: Gateway, name: str) -> JsonObject:
    shown: JsonObject = {
        "name": f"models/{name}",
        "displayName": name,
    }
    members = _members(gateway, name)
    embeds = any(one.facts is not None and one.facts.mode == "embedding" for one in members)
    shown["supportedGenerationMethods"] = EMBEDS if embeds else GENERATES
    for field, limit in (("inputTokenLimit", _reads(members)), ("outputTokenLimit", _writes(members))):
        if limit is not None:
            shown[field] = limit
    return shown


def _members(gateway: Gateway, name: str) -> Sequence[Deployment]:
    try:
        return gateway.engine.routes.groups.resolve(name).members
    except APIError:
        return ()


def _reads(members: Sequence[Deployment]) -> int | None:
    return _least([member.max_input_tokens for member in members])


def _writes(members: Sequence[Deployment]) -> int | None:
    return _least([member.target.max_output_tokens for member in members])


def _least(limits: Sequence[int | None]) -> int | None:
    known = [limit for limit in limits if limit is not None]
    return min(known) if known and len(known) == len(limits) else None


def _count(asked: Mapping[str, str], name: str) -> int:
    """0 where nobody said."""
    said = asked.get(name, "0")
    if not (said.isascii() and said.isdigit()) or int(said[:9]) > PAGE_MAX:
        raise BadRequestError(f"`{name}` must be a number up to {PAGE_MAX}.", param=name)
    return int(said)


def _at(names: Sequence[str], name: str, param: str) -> int:
    try:
        return names.index(name)
    except ValueError as error:
        raise BadRequestError(f"`{param}` names no model of this list.", param=param) from error
