"""The operator's defaults in a request: what the client does not say.

Rules
1. The client's word wins, under whatever name its format gives the wish, and also where that word is then lost: it is
   told, and the default does not take its place.
2. Two names for one wish are one wish: `max_tokens` and `max_completion_tokens`, all that is said of thinking.
3. A default that the format has no word for is left out with a Caveat; the client's own field of that name goes on.
4. Of an object with several wishes (`text`, `metadata` of a user) a default adds what the client's has not.
What the operator forces wins over both (`Deployment.outdone`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from tollbridge.calls.ask import decode
from tollbridge.calls.default_words import (
    NEUTRAL,
    beside,
    in_words_of,
    joined,
    may_join,
    says_in_extra,
    with_spoken,
)
from tollbridge.calls.deployment import Deployment
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Reasoning, Request, Sampling
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent
from tollbridge.wires.dialects import CHAT, MESSAGES
from tollbridge.wires.openai_chat.thinking import WORDS
from tollbridge.wires.places import Places

_encode = msgspec.json.Encoder().encode
_NOTHING = (None, msgspec.Raw(b"null"))
_EMPTY: tuple[Any, ...] = ([], msgspec.Raw(b"[]"))
_SAMPLING: Mapping[str, str] = {
    **{name: name for name in Sampling.__struct_fields__ if name != "choices"},
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
    "n": "choices",
}


def added(fields: Mapping[str, Any], deployment: Deployment) -> tuple[dict[str, Any], tuple[Caveat, ...]]:
    """What they change in the fields of a request in the provider's format, by the provider's names."""
    found: dict[str, Any] = {}
    for name, raw in deployment.defaults_raw.items():
        if name in fields:
            if may_join(deployment.wire.name, name):
                found[name] = msgspec.Raw(_encode(joined(decode(bytes(raw)), _value(fields[name]))))
        elif name == "tool_choice" and fields.get("tools") in _EMPTY:
            continue  # a choice among none
        elif not _says(fields, deployment.same_wish.get(name, ())):
            found[name] = raw
        elif _holds_thinking(name, deployment) and (rest := _without_thinking(name, decode(bytes(raw)), deployment)):
            found[name] = msgspec.Raw(_encode(rest))
    return found, tuple([_unsaid(name, deployment) for name in deployment.unsaid if name not in fields])


def emptied(places: Places, deployment: Deployment) -> frozenset[str]:
    """Of the defaults that are lists, those for which the client says an empty one: it wants none."""
    return frozenset(
        name
        for name in ("tools", "stop")
        if name in deployment.defaults and places.value(places.place(f"$.{name}").removeprefix("$.")) == []
    )


def with_defaults(
    request: Request, deployment: Deployment, emptied: frozenset[str] = frozenset()
) -> tuple[Request, JsonObject, tuple[Caveat, ...]]:
    """(a neutral request with them, what stands beside what the writer writes, what the format has no word for). Those
    that the neutral request has no word for go into `extra` and are judged by the writer, or stand beside."""
    changes: dict[str, object] = {}
    sampling: dict[str, object] = {}
    extra: JsonObject = {}
    aside: JsonObject = {}
    lost: list[Caveat] = []
    wire = deployment.wire.name
    own = request.origin == wire
    chats = {new: old for old, new in deployment.renames.items()}
    thinks = request.reasoning is not None or (own and _thinks(request, deployment))
    for name, value in deployment.defaults.items():
        known = _SAMPLING.get(name) or _SAMPLING.get(chats.get(name, name))
        if own and name in deployment.unsaid:
            if not says_in_extra(request, name):
                lost.append(_unsaid(name, deployment))
        elif own and name in deployment.drops:
            extra[name] = value  # is left out of the body, and told
        elif known is not None:
            if known not in emptied and getattr(request.sampling, known) in (None, ()):
                if known == "stop":
                    value = (value,) if isinstance(value, str) else tuple(value)
                sampling[known] = value
        elif name == "reasoning_effort" and isinstance(value, str) and not _in_anthropics(request, deployment):
            if not thinks:
                changes["reasoning"] = Reasoning(effort=value)
        elif name in emptied or _said(request, name, deployment):
            continue
        else:
            if thinks:
                value = _without_thinking(name, value, deployment)
                if value is None:
                    continue
            (aside if beside(wire, request.origin, name) else extra)[name] = value
    if deployment.spoken is not None:
        spoken = with_spoken(request, deployment.spoken, wire)
        if thinks:
            spoken.pop("reasoning", None)
        if "tools" in emptied:
            spoken = {name: value for name, value in spoken.items() if name not in ("tools", "tool_choice")}
        changes = {**spoken, **changes}
    if sampling:
        changes["sampling"] = msgspec.structs.replace(request.sampling, **sampling)
    if extra:
        changes["extra"] = _beside_what_is_said(extra, request, deployment)
    changed = msgspec.structs.replace(request, **changes) if changes else request
    return changed, in_words_of(wire, aside), tuple(lost)


def _says(fields: Mapping[str, Any], names: Collection[str]) -> bool:
    return any(fields.get(name) not in _NOTHING for name in names)


def _holds_thinking(name: str, deployment: Deployment) -> bool:
    """Whether it is an object of this vendor's with the wish to think among others."""
    return name not in WORDS and any(path[0] == name and len(path) > 1 for path in deployment.thinking_at)


def _said(request: Request, name: str, deployment: Deployment) -> bool:
    """Whether the client says it, or the neutral request will by what is `spoken` of the defaults."""
    field = NEUTRAL.get(name)
    if field is not None and (deployment.spoken is not None or getattr(request, field) not in (None, ())):
        return True
    if says_in_extra(request, name):
        return True
    own = request.origin == deployment.wire.name
    return own and not request.extra.keys().isdisjoint(deployment.same_wish.get(name, ()))


def _thinks(request: Request, deployment: Deployment) -> bool:
    for first, *rest in deployment.thinking_at:
        held = request.extra.get(first)
        if held is not None and (not rest or (isinstance(held, dict) and rest[0] in held)):
            return True
    return False


def _without_thinking(name: str, value: Json, deployment: Deployment) -> Json:
    """A default, where the client says how much to think: what is left of it, None where it says that alone."""
    if name in WORDS:
        return None
    for first, *rest in deployment.thinking_at:
        if first == name:
            if not (rest and isinstance(value, dict)):
                return None
            value = {inner: one for inner, one in value.items() if inner != rest[0]} or None
    return value


def _beside_what_is_said(extra: JsonObject, request: Request, deployment: Deployment) -> JsonObject:
    """Written as it was read, a format's writer puts out what it does not know as it stands: in its own words then."""
    wire = deployment.wire.name
    said = in_words_of(wire, extra) if request.origin == wire != CHAT else extra
    held = {
        name: joined(said[name], value) if name in said and may_join(wire, name) else value
        for name, value in request.extra.items()
    }
    return {**said, **held}


def _in_anthropics(request: Request, deployment: Deployment) -> bool:
    """Written as it was read, in a format that says an effort otherwise for each model: a rewrite does that."""
    return request.origin == MESSAGES == deployment.wire.name


def _unsaid(name: str, deployment: Deployment) -> Caveat:
    return unsent("dropped_param", f"$.{name}", f"{deployment.provider} does not take `{name}`")


def _value(raw: bytes | Json) -> Json:
    """Of a field that is still as it came, or that was changed already."""
    return decode(bytes(raw)) if isinstance(raw, msgspec.Raw) else raw
