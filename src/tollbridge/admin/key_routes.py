"""`/key/*`, in LiteLLM's JSON. Only the admin makes and changes keys; a key may look at itself, and others do not exist
for it."""

from __future__ import annotations

from typing import get_args

from tollbridge.admin.key_names import no_such_key
from tollbridge.admin.key_shape import shape
from tollbridge.admin.keys import Keys, Made
from tollbridge.admin.parameters import flag, missing, number, one_of, only, text, texts
from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.store.key import Key
from tollbridge.store.keys import Sort

SIZE_MAX = 100
PAGE_MAX = 1_000_000
NAMED = "the key's id, its alias, or the key itself"
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
        get("/key/aliases", desk.aliases),
    )


class KeyDesk:
    """One method per route."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    async def generate(self, call: Call) -> Reply:
        return _made(await self._keys.generate(call.body, call.principal.id))

    async def update(self, call: Call) -> Reply:
        key = await self._keys.named(text(call.body, "key", NAMED))
        changed, warnings = await self._keys.update(key, call.body, call.principal.id)
        return Reply(_with({"key": changed.id, **shape(changed)}, warnings))

    async def block(self, call: Call) -> Reply:
        return await self._block(call, blocked=True)

    async def unblock(self, call: Call) -> Reply:
        return await self._block(call, blocked=False)

    async def delete(self, call: Call) -> Reply:
        """All of them or none."""
        only(call.body, ("keys", "key_aliases"))
        references, aliases = texts(call.body, "keys"), texts(call.body, "key_aliases")
        if not references and not aliases:
            raise missing("keys", "a list of ids, aliases or keys, or `key_aliases`")
        keys = await self._keys.all_named(references, aliases)
        await self._keys.delete(keys, call.principal.id)
        return Reply({"deleted_keys": [key.id for key in keys]})

    async def regenerate(self, call: Call) -> Reply:
        reference = call.id or text(call.body, "key", NAMED)
        return _made(await self._keys.regenerate(await self._keys.named(reference), call.body, call.principal.id))

    async def reset_spend(self, call: Call) -> Reply:
        only(call.body, ("reset_to",))
        key = await self._keys.named(call.id)
        changed = await self._keys.reset_spend(key, call.body.get("reset_to"), call.principal.id)
        return Reply({"previous_spend": shape(key)["spend"], **shape(changed)})

    async def info(self, call: Call) -> Reply:
        only(call.query, ("key",))
        own = call.principal.key
        reference = call.query.get("key") or (None if own is None else own.id)
        if reference is None:
            raise BadRequestError("Name a key: /key/info?key=...", param="key")
        key = await self._keys.named(reference)
        if not _may_see(call.principal, key):
            raise no_such_key(reference)
        return Reply({"key": key.id, "info": shape(key)})

    async def list(self, call: Call) -> Reply:
        query = call.query
        only(query, (*_LIST_FILTERS, *_LIST_EMPTY))
        page, size = number(query, "page", 1, PAGE_MAX), number(query, "size", 10, SIZE_MAX)
        sort, order = one_of(query, "sort_by", get_args(Sort)), one_of(query, "sort_order", ("desc", "asc"))
        full = flag(query, "return_full_object")
        own = call.principal.key
        wanted = query.get("key_hash") or None
        if call.principal.admin:
            wanted = wanted and await self._keys.id_of(wanted)
        else:
            wanted = own.id if own is not None and wanted in (None, own.id) else ""
        found = await self._keys.store.list(
            alias=query.get("key_alias") or None,
            id=wanted,
            sort=sort,
            descending=order == "desc",
            page=page,
            size=size,
        )
        return Reply(
            {
                "keys": [shape(key) if full else key.id for key in found.keys],
                "total_count": found.total,
                "current_page": page,
                "total_pages": -(-found.total // size),
            }
        )

    async def aliases(self, call: Call) -> Reply:
        query = call.query
        only(query, ("page", "size", "search"))
        page, size = number(query, "page", 1, PAGE_MAX), number(query, "size", 50, SIZE_MAX)
        own = None if call.principal.admin else call.principal.id
        found, total = await self._keys.store.aliases(query.get("search", ""), own, page, size)
        return Reply(
            {
                "aliases": list(found),
                "total_count": total,
                "current_page": page,
                "total_pages": -(-total // size),
                "size": size,
            }
        )

    async def _block(self, call: Call, *, blocked: bool) -> Reply:
        only(call.body, ("key",))
        key = await self._keys.named(text(call.body, "key", NAMED))
        return Reply(shape(await self._keys.block(key, call.principal.id, blocked=blocked)))


def _may_see(principal: Principal, key: Key) -> bool:
    return principal.admin or (principal.key is not None and principal.key.id == key.id)


def _made(made: Made) -> Reply:
    """The one answer with a key's text in it."""
    body = {"key": made.minted.text.reveal(), **shape(made.key), "token_id": made.key.id}
    return Reply(_with(body, made.warnings))


def _with(body: JsonObject, warnings: tuple[str, ...]) -> JsonObject:
    return {**body, "warnings": list(warnings)} if warnings else body
