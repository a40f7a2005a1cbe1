"""Writing one ask for one deployment: the bytes that go out, and what could not be said.

Relayed: the dialect is the deployment's wire, so the body's own bytes go on and only `model`, the operator's
defaults and fields that the provider refuses or calls by another name change. Rewritten: the same, but a patch wants
the whole of it, or its messages may have fields that this provider refuses. Translated: read by the dialect, written by
the wire: another format, or a seal in the body, an input that this model cannot read, or a default that has another
shape in this format. Where dialect and wire agree,
the answer comes back as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tollbridge.calls.ask import Ask, decode, field, name_model, with_plain_effort
from tollbridge.calls.cache_points import CachePoint, with_points
from tollbridge.calls.defaults import added, emptied, with_defaults
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.kept import check_served
from tollbridge.calls.outgoing import LISTS, Headers, in_body, outgoing, with_words
from tollbridge.calls.rewrites import rewrite, withheld
from tollbridge.calls.structured import FIELDS, asks_for_schema, fit
from tollbridge.calls.told import at_clients_place, places_of, refusal, told
from tollbridge.errors import BadRequestError, UnsupportedParamsError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent
from tollbridge.transport.base import Outgoing, Timeouts
from tollbridge.wires.base import ProviderWire
from tollbridge.wires.openai_chat.plain import extended, plain
from tollbridge.wires.openai_responses.vocabulary import NAME as KEEPING
from tollbridge.wires.unsaid import nothing_left, unsaid
from tollbridge.wires.wishes import granted

_encode = msgspec.json.Encoder().encode

_NULL = msgspec.Raw(b"null")
LOSSES = frozenset({"dropped_param"})


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """`wire`: what reads the answer. `relayed`: it goes back as it comes. `hides_usage`: usage was asked for only by
    us. `by_tool`: the answer comes as a call of `structured.ANSWER`."""

    wire: ProviderWire
    outgoing: Outgoing
    timeouts: Timeouts
    relayed: bool
    hides_usage: bool = False
    caveats: tuple[Caveat, ...] = ()
    by_tool: bool = False


def prepare(ask: Ask, deployment: Deployment) -> Prepared:
    """Raises BadRequestError where the ask cannot be said to this deployment."""
    wire = deployment.wire
    same = ask.dialect.name == wire.name
    if same and "reasoning_effort" in ask.fields:
        ask = with_plain_effort(ask)
    if (
        same
        and deployment.as_is
        and wire.name != KEEPING
        and not (ask.stream or ask.caveats or ask.cache_points or ask.sealed)
    ):
        touches = deployment.touches
        if not touches or touches.isdisjoint(ask.fields):  # most requests: nothing below has anything to say to it
            body = _encode({**ask.fields, "model": deployment.model_raw})
            timed = ask.timeout_s is not None or ask.left_s is not None
            timeouts = ask.limited(deployment.timeouts) if timed else deployment.timeouts
            return Prepared(wire, outgoing(ask, deployment, body), timeouts, True)
    if ask.dialect.name == KEEPING:
        check_served(ask, same)
    hides_usage = by_tool = False
    caveats: tuple[Caveat, ...] = ()
    headers = ask.headers
    if same and "tools" in deployment.target.lacks and "tools" in ask.fields:
        same = False  # what the model cannot do itself is put into words, and its words are not relayed
    bare = same and deployment.plain and extended(ask.body)
    schemaless = "response_schema" in deployment.target.lacks and _asks_for_schema(ask)
    unread = same and bool(deployment.unread) and any(ask.body.find(mark) >= 0 for mark in deployment.unread)
    points = () if deployment.plain else (*deployment.cache_points, *ask.cache_points)  # who is caches by itself
    read = same and (schemaless or unread or ask.sealed or bool(points) or deployment.reads_whole)
    relayed = same and not bare and not read
    if relayed and not deployment.patches and not (wire.in_path and _within(deployment)):
        fields, hides_usage, caveats = _relayed(ask, deployment)
        if caveats:
            caveats = told(caveats, places_of(ask), deployment.target.lacks)
        body = _encode(fields)
    else:
        whole = same and not read and not wire.in_path
        made = _rewritten(ask, deployment) if whole else _translated(ask, deployment, points)
        written, caveats, wire, by_tool = made.body, made.caveats, made.wire, made.by_tool
        if bare:
            cleaned = plain(written)
            written, caveats = cleaned.value, (*caveats, *cleaned.caveats)
        if made.headers:
            headers = with_words(headers, made.headers)
        if deployment.header_fields and headers:
            written, dropped = in_body(written, headers, deployment)
            caveats = (*caveats, *dropped)
        for patch in deployment.patches:
            written = patch(written)
        same = same and not by_tool
        if same and ask.stream:
            hides_usage = not ask.include_usage
        if deployment.forced_raw:
            written = {**written}
            _force(written, deployment)
        body = _encode(written)
    if caveats:
        judge(caveats, ask, deployment)
    if ask.caveats:
        caveats = (*ask.caveats, *caveats)
    timeouts = deployment.stream_timeouts if ask.stream else deployment.timeouts
    if deployment.by_service:
        timeouts = deployment.times(ask)
    if ask.timeout_s is not None or ask.left_s is not None:
        timeouts = ask.limited(timeouts)
    sent = outgoing(ask, deployment, body, headers=headers)
    return Prepared(wire, sent, timeouts, same, hides_usage, caveats, by_tool)


def _within(deployment: Deployment) -> bool:
    """What the operator wants changed stands inside the body's fields, in a format that has settings nested."""
    return bool(deployment.defaults or deployment.withheld)


def _relayed(ask: Ask, deployment: Deployment) -> tuple[dict[str, msgspec.Raw], bool, tuple[Caveat, ...]]:
    fields = dict(ask.fields)
    caveats: tuple[Caveat, ...] = ()
    name_model(fields, deployment.model_raw, in_path=deployment.wire.in_path)
    touched = deployment.touches and not deployment.touches.isdisjoint(fields)
    if touched or deployment.defaults_raw or deployment.unsaid:
        caveats = _in_place(fields, deployment)
    if deployment.forced_raw:
        _force(fields, deployment)
    hides_usage = False
    if ask.stream and _may_ask_for_usage(deployment):
        fields["stream_options"] = msgspec.Raw(_encode(_with_usage(field(ask.fields, "stream_options"))))
        hides_usage = not ask.include_usage
    return fields, hides_usage, caveats


def _in_place(fields: dict[str, Any], deployment: Deployment) -> tuple[Caveat, ...]:
    """The fields of a request in the provider's format, with the operator's defaults, as the provider takes them."""
    _rename(fields, deployment.renames)
    defaults, unsaid = added(fields, deployment)
    fields.update(defaults)
    return (*_changed(fields, deployment), *unsaid)


def _force(fields: dict[str, Any], deployment: Deployment) -> None:
    """The operator's `extra_body` wins, also over what says the same by another name."""
    for name in deployment.outdone:
        fields.pop(name, None)
    fields.update(deployment.forced_raw)


def in_its_words(fields: dict[str, Any], ask: Ask, deployment: Deployment) -> tuple[Caveat, ...]:
    """Renames, leaves out and changes the fields of a request in the provider's format that somebody else sends. Raises
    APIError where nothing may be lost."""
    _rename(fields, deployment.renames)
    caveats = _changed(fields, deployment)
    if caveats:
        judge(caveats, ask, deployment)
    return caveats


def _changed(fields: dict[str, Any], deployment: Deployment) -> tuple[Caveat, ...]:
    """Leaves out what the provider refuses, and says in its words what is said in another's: which may be of what it
    refuses."""
    caveats = _drop(fields, deployment)
    if not deployment.rewrites:
        return caveats
    return (*caveats, *rewrite(fields, deployment.rewrites, _value), *_drop(fields, deployment))


def _value(raw: bytes | Json) -> Json:
    """Of a field that is still as it came, or that was changed already."""
    return decode(bytes(raw)) if isinstance(raw, msgspec.Raw) else raw


def _rename(fields: dict[str, Any], renames: Mapping[str, str]) -> None:
    """To the provider's own names. Where a body has both, its own counts, unless it is null."""
    for old, new in renames.items():
        if old in fields:
            value = fields.pop(old)
            if fields.get(new) in (None, _NULL):
                fields[new] = value


def _may_ask_for_usage(deployment: Deployment) -> bool:
    return deployment.wire.asks_for_usage and "stream_options" not in deployment.drops


def _with_usage(options: Json) -> JsonObject:
    if options is not None and not isinstance(options, dict):
        raise BadRequestError("Expected an object - at `$.stream_options`.", param="stream_options")
    return {**(options or {}), "include_usage": True}


class _Made(msgspec.Struct, frozen=True, eq=False):
    """A body, what it could not say, what reads the answer, and whether the answer comes as a call."""

    body: JsonObject
    caveats: tuple[Caveat, ...]
    wire: ProviderWire
    by_tool: bool = False
    headers: Headers = ()


def _asks_for_schema(ask: Ask) -> bool:
    found = FIELDS.intersection(ask.fields)
    return bool(found) and asks_for_schema({name: field(ask.fields, name) for name in found})


def _rewritten(ask: Ask, deployment: Deployment) -> _Made:
    """The same wire, but the whole body must be seen: patches are to come."""
    fields: dict[str, Any] = {**ask.json(), "model": deployment.model}
    caveats = _in_place(fields, deployment)
    body: JsonObject = {name: _value(value) for name, value in fields.items()}
    if caveats:
        caveats = told(caveats, places_of(ask), deployment.target.lacks)
    if ask.stream and _may_ask_for_usage(deployment):
        body["stream_options"] = _with_usage(body.get("stream_options"))
    return _Made(body, caveats, deployment.wire)


def _translated(ask: Ask, deployment: Deployment, points: tuple[CachePoint, ...]) -> _Made:
    """By way of the neutral request: another format, a seal to open, or a wish that the provider has no word for."""
    read = ask.request()
    request, wire = read.value, deployment.wire
    if not request.messages:
        _check_any(ask)
    said: JsonObject = {}
    unsaid_words: tuple[Caveat, ...] = ()
    if deployment.defaults:
        none = emptied(places_of(ask, read.value), deployment)
        request, said, unsaid_words = with_defaults(request, deployment, none)
    if points:
        request = with_points(request, points)
    request, caveats = withheld(request, deployment.withheld, deployment.provider)
    caveats = (*unsaid_words, *caveats)
    try:
        settled = granted(request, wire.name)
    except BadRequestError as error:
        raise at_clients_place(error, places_of(ask, read.value)) from error
    request = settled.value
    caveats = (*caveats, *settled.caveats)
    kept = {name: request.extra[name] for name in deployment.keeps if name in request.extra}
    if kept:
        rest = {name: value for name, value in request.extra.items() if name not in kept}
        request = msgspec.structs.replace(request, extra=rest)
    target = deployment.target
    if ask.stream != target.stream:
        target = msgspec.structs.replace(target, stream=ask.stream)
    if ask.stream and not request.include_usage and "stream_options" not in deployment.drops:
        request = msgspec.structs.replace(request, include_usage=True)
    fitted = fit(request, target)
    request = fitted.request
    caveats = (*caveats, *fitted.caveats)
    if "tools" in target.lacks:
        from tollbridge.wires.tools_in_words import in_words  # loaded when a model first needs it

        request, wire, losses = in_words(request, wire, target.lacks)
        caveats = (*caveats, *losses)
    added = len(request.messages) - len(read.value.messages)
    try:
        written = wire.write_request(request, target)
    except BadRequestError as error:
        raise at_clients_place(error, places_of(ask, read.value, added)) from error
    body = {**written.value.body, **kept}
    for name, value in said.items():
        held = body.get(name)
        body[name] = {**value, **held} if isinstance(held, dict) and isinstance(value, dict) else value
    _rename(body, deployment.renames)
    left = unsaid(request, deployment.wire.name, written.value.took) if request.origin != deployment.wire.name else ()
    inside = rewrite(body, [one for one in deployment.rewrites if one.written], _value)
    caveats = (*caveats, *written.caveats, *left, *inside, *_drop(body, deployment))
    headers: Headers = ()
    if not LISTS.isdisjoint(written.value.headers):
        headers = tuple(header for header in written.value.headers.items() if header[0] in LISTS)
    if not caveats:
        return _Made(body, read.caveats, wire, fitted.by_tool, headers)
    places = places_of(ask, read.value, added)
    missing = nothing_left(body, request, caveats)
    if missing is not None:
        where = places.place(missing.where)
        raise UnsupportedParamsError(
            f"{deployment.provider}/{deployment.model}: nothing of this request is left to be sent. {missing.detail} "
            f"- at `{where}`.",
            param=where.removeprefix("$."),
            provider=deployment.provider,
            model=deployment.model,
        )
    return _Made(body, (*read.caveats, *told(caveats, places, target.lacks)), wire, fitted.by_tool, headers)


def _check_any(ask: Ask) -> None:
    """Of a request without a message: the provider would name the field that its own format has."""
    for name in ("messages", "contents", "input"):
        if field(ask.fields, name) == [] and "prompt" not in ask.fields:
            raise BadRequestError(f"There is nothing to answer: `{name}` is empty - at `$.{name}`.", param=name)


def _drop(fields: dict[str, Any], deployment: Deployment) -> tuple[Caveat, ...]:
    """Leaves out what the provider refuses."""
    dropped = [name for name in fields if name in deployment.drops]
    for name in dropped:
        del fields[name]
    return tuple(
        unsent("dropped_param", f"$.{name}", f"{deployment.provider} does not take `{name}`") for name in dropped
    )


def judge(caveats: tuple[Caveat, ...], ask: Ask, deployment: Deployment) -> None:
    """`strict` refuses any loss before anything is sent; `drop_params: false` refuses a dropped parameter."""
    if ask.strict or deployment.strict:
        loss: Caveat | None = caveats[0]
        way_out = "Leave it out: `strict`, asked for or set up, lets nothing be lost."
    elif (deployment.drop_params if ask.drop_params is None else ask.drop_params) is False:
        loss = next((caveat for caveat in caveats if caveat.code in LOSSES), None)
        way_out = "Leave it out, or set `drop_params: true`."
    else:
        return
    if loss is not None:
        raise UnsupportedParamsError(
            f"{deployment.provider}/{deployment.model}: {refusal(loss)} - at `{loss.where}`. {way_out}",
            param=loss.where.removeprefix("$."),
            provider=deployment.provider,
            model=deployment.model,
        )
