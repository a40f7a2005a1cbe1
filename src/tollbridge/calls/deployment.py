"""One place that can answer: a provider, a model there, credentials, and how the operator wants it used."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import force_setattr

from tollbridge.calls.ask import Ask
from tollbridge.calls.cache_points import CachePoint
from tollbridge.calls.follow import Steps
from tollbridge.calls.tokens import Credential
from tollbridge.catalog.facts import ModelFacts
from tollbridge.catalog.pricing import UNPRICED, Tariff
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request
from tollbridge.providers.rewrite import Rewrite
from tollbridge.providers.row import NO_CHAT, HeaderField
from tollbridge.transport.base import Origin, Timeouts
from tollbridge.wires.base import ProviderWire, Target
from tollbridge.wires.dialects import CHAT
from tollbridge.wires.lacked import marks
from tollbridge.wires.openai_chat.mending import PREFERENCE

Patch = Callable[[JsonObject], JsonObject]
_IN_WORDS = frozenset({"tools", "response_schema"})
"""What a model is told in words where its provider has no field for it."""


def _service(fields: Mapping[str, msgspec.Raw]) -> str:
    said = fields.get("service_tier") or fields.get("serviceTier") or b""
    return bytes(said).decode("utf-8", "replace").strip('"')


class Deployment(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Made once from the configuration; read on every request.

    `group`: the configured public name or pattern, fit for metrics. `path`: the request target for chat, with prefix
    and query; `stream_path`: that for streams, where it is another. `headers`: credentials and the provider's fixed
    headers; `head`, `stream_head`: the same, encoded. `tokens`: where the credential is one that runs out, or signs
    each request. `steps`: where an answer may take several requests. `secrets`: what must not appear in anything that a
    client or a log is shown; `hidden`: and the present token. `defaults`: body fields for what the client does not say,
    `defaults_raw` the same by the provider's own names, `spoken` what a neutral request can say of it, `unsaid` those
    that the format has no word for, `same_wish` by which other names a client may have said one, `thinking_at` where
    else this vendor has the wish to think, `reads_whole`: some of it has another shape in the provider's format;
    `forced_raw`: fields that win (`extra_body`), `outdone`: other names of theirs. `drops`: fields
    that this provider refuses; `renames`: those that it knows by another name. `rewrites`: changes to single fields;
    `touches`: the fields that any of these three concerns. `withheld`: what the operator wants left out of neutral
    requests. `keeps`: fields that go to the provider as they are, where its format has no word for them. `patches`:
    rewrites of the body; `header_fields`: headers of the client's that stand in it. `plain`: it refuses messages with
    fields that the format does not have. `by_service`: other times, of whole answers and of streams,
    by the service that is asked for. `drop_params`: True drops what cannot be said, False refuses it, None drops it
    with a Caveat. `info`: the operator's `model_info`. `tariff`: what it charges, and where that is known from. `also`:
    the same as it is for clients of other dialects, which the provider speaks beside its own format; where
    `also_unsure`, it may not: another server stands at its address, or nobody compared the row. `at`: makes it as it is
    for a task; its wire is then one of `wires.task`. `as_is`: found out here: what a client says in its format goes on
    but for the model's name, where the client says nothing that it `touches`; `unread`: and this: words of inputs that
    the model cannot read; `mends`: relayed answers are mended (`openai_chat.mending`).
    """

    id: str
    group: str
    provider: str
    model: str
    wire: ProviderWire
    origin: Origin
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    head: bytes = b""
    stream_path: str = ""
    stream_head: bytes = b""
    tokens: Credential | None = None
    steps: Steps | None = None
    count_tokens_path: str | None = None
    secrets: tuple[str, ...] = ()
    account: str = ""
    target: Target
    defaults: Mapping[str, Json] = {}
    spoken: Request | None = None
    reads_whole: bool = False
    defaults_raw: Mapping[str, msgspec.Raw] = {}
    unsaid: frozenset[str] = frozenset()
    same_wish: Mapping[str, frozenset[str]] = {}
    thinking_at: tuple[tuple[str, ...], ...] = ()
    forced_raw: Mapping[str, msgspec.Raw] = {}
    outdone: frozenset[str] = frozenset()
    drops: frozenset[str] = frozenset()
    renames: Mapping[str, str] = {}
    rewrites: tuple[Rewrite, ...] = ()
    touches: frozenset[str] = frozenset()
    withheld: tuple[str, ...] = ()
    keeps: frozenset[str] = frozenset()
    patches: tuple[Patch, ...] = ()
    header_fields: Mapping[str, HeaderField] = {}
    cache_points: tuple[CachePoint, ...] = ()
    plain: bool = False
    model_raw: msgspec.Raw
    timeouts: Timeouts
    stream_timeouts: Timeouts
    by_service: Mapping[str, tuple[Timeouts, Timeouts]] = {}
    retries: int | None = None
    weight: float | None = None
    order: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    drop_params: bool | None = None
    strict: bool = False
    info: Mapping[str, Json] = {}
    facts: ModelFacts | None = None
    tariff: Tariff = UNPRICED
    tags: tuple[str, ...] = ()
    also: Mapping[str, Deployment] = {}
    also_unsure: bool = False
    at: Callable[[str], Deployment] | None = None
    as_is: bool = False
    unread: tuple[bytes, ...] = ()
    mends: bool = False

    def __post_init__(self) -> None:
        changed = self.patches or self.defaults_raw or self.forced_raw or self.plain or self.wire.in_path
        changed = changed or bool(self.cache_points or self.by_service or self.unsaid)
        lacks = self.target.lacks - {"reasoning_history"} if self.plain else self.target.lacks
        force_setattr(self, "unread", marks(self.wire.name, lacks))
        force_setattr(self, "mends", self.wire.name == CHAT and PREFERENCE in self.target.prefers)
        force_setattr(self, "as_is", not changed and not self.unread and _IN_WORDS.isdisjoint(lacks))

    def times(self, ask: Ask) -> Timeouts:
        """Those that hold for a request, where it says none."""
        whole, stream = self.timeouts, self.stream_timeouts
        if self.by_service:
            service = _service(self.forced_raw) or _service((ask.client or ask).fields) or _service(self.defaults_raw)
            whole, stream = self.by_service.get(service, (whole, stream))
        return stream if ask.stream else whole

    def for_dialect(self, dialect: str) -> Deployment:
        """Itself, or as it speaks this dialect natively."""
        return self.also.get(dialect, self)

    def task(self, name: str) -> Deployment:
        """Itself, for a task. Raises BadRequestError where it does not do that."""
        if self.at is None:
            raise BadRequestError(
                f"The model {self.group!r} is for conversations alone.", param="model", code="unsupported_endpoint"
            )
        return self.at(name)

    @property
    def hidden(self) -> tuple[str, ...]:
        return self.secrets if self.tokens is None else (*self.secrets, *self.tokens.secrets)

    @property
    def max_input_tokens(self) -> int | None:
        return None if self.facts is None else self.facts.max_input_tokens

    @property
    def converses(self) -> bool:
        """As far as is known: what is not known may well."""
        mode = "" if self.facts is None else self.facts.mode
        return self.wire.name != NO_CHAT and mode in ("", "chat", "responses")

    def __repr__(self) -> str:
        return f"<Deployment {self.id} {self.provider}/{self.model}>"
