"""From the bytes of a body to an Ask: peek at the top level, take out what is for us, find the group, and see that the
caller may ask for it. Whatever reads a request by this file is authorized by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.calls.ask import Ask, Fields, is_true, peek, string_field
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.outgoing import CLIENT_HEADERS
from tollbridge.calls.own_fields import left_out
from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.model.response import Caveat
from tollbridge.observe import Record
from tollbridge.policy.access import ALL, Access
from tollbridge.routing.groups import Group, unknown_model
from tollbridge.routing.plan import Policy
from tollbridge.secret import without_keys
from tollbridge.server.answers import plainly
from tollbridge.server.controls import NESTED, NOTHING, Controls, take_controls
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.server.models import visible
from tollbridge.server.notes import LOGGED_CHARACTERS_MAX
from tollbridge.server.other_models import FIELDS, check_named
from tollbridge.server.own_fallbacks import instead_of
from tollbridge.server.routes import Match
from tollbridge.server.several import several
from tollbridge.server.ways import Way
from tollbridge.wires.base import Wire
from tollbridge.wires.dialects import CHAT, MESSAGES

_encode = msgspec.json.Encoder().encode

FORWARDED = tuple(sorted(frozenset[str]().union(*CLIENT_HEADERS.values())))
_PRIVATE = "api- goog- amz- litellm- tollbridge- mcp- stainless- forwarded real-ip original- rewrite- http- auth csrf"
PRIVATE_PREFIXES = tuple(f"x-{word}".encode() for word in _PRIVATE.split())
_FORWARDED = tuple((name.encode(), name) for name in FORWARDED)
_FORWARDED_NAMES = frozenset(name for name, _ in _FORWARDED)


def read_ask(
    gateway: Gateway,
    dialect: Wire,
    inbound: Inbound,
    record: Record,
    model: str | None = None,
    fields: Fields | None = None,
    make: type[Ask] = Ask,
) -> tuple[Ask, Controls]:
    """`model`: that of the path, where the path names one. `fields`: those of the body, where they are known already;
    `make`: what the ask is. Raises BadRequestError, NotFoundError and PermissionDeniedError."""
    rules = gateway.rules
    body = inbound.body
    if fields is None:
        fields = peek(body)
    sent, nested = len(fields), NESTED in fields
    access = ALL if inbound.principal is None else inbound.principal.access
    asked = bytes(fields.get("model", b"")) if model is None else model
    way = gateway.ways.find((access, asked))
    if way is None:
        model = string_field(fields, "model") if model is None else model
        record.model_requested = without_keys(model[:LOGGED_CHARACTERS_MAX])
    else:
        record.model_requested = way.shown
    stream = asks_to_stream(inbound)
    if stream is None:
        stream = "stream" in fields and is_true(fields, "stream")
    controls = take_controls(
        fields,
        inbound.headers,
        metadata_is_ours=dialect.asks_for_usage,
        streams=stream,
        user_header=rules.user_header,
        betas=inbound.headers.get(b"anthropic-beta", b"").decode("latin-1") if dialect.name == MESSAGES else None,
    )
    if nested or len(fields) != sent:  # what was for us is seen by nobody after this
        body = _encode(fields)
    if controls is not NOTHING:
        controls.note(record)
    if way is None:
        assert model is not None
        if "," in model and dialect.name == CHAT and not gateway.engine.routes.groups.names(access.named(model)):
            named = several(model)
            if named is not None:
                raise named
        group = permitted(gateway, access, access.named(model), record.model_requested)
        way = Way(record.model_requested, group.name, group.label)
        gateway.ways.keep(access, asked, way)
    record.group = way.label
    if not access.every and not FIELDS.isdisjoint(fields):
        groups = gateway.engine.routes.groups
        check_named(access, groups, fields, groups.resolve(way.group).members)
    strict = controls.strict or rules.strict
    caveats = _unknown_fallbacks(controls.fallbacks, gateway, strict) if controls.fallbacks else ()
    if controls.ineffective:
        caveats += ineffective(controls.ineffective, strict)
    if caveats:
        record.caveats = plainly(caveats)
    ask = make(
        dialect,
        body,
        fields,
        way.group,
        stream=stream,
        id=record.request_id,
        created=int(record.at),
        headers=()
        if not rules.forward_client_headers and _FORWARDED_NAMES.isdisjoint(inbound.headers)
        else forwarded_headers(inbound.headers, custom=rules.forward_client_headers, key_header=rules.key_header),
        seals=gateway.seals,
        include_usage=stream and (rules.expose_usage or wants_usage(fields)),
        strict=strict,
        drop_params=controls.drop_params,
        timeout_s=controls.timeout_s,
        caveats=caveats,
        cache_points=controls.cache_points,
        tags=controls.tags,
    )
    if controls.instead and controls.fallbacks:
        there = {name: said for name, said in controls.instead.items() if _may_be_asked(gateway, access, name)}
        ask.instead = instead_of(ask, access.named(record.model_requested), controls.instead, there)
    return ask, controls


def _may_be_asked(gateway: Gateway, access: Access, name: str) -> bool:
    """Of a fallback. What will not be asked is looked at no further, so that nothing is told of it."""
    groups = gateway.engine.routes.groups
    return groups.knows(name) and access.reaches(groups.resolve(name))


EVENTS = frozenset({"alt=sse", "$alt=sse", "%24alt=sse"})
"""Google's servers take the parameter under both names."""


def asks_to_stream(inbound: Inbound) -> bool | None:
    """Whether the path asks for a stream; None where that is for the body to say."""
    match = inbound.route
    return match.route.stream if isinstance(match, Match) else None


def listed(inbound: Inbound) -> bool:
    """The stream is to be one array: its path asks for a stream, and nothing for events."""
    return asks_to_stream(inbound) is True and EVENTS.isdisjoint(inbound.query.split("&"))


def permitted(gateway: Gateway, access: Access, model: str, asked: str) -> Group[Deployment]:
    """The group behind a name. A key with a list is told nothing but its list: not whether there is a model that it may
    not ask for, nor the names of others. `asked`: how the refusal calls it."""
    try:
        group = gateway.engine.routes.groups.resolve(model)
    except APIError as error:
        if access.every:
            raise
        if not access.allows(model, entry=gateway.engine.routes.groups.entry(model)):
            raise access.refusal(asked) from None
        if isinstance(error, NotFoundError):
            raise unknown_model(model, visible(gateway, access), others=True) from None
        raise
    if not access.reaches(group, model):
        raise access.refusal(asked)
    return group


def _unknown_fallbacks(names: Sequence[str], gateway: Gateway, strict: bool) -> tuple[Caveat, ...]:
    """A model that is not here cannot stand in: a caveat; where nothing may be lost, BadRequestError."""
    knows = gateway.engine.routes.groups.knows
    caveats = tuple(
        Caveat(
            code="unknown_fallback",
            where=f"$.fallbacks[{at}]",
            detail=f"{name[:LOGGED_CHARACTERS_MAX]!r} is not served here",
        )
        for at, name in enumerate(names)
        if not knows(name)
    )
    if caveats and strict:
        first = caveats[0]
        raise BadRequestError(
            f"The fallback {first.detail} - at `{first.where}`. Leave it out.",
            param="fallbacks",
            code="model_not_found",
        )
    return caveats


def ineffective(names: Sequence[str], strict: bool) -> tuple[Caveat, ...]:
    """That these were left out. Raises BadRequestError where nothing may be lost."""
    caveats = left_out(names)
    if caveats and strict:
        raise BadRequestError(
            f"`{names[0]}` has no effect here - at `{caveats[0].where}`. Leave it out: `strict`, asked for or set up, "
            "lets nothing be lost.",
            param=names[0],
            code="no_effect",
        )
    return caveats


def policy_for(controls: Controls, policy: Policy) -> Policy:
    """The operator's policy, with what the client may change of it."""
    if controls.retries is None and controls.timeout_s is None:
        return policy
    changes: dict[str, object] = {}
    if controls.retries is not None:
        changes.update(retries=controls.retries, retries_of_deployment=False)
    if controls.timeout_s is not None:
        changes["deadline_s"] = controls.timeout_s
    return msgspec.structs.replace(policy, **changes)


def forwarded_headers(
    headers: Mapping[bytes, bytes], *, custom: bool = False, key_header: bytes | None = None
) -> tuple[tuple[str, str], ...]:
    """The client's headers that may go upstream; the provider's wire picks its own of them. `custom`: also `x-` headers
    that are not about credentials, the way here, or us. `key_header`: where the operator wants the gateway's key."""
    if not custom:
        return tuple((name, headers[raw].decode("latin-1")) for raw, name in _FORWARDED if raw in headers)
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in headers.items()
        if name != key_header
        and (name in _FORWARDED_NAMES or (name.startswith(b"x-") and not name.startswith(PRIVATE_PREFIXES)))
    )


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_stream_options = msgspec.json.Decoder(_StreamOptions).decode


def wants_usage(fields: Fields) -> bool:
    """`stream_options.include_usage` is true."""
    options = fields.get("stream_options")
    if options is None:
        return False
    try:
        return _stream_options(options).include_usage is True
    except (msgspec.DecodeError, RecursionError):
        return False
