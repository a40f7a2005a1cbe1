"""`finishReason`, both ways, and the prompt that was blocked, which is an answer without candidates."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.parts import Part, Refusal, ToolCall
from tollbridge.model.response import Caveat, Finish
from tollbridge.wires.gemini.vocabulary import FINISH, FINISH_WORD, NUMBERED, caveat, fields


def read_finish(value: Json, spelling: dict[str, str]) -> Finish | None:
    if value is None:
        return None
    if value.__class__ is int and 0 <= value < len(NUMBERED):
        spelling["finish"] = "number"
        value = NUMBERED[value]
    if value.__class__ is int:
        value = str(value)
    if value.__class__ is not str:
        raise TypeError("finishReason")
    return Finish(reason=FINISH.get(value, "other"), raw=value)


def calls_client(part: Part) -> bool:
    """What Google runs itself is no call for the client."""
    return isinstance(part, ToolCall) and part.runs_on == "client"


def for_calls(finish: Finish) -> Finish:
    """Of an answer that calls the client's tools Gemini says `STOP`, as of any other; other formats have a word."""
    return msgspec.structs.replace(finish, reason="tool_calls") if finish.reason == "stop" else finish


def blocked(feedback: Json) -> Finish | None:
    """Why there is no answer, where the prompt was refused."""
    reason = fields(feedback).get("blockReason") if feedback.__class__ is dict else None
    return None if not reason else Finish(reason="content_filter", raw=str(reason))


def write_finish(finish: Finish | None, parts: Iterable[Part], own: bool, caveats: list[Caveat]) -> str | None:
    if own:
        return None if finish is None else finish.raw or FINISH_WORD[finish.reason]
    reason = "stop" if finish is None else finish.reason
    if reason in ("stop", "other") and any(isinstance(part, Refusal) for part in parts):
        reason = "refusal"
    word = FINISH_WORD[reason]
    if finish is not None and reason in ("other", "refusal", "context_window"):
        told = finish.raw or reason
        caveats.append(
            caveat("approximated", "$.finishReason", f"the answer ended for the reason {told!r}, shown as {word!r}")
        )
    return word
