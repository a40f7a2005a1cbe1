"""The routes of files and batches, in OpenAI's format and in Anthropic's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tollbridge.calls.place import Place
from tollbridge.errors import APIError, BadRequestError, StoreUnavailable
from tollbridge.files.asking import read_object
from tollbridge.files.errand import Errand, page_of, params_of, without_ours
from tollbridge.files.formats import ANTHROPIC, OPENAI, Format, deleted, has_ended
from tollbridge.files.ids import Meant
from tollbridge.files.keeper import Keeper, unknown
from tollbridge.files.lines import Lines, Sum, naming
from tollbridge.files.upload import OURS, Form
from tollbridge.ledger.book import Hold
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.server.accounting import failed
from tollbridge.server.answers import error_answer, own_headers, shown_to
from tollbridge.server.inbound import ClientGone, Inbound, Responder
from tollbridge.server.multipart import boundary_of
from tollbridge.server.other_models import check_named
from tollbridge.server.routes import Mount, Route
from tollbridge.server.tool_loop import definitions
from tollbridge.server.uploading import confirmed
from tollbridge.store.objects import UNKNOWN, KeptObject
from tollbridge.transport.base import Incoming

LIVE_MAX = 8
"""Batches of a list that are looked at at once."""
CONTENT_HEADERS = frozenset({b"content-type", b"content-disposition"})

_encode = msgspec.json.Encoder().encode


Act = Callable[[Errand], Awaitable[None]]


class Desk:
    def __init__(self, keeper: Keeper, providers: Mapping[str, Format], public_url: str = "") -> None:
        """`providers`: that are set up, and what they speak. `public_url`: with its root path."""
        self._keeper = keeper
        self._providers = dict(providers)
        self._public_url = public_url.rstrip("/")

    def routes(self) -> tuple[Route, ...]:
        paths: list[tuple[str, str, tuple[tuple[str, Act], ...]]] = [
            ("files", "", (("GET", self._files), ("POST", self._upload))),
            ("files", "/{id}/content", (("GET", self._content),)),
            ("files", "/{id}", (("GET", self._file), ("DELETE", self._delete))),
            ("batches", "", (("GET", self._batches), ("POST", self._create))),
            ("batches", "/{id}/cancel", (("POST", self._cancel),)),
            ("batches", "/{id}", (("GET", self._batch),)),
        ]
        messages: list[tuple[str, str, tuple[tuple[str, Act], ...]]] = [
            ("messages/batches", "", (("GET", self._batches), ("POST", self._create))),
            ("messages/batches", "/{id}/results", (("GET", self._results),)),
            ("messages/batches", "/{id}/cancel", (("POST", self._cancel),)),
            ("messages/batches", "/{id}", (("GET", self._batch), ("DELETE", self._forget))),
        ]
        every = (*paths, *messages)
        return (
            *(self._route(f"{v1}/{noun}{rest}", acts, "") for v1 in ("/v1", "") for noun, rest, acts in every),
            *(
                self._route(f"/{name}/v1/{noun}{rest}", acts, name)
                for name, format in self._providers.items()
                for noun, rest, acts in every
                if noun in ("files", format.batches)
            ),
        )

    def _route(self, path: str, acts: tuple[tuple[str, Act], ...], provider: str) -> Route:
        table = dict(acts)
        return Route(
            methods=tuple(table),
            path=path,
            handler="mounted",
            access="key",
            dialect=ANTHROPIC.dialect if "messages" in path else OPENAI.dialect,
            mount=self._mount(table, provider, always=ANTHROPIC if "/messages/" in path else None),
            flows=True,
        )

    def _mount(self, table: Mapping[str, Act], provider: str, always: Format | None) -> Mount:
        async def handle(inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
            anthropic = b"anthropic-version" in inbound.headers and not inbound.path.rstrip("/").endswith("batches")
            format = always or (ANTHROPIC if anthropic else OPENAI)
            errand = Errand(self._keeper, inbound, responder, record, id or "", provider, format)
            await self._run(table[inbound.method], errand)

        return handle

    async def _run(self, act: Act, errand: Errand) -> None:
        record, key, allowance = errand.record, errand.principal.key, self._keeper.gateway.allowance
        place = None
        try:
            if key is not None:
                place = allowance.place(key)
            await act(errand)
        except APIError as error:
            status, headers, body = error_answer(errand.format.wire, shown_to(errand.principal, error))
            record.status = status
            failed(record, error)
            if errand.responder.started:
                errand.responder.abort()
                return
            errand.responder.reply(status, [*headers, own_headers(record, errand.format.wire)], body)
        except ClientGone:
            record.status, record.outcome = 499, "cancelled"
        finally:
            if place is not None:
                place.release()

    # files

    async def _upload(self, errand: Errand) -> None:
        keeper, format = self._keeper, errand.format
        boundary = boundary_of(errand.inbound.headers.get(b"content-type", b"").decode("latin-1"))
        flow = confirmed(keeper.gateway.authenticator, errand.inbound)
        form = Form(flow, boundary, wants_purpose=format is OPENAI, hear=errand.note)
        await form.begin()
        place = errand.place(form.fields)
        errand.record.provider = place.name
        sum = self._sum(errand, place)
        if form.fields.get("purpose") == "batch":
            form.looks_into(Lines(sum, lambda line: keeper.opened(line, errand.principal, set())))
        query, headers = errand.passed()
        headers.append(("content-type", form.content_type))
        told = await read_object(await keeper.send(place, format, "POST", "files", query, headers, flow=form.next))
        await self._keep_and_show(errand, place, told, "file", sum)

    async def _keep_and_show(
        self, errand: Errand, place: Place, told: JsonObject, kind: str, sum: Sum | None = None
    ) -> None:
        keeper = self._keeper
        if sum is not None:
            errand.tell(sum.caveats)
        shown = keeper.shown(place, errand.principal.id, told, errand.format)
        kept = KeptObject(
            owner=errand.principal.id,
            id=shown["id"],
            kind=kind,
            account=place.account,
            theirs=told["id"],
            shown=_encode(shown),
            created_at=keeper.store.clock(),
            models=() if sum is None else sum.models,
            worst_nanousd=0 if sum is None else sum.worst_nanousd,
        )
        await keeper.store.keep(kept)
        errand.reply(shown)

    async def _files(self, errand: Errand) -> None:
        kept = await self._keeper.store.listed(errand.principal.id, "file")
        shown = [self._told(one) for one in kept if self._is_of(one, errand)]
        purpose = errand.query.get("purpose")
        errand.reply(page_of(errand, [one for one in shown if purpose in (None, one.get("purpose"))]))

    async def _file(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "File object")
        incoming = await self._ask(errand, place, meant, "GET", f"files/{meant.theirs}")
        errand.reply(self._keeper.shown(place, errand.principal.id, await read_object(incoming), errand.format))

    async def _delete(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "File object")
        await read_object(await self._ask(errand, place, meant, "DELETE", f"files/{meant.theirs}"))
        await self._keeper.store.forget(errand.principal.id, errand.id)
        errand.reply(deleted(errand.format, errand.id, batch=False))

    async def _content(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "File object")
        await self._tell(errand, await self._ask(errand, place, meant, "GET", f"files/{meant.theirs}/content"))

    async def _tell(self, errand: Errand, incoming: Incoming) -> None:
        """As it comes, at the pace of the client."""
        responder, record = errand.responder, errand.record
        record.status = 200
        headers = [pair for pair in incoming.headers if pair[0] in CONTENT_HEADERS]
        responder.start(200, [own_headers(record, errand.format.wire), *headers])
        whole = False
        try:
            while piece := await incoming.chunk():
                responder.write(piece)
                await responder.drain()
            whole = True
        finally:
            if not whole:
                incoming.abort()
        responder.finish()

    # batches

    async def _create(self, errand: Errand) -> None:
        body = await errand.json()
        if errand.format is OPENAI:
            place, body, sum = await self._of_file(errand, body)
        else:
            place, body, sum = self._of_requests(errand, body)
        errand.tell(sum.caveats)
        keeper = self._keeper
        keeper.gateway.journal.check()
        async with keeper.debts.held(errand.principal, sum.worst_nanousd) as hold:
            await self._begin(errand, place, body, sum, hold)

    async def _begin(self, errand: Errand, place: Place, body: JsonObject, sum: Sum, hold: Hold | None) -> None:
        keeper = self._keeper
        errand.record.provider = place.name
        query, headers = errand.passed()
        headers.append(("content-type", "application/json"))
        sent = _encode(body)
        told = await read_object(
            await keeper.send(place, errand.format, "POST", errand.format.batches, query, headers, body=sent)
        )
        owner = errand.principal.id
        shown = self._with_results(errand, keeper.shown(place, owner, told, errand.format))
        kept = KeptObject(
            owner=owner,
            id=shown["id"],
            kind="batch",
            account=place.account,
            theirs=told["id"],
            shown=_encode(shown),
            created_at=keeper.store.clock(),
            models=sum.models,
            worst_nanousd=sum.worst_nanousd,
            owing=max(UNKNOWN, sum.worst_nanousd or 0),
        )
        try:
            await keeper.debts.owe(kept, hold)
        except StoreUnavailable:  # nobody would know what it cost
            await keeper.send(place, errand.format, "POST", f"{errand.format.batches}/{told['id']}/cancel")
            raise
        errand.reply(shown)

    async def _of_file(self, errand: Errand, body: JsonObject) -> tuple[Place, JsonObject, Sum]:
        """OpenAI's: of a file of requests, which was looked into when it came."""
        keeper, file = self._keeper, body.get("input_file_id")
        if not isinstance(file, str):
            raise BadRequestError("The body lacks `input_file_id`.", param="input_file_id")
        place, meant = keeper.meant(file, errand.principal, errand.format, "File object")
        kept = await keeper.store.get(errand.principal.id, file)
        sum = self._sum(errand, place)
        if kept is None and errand.principal.key is not None:
            raise unknown(file, "File object")
        if kept is None or not kept.models:
            if errand.principal.key is not None:
                raise BadRequestError("The file was not uploaded with `purpose: batch`.", param="input_file_id")
            sum.worst_nanousd = None
        else:
            for model in kept.models:  # the key's list may be another today
                sum.permit(model)
            sum.worst_nanousd = kept.worst_nanousd
        return place, {**without_ours(body), "input_file_id": meant.theirs}, sum

    def _of_requests(self, errand: Errand, body: JsonObject) -> tuple[Place, JsonObject, Sum]:
        """Anthropic's: of the requests in its body."""
        keeper, requests = self._keeper, body.get("requests")
        if not isinstance(requests, list) or not requests:
            raise BadRequestError("`requests` must be a list of requests - at `$.requests`.", param="requests")
        first = params_of(requests[0], 0).get("model")
        place = self._place_of(errand, body, str(first))
        sum = self._sum(errand, place)
        made: list[Json] = []
        for number, request in enumerate(requests):
            accounts = set[str]()
            with naming(f"requests[{number}]"):
                params = keeper.opened(_encode(params_of(request, number)), errand.principal, accounts)
                if accounts - {place.account}:
                    raise BadRequestError("A file of it is kept by another account.", param=f"requests[{number}]")
                fields = sum.request(params, errand.format.wire, f"$.requests[{number}].params")
            made.append({**request, "params": fields})
        return place, {**without_ours(body), "requests": made}, sum

    def _sum(self, errand: Errand, place: Place) -> Sum:
        keeper, access = self._keeper, errand.principal.access
        return Sum(
            lambda model: keeper.model_at(place, errand.principal, model),
            lambda ask: bool(definitions(keeper.gateway.tools, ask, errand.inbound)),
            lambda fields, deployment: check_named(access, keeper.gateway.engine.routes.groups, fields, (deployment,)),
            errand.betas,
            strict=errand.strict,
        )

    def _place_of(self, errand: Errand, body: JsonObject, model: str) -> Place:
        said = {name: value for name, value in body.items() if name in OURS and isinstance(value, str)}
        if not said and not errand.provider and self._keeper.gateway.engine.routes.groups.knows(model):
            try:
                return self._keeper.for_model(model, errand.principal, errand.format)
            except BadRequestError:
                return errand.place(said)
        return errand.place(said)

    async def _batches(self, errand: Errand) -> None:
        kept = await self._keeper.store.listed(errand.principal.id, "batch")
        page = page_of(errand, [self._told(one) for one in kept if self._is_of(one, errand)])
        known = {one.id: one for one in kept}
        turns = asyncio.Semaphore(LIVE_MAX)

        async def live(shown: JsonObject) -> JsonObject:
            if has_ended(errand.format, shown) and not known[shown["id"]].owing:
                return shown
            async with turns:
                return await self._look(errand, known[shown["id"]])

        errand.reply({**page, "data": await asyncio.gather(*map(live, page["data"]))})

    async def _look(self, errand: Errand, kept: KeptObject) -> JsonObject:
        """As it is now, as far as its provider answers."""
        place = self._keeper.at(kept.account)
        if place is None:
            return self._told(kept)
        try:
            incoming = await self._keeper.send(
                place, errand.format, "GET", f"{errand.format.batches}/{kept.theirs}", said={kept.theirs: kept.id}
            )
            return await self._seen(errand, place, kept, await read_object(incoming))
        except APIError:
            return self._told(kept)

    async def _seen(self, errand: Errand, place: Place, kept: KeptObject | None, told: JsonObject) -> JsonObject:
        """What a provider told of a batch: shown, kept, and where it has ended paid for."""
        keeper = self._keeper
        shown = self._with_results(errand, keeper.shown(place, errand.principal.id, told, errand.format))
        if kept is not None:
            await keeper.settle(kept, place, errand.format, told)
            if kept.shown != (encoded := _encode(shown)):
                await keeper.store.keep(msgspec.structs.replace(kept, shown=encoded))
        return shown

    async def _batch(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "batch")
        kept = await self._keeper.store.get(errand.principal.id, errand.id)
        incoming = await self._ask(errand, place, meant, "GET", f"{errand.format.batches}/{meant.theirs}")
        errand.reply(await self._seen(errand, place, kept, await read_object(incoming)))

    async def _cancel(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "batch")
        kept = await self._keeper.store.get(errand.principal.id, errand.id)
        incoming = await self._ask(errand, place, meant, "POST", f"{errand.format.batches}/{meant.theirs}/cancel")
        errand.reply(await self._seen(errand, place, kept, await read_object(incoming)))

    async def _results(self, errand: Errand) -> None:
        """Anthropic's answers. They are paid for before they are told."""
        place, meant = self._meant(errand, "batch")
        kept = await self._keeper.store.get(errand.principal.id, errand.id)
        if kept is not None and kept.owing:
            incoming = await self._ask(errand, place, meant, "GET", f"{errand.format.batches}/{meant.theirs}")
            await self._seen(errand, place, kept, await read_object(incoming))
        path = f"{errand.format.batches}/{meant.theirs}/results"
        await self._tell(errand, await self._ask(errand, place, meant, "GET", path))

    async def _forget(self, errand: Errand) -> None:
        place, meant = self._meant(errand, "batch")
        kept = await self._keeper.store.get(errand.principal.id, errand.id)
        path = f"{errand.format.batches}/{meant.theirs}"
        if kept is not None and kept.owing:  # its answers go with it
            incoming = await self._ask(errand, place, meant, "GET", path)
            await self._seen(errand, place, kept, await read_object(incoming))
        await read_object(await self._ask(errand, place, meant, "DELETE", path))
        await self._keeper.store.forget(errand.principal.id, errand.id)
        errand.reply(deleted(errand.format, errand.id, batch=True))

    # what they share

    def _meant(self, errand: Errand, kind: str) -> tuple[Place, Meant]:
        place, meant = self._keeper.meant(errand.id, errand.principal, errand.format, kind)
        if meant.theirs == errand.id:  # the admin's own word: so is the provider
            place = errand.place({})
        errand.record.provider = place.name
        return place, meant

    async def _ask(self, errand: Errand, place: Place, meant: Meant, method: str, path: str) -> Incoming:
        _, headers = errand.passed()
        said = {meant.theirs: errand.id}
        return await self._keeper.send(place, errand.format, method, path, headers=headers, said=said)

    def _is_of(self, kept: KeptObject, errand: Errand) -> bool:
        place = self._keeper.at(kept.account)
        if place is None or place.root.wire != errand.format.dialect:
            return False
        return not errand.provider or place.account == self._keeper.named(errand.provider, errand.format).account

    def _told(self, kept: KeptObject) -> JsonObject:
        told: JsonObject = msgspec.json.decode(kept.shown)
        return told

    def _with_results(self, errand: Errand, shown: JsonObject) -> JsonObject:
        """Anthropic's clients go where `results_url` says: it leads here."""
        if not shown.get("results_url"):
            return shown
        inbound = errand.inbound
        root = self._public_url or f"{inbound.scheme}://{inbound.host}"
        before = inbound.path.partition("/messages/batches")[0]
        return {**shown, "results_url": f"{root}{before}/messages/batches/{shown['id']}/results"}
