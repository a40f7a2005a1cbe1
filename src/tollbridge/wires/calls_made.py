"""The calls of a history that is written for a wire where each call and its result must stand together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Role

START = "(The conversation starts here.)"
UNANSWERED = "No result was recorded for this call."


class CallMade:
    """The id that it gets on the wire, and its answer once found."""

    __slots__ = ("answer", "answer_from", "part", "sent_id")

    def __init__(self, part: ToolCall, sent_id: str) -> None:
        self.part = part
        self.sent_id = sent_id
        self.answer: ToolResult | None = None
        self.answer_from = "$"


class Turn(Protocol):
    calls: list[CallMade]


def awaiting(turns: Sequence[Turn], call_id: str) -> CallMade | None:
    """The call that a result of this id answers: of the latest turn that has such a call without an answer."""
    calls = (call for turn in reversed(turns) for call in turn.calls if call.part.id == call_id)
    return next((call for call in calls if call.answer is None), None)


def unique(call_id: str, taken: set[str]) -> str:
    """Adds what it gives to `taken`."""
    found, number = call_id, 2
    while found in taken:
        found = f"{call_id}_{number}"
        number += 1
    taken.add(found)
    return found


def only_system(messages: Iterable[tuple[Role, Iterable[Part]]]) -> bool:
    """Nobody speaks but the system: the last of its messages may be told as the user's. What somebody said that the
    format cannot say is no reason for that: then nothing is left of it, and the request is refused."""
    return all(
        role == "system" or all(isinstance(part, Text) and not part.text.strip() for part in parts)
        for role, parts in messages
    )


OR_RESTORED = (
    ". With `modify_params` the call is restored: a parameter of a call in Python, at a gateway its operator's setting "
    "(`litellm_settings`, or the model's `litellm_params`)."
)


def call_missing(where: str, call_id: str) -> BadRequestError:
    return BadRequestError(
        f"The tool result at {where} answers the call {call_id!r}, which no assistant message before it makes. "
        f"Send the assistant message with that call too{OR_RESTORED}",
        code="tool_call_missing",
        param=where.removeprefix("$."),
    )
