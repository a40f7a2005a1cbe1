"""Claude behind Databricks' chat format: Anthropic's rules for a body in OpenAI's words.

1. Turns alternate, and thinking stands in the turn whose calls came of it: messages of the assistant that follow each
   other are one.
2. What was thought stands in the content, first in its turn: `{type: reasoning, summary: [...]}`. It goes back signed
   or not at all. Other fields than the format's own are refused ("messages.1.reasoning_content: Extra inputs are not
   permitted"): thinking in them is put where it belongs, a cache mark goes to the text, the rest is left out.
3. It thinks by a budget below `max_tokens`, from Opus 4.7 and version 5 on by its own measure. Not beside a forced
   tool, nor where the tool turn under way does not begin with its thinking.
4. While it thinks it takes no temperature and no top_k; newer ones take one of temperature and top_p, or none.
5. Each thing that is lost so is a Caveat. A client's own `thinking` is its own affair.

Sources: https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models,
https://github.com/BerriAI/litellm/pull/36944 (what is refused in messages),
https://platform.claude.com/docs/en/build-with-claude/extended-thinking (all seen 2026-11-26); the budgets are LiteLLM
1.106's; which generation takes what, `wires.anthropic_messages.models` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent, unsent_field, unsent_thing
from tollbridge.providers.rewrite import Changes, Rewrite
from tollbridge.wires.anthropic_messages.models import Generation, generation

BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096}
ANSWER_TOKENS = 4096
LEAST_TOP_P = 0.95  # while it thinks

_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id"})
_THOUGHT = frozenset({"reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"})
_OF_CALLS = frozenset({"id", "type", "function", "cache_control"})
_READS = frozenset({"model", "messages", "max_tokens", "temperature", "top_p", "top_k", "tool_choice"})


def as_claude_takes_it(body: JsonObject) -> Changes:
    """What of `body` is to be changed. What is of no shape that is known stays: the provider judges it."""
    caveats: list[Caveat] = []
    changes: JsonObject = {}
    messages = body.get("messages")
    if isinstance(messages, list):
        turns = list(_turns(messages, caveats))
        if turns != messages:
            changes["messages"] = turns
        messages = turns
    facts = generation(str(body.get("model")))
    changes |= _thinking(body, messages, facts, caveats)
    thinks = isinstance(said := changes.get("thinking", body.get("thinking")), dict) and said.get("type") != "disabled"
    changes |= _sampling(body, facts, thinks, caveats)
    return changes, tuple(caveats)


AS_CLAUDE_TAKES_IT = Rewrite(
    on=frozenset({"messages"}),
    reads=_READS | {"reasoning_effort", "thinking"},
    apply=as_claude_takes_it,
    written=True,
)


def _turns(messages: list[Json], caveats: list[Caveat]) -> Iterator[Json]:
    before: JsonObject | None = None  # a turn of the assistant that may go on
    for index, message in enumerate(messages):
        made = _message(message, f"$.messages[{index}]", caveats)
        if made is None:
            continue
        joins = _is_assistants(made)
        if before is not None and not joins:
            yield before
        before = (made if before is None else _joined(before, made)) if joins else None
        if not joins:
            yield made
    if before is not None:
        yield before


def _message(message: Json, where: str, caveats: list[Caveat]) -> Json:
    """As the format has it; None where nothing is left of it."""
    if not isinstance(message, dict):
        return message
    made = {name: value for name, value in message.items() if name in _FIELDS}
    content = message.get("content")
    if (mark := message.get("cache_control")) is not None and isinstance(content, str) and content:
        made["content"] = [{"type": "text", "text": content, "cache_control": mark}]
    left = sorted(
        name for name, value in message.items() if value and name not in _FIELDS | _THOUGHT | {"cache_control"}
    )
    if left:
        caveats.append(_dropped_field(where, f"Databricks refuses {', '.join(f'`{name}`' for name in left)}"))
    if message.get("role") != "assistant":
        return made
    if isinstance(calls := made.get("tool_calls"), list):
        made["tool_calls"] = [_only(call, _OF_CALLS) for call in calls]
    elif calls is None:
        made.pop("tool_calls", None)
    said = _parts(made.get("content")) if isinstance(made.get("content") or "", str | list) else None
    if said is None:
        return made
    thoughts = [_as_part(block) for block in _list(message.get("thinking_blocks"))]
    told = [*thoughts, *(part for part in said if _is_thought(part))]
    signed = [part for part in told if _is_signed(part)]
    if len(signed) < len(told) or (not told and any(message.get(name) for name in _THOUGHT)):
        why = "Claude takes back only what it signed"
        caveats.append(unsent_thing(where, "Thinking of an earlier turn", why))
    rest = [part for part in said if not _is_thought(part)]
    if thoughts or len(rest) < len(said):
        if not signed and not rest and not made.get("tool_calls"):
            return None
        made["content"] = [*signed, *rest] or None
    return made


def _as_part(block: Json) -> Json:
    """A block of Anthropic's as a part of the content; what is none, as it is."""
    match block:
        case {"type": "redacted_thinking", "data": str(data)}:
            return {"type": "reasoning", "summary": [{"type": "summary_encrypted_text", "data": data}]}
        case {"type": "thinking", "thinking": str(text), "signature": str(signature)} if signature:
            summary = {"type": "summary_text", "text": text, "signature": signature}
            return {"type": "reasoning", "summary": [summary]}
    return {"type": "reasoning", "summary": []}


def _is_thought(part: Json) -> bool:
    return isinstance(part, dict) and part.get("type") == "reasoning"


def _is_signed(part: Json) -> bool:
    pieces = part.get("summary") if isinstance(part, dict) else None
    return isinstance(pieces, list) and any(
        isinstance(piece, dict) and (piece.get("signature") or piece.get("data")) for piece in pieces
    )


def _is_assistants(message: Json) -> bool:
    """And of a shape that can be joined with another."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return False
    return isinstance(message.get("tool_calls") or [], list) and isinstance(message.get("content") or "", str | list)


def _joined(before: JsonObject, after: JsonObject) -> JsonObject:
    content = [*_parts(before.get("content")), *_parts(after.get("content"))]
    calls = [*(before.get("tool_calls") or ()), *(after.get("tool_calls") or ())]
    return {**before, **after, "content": content or None, **({"tool_calls": calls} if calls else {})}


def _parts(content: Json) -> list[Json]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) and content else []


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _only(value: Json, names: frozenset[str]) -> Json:
    return {name: inner for name, inner in value.items() if name in names} if isinstance(value, dict) else value


def _thinking(body: JsonObject, messages: Json, facts: Generation, caveats: list[Caveat]) -> JsonObject:
    """The effort as Claude is told it. A word that is none stays: the provider says so."""
    effort = body.get("reasoning_effort")
    if "reasoning_effort" not in body or body.get("thinking") is not None:
        return {}
    taken: JsonObject = {"reasoning_effort": None}
    if effort in (None, "none"):
        return taken
    if facts.budget and effort not in BUDGETS:
        return {}
    why = ""
    if not facts.budget and not facts.adaptive:
        why = "this model does not think"
    elif isinstance(choice := body.get("tool_choice"), dict) or choice == "required":
        why = "a forced tool call and thinking exclude each other"
    elif facts.budget and _is_bare_tool_turn(messages):
        why = "the tool turn under way lacks the thinking that Claude would expect"
    if why:
        caveats.append(unsent_field("reasoning_effort", why))
        return taken
    if not facts.budget:
        detail = f"This model takes no amount of thinking here; how much `{effort}` is, it decides."
        caveats.append(Caveat(code="approximated", where="$.reasoning_effort", detail=detail))
        return {**taken, "thinking": {"type": "adaptive"}}
    budget, most = BUDGETS[str(effort)], body.get("max_tokens")
    asked = most if isinstance(most, int) else ANSWER_TOKENS
    room = asked if isinstance(most, int) and most > budget else budget + asked
    return {**taken, "max_tokens": room, "thinking": {"type": "enabled", "budget_tokens": budget}}


def _is_bare_tool_turn(messages: Json) -> bool:
    last = next((one for one in reversed(_list(messages)) if _is_assistants(one)), None)
    if last is None or not last.get("tool_calls"):
        return False
    content = last.get("content")
    return not (isinstance(content, list) and content and _is_thought(content[0]))


def _sampling(body: JsonObject, facts: Generation, thinks: bool, caveats: list[Caveat]) -> JsonObject:
    asked = {name: body[name] for name in ("temperature", "top_p", "top_k") if body.get(name) is not None}
    refused: dict[str, str] = {}
    if facts.sampling == "none":
        refused = dict.fromkeys(asked, "this model takes no such parameter")
    elif thinks:
        refused = {name: "it cannot be set while Claude thinks" for name in ("temperature", "top_k") if name in asked}
        if asked.get("temperature") == 1:
            del refused["temperature"]
        if isinstance(top_p := asked.get("top_p"), int | float) and top_p < LEAST_TOP_P:
            refused["top_p"] = f"it must be {LEAST_TOP_P} or more while Claude thinks"
    kept = asked.keys() - refused.keys()
    if facts.sampling == "one" and {"temperature", "top_p"} <= kept:
        refused["top_p"] = "this model takes temperature or top_p, not both"
    caveats.extend(unsent_field(name, why) for name, why in refused.items())
    return dict.fromkeys(refused)


def _dropped_field(where: str, why: str) -> Caveat:
    return unsent("dropped_field", where, f"{why} in a message")
