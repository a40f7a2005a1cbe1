"""Making and changing keys: what the HTTP routes and the command line have in common.

A key's text is in the answer to `generate` and `regenerate`, once. From then on it is named as `key_names.py` says.
Whoever calls has made sure that they may: only the admin makes and changes keys, so that no key can make one that may
do more than itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from tollbridge.admin.key_doubts import Knowing, doubts, nothing_known
from tollbridge.admin.key_fields import Wish, dollars_of, read_wish
from tollbridge.admin.key_names import no_such_key
from tollbridge.admin.parameters import missing
from tollbridge.config.master_key import weak_key
from tollbridge.errors import ConflictError, UnprocessableEntityError
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe.audit import audit
from tollbridge.policy.minting import CUSTOM_PREFIX, ID, Minted, adopt, digest_of, mint
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

MINTING_TRIES = 5
ID_LENGTH = ID.stop - ID.start


class Forgetful(Protocol):
    """Who holds keys in memory, and is told of changes: a `Keyring`."""

    def forget(self, id: str) -> None: ...


class Made(msgspec.Struct, frozen=True):
    """A key and its text, to be shown once."""

    key: Key
    minted: Minted
    warnings: tuple[str, ...]


class Keys:
    """`memory`: None where no requests are served, as on the command line. `taken`: a text is a key already and
    none of these: the admin's."""

    def __init__(
        self,
        store: KeyStore,
        pepper: bytes,
        memory: Forgetful | None = None,
        clock: Callable[[], float] = time.time,
        taken: Callable[[str], bool] = lambda text: False,
        *,
        own_texts: bool = True,
        knowing: Knowing = nothing_known,
    ) -> None:
        """`own_texts`: who makes a key may say its text. `knowing`: what there is to give rights to."""
        self._knowing = knowing
        self.taken = taken
        self._own_texts = own_texts
        self.store = store
        self._pepper = pepper
        self._memory = memory
        self._clock = clock

    async def generate(self, body: JsonObject, by: str) -> Made:
        now = self._clock()
        wish = read_wish(body, now, beside=("key", "spend"))
        if body.get("spend"):
            raise UnprocessableEntityError("`spend`: a key begins at 0.", code="invalid_field", param="spend")
        fields = {**wish.fields, "created_at": now, "updated_at": now, "minted_by": by}
        warnings = await self._warnings(wish)
        for attempt in range(MINTING_TRIES):
            minted = self._minted(body.get("key"), "key")
            key = Key(id=minted.id, digest=minted.digest, name=minted.name, **fields)
            try:
                await self.store.insert(key)
            except ConflictError as error:  # 8 characters of id: two in 200 trillion are alike
                if error.code != "key_exists" or body.get("key") is not None or attempt + 1 == MINTING_TRIES:
                    raise
            else:
                break
        self._changed(key.id)
        audit("key.generate", by, key=key.id, alias=key.alias, said=_told(wish))
        return Made(key, minted, warnings)

    async def update(self, key: Key, body: JsonObject, by: str) -> tuple[Key, tuple[str, ...]]:
        """The key as it is now, and warnings."""
        wish = read_wish(body, self._clock(), beside=("key",))
        warnings = await self._warnings(wish)
        changed = await self._change(key, wish.fields)
        audit("key.update", by, key=key.id, said=_told(wish))
        return changed, warnings

    async def block(self, key: Key, by: str, *, blocked: bool = True) -> Key:
        changed = await self._change(key, {"blocked": blocked})
        audit("key.block" if blocked else "key.unblock", by, key=key.id)
        return changed

    async def reset_spend(self, key: Key, reset_to: Json, by: str) -> Key:
        """To at most what it is. Raises UnprocessableEntityError."""
        if reset_to is None:
            raise missing("reset_to", "dollars, at most what the key has spent")
        try:
            nanousd = dollars_of(reset_to)
        except ValueError as error:
            raise UnprocessableEntityError(f"`reset_to`: {error}", code="invalid_field", param="reset_to") from error

        def lowered(now: Key) -> Key:
            if nanousd > now.spend_nanousd:
                raise UnprocessableEntityError(
                    "`reset_to`: is more than the key has spent.", code="invalid_field", param="reset_to"
                )
            return now.with_spend(nanousd, self._clock())

        changed = await self.store.update(key.id, lowered)
        if changed is None:
            raise no_such_key(key.id)
        self._changed(key.id)
        audit("key.reset_spend", by, key=key.id, before_nanousd=key.spend_nanousd, after_nanousd=nanousd)
        return changed

    async def delete(self, keys: Sequence[Key], by: str) -> None:
        await self.store.delete([key.id for key in keys])
        for key in keys:
            self._changed(key.id)
            audit("key.delete", by, key=key.id, alias=key.alias)

    async def regenerate(self, key: Key, body: JsonObject, by: str) -> Made:
        """Another text for the same key; the former ends at once. The id stays, and with it what the key spent and is
        spending. What `body` says besides is changed with it."""
        wish = read_wish(body, self._clock(), beside=("key", "new_key"))
        minted = self._minted(body.get("new_key"), "new_key", key.id if len(key.id) == ID_LENGTH else None)
        warnings = await self._warnings(wish)
        changed = await self._change(key, {**wish.fields, "digest": minted.digest, "name": minted.name})
        audit("key.regenerate", by, key=key.id, said=_told(wish))
        return Made(changed, minted, warnings)

    async def named(self, reference: str) -> Key:
        """By id, by alias, or by the key itself, which is never repeated. Raises NotFoundError."""
        found = await self._find(reference)
        if found is None:
            raise no_such_key(reference)
        return found

    async def id_of(self, reference: str) -> str:
        """Of whoever is named; what nobody is named by is its own."""
        found = await self._find(reference)
        return reference if found is None else found.id

    async def all_named(self, references: Sequence[str], aliases: Sequence[str] = ()) -> tuple[Key, ...]:
        """Each once. `aliases`: which are nothing else. Raises NotFoundError that names all that are not there."""
        found = {reference: await self._find(reference) for reference in references}
        found |= {alias: await self.store.get_by_alias(alias) for alias in aliases}
        strangers = [name for name, key in found.items() if key is None]
        if strangers:
            raise no_such_key(*strangers)
        return tuple({key.id: key for key in found.values() if key is not None}.values())

    async def _find(self, reference: str) -> Key | None:
        if reference.startswith(CUSTOM_PREFIX):
            return await self.store.get_by_digest(digest_of(self._pepper, reference.encode()))
        return await self.store.get(reference) or await self.store.get_by_alias(reference)

    def _minted(self, text: Json, field: str, id: str | None = None) -> Minted:
        if text is None or text == "":
            return mint(self._pepper, id)
        try:
            if not self._own_texts:
                raise ValueError("keys are made by the gateway alone (`disable_custom_api_keys`). Leave it out")
            if not isinstance(text, str):
                raise ValueError("must be a text")
            if self.taken(text):
                raise ValueError("is the gateway's own key: whoever had it would be the admin")
            weakness = weak_key(text)
            if weakness is not None:
                raise ValueError(f"anybody could guess it: {weakness}")
            return adopt(self._pepper, text)
        except ValueError as error:
            raise UnprocessableEntityError(f"`{field}`: {error}", code="invalid_field", param=field) from error

    async def _warnings(self, wish: Wish) -> tuple[str, ...]:
        """Asked for before anything is written: where what there is cannot be read, nothing is done, and no key's text
        is lost."""
        if wish.fields.keys().isdisjoint(("models", "aliases", "permission")):
            return wish.warnings
        return *wish.warnings, *doubts(wish.fields, await self._knowing())

    async def _change(self, key: Key, fields: Any) -> Key:
        changed = await self.store.update(key.id, lambda now: msgspec.structs.replace(now, **fields))
        if changed is None:
            raise no_such_key(key.id)
        self._changed(key.id)
        return changed

    def _changed(self, id: str) -> None:
        if self._memory is not None:
            self._memory.forget(id)


def _told(wish: Wish) -> JsonObject:
    """For the audit. Metadata may hold anything: only that it changed is said."""
    return {name: "changed" if name == "metadata" else value for name, value in wish.fields.items()}
