"""Making a Deployment: what was written in a file, or said in a call, joined with what the tables know."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from tollbridge.calls import credentials
from tollbridge.calls.cache_points import CachePoint
from tollbridge.calls.default_words import (
    in_words_of,
    must_be_read,
    newest,
    other_names,
    outdone,
    spoken,
    unsaid_by,
)
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.follow import Steps
from tollbridge.calls.rewrites import effort_of_messages, features_of, left_out, thinking
from tollbridge.calls.signing import Signatures
from tollbridge.calls.tariff import Markups, tariff
from tollbridge.calls.tokens import Credential, Tokens
from tollbridge.catalog.facts import ModelFacts, facts, with_info
from tollbridge.catalog.price_file import FiledPrices
from tollbridge.catalog.pricing import Tariff
from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.account import Account, fetcher
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.names import find
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.rewrite import Rewrite
from tollbridge.providers.row import WIRE_OF_MODE, Provider
from tollbridge.secret import Secret
from tollbridge.transport.base import Origin, Timeouts
from tollbridge.transport.head import encode_head
from tollbridge.wires import dialects, only_providers
from tollbridge.wires.base import ProviderWire, Target, Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.thinking import PLAIN, STYLES
from tollbridge.wires.steps import Stepwise


class Wires(dict[str, Wire]):
    """By name: those that clients speak, and those of tasks. Each is loaded when it is first asked for."""

    def __missing__(self, name: str) -> Wire:
        if name in dialects.DIALECTS:
            wire = dialects.load(name)
        else:
            from tollbridge.calls.task_wires import task_wire  # loaded by the first request for a task

            wire = cast(Wire, task_wire(name))
        self[name] = wire
        return wire


WIRES = Wires()

_encode = msgspec.json.Encoder().encode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment as somebody wants it. `model`: `provider/model` or a bare name. `defaults`: body fields for what the
    client does not say; `forced`: fields that win. `info`: LiteLLM's `model_info`. `by_service`: other times, as a
    deployment has them. `prices`: one's own, in the words of `catalog.price_names`; `markups`: what is charged on top
    of them, or of the catalog's. `filed`: the lists of the operator's prices file by `provider/model`, each in the
    place of the catalog's. `asked_as`: the name that was asked for, where the group is a pattern."""

    id: str
    group: str
    asked_as: str = ""
    model: str
    provider: str | None = None
    given: Given = Given()
    defaults: JsonObject = {}
    forced: JsonObject = {}
    extra_headers: Mapping[str, str] = {}
    drops: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    timeouts: Timeouts = Timeouts()
    stream_timeouts: Timeouts = Timeouts()
    by_service: Mapping[str, tuple[Timeouts, Timeouts]] = {}
    retries: int | None = None
    weight: float | None = None
    order: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    tags: tuple[str, ...] = ()
    drop_params: bool | None = None
    modify_params: bool = False
    cache_points: tuple[CachePoint, ...] = ()
    strict: bool = False
    info: Mapping[str, Json] = {}
    prices: Mapping[str, int] = {}
    markups: Markups = Markups()
    filed: Mapping[str, FiledPrices] = {}


def build(wanted: Wanted, environ: Mapping[str, str], rows: Mapping[str, Provider]) -> Deployment:
    """Raises APIError where the model has no provider, the provider is unknown, or its key is missing."""

    def located(wire: str | None = None) -> Location:
        return resolve(
            wanted.model,
            custom_llm_provider=wanted.provider,
            given=wanted.given,
            environ=environ,
            rows=rows,
            wire=wire,
        )

    location = located()
    known, prices = priced_as(location.provider, location.model, wanted, location.listed)
    said = wanted.info.get("mode")
    mode = WIRE_OF_MODE.get(str(said or (known.mode if known is not None else "")))
    others = location.provider.also
    if mode is not None and (said or mode in others):
        location, others = located(mode), {}
    elif said == "chat":
        others = {}
    if not location.own_address:  # elsewhere only what is below it can be known
        others = {wire: path for wire, path in others.items() if "://" not in path}
    tasks = _tasks(wanted, environ, rows)
    tokens: dict[Account | AwsAccount, Credential] = {}
    deployment = msgspec.structs.replace(_at(location, wanted, known, prices, tokens), at=tasks)
    unsure = not (location.own_address and location.provider.checked)
    also = {wire: _at(located(wire), wanted, known, prices, tokens) for wire in others}
    return msgspec.structs.replace(deployment, also=also, also_unsure=unsure) if also else deployment


def _tasks(wanted: Wanted, environ: Mapping[str, str], rows: Mapping[str, Provider]) -> Callable[[str], Deployment]:
    """The deployment for each task, made when it is first asked for it."""
    made: dict[str, Deployment] = {}

    def at(task: str) -> Deployment:
        found = made.get(task)
        if found is None:
            from tollbridge.calls.task_build import build_task  # loaded by the first request for a task

            found = made[task] = build_task(wanted, task, environ, rows)
        return found

    return at


def wire_named(name: str) -> ProviderWire:
    """The wire of a row."""
    return only_providers.load(name) if name in only_providers.WIRES else WIRES[name]


def _at(
    location: Location,
    wanted: Wanted,
    known: ModelFacts | None,
    prices: Tariff,
    tokens: dict[Account | AwsAccount, Credential],
) -> Deployment:
    """`tokens`: those of this deployment, in whatever format it is asked."""
    wire = location.provider.wire
    return deployed(
        location, wanted, known, prices, tokens, wire_named(wire), in_words_of(wire, newest(wanted.defaults))
    )


def deployed(
    location: Location,
    wanted: Wanted,
    known: ModelFacts | None,
    prices: Tariff,
    tokens: dict[Account | AwsAccount, Credential],
    wire: ProviderWire,
    defaults: JsonObject,
) -> Deployment:
    """`tokens`: as `_at` has them. `defaults`: the operator's, in the words of the wire."""
    row = location.provider
    origin = Origin(location.scheme, location.host, location.port)
    limit = None if known is None else known.max_output_tokens
    drops, rewrites = _changes(location, wanted, limit)
    unsaid = unsaid_by(row.wire, defaults) - location.keeps.union(wanted.keeps)
    defaults_raw = {row.renames.get(name, name): _raw(value) for name, value in defaults.items() if name not in unsaid}
    forced_raw = {name: _raw(value) for name, value in {**location.body, **wanted.forced}.items()}
    style = STYLES.get(row.prefers.get("reasoning", "")) if row.wire == OPENAI_CHAT.name else None
    named = {name.lower() for name in wanted.extra_headers}
    headers = (
        ("content-type", "application/json"),
        *((name, value) for name, value in _shown(location) if name.lower() not in named),
        *wanted.extra_headers.items(),
    )
    return Deployment(
        id=wanted.id,
        group=wanted.group,
        provider=row.name,
        model=location.model,
        wire=wire,
        origin=origin,
        path=location.path,
        headers=headers,
        head=encode_head(origin, "POST", location.path or "/", headers),
        stream_path=location.stream_path,
        stream_head=encode_head(origin, "POST", location.stream_path, headers) if location.stream_path else b"",
        tokens=None if location.cloud is None else _tokens(location.cloud, tokens),
        steps=_steps(wire, row, location),
        count_tokens_path=location.count_tokens_path,
        secrets=_secrets(location, wanted),
        account=location.account,
        target=Target(
            model=location.model,
            account=location.account,
            max_output_tokens=limit,
            lacks=_lacking(row.lacks - features_of(wanted.keeps), wanted),
            prefers=row.prefers,
            modify=wanted.modify_params,
        ),
        defaults=newest(wanted.defaults) if defaults else {},
        spoken=spoken(wanted.defaults) if defaults else None,
        reads_whole=must_be_read(row.wire, wanted.defaults) and spoken(wanted.defaults) is not None,
        defaults_raw=defaults_raw,
        unsaid=unsaid,
        same_wish=other_names(defaults_raw, row.wire, row.renames, style),
        thinking_at=() if style is None else style.places,
        forced_raw=forced_raw,
        outdone=outdone(forced_raw, row.wire, row.renames, style),
        drops=drops,
        renames=row.renames,
        rewrites=rewrites,
        touches=drops.union(row.renames, *(one.on for one in rewrites)),
        withheld=tuple(dict.fromkeys(wanted.drops)),
        keeps=location.keeps.union(wanted.keeps),
        patches=row.patches,
        header_fields=row.header_fields,
        plain=row.plain and (location.own_address or not row.base_url),
        model_raw=_raw(location.model),
        timeouts=wanted.timeouts,
        stream_timeouts=wanted.stream_timeouts,
        by_service=wanted.by_service,
        retries=wanted.retries,
        weight=wanted.weight,
        order=wanted.order,
        rpm=wanted.rpm,
        tpm=wanted.tpm,
        drop_params=wanted.drop_params,
        cache_points=wanted.cache_points,
        strict=wanted.strict,
        info=wanted.info,
        facts=known,
        tariff=prices,
        tags=wanted.tags,
    )


def _changes(location: Location, wanted: Wanted, limit: int | None) -> tuple[frozenset[str], tuple[Rewrite, ...]]:
    """(what is left out, and changes to single fields). A server of somebody's at a vendor's name may know more words
    for thinking than the vendor."""
    row = location.provider
    drops, inside = left_out([*row.drops, *wanted.drops], row.wire, row.name)
    style = row.prefers.get("reasoning")
    elsewhere = bool(row.base_url) and not location.own_address and style == PLAIN
    spelled = (thinking(style),) if style and row.wire == OPENAI_CHAT.name and not elsewhere else ()
    if row.wire == dialects.MESSAGES and "reasoning_effort" not in wanted.keeps:
        spelled = (effort_of_messages(location.model, limit),)
    return _under_both_names(drops - set(wanted.keeps), row.renames), (*spelled, *row.rewrites, *inside)


def _steps(wire: ProviderWire, row: Provider, location: Location) -> Steps | None:
    if not isinstance(wire, Stepwise):
        return None
    return Steps(wire, row.links_to if location.host.endswith(f".{row.links_to}") else "")


def _tokens(account: Account | AwsAccount, held: dict[Account | AwsAccount, Credential]) -> Credential:
    if account not in held:
        if isinstance(account, AwsAccount):
            held[account] = Signatures(account)
        else:
            held[account] = Tokens(fetcher(account, time.time))
    return held[account]


def _lacking(lacks: frozenset[str], wanted: Wanted) -> frozenset[str]:
    """What a model lacks, by its row or by what the operator says of it: whether it calls tools."""
    match wanted.info.get("supports_function_calling"):
        case True:
            return lacks - {"tools"}
        case False:
            return lacks | {"tools"}
        case _:
            return lacks


def priced_as(
    row: Provider, model: str, wanted: Wanted, listed: tuple[str, ...] = ()
) -> tuple[ModelFacts | None, Tariff]:
    """What is known of a model at a provider, and what it costs, under the name that the operator gives it, else under
    the first of `listed` that is known."""
    told = wanted.info.get("base_model") or wanted.given.base_model
    name = str(told or next((name for name in listed if facts(row.name, name) is not None), model))
    known = facts(row.name, name) or facts(*_split(name))
    known = with_info(known, wanted.info, row.name, model)
    known, listed_as = _as_filed(wanted.filed, row.name, name, known)
    return known, tariff(row, name, known, wanted.prices, wanted.markups, listed_as)


def stands_for(provider: str, model: str, wanted: Wanted, rows: Mapping[str, Provider]) -> Tariff:
    """The tariff of a mock: what it stands for would have cost as much, so that budgets can be tried on it."""
    row = find(provider, rows)
    if row is None:
        return tariff(_NOBODY, model, None, wanted.prices, wanted.markups)
    known, listed_as = _as_filed(wanted.filed, row.name, model, facts(row.name, model))
    return tariff(row, model, known, wanted.prices, wanted.markups, listed_as)


def _as_filed(
    filed: Mapping[str, FiledPrices], provider: str, model: str, known: ModelFacts | None
) -> tuple[ModelFacts | None, str]:
    """With the prices of the operator's file, and what the ledger calls them; as it is where the file has no such
    model. Under the exact name, else under that by which the catalog knows it. A vendor's model at another provider
    (`groq/openai/...`) has not the vendor's price, unless nobody knows one there."""
    if not filed:
        return known, ""
    names = [f"{provider}/{model}"]
    if known is not None:
        names.append(f"{known.provider}/{known.name}")
    if facts(provider, model) is None:
        names.append(model)
    for name in names:
        found = filed.get(name)
        if found is not None:
            base = known or ModelFacts(provider=provider, name=model)
            exact = base if name != names[0] else msgspec.structs.replace(base, name=model)
            listed = msgspec.structs.replace(exact, prices=found.prices, source=found.source, listed_by="prices_file")
            return listed, found.priced
    return known, ""


def _split(model: str) -> tuple[str, str]:
    """A `base_model` is written with a provider as often as without."""
    provider, _, name = model.partition("/")
    return provider, name


_NOBODY = Provider(name="", wire=OPENAI_CHAT.name)


def _shown(location: Location) -> tuple[tuple[str, str], ...]:
    """The headers with their secrets in clear: from here they go only into a Deployment, which does not show them."""
    return tuple((name, value.reveal() if isinstance(value, Secret) else value) for name, value in location.headers)


def _under_both_names(drops: frozenset[str], renames: Mapping[str, str]) -> frozenset[str]:
    """A field that is dropped is dropped by the provider's own name too."""
    return drops | {renames[name] for name in drops if name in renames}


def _raw(value: Json) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


def _secrets(location: Location, wanted: Wanted) -> tuple[str, ...]:
    fixed = {name: value for name, value in location.headers if isinstance(value, str)}
    found = (
        *(secret.reveal() for secret in location.secrets),
        *credentials.in_headers({**fixed, **wanted.extra_headers}),
        *credentials.in_query(location.path),
        *credentials.in_body(wanted.forced),
        *credentials.in_body(wanted.defaults),
    )
    return tuple(dict.fromkeys(found))
