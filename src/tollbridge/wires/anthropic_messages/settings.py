"""The settings of a request that another dialect wrote, as Anthropic takes them: length, sampling, thinking, output.

Rules
1. `max_tokens` is required. Where the client said nothing: an ordinary answer (`Generation.usual_output`) plus room to
   think, never more than the model's limit, and not the limit itself: the vendor holds the whole of `max_tokens`
   against long non-streamed requests. Streams get four times the room, where the limit is known.
2. Thinking that Anthropic would refuse beside something the client needs more (a forced tool, a small `max_tokens`, a
   tool turn without its thinking) is left out, with a Caveat. Its source for these rules:
   https://platform.claude.com/docs/en/build-with-claude/extended-thinking (seen 2026-11-21)
3. With thinking on, temperature and top_k must go.
4. Who asks for no thinking gets none where the model can be kept from it (`Generation.off`). With thinking off, the two
   highest efforts are refused (https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide, seen 2026-11-27).
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.request import Reasoning, Request, Sampling
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent, unsent_field
from tollbridge.wires.anthropic_messages.models import Generation

MIN_BUDGET = 1024  # the least that `budget_tokens` may be
# Tokens for thinking, by effort, where the model wants a number. Anthropic names no equivalents; its advice is to begin
# at the minimum and to give 16k and more to hard tasks (extended-thinking page, seen 2026-11-21).
BUDGET: dict[str, int] = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32768}
_NEAREST = {"minimal": "low", "xhigh": "high"}


class Settings(msgspec.Struct, frozen=True):
    """`thinking` and `effort` are as the body says them. `thinks`: it was asked to."""

    max_tokens: int
    thinking: JsonObject | None = None
    effort: str | None = None
    thinks: bool = False


def settle(
    request: Request,
    facts: Generation,
    *,
    limit: int | None,
    stream: bool,
    bare_tool_turn: bool,
    caveats: list[Caveat],
) -> Settings:
    """Length and thinking. `bare_tool_turn`: the history ends in a tool turn that shows no thinking of Claude's."""
    reasoning = request.reasoning
    allowance = 0
    mode = None
    if reasoning is not None:
        mode = _mode(request, reasoning, facts, bare_tool_turn, caveats)
        if mode is not None:
            allowance = reasoning.budget_tokens or BUDGET.get(reasoning.effort or "medium", BUDGET["medium"])
    max_tokens = _length(request.sampling.max_tokens, allowance, facts, limit, stream, caveats)
    off = reasoning is not None and _is_off(reasoning)
    effort = _effort(reasoning, facts, caveats) if reasoning is not None else None
    if mode == "adaptive":
        # Newer models leave the text of their thinking out unless it is asked for (same page as rule 2).
        return Settings(max_tokens, {"type": "adaptive", "display": "summarized"}, effort, thinks=True)
    if mode != "enabled":
        said = off and facts.off in ("disabled", "between_tools")
        return Settings(max_tokens, {"type": facts.off} if said else None, effort)
    budget = max(MIN_BUDGET, min(allowance, max_tokens // 2 if max_tokens < 2 * allowance else allowance))
    if budget >= max_tokens:
        caveats.append(unsent_field("reasoning", f"thinking needs max_tokens above {MIN_BUDGET}; it is {max_tokens}"))
        return Settings(max_tokens, None, effort)
    return Settings(max_tokens, {"type": "enabled", "budget_tokens": budget}, effort, thinks=True)


def _is_off(reasoning: Reasoning) -> bool:
    return reasoning.mode == "disabled" or reasoning.effort == "none"


def _mode(
    request: Request, reasoning: Reasoning, facts: Generation, bare_tool_turn: bool, caveats: list[Caveat]
) -> str | None:
    """How to ask for thinking: "adaptive", "enabled", or None for not at all."""
    if _is_off(reasoning):
        return None
    if not facts.adaptive and not facts.budget:
        caveats.append(unsent_field("reasoning", "this model does not think"))
        return None
    if facts.forced and getattr(request.tool_choice, "mode", None) in ("required", "tool"):
        caveats.append(unsent_field("reasoning", "a forced tool call and thinking exclude each other"))
        return None
    if facts.adaptive and (reasoning.budget_tokens is None or not facts.budget):
        if reasoning.budget_tokens is not None:
            caveats.append(_approximated("reasoning", "this model takes no thinking budget; it decides by itself"))
        return "adaptive"
    if bare_tool_turn:
        caveats.append(unsent_field("reasoning", "the tool turn under way lacks the thinking that Claude would expect"))
        return None
    return "enabled"


def _effort(reasoning: Reasoning, facts: Generation, caveats: list[Caveat]) -> str | None:
    effort = reasoning.effort
    off = _is_off(reasoning)
    if off and facts.off == "never":
        caveats.append(_approximated("reasoning", "this model cannot be kept from thinking; effort is `low`"))
        return "low"
    if effort in (None, "none") or not facts.efforts:
        return None
    if off and facts.off in ("disabled", "between_tools") and effort in ("xhigh", "max"):
        caveats.append(_approximated("reasoning", f"effort `{effort}` needs thinking; `high` is sent"))
        return "high"
    if effort in facts.efforts:
        return effort
    nearest = _NEAREST.get(effort)
    fact = f"effort `{effort}` is not known to this model"
    if nearest:
        caveats.append(_approximated("reasoning", f"{fact}; `{nearest}` is sent"))
    else:
        caveats.append(unsent("approximated", "$.reasoning", f"`reasoning`: {fact}"))
    return nearest


def _length(
    asked: int | None, allowance: int, facts: Generation, limit: int | None, stream: bool, caveats: list[Caveat]
) -> int:
    if asked is None:
        room = facts.usual_output * (4 if stream and limit is not None else 1) + allowance
        return room if limit is None else min(room, limit)
    if limit is not None and asked > limit:
        caveats.append(_approximated("max_tokens", f"{asked} is over the model's limit; {limit} is sent"))
        return limit
    return asked


def write_sampling(
    body: JsonObject,
    sampling: Sampling,
    facts: Generation,
    thinking: bool,
    caveats: list[Caveat],
) -> None:
    """temperature, top_p, top_k and stop sequences, as far as model and thinking allow; the rest is a Caveat."""
    temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
    if temperature is not None and temperature > 1:
        caveats.append(_approximated("temperature", f"{temperature} is above Anthropic's maximum; 1 is sent"))
        temperature = 1
    if thinking and temperature is not None and temperature != 1:
        caveats.append(unsent_field("temperature", "it cannot be set while Claude thinks"))
        temperature = None
    if thinking and top_p is not None and top_p < 0.95:
        caveats.append(unsent_field("top_p", "it must be 0.95 or more while Claude thinks"))
        top_p = None
    if thinking and top_k is not None:
        caveats.append(unsent_field("top_k", "it cannot be set while Claude thinks"))
        top_k = None
    if facts.sampling == "one" and temperature is not None and top_p is not None:
        caveats.append(unsent_field("top_p", "this model takes temperature or top_p, not both"))
        top_p = None
    for name, value in (("temperature", temperature), ("top_p", top_p), ("top_k", top_k)):
        if value is None:
            continue
        if facts.sampling == "none":
            caveats.append(unsent_field(name, "this model takes no such parameter"))
        else:
            body[name] = value
    stop = [text for text in sampling.stop if text.strip()]
    if len(stop) < len(sampling.stop):
        caveats.append(unsent_field("stop", "stop sequences of white space only are refused by Anthropic"))
    if stop:
        body["stop_sequences"] = stop
    for name in _UNSAID:
        if getattr(sampling, name) is not None:
            caveats.append(unsent_field(name, "the Messages format has no such parameter"))
    if sampling.choices is not None and sampling.choices > 1:
        caveats.append(unsent_field("n", "the Messages format answers once"))


_UNSAID = ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs")


def _approximated(what: str, how: str) -> Caveat:
    return Caveat(code="approximated", where=f"$.{what}", detail=f"`{what}`: {how}.")
