"""`reasoning_effort` in a body of this format: LiteLLM's clients and configurations say it so, Anthropic refuses it.

It becomes what Claude is told of the same word by a client of the chat format (`settings`). Where the body says itself
how much to think, that counts.
"""

from __future__ import annotations

from msgspec.structs import replace

from tollbridge.model.json import JsonObject
from tollbridge.model.request import Reasoning, Request, Sampling, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.models import generation
from tollbridge.wires.anthropic_messages.settings import settle, write_sampling
from tollbridge.wires.dialects import CHAT
from tollbridge.wires.wishes import granted

_SAMPLING = ("temperature", "top_p", "top_k")
READS = frozenset({"reasoning_effort", "thinking", "output_config", "max_tokens", "tool_choice", "stream", *_SAMPLING})
_FORCED = ("any", "tool")
_WHERE = {"$.reasoning": "$.reasoning_effort"}


def with_effort(body: JsonObject, model: str, limit: int | None) -> tuple[JsonObject, tuple[Caveat, ...]]:
    """(fields of `body` to set, None for one to take out; what was lost). `body` need have no more than `READS`;
    `limit`: tokens that the model may write. Raises BadRequestError for an effort that nobody knows."""
    said = body["reasoning_effort"]
    changes: JsonObject = {"reasoning_effort": None}
    effort = said.get("effort") if isinstance(said, dict) else said
    config = body.get("output_config")
    config = config if isinstance(config, dict) else {}
    if effort is None or body.get("thinking") is not None or config.get("effort") is not None:
        return changes, ()
    asked = Request(model=model, messages=(), origin=CHAT, reasoning=Reasoning(effort=str(effort)))
    request = replace(granted(asked, model).value, sampling=_sampling(body), tool_choice=_forced(body))
    facts = generation(model)
    caveats: list[Caveat] = []
    stream = body.get("stream") is True
    settings = settle(request, facts, limit=limit, stream=stream, bare_tool_turn=False, caveats=caveats)
    if settings.thinking is not None:
        changes["thinking"] = settings.thinking
    if settings.effort is not None:
        changes["output_config"] = {**config, "effort": settings.effort}
    if settings.thinks:
        kept: JsonObject = {}
        write_sampling(kept, request.sampling, facts, True, caveats)
        changes |= {name: kept.get(name) for name in _SAMPLING if getattr(request.sampling, name) is not None}
    lost = [caveat for caveat in caveats if caveat.where != "$.max_tokens"]  # it stays as it is
    return changes, tuple([replace(one, where=_WHERE.get(one.where, one.where)) for one in lost])


def _sampling(body: JsonObject) -> Sampling:
    """What is of another shape than numbers is judged by the provider."""
    known = {name: body[name] for name in _SAMPLING if isinstance(body.get(name), int | float)}
    length = body.get("max_tokens")
    return Sampling(max_tokens=length if isinstance(length, int) else None, **known)


def _forced(body: JsonObject) -> ToolChoice | None:
    choice = body.get("tool_choice")
    return ToolChoice(mode="required") if isinstance(choice, dict) and choice.get("type") in _FORCED else None
