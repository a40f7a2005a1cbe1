"""`/key/*`, in LiteLLM's JSON. Only the admin makes and changes keys; a key may look at itself, and others do not exist
for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from tollbridge.admin.key_fields import unknown_field
from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys, Made, no_such_key
from tollbridge.errors import BadRequestError, UnprocessableEntityError
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.store.key import Key
from tollbridge.store.keys import Sort

SIZE_MAX = 100
PAGE_MAX = 1_000_000
DELETES_MAX = 1_000
_LIST_FILTERS = ("key_alias", "key_hash", "page", "size", "sort_by", "sort_order", "return_full_object")
_LIST_EMPTY = ("include_team_keys", "include_created_by_keys", "expand", "status")
"""Of LiteLLM's: nothing to add here, so that any value says the same."""


def key_routes(keys: Keys) -> tuple[Route, ...]:
    desk = KeyDesk(keys)

    def post(path: str, manager: Manager) -> Route:
        return Route(methods=("POST",), path=path, handler="managed", access="admin", manager=manager)

    def get(path: str, manager: Manager) -> Route:
        return Route(methods=READ, path=path, handler="managed", access="self", manager=manager)

    return (
        post("/key/generate", desk.generate),
        post("/key/update", desk.update),
        post("/key/delete", desk.delete),
        post("/key/block", desk.block),
        post("/key/unblock", desk.unblock),
        post("/key/regenerate", desk.regenerate),
        post("/key/{id}/regenerate", desk.regenerate),
        post("/key/{id}/reset_spend", desk.reset_spend),
        get("/key/info", desk.info),
        get("/key/list", desk.list),
    )


class KeyDesk:
    """One method per route."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def generate(self, call: Call) -> Reply:
        return _made(await self._keys.generate(call.body, call.principal.id))

    async def update(self, call: Call) -> Reply:
        key = await self._keys.named(_text(call.body, "key"))
        changed, warnings = await self._keys.update(key, call.body, call.principal.id)
        return Reply(_with({"key": changed.id, **shape(changed)}, warnings))

    async def block(self, call: Call) -> Reply:
        return await self._block(call, blocked=True)

    async def unblock(self, call: Call) -> Reply:
        return await self._block(call, blocked=False)

    async def delete(self, call: Call) -> Reply:
        """All of them or none."""
        _only(call.body, ("keys", "key_aliases"))
        references, aliases = _texts(call.body, "keys"), _texts(call.body, "key_aliases")
        if not references and not aliases:
            raise UnprocessableEntityError("Name `keys` or `key_aliases`.", code="missing_field", param="keys")
        found = [await self._keys.named(reference) for reference in references]
        found += [await self._keys.aliased(alias) for alias in aliases]
        keys = {key.id: key for key in found}
        await self._keys.delete(tuple(keys.values()), call.principal.id)
        return Reply({"deleted_keys": list(keys)})

    async def regenerate(self, call: Call) -> Reply:
        reference = call.id or _text(call.body, "key")
        return _made(await self._keys.regenerate(await self._keys.named(reference), call.body, call.principal.id))

    async def reset_spend(self, call: Call) -> Reply:
        _only(call.body, ("reset_to",))
        key = await self._keys.named(call.id)
        changed = await self._keys.reset_spend(key, call.body.get("reset_to"), call.principal.id)
        return Reply({"previous_spend": shape(key)["spend"], **shape(changed)})

    async def info(self, call: Call) -> Reply:
        _only(call.query, ("key",))
        own = call.principal.key
        reference = call.query.get("key") or (None if own is None else own.id)
        if reference is None:
            raise BadRequestError("Name a key: /key/info?key=...", param="key")
        key = await self._keys.named(reference)
        if not _may_see(call.principal, key):
            raise no_such_key()
        return Reply({"key": key.id, "info": shape(key)})

    async def list(self, call: Call) -> Reply:
        query = call.query
        _only(query, (*_LIST_FILTERS, *_LIST_EMPTY))
        page, size = _number(query, "page", 1, PAGE_MAX), _number(query, "size", 10, SIZE_MAX)
        sort: Any = query.get("sort_by") or "created_at"
        if sort not in get_args(Sort):
            raise UnprocessableEntityError(
                f"`sort_by` is one of {', '.join(get_args(Sort))}.", code="invalid_field", param="sort_by"
            )
        own = call.principal.key
        wanted = query.get("key_hash") or None
        if not call.principal.admin:
            wanted = own.id if own is not None and wanted in (None, own.id) else ""
        found = await self._keys.store.list(
            alias=query.get("key_alias") or None,
            id=wanted,
            sort=sort,
            descending=query.get("sort_order", "desc") != "asc",
            page=page,
            size=size,
        )
        full = query.get("return_full_object", "").lower() == "true"
        return Reply(
            {
                "keys": [shape(key) if full else key.id for key in found.keys],
                "total_count": found.total,
                "current_page": page,
                "total_pages": -(-found.total // size),
            }
        )

    async def _block(self, call: Call, *, blocked: bool) -> Reply:
        _only(call.body, ("key",))
        key = await self._keys.named(_text(call.body, "key"))
        return Reply(shape(await self._keys.block(key, call.principal.id, blocked=blocked)))


def _may_see(principal: Principal, key: Key) -> bool:
    return principal.admin or (principal.key is not None and principal.key.id == key.id)


def _made(made: Made) -> Reply:
    """The one answer with a key's text in it."""
    body = {"key": made.minted.text.reveal(), **shape(made.key), "token_id": made.key.id}
    return Reply(_with(body, made.warnings))


def _with(body: JsonObject, warnings: tuple[str, ...]) -> JsonObject:
    return {**body, "warnings": list(warnings)} if warnings else body


def _only(said: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in said:
        if name not in known:
            raise unknown_field(name, known)


def _text(body: JsonObject, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise UnprocessableEntityError(f"`{name}` is missing: the key, or its token.", code="missing_field", param=name)
    return value


def _texts(body: JsonObject, name: str) -> list[str]:
    value: Json = body.get(name)
    if value is None:
        return []
    if (
        not isinstance(value, list)
        or len(value) > DELETES_MAX
        or not all(isinstance(item, str) and item for item in value)
    ):
        raise UnprocessableEntityError(
            f"`{name}` is a list of at most {DELETES_MAX} texts.", code="invalid_field", param=name
        )
    return value


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not 1 <= int(text) <= most:
        raise UnprocessableEntityError(f"`{name}` is a number from 1 to {most}.", code="invalid_field", param=name)
    return int(text)
