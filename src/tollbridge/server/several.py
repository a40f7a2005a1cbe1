"""One chat with several models at once: `"model": "a, b"`, as LiteLLM's proxy has it
(https://docs.litellm.ai/docs/completion/batching, seen 2026-11-27).

    {"model": "a, b", ...}                              a list of answers in the order of the names; an error stands
                                                        where its answer would be
    {"model": "a, b", "fastest_response": true, ...}    the answer that is first; the others' clients leave

Each is a request like any other: authorized, held, retried, in the log and the ledger, under the one id that the client
sees. Nobody is refused for another's sake; where all fail the client is told what the first did. What is kept under an
Idempotency-Key is what the client was answered with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec

from tollbridge.calls.ask import Fields, is_true, peek
from tollbridge.errors import BadRequestError, RequestTooLargeError, UnknownModelError
from tollbridge.observe import Record
from tollbridge.server.answers import JSON_LINES, cost_headers, own_headers, plain_caveat_headers
from tollbridge.server.controls import NESTED, unpack
from tollbridge.server.idempotency import HEADER as IDEMPOTENCY
from tollbridge.server.idempotency import Claim
from tollbridge.server.inbound import ClientGone, Headers, Inbound, Responder
from tollbridge.wires.base import Wire

AT_ONCE_MAX = 16
BYTES_MAX = 64 * 1024 * 1024
"""Of the bodies of all of them."""
FASTEST = "fastest_response"

_encode = msgspec.json.Encoder().encode

Run = Callable[[Inbound, Responder, Record], Coroutine[Any, Any, None]]


class SeveralModels(UnknownModelError):
    """What is named is no model but several. To whoever asks one at a time there is no such model."""

    models: Sequence[str] = ()


def several(model: str) -> SeveralModels | None:
    models = [name.strip() for name in model.split(",")]
    if len(models) < 2 or not all(models):
        return None
    named = SeveralModels(
        "Several models are asked at once in a chat alone. Name one.", code="model_not_found", param="model"
    )
    named.models = models
    return named


class Several(msgspec.Struct):
    """One request to several models. `fields`: of the body, but for what is only meant for this."""

    models: Sequence[str]
    fields: Fields
    fastest: bool
    stream: bool


def read_several(named: SeveralModels, body: bytes) -> Several:
    """Raises BadRequestError where it cannot be answered so, RequestTooLargeError."""
    fields = peek(body)
    if NESTED in fields:
        unpack(fields)
    fastest = FASTEST in fields and is_true(fields, FASTEST)
    fields.pop(FASTEST, None)
    stream = "stream" in fields and is_true(fields, "stream")
    if len(named.models) > AT_ONCE_MAX:
        raise BadRequestError(f"At most {AT_ONCE_MAX} models are asked at once - at `$.model`.", param="model")
    if stream and not fastest:
        raise BadRequestError(
            f"Several answers are no stream - at `$.stream`. Leave it out, or set `{FASTEST}: true` for the first.",
            param="stream",
        )
    if len(body) * len(named.models) > BYTES_MAX:
        raise RequestTooLargeError(
            f"{len(body)} bytes for each of {len(named.models)} models are more than {BYTES_MAX} - at `$.model`. "
            "Name fewer at once.",
            param="model",
        )
    return Several(named.models, fields, fastest, stream)


async def ask_each(
    wanted: Several,
    inbound: Inbound,
    responder: Responder,
    record: Record,
    dialect: Wire,
    run: Run,
    claim: Claim | None,
) -> None:
    """`claim`: on what the client is answered with, for a retry of it. Its parts go on then though the client left,
    until this is cancelled."""
    race = _Race(responder, dialect.alive, claim) if wanted.fastest else None
    records = [msgspec.structs.replace(record) for _ in wanted.models]
    parts = [_Part(race) for _ in wanted.models]
    if race is not None:
        race.parts = parts
    headers = {name: value for name, value in inbound.headers.items() if name != IDEMPOTENCY}

    async def ask_one(model: str, part: _Part, entry: Record) -> None:
        body = _encode({**wanted.fields, "model": model})  # when it is its turn: whose model is refused holds none
        await run(msgspec.structs.replace(inbound, body=body, headers=headers), part, entry)

    tasks = [
        asyncio.ensure_future(ask_one(model, part, entry))
        for model, part, entry in zip(wanted.models, parts, records, strict=True)
    ]

    def leave() -> None:
        for part in parts:
            part.leave()

    if claim is None:
        responder.on_gone(leave)
    all_of_them = asyncio.gather(*tasks)
    try:
        if race is not None and claim is not None:
            await asyncio.wait([race.decided, all_of_them], return_when=asyncio.FIRST_COMPLETED)
            await race.tell()
        await all_of_them
    except BaseException as error:
        if responder.gone:
            leave()
        for task in tasks:
            task.cancel(*error.args[:1])
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    finally:
        if claim is None:
            responder.on_gone(None)
    if race is not None and race.winner is not None:
        return
    record.status = 200 if race is None and any(part.answered for part in parts) else parts[0].status
    if record.status != 200:
        responder.reply(record.status, parts[0].headers, parts[0].body)
        return
    told = [entry for entry, part in zip(records, parts, strict=True) if part.answered]
    costs = [entry.cost_nanousd for entry in told]
    cost = None if None in costs else sum(filter(None, costs))
    caveats = dict.fromkeys(one for entry in told for one in entry.caveats)
    body = _encode([msgspec.Raw(part.body) for part in parts])
    lines = [JSON_LINES, own_headers(record, dialect) + plain_caveat_headers(caveats) + cost_headers(cost, None)]
    if claim is not None:
        await claim.keep(200, lines, body)
    responder.reply(200, lines, body)


class _Race:
    """The first to say anything of an answer is answered with; the clients of the others are gone. `decided`: with a
    `claim`, which is told before the client."""

    def __init__(self, responder: Responder, alive: bytes, claim: Claim | None) -> None:
        self.responder = responder
        self.alive = alive
        self.claim = claim
        self.parts: Sequence[_Part] = ()
        self.winner: _Part | None = None
        self.decided = asyncio.get_running_loop().create_future()

    def won(self, part: _Part) -> bool:
        if self.winner is None and (self.claim is not None or not self.responder.gone):
            self.winner = part
            for other in self.parts:
                if other is not part:
                    other.leave()
        return self.winner is part

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Of who has won."""
        if self.claim is None:
            self.responder.reply(status, headers, body)
        else:
            self.decided.set_result(None)

    async def tell(self) -> None:
        if self.winner is not None and self.claim is not None:
            told = self.winner
            await self.claim.keep(told.status, told.headers, told.body)
            self.responder.reply(told.status, told.headers, told.body)


class _Part:
    """The `Responder` of one of them. Where there is a race a stream begins with its first words: signs of life, and an
    answer that is none, win nothing."""

    def __init__(self, race: _Race | None) -> None:
        self._race = race
        self._callback: Callable[[], None] | None = None
        self._head: tuple[int, Headers] = (200, ())
        self.started = self.gone = False
        self.status = 500
        self.headers: Headers = ()
        self.body = b""

    @property
    def answered(self) -> bool:
        return self.status < 400

    def leave(self) -> None:
        self.gone = True
        if self._callback is not None:
            self._callback()

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        if self.gone:
            return
        self.status, self.headers, self.body, self.started = status, headers, body, True
        if self._race is not None and self.answered and self._race.won(self):
            self._race.reply(status, headers, body)

    def start(self, status: int, headers: Headers) -> None:
        self._head = (status, headers)

    def write(self, data: bytes) -> None:
        race = self._race
        if self.gone or race is None or (race.winner is None and data == race.alive):
            return
        if not self.started and race.won(self):
            self.started, self.status = True, self._head[0]
            race.responder.start(*self._head)
        if race.winner is self:
            race.responder.write(data)

    async def drain(self) -> None:
        if self.gone:
            raise ClientGone
        if self._race is not None and self._race.winner is self:
            await self._race.responder.drain()

    def finish(self) -> None:
        if self._race is not None and self._race.winner is self:
            self._race.responder.finish()

    def abort(self) -> None:
        if self._race is not None and self._race.winner is self:
            self._race.responder.abort()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback
        if callback is not None and self.gone:
            callback()
