"""One request for a file or a batch: what it says besides its body, and the words that it is answered with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

import msgspec

from tollbridge.calls.ask import decode
from tollbridge.calls.outgoing import CLIENT_HEADERS
from tollbridge.calls.place import Place
from tollbridge.errors import BadRequestError
from tollbridge.files.formats import OPENAI, Format, listed
from tollbridge.files.keeper import Keeper
from tollbridge.files.steering import take_steering
from tollbridge.files.upload import OURS
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.observe import Record
from tollbridge.policy.principal import Principal
from tollbridge.server.answers import JSON, caveat_headers, own_headers, plainly
from tollbridge.server.controls import EITHER, NOTES, NOTHING, asks_for_strictness, take_notes
from tollbridge.server.guards import GUARDS, check_guards
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.reading import forwarded_headers, ineffective
from tollbridge.server.uploading import collected

PAGE, PAGE_MAX = 100, 10_000
STEERING = EITHER.union(("metadata", "user", "safety_identifier")).difference(OURS)

_encode = msgspec.json.Encoder().encode


class Errand:
    """One request."""

    def __init__(
        self,
        keeper: Keeper,
        inbound: Inbound,
        responder: Responder,
        record: Record,
        id: str,
        provider: str,
        format: Format,
    ) -> None:
        principal = inbound.principal
        if principal is None:
            raise TypeError("files are open to nobody")
        self.keeper = keeper
        self.inbound = inbound
        self.responder = responder
        self.record = record
        self.id = id
        self.provider = provider
        self.format = format
        self.principal: Principal = principal
        self._caveats: tuple[Caveat, ...] = ()
        self.query: dict[str, str] = dict(parse_qsl(inbound.query, keep_blank_values=True))

    def reply(self, body: Json) -> None:
        self.record.status = 200
        own = own_headers(self.record, self.format.wire) + caveat_headers(self._caveats)
        self.responder.reply(200, [JSON, own], _encode(body))

    def place(self, said: Mapping[str, str]) -> Place:
        """Who shall keep it. `said`: by the body; then the query, headers, and the path count."""
        keeper = self.keeper
        every = {**self.query, **said}
        provider = every.get("custom_llm_provider") or every.get("provider") or self._header(b"custom-llm-provider")
        model = every.get("model") or every.get("target_model_names") or self._header(b"x-litellm-model")
        if self.provider:
            return keeper.named(self.provider, self.format)
        if model:
            places = {keeper.for_model(name.strip(), self.principal, self.format).account for name in model.split(",")}
            if len(places) > 1:
                raise BadRequestError(
                    "These models are served by several accounts: a file is kept by one.", param="model"
                )
            found = keeper.at(places.pop())
            assert found is not None
            return found
        return keeper.named(provider, self.format) if provider else keeper.usual(self.format)

    def passed(self) -> tuple[str, list[tuple[str, str]]]:
        """Of the client's query and headers, what goes along."""
        query = urlencode([pair for pair in self.query.items() if pair[0] not in (*OURS, "key")])
        allowed = CLIENT_HEADERS[self.format.dialect]
        return query, [pair for pair in forwarded_headers(self.inbound.headers) if pair[0] in allowed]

    def _header(self, name: bytes) -> str:
        return self.inbound.headers.get(name, b"").decode("latin-1")

    async def json(self) -> JsonObject:
        """Without what is for us: that is done, or told."""
        body = decode(await collected(self.keeper.gateway.authenticator, self.inbound))
        if not isinstance(body, dict):
            raise BadRequestError("The body must be a JSON object.")
        mine = {name: msgspec.Raw(_encode(value)) for name, value in body.items() if name in STEERING}
        theirs = {name: value for name, value in body.items() if name not in mine}
        controls, idle = take_steering(mine, self.inbound.headers, self.betas, noted=True)
        if controls is not NOTHING:
            controls.note(self.record)
        self.tell(ineffective(idle, self.strict))
        return {**{name: decode(bytes(raw)) for name, raw in mine.items()}, **theirs}

    @property
    def betas(self) -> str:
        """Anthropic's."""
        return self._header(b"anthropic-beta")

    @property
    def strict(self) -> bool:
        return self.keeper.gateway.rules.strict or asks_for_strictness(self.inbound.headers)

    def tell(self, caveats: Sequence[Caveat]) -> None:
        self._caveats = (*self._caveats, *caveats)
        self.record.caveats = plainly(self._caveats)

    def note(self, said: Mapping[str, Json]) -> None:
        """Tells the log what a form says. Raises BadRequestError where guards are asked for."""
        if GUARDS in said:
            check_guards(said[GUARDS], GUARDS)
        fields = {name: msgspec.Raw(_encode(said[name])) for name in NOTES if name in said}
        notes = take_notes(fields, self.inbound.headers)
        if notes is not NOTHING:
            notes.note(self.record)


def page_of(errand: Errand, shown: list[JsonObject]) -> JsonObject:
    """Of what is shown, the latest first unless `order` is `asc`."""
    query = errand.query
    limit = query.get("limit", str(PAGE if errand.format is OPENAI else 20))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE_MAX:
        raise BadRequestError(f"`limit` is a number from 1 to {PAGE_MAX}.", param="limit")
    if query.get("order") == "asc":
        shown = shown[::-1]
    ids = [one["id"] for one in shown]
    after, before = query.get("after") or query.get("after_id"), query.get("before_id")
    for name in (after, before):
        if name and name not in ids:
            raise BadRequestError(f"There is no {name[:300]!r} in this list.", param="after")
    if after:
        shown = shown[ids.index(after) + 1 :]
    if before:
        shown = shown[: ids.index(before)]
        return listed(errand.format, shown[-int(limit) :], len(shown) > int(limit))
    return listed(errand.format, shown[: int(limit)], len(shown) > int(limit))


def params_of(request: Json, number: int) -> JsonObject:
    params = request.get("params") if isinstance(request, dict) else None
    if not isinstance(params, dict):
        raise BadRequestError(f"It lacks `params` - at `$.requests[{number}]`.", param=f"requests[{number}]")
    return params


def without_ours(body: JsonObject) -> JsonObject:
    return {name: value for name, value in body.items() if name not in OURS}
