"""`fallbacks` of a request: names of models, or objects that say what such a model is asked instead, as LiteLLM has
them (https://docs.litellm.ai/docs/proxy/reliability, seen 2026-11-27):

    {"model": "a", "messages": [...], "fallbacks": ["b", {"model": "c", "messages": [...], "temperature": 0}]}

An object's fields stand in place of the request's. They are those of `SAID`: tools, and whatever else decides what is
run, kept or paid for beyond the answer, are the request's, which was checked for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from tollbridge.calls.ask import Ask, Fields
from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.dialects import CHAT, MESSAGES

FALLBACKS_MAX = 8
SAID = (
    *("messages", "system", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop"),
    *("stop_sequences", "seed", "presence_penalty", "frequency_penalty", "reasoning_effort", "thinking"),
    "response_format",
)
_encode = msgspec.json.Encoder().encode


def read_fallbacks(value: Json, where: str) -> tuple[tuple[str, ...], Mapping[str, JsonObject]]:
    """(names, by name what is said instead). Raises BadRequestError."""
    found: Sequence[Json] = value if isinstance(value, list) else [value]
    if len(found) > FALLBACKS_MAX:
        raise _wrong(where)
    names: list[str] = []
    instead: dict[str, JsonObject] = {}
    for at, one in enumerate(found):
        here = f"{where}[{at}]"
        name = one.get("model") if isinstance(one, dict) else one
        if not isinstance(name, str) or not name:
            raise _wrong(here if isinstance(value, list) else where)
        said = {field: told for field, told in one.items() if field != "model"} if isinstance(one, dict) else {}
        for field in said:
            if field not in SAID:
                raise BadRequestError(
                    f"`{field}` cannot be said of a fallback - at `{here}.{field}`. It may say: {', '.join(SAID)}.",
                    param="fallbacks",
                    code="field_not_allowed",
                )
        if "messages" in said and not isinstance(said["messages"], list):
            raise BadRequestError(f"Expected a list of messages - at `{here}.messages`.", param="fallbacks")
        if name in instead or (said and name in names):
            raise BadRequestError(f"{name[:200]!r} stands here twice - at `{here}`. Leave one out.", param="fallbacks")
        names.append(name)
        if said:
            instead[name] = said
    return tuple(names), instead


def instead_of(
    ask: Ask, asked: str, instead: Mapping[str, JsonObject], there: Mapping[str, JsonObject]
) -> Mapping[str, Ask]:
    """What each such fallback is asked. `asked`: the name that the client said. `there`: those of `instead` that may be
    asked. Raises BadRequestError."""
    if ask.dialect.name not in (CHAT, MESSAGES):
        raise BadRequestError(
            "Fallbacks with fields of their own are there for chats in OpenAI's and Anthropic's format - at "
            "`$.fallbacks`. Name models alone.",
            param="fallbacks",
        )
    if asked in instead or ask.model in instead:
        raise BadRequestError("A model does not stand in for itself - at `$.fallbacks`.", param="fallbacks")
    return {name: _with(ask, name, said) for name, said in there.items()}


def _with(ask: Ask, name: str, said: JsonObject) -> Ask:
    fields: Fields = dict(ask.fields)
    other = msgspec.structs.replace(ask, model=name, fields=fields)
    other.replace(**{field: _encode(value) for field, value in said.items()})
    return other


def _wrong(where: str) -> BadRequestError:
    return BadRequestError(
        f"Expected a list of at most {FALLBACKS_MAX} model names, or objects with `model` - at `{where}`.",
        param=where.removeprefix("$."),
    )
