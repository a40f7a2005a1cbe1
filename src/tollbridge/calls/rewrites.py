"""Changes to single fields of a body, whatever else stands in it: thinking in a vendor's own words, and what the
operator wants left out (`additional_drop_params`).

Only the fields concerned are decoded, so that a request which has none of them is relayed as before.

What to leave out is said by a name of the chat format, a name of the provider's own, or a path in the body as it is
sent: `tools[*].function.strict`, `metadata.user_id`, `messages[0].name`
(https://docs.litellm.ai/docs/completion/drop_params, seen 2026-11-26). Names of the chat format lead to what says the
same in the others (`PLACES`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Request, Sampling
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent
from tollbridge.providers.rewrite import Changes, Rewrite
from tollbridge.wires.anthropic_messages.vocabulary import NAME as MESSAGES
from tollbridge.wires.openai_chat.thinking import STYLES, WORDS, respell
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

Step = str | int | None
"""A name, an index, or None for each item of a list."""


PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    MESSAGES: {
        "stop": ("stop_sequences",),
        "user": ("metadata.user_id",),
        "reasoning_effort": ("thinking", "output_config.effort"),
        "response_format": ("output_config.format", "output_format"),
        "parallel_tool_calls": ("tool_choice.disable_parallel_tool_use",),
    },
    OPENAI_RESPONSES.name: {
        "max_tokens": ("max_output_tokens",),
        "max_completion_tokens": ("max_output_tokens",),
        "reasoning_effort": ("reasoning",),
        "thinking": ("reasoning",),
        "response_format": ("text.format",),
        "verbosity": ("text.verbosity",),
    },
}
"""By wire: where a format says what the chat format says by this name, if elsewhere."""

_SAMPLING: Mapping[str, str] = {
    **{name: name for name in Sampling.__struct_fields__ if name not in ("choices", "stop")},
    "max_completion_tokens": "max_tokens",
    "n": "choices",
}
_FIELDS: Mapping[str, str] = {
    "tools": "tools",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tools",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
    "response_format": "output",
    "user": "user",
    "metadata": "metadata",
}
"""Names of the chat format, and the fields of the neutral request."""

FEATURES_OF: Mapping[str, tuple[str, ...]] = {
    "n": ("choices",),
    "max_completion_tokens": ("max_tokens",),
    "parallel_tool_calls": ("parallel_tools",),
    "reasoning_effort": ("reasoning",),
    "thinking": ("reasoning",),
    "response_format": ("response_json", "response_schema"),
}
"""Names of the chat format that `wires.base.FEATURES` calls otherwise."""


def features_of(names: Iterable[str]) -> frozenset[str]:
    return frozenset(feature for name in names for feature in FEATURES_OF.get(name, (name,)))


def withheld(request: Request, names: Iterable[str], provider: str) -> tuple[Request, tuple[Caveat, ...]]:
    """The neutral request without what these names of the chat format say; `extra` has the fields that it has no word
    for."""
    changes: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    left: list[str] = []
    for name in names:
        if name == "stop" and request.sampling.stop:
            sampling["stop"] = ()
        elif name in _SAMPLING and getattr(request.sampling, _SAMPLING[name]) is not None:
            sampling[_SAMPLING[name]] = None
        elif name == "tools" and request.tools:
            changes |= {"tools": (), "tool_choice": None}
        elif name in _FIELDS and name != "tools" and getattr(request, _FIELDS[name]) is not None:
            changes[_FIELDS[name]] = None
        elif name in request.extra:
            changes["extra"] = {key: value for key, value in request.extra.items() if key not in (name, *left)}
        else:
            continue
        left.append(name)
    if sampling:
        changes["sampling"] = msgspec.structs.replace(request.sampling, **sampling)
    return (msgspec.structs.replace(request, **changes) if changes else request), _left_out(left, provider)


def thinking(style: str) -> Rewrite:
    """A client's wish to think, said in another vendor's words, in those of this style."""
    spelled = STYLES[style]

    def apply(fields: JsonObject) -> Changes:
        caveats: list[Caveat] = []
        return respell(fields, spelled, caveats) or {}, tuple(caveats)

    half = spelled.fields if spelled.switch and not spelled.either else frozenset()  # where one value is said elsewhere
    return Rewrite((WORDS - spelled.fields) | (WORDS & half), WORDS | spelled.fields, apply)


def effort_of_messages(model: str, limit: int | None) -> Rewrite:
    """The chat format's word for how much to think, in a body of Anthropic's."""
    from tollbridge.wires.anthropic_messages.effort import READS, with_effort  # loaded where a model speaks the format

    return Rewrite(
        frozenset({"reasoning_effort"}), READS, lambda fields: with_effort(fields, model, limit), written=True
    )


def left_out(names: Iterable[str], wire: str, provider: str) -> tuple[frozenset[str], tuple[Rewrite, ...]]:
    """(fields to leave out, and what takes out what stands inside of others). Raises BadRequestError for what is no
    path."""
    places = PLACES.get(wire, {})
    wanted = [place for name in names for place in (name, *places.get(name, ()))]
    plain = frozenset(place for place in wanted if not _is_path(place))
    return plain, tuple([_inside(place, provider) for place in dict.fromkeys(wanted) if _is_path(place)])


def rewrite(body: dict[str, Any], rewrites: Iterable[Rewrite], decode: Callable[[Any], Json]) -> tuple[Caveat, ...]:
    """`body` in place; `decode` makes a value of one of its fields."""
    found: tuple[Caveat, ...] = ()
    for one in rewrites:
        if one.on.isdisjoint(body):
            continue
        changes, caveats = one.apply({name: decode(body[name]) for name in one.reads if name in body})
        found += caveats
        for name, value in changes.items():
            if value is None:
                body.pop(name, None)
            else:
                body[name] = value
    return found


def _inside(path: str, provider: str) -> Rewrite:
    steps = _steps(path)
    first = str(steps[0])

    def apply(fields: JsonObject) -> Changes:
        value, taken = _without(fields[first], steps[1:])
        if not taken:
            return {}, ()
        return {first: value}, _left_out([path], provider)

    return Rewrite(frozenset({first}), frozenset({first}), apply, written=True)


def _left_out(names: Iterable[str], provider: str) -> tuple[Caveat, ...]:
    return tuple(unsent("dropped_param", f"$.{name}", f"{provider} is not to get `{name}`") for name in names)


_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\*|\d+)\]")


def _is_path(name: str) -> bool:
    return "." in name or "[" in name


def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (at == 0 and found[1] is None):
            raise BadRequestError(
                f"`additional_drop_params`: {path!r} is no path; write `name`, `name.inner`, `name[*].inner` or "
                "`name[0]`.",
                param="additional_drop_params",
                fault="operator",
            )
        steps.append(found[1] if found[1] is not None else None if found[2] == "*" else int(found[2]))
        at = found.end()
    return tuple(steps)


def _without(value: Json, steps: tuple[Step, ...]) -> tuple[Json, bool]:
    """(the value without what the steps lead to, whether there was something); what is changed is copied."""
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if not isinstance(value, dict) or step not in value:
            return value, False
        if not rest:
            return {name: inner for name, inner in value.items() if name != step}, True
        inner, taken = _without(value[step], rest)
        return ({**value, step: inner} if taken else value), taken
    if not isinstance(value, list):
        return value, False
    chosen = range(len(value)) if step is None else range(step, min(step + 1, len(value)))
    if not rest:
        return [item for at, item in enumerate(value) if at not in chosen], bool(chosen)
    items = [_without(item, rest) if at in chosen else (item, False) for at, item in enumerate(value)]
    return [item for item, _ in items], any(taken for _, taken in items)
