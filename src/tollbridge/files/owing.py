"""What a batch cost, once it has ended: read from its answers as they come, and written into the ledger once.

However often, and in however many processes, a batch is looked at: its entry has an id that is made of the batch, and
the database keeps one entry of an id. The journal has it before the batch is said to owe nothing; who dies in between
writes the same entry again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.calls.place import Place
from tollbridge.catalog.pricing import ASSUMED
from tollbridge.errors import APIError, BadGatewayError
from tollbridge.files.formats import ANTHROPIC, ENDPOINTS, OPENAI, Format
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.observe import Record, tokens
from tollbridge.observe.ulid import made_of
from tollbridge.store.objects import KeptObject
from tollbridge.transport.base import Incoming
from tollbridge.wires.base import Wire

SERVICE = "batch"
LINE_BYTES_MAX = 64 * 1024 * 1024

_CLOCKS_S = 3600.0
"""How far a provider's clock may be behind."""
_LONGEST_S = 30 * 86400.0
"""From the beginning of a batch to its end: longer than any provider takes."""

Deployments = Callable[[Place, str], Deployment]

log = logging.getLogger("tollbridge.files")


class _Response(msgspec.Struct):
    status_code: int = 0
    body: msgspec.Raw = msgspec.Raw()


class _Result(msgspec.Struct):
    type: str = ""
    message: msgspec.Raw = msgspec.Raw()


class _Line(msgspec.Struct):
    """Of either format."""

    response: _Response | None = None
    result: _Result | None = None


class _Model(msgspec.Struct):
    model: str = ""


_line = msgspec.json.Decoder(_Line).decode
_model = msgspec.json.Decoder(_Model).decode


class Bill:
    """Of all answers of a batch. A price that is not known makes the sum unknown; so does an answer that cannot be
    read."""

    def __init__(self, price: Callable[[str], Deployment | None], wire: Wire) -> None:
        self._price = price
        self._wire = wire
        self.cost_nanousd: int | None = 0
        self.tokens: dict[str, int] = {}
        self.priced = ""
        self.model = ""
        self.provider_model: Deployment | None = None

    def answer(self, line: bytes) -> None:
        try:
            read = _line(line)
            if read.response is not None:
                body = bytes(read.response.body) if read.response.status_code == 200 else b""
            else:
                body = (
                    bytes(read.result.message) if read.result is not None and read.result.type == "succeeded" else b""
                )
            if not body:
                return
            model = _model(body).model
            usage = self._wire.read_along(body).usage
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, APIError):
            self.cost_nanousd = None
            return
        self.model = self.model or model
        deployment = self._price(model)
        if usage is None:
            self.cost_nanousd = None
            return
        self._add(usage, deployment)

    def _add(self, usage: Usage, deployment: Deployment | None) -> None:
        for kind, count in tokens(usage).items():
            self.tokens[kind] = self.tokens.get(kind, 0) + count
        cost = None if deployment is None else deployment.tariff.cost(usage, SERVICE)
        if cost is None and deployment is not None:
            cost = deployment.tariff.assumed(usage, SERVICE)
            self.priced = ASSUMED if cost is not None else self.priced
        self.provider_model = self.provider_model or deployment
        if deployment is not None and self.priced != ASSUMED:
            self.priced = deployment.tariff.priced
        if cost is None or self.cost_nanousd is None:
            self.cost_nanousd = None
        else:
            self.cost_nanousd += cost


async def read_answers(incoming: Incoming, bill: Bill) -> None:
    """Line by line; raises APIError where they break off, and BadGatewayError for a line without end."""
    held = bytearray()
    while data := await incoming.chunk():
        held += data
        *whole, rest = bytes(held).split(b"\n") if b"\n" in data else (bytes(held),)
        for line in whole:
            if line.strip():
                bill.answer(line)
        held = bytearray(rest)
        if len(held) > LINE_BYTES_MAX:
            incoming.abort()
            raise BadGatewayError("An answer of the batch is longer than can be read.")
    if held.strip():
        bill.answer(bytes(held))


def wire_of(format: Format, batch: JsonObject) -> Wire | None:
    """The format of its answers; None where it cannot be metered."""
    if format is ANTHROPIC:
        return format.wire
    return ENDPOINTS.get(str(batch.get("endpoint")))


def answers_at(format: Format, batch: JsonObject, theirs: str) -> str | None:
    """The path of its answers, below `Root.keeps_at`; None where there are none. `batch`: as the provider tells it."""
    if format is OPENAI:
        file = batch.get("output_file_id")
        return f"files/{file}/content" if isinstance(file, str) and file else None
    return f"{format.batches}/{theirs}/results"


def ended_at(format: Format, batch: JsonObject) -> float:
    """Epoch seconds, as the provider says: the same each time."""
    for name in format.at:
        moment = _moment(batch.get(name))
        if moment is not None:
            return moment
    return 0.0


def _moment(value: Json) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
        except ValueError:
            return None
    return None


def _counts_at(kept: KeptObject, format: Format, batch: JsonObject) -> float:
    """When it ended, by its provider; when it began here, where that cannot be. The same whoever looks, and whenever:
    the entry's id is made of it."""
    ended = ended_at(format, batch)
    return ended if kept.created_at - _CLOCKS_S <= ended <= kept.created_at + _LONGEST_S else kept.created_at


def entry(kept: KeptObject, place: Place, format: Format, batch: JsonObject, bill: Bill) -> Record:
    deployment = bill.provider_model
    return Record(
        id=made_of(_counts_at(kept, format, batch), f"{kept.account}\0{kept.theirs}".encode()),
        request_id=kept.id[-64:],
        answer_id=kept.id[-64:],
        key_id=kept.owner,
        endpoint=f"/v1/{format.batches}",
        at=time.time(),
        began=time.monotonic(),
        status=200,
        attempts=1,
        provider=place.root.provider,
        deployment=place.name if deployment is None else deployment.id,
        group="" if deployment is None else deployment.group,
        model=bill.model,
        model_requested=kept.models[0] if kept.models else bill.model,
        tokens=bill.tokens or {"input": 0, "output": 0},
        cost_nanousd=bill.cost_nanousd,
        priced=bill.priced,
        bill={"service": SERVICE},
    )
