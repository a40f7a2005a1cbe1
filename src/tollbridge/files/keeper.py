"""What is known here of what providers keep: which place, whose, under which id; and what is asked of a place."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from tollbridge.calls.ask import Ask, KeptBy
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place
from tollbridge.errors import APIError, BadRequestError, NotFoundError, StoreUnavailable
from tollbridge.files import owing
from tollbridge.files.asking import read_object, send
from tollbridge.files.debts import Debts
from tollbridge.files.formats import FORMATS, OPENAI, Format, has_ended
from tollbridge.files.ids import Ids, Meant, is_ours, replaced
from tollbridge.files.owing import Bill, Deployments
from tollbridge.model.json import JsonObject
from tollbridge.policy.access import ALL
from tollbridge.policy.principal import Principal
from tollbridge.server.gateway import Gateway
from tollbridge.server.reading import permitted
from tollbridge.store.objects import KeptObject, ObjectStore
from tollbridge.transport.base import Flow, Incoming

OWING_EVERY_S = 300.0
OWING_AT_ONCE = 100

log = logging.getLogger("tollbridge.files")


class Keeper:
    """`named`, `accounts`: the places, as `assemble.places.Places` has them. `server.gateway.References`."""

    def __init__(
        self,
        gateway: Gateway,
        named: Mapping[str, Place],
        accounts: Mapping[str, Place],
        store: ObjectStore,
        ids: Ids,
        deployments: Deployments,
        find: Callable[[str], str | None],
    ) -> None:
        """`find`: the provider that a name means."""
        self.gateway = gateway
        self.store = store
        self.debts = Debts(store, gateway.allowance)
        self.ids = ids
        self.deployments = deployments
        self._named = named
        self._accounts = accounts
        self._find = find
        self._settling: dict[str, asyncio.Task[None]] = {}
        self._written = set[str]()  # batches whose entry is in the journal, and that are not said to be paid yet

    # places

    def named(self, provider: str, format: Format) -> Place:
        """Raises BadRequestError where nobody of this name keeps files in this format."""
        place = self._named.get(self._find(provider) or "")
        if place is None or not speaks(place, format):
            raise BadRequestError(
                f"No provider {provider[:100]!r} keeps files in this format here.", param="custom_llm_provider"
            )
        return place

    def for_model(self, model: str, principal: Principal, format: Format) -> Place:
        """Of the deployment that answers to a model's name."""
        access = principal.access
        group = permitted(self.gateway, access, access.named(model), model)
        for deployment in group.members:
            place = self._accounts.get(deployment.account)
            if place is not None and speaks(place, format):
                return place
        raise BadRequestError(
            f"Who serves the model {model[:100]!r} keeps no files in this format here.", param="model"
        )

    def usual(self, format: Format) -> Place:
        """Where nobody said: the first that speaks the format, in the order of the providers' table."""
        place = next((place for place in self._named.values() if speaks(place, format)), None)
        if place is None:
            raise NotFoundError("No provider that keeps files in this format is set up here.", code="no_such_provider")
        return place

    def at(self, account: str) -> Place | None:
        return self._accounts.get(account)

    # ids

    def meant(self, id: str, principal: Principal, format: Format, kind: str) -> tuple[Place, Meant]:
        """Raises NotFoundError for what is not this tenant's. The admin may name a provider's own id."""
        meant = self.ids.open(id, principal.id)
        if meant is None and principal.key is None and not is_ours(id):
            meant = Meant(self.usual(format).account, principal.id, id)
        place = None if meant is None else self.at(meant.account)
        if meant is None or place is None or not speaks(place, format):
            raise unknown(id, kind)
        return place, meant

    def shown(self, place: Place, owner: str, told: JsonObject, format: Format) -> JsonObject:
        """With our ids in place of the provider's."""
        shown = dict(told)
        for name in format.ids:
            value = shown.get(name)
            if isinstance(value, str) and value:
                shown[name] = self.ids.close(Meant(place.account, owner, value))
        return shown

    def open(self, ask: Ask, principal: Principal | None) -> None:
        """`server.gateway.References`."""
        accounts = set[str]()
        body = self.opened(ask.body, principal, accounts)
        if not accounts:
            return
        ask.becomes(body)
        members = self.gateway.engine.routes.groups.resolve(ask.model).members
        if not any({one.account} == accounts for one in members):
            raise BadRequestError(
                f"A file of this request is kept by another account than serves {ask.model!r}. Upload it with `model`.",
                code="file_elsewhere",
            )
        ask.only = KeptBy(account=accounts.pop())

    def opened(self, body: bytes, principal: Principal | None, accounts: set[str]) -> bytes:
        """With the provider's ids in place of ours. Raises NotFoundError."""
        owner = "" if principal is None else principal.id

        def theirs(id: str) -> str:
            meant = self.ids.open(id, owner)
            if meant is None:
                raise unknown(id, "file")
            accounts.add(meant.account)
            return meant.theirs

        return replaced(body, theirs)

    def model_at(self, place: Place, principal: Principal, model: str) -> Deployment:
        """Who answers to a model's name in a batch: of a group of ours the deployment at that place, else the
        provider's own model of that name. Raises APIError where the key may not ask for it."""
        access = ALL if principal.key is None else principal.access
        name = access.named(model)
        groups = self.gateway.engine.routes.groups
        if groups.knows(name):
            group = groups.resolve(name)
            here = next((one for one in group.members if one.account == place.account), None)
            if here is not None:
                permitted(self.gateway, access, name, model)
                return here
        theirs = f"{place.root.provider}/{name}"
        if not access.allows(theirs, entry=groups.entry(theirs)):
            if groups.knows(name) and access.reaches(groups.resolve(name)):
                raise BadRequestError(
                    f"The model {model[:100]!r} is served elsewhere: {place.name} cannot answer for it in a batch.",
                    param="model",
                    code="model_elsewhere",
                )
            raise access.refusal(model)
        return self.deployments(place, name)

    # what is asked of a place

    async def send(
        self,
        place: Place,
        format: Format,
        method: str,
        path: str,
        query: str = "",
        headers: Iterable[tuple[str, str]] = (),
        *,
        body: bytes = b"",
        flow: Flow | None = None,
        said: Mapping[str, str] | None = None,
    ) -> Incoming:
        """`asking.send`, at the engine's transport."""
        transport = self.gateway.engine.transport
        return await send(transport, place, format, method, path, query, headers, body=body, flow=flow, said=said)

    # what is owing

    async def settle(self, kept: KeptObject, place: Place, format: Format, batch: JsonObject) -> None:
        """Writes down what a batch that has ended cost, once, whoever asks for it meanwhile. `batch`: as the provider
        tells it. Where its answers cannot be had now, it stays owing."""
        if not kept.owing or not has_ended(format, batch):
            return
        task = self._settling.get(kept.id)
        if task is None:
            task = self._settling[kept.id] = asyncio.ensure_future(self._settle(kept, place, format, batch))
            task.add_done_callback(lambda _: self._settling.pop(kept.id, None))
        await asyncio.shield(task)

    async def _settle(self, kept: KeptObject, place: Place, format: Format, batch: JsonObject) -> None:
        try:
            now = await self.store.get(kept.owner, kept.id)
            if now is None or not now.owing:
                return
            if kept.id not in self._written:
                await self._write(kept, place, format, batch)
            await self.debts.paid(kept)
            self._written.discard(kept.id)
        except APIError as error:
            log.warning("What the batch %s cost is not known yet: %s", kept.id[-24:], error)

    async def _write(self, kept: KeptObject, place: Place, format: Format, batch: JsonObject) -> None:
        """What it cost, into the ledger. The book is told at once: an entry that comes to the database before that
        would count there and here."""
        wire, path = owing.wire_of(format, batch), owing.answers_at(format, batch, kept.theirs)
        bill = Bill(lambda model: self._priced(place, kept, model), wire or format.wire)
        if path is not None and wire is None:
            bill.cost_nanousd = None
        elif path is not None:
            await owing.read_answers(await self.send(place, format, "GET", path), bill)
        self.gateway.journal.check()
        record = owing.entry(kept, place, format, batch, bill)
        self.gateway.observe(record, self.gateway.journal.append(record))
        self.gateway.allowance.settled(record)
        self._written.add(kept.id)

    def _priced(self, place: Place, kept: KeptObject, model: str) -> Deployment | None:
        """By the name that was asked for, where there was one: an answer names a snapshot of it."""
        name = kept.models[0] if len(kept.models) == 1 else model
        groups = self.gateway.engine.routes.groups
        try:
            if groups.knows(name):
                here = next((one for one in groups.resolve(name).members if one.account == place.account), None)
                if here is not None:
                    return here
            return self.deployments(place, name)
        except APIError:
            return None

    async def follow(self) -> None:
        """Settles what has ended though nobody asked for it again. Runs until it is cancelled."""
        await _quietly(self.debts.look)
        while True:
            await asyncio.sleep(OWING_EVERY_S)
            await _quietly(self.collect)
            await _quietly(self.debts.look)

    async def collect(self) -> None:
        """One look at all that owe something."""
        for kept in await self.store.owing(self.store.clock(), OWING_AT_ONCE):
            place = self.at(kept.account)
            format = None if place is None else FORMATS.get(place.root.wire, OPENAI)
            if place is None or format is None:
                continue
            try:
                incoming = await self.send(place, format, "GET", f"{format.batches}/{kept.theirs}")
                batch = await read_object(incoming)
            except APIError as error:
                log.warning("The batch %s cannot be looked at now: %s", kept.id[-24:], error)
                continue
            await self.settle(kept, place, format, batch)


async def _quietly(look: Callable[[], Awaitable[None]]) -> None:
    try:
        await look()
    except StoreUnavailable as error:
        log.warning("Batches that owe something cannot be looked for now: %s", error)
    except Exception:
        log.exception("looking for batches that owe something failed")


def speaks(place: Place, format: Format) -> bool:
    return place.root.wire == format.dialect


def unknown(id: str, kind: str) -> NotFoundError:
    return NotFoundError(f"No such {kind}: {id[:300]!r}.", type="invalid_request_error", param="id")
