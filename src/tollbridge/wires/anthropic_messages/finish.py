"""`stop_reason` and `stop_sequence`, both ways."""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.model.json import Json
from tollbridge.model.parts import Part, Refusal, ToolCall
from tollbridge.model.response import Caveat, Finish
from tollbridge.wires.anthropic_messages.vocabulary import FINISH, STOP_REASON


def read_finish(reason: Json, stop: Json) -> Finish | None:
    if reason is None:
        return None
    if reason.__class__ is not str:
        raise TypeError("stop_reason")
    return Finish(reason=FINISH.get(reason, "other"), raw=reason, stop=stop if stop.__class__ is str else None)


def write_finish(
    finish: Finish | None, parts: Iterable[Part], own: bool, caveats: list[Caveat]
) -> tuple[str | None, str | None]:
    """`stop_reason` and `stop_sequence`. Clients act on `tool_use`: it is said wherever a client's call stands, also
    after a provider that says "stop" or nothing then."""
    if own:
        return (None, None) if finish is None else (finish.raw or STOP_REASON[finish.reason], finish.stop)
    reason = "other" if finish is None else finish.reason
    if reason in ("stop", "other"):
        for part in parts:
            if isinstance(part, ToolCall) and part.runs_on == "client":
                return "tool_use", None
            if isinstance(part, Refusal):
                return "refusal", None
    if finish is None:
        return "end_turn", None
    if finish.stop is not None and reason == "stop":
        return "stop_sequence", finish.stop
    if reason in ("other", "content_filter"):
        detail = f"The answer ended for the reason {finish.raw or reason!r}, shown as {STOP_REASON[reason]!r}."
        caveats.append(Caveat(code="approximated", where="$.stop_reason", detail=detail))
    return STOP_REASON[reason], None
