"""A history as turns with their calls answered, for formats where each result is a message after the one that calls.

Rules
1. Messages of the assistant that follow each other are one turn; those of system and user stay as they are.
2. The results of a turn's calls come right after it, in the order of the calls, wherever they stood before.
3. Each call has an id, and no other call the same; its result has it too.
4. A result whose call is absent is an error, or, with `modify`, the call is restored. With `modify`, a call that was
   left without an answer gets one that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tollbridge.model.parts import Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Role
from tollbridge.wires.calls_made import UNANSWERED, CallMade, awaiting, call_missing, unique
from tollbridge.wires.losses import Losses


class Turn:
    """`parts`: with the place that each came from, calls with the ids that they get here, results taken out."""

    __slots__ = ("calls", "parts", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.parts: list[tuple[str, Part]] = []
        self.calls: list[CallMade] = []

    def results(self) -> Iterator[tuple[str, CallMade, ToolResult]]:
        """The answers to its calls that there are, and where each stood."""
        for call in self.calls:
            if call.answer is not None:
                yield call.answer_from, call, call.answer


class _Collector:
    def __init__(self, losses: Losses, *, modify: bool, only_tool: str | None) -> None:
        self._losses = losses
        self._modify = modify
        self._only_tool = only_tool
        self._ids: set[str] = set()
        self.turns: list[Turn] = []

    def add(self, where: str, message: Message) -> None:
        turn = self._turn(message.role)
        for part in message.parts:
            match part:
                case ToolResult():
                    self._answer(where, part, message.name)
                case ToolCall(runs_on="client"):
                    self._call(turn, where, part)
                case _:
                    turn.parts.append((where, part))
        if turn.parts and turn not in self.turns:
            self.turns.append(turn)

    def _turn(self, role: Role) -> Turn:
        """The one under way, or another that is not yet among the turns: results may still come before it."""
        if role == "assistant" and self.turns and self.turns[-1].role == role and not any(self.turns[-1].results()):
            return self.turns[-1]
        return Turn(role)

    def _call(self, turn: Turn, where: str, part: ToolCall) -> None:
        call = CallMade(part, unique(part.id or "call", self._ids))
        turn.calls.append(call)
        turn.parts.append((where, msgspec.structs.replace(part, id=call.sent_id)))

    def _answer(self, where: str, result: ToolResult, name: str | None) -> None:
        call = awaiting(self.turns, result.call_id)
        if call is None:
            if not self._modify:
                raise call_missing(where, result.call_id)
            self._restore(where, result, name)
            call = self.turns[-1].calls[-1]
        call.answer, call.answer_from = result, where

    def _restore(self, where: str, result: ToolResult, name: str | None) -> None:
        if not self.turns or self.turns[-1].role != "assistant":
            self.turns.append(Turn("assistant"))
        self._losses.moved(where, f"the call {result.call_id!r} was restored with unknown arguments")
        named = name or self._only_tool or "unknown_tool"
        self._call(self.turns[-1], where, ToolCall(id=result.call_id, name=named, arguments="{}"))

    def answer_the_rest(self) -> None:
        over = [turn for turn in self.turns if turn is not self.turns[-1] or any(turn.results())]
        for call in [call for turn in over for call in turn.calls if call.answer is None]:
            self._losses.moved("$.messages", f"the call {call.part.id!r} had no result; one that says so was added")
            call.answer = ToolResult(call_id=call.part.id, content=(Text(text=UNANSWERED),), is_error=True)
            call.answer_from = "$.messages"


def in_turns(messages: Iterable[Message], losses: Losses, *, modify: bool, only_tool: str | None = None) -> list[Turn]:
    """`only_tool`: the one that is offered, to name a call that is restored. Raises BadRequestError (rule 4)."""
    collector = _Collector(losses, modify=modify, only_tool=only_tool)
    for index, message in enumerate(messages):
        collector.add(f"$.messages[{index}]", message)
    if modify:
        collector.answer_the_rest()
    return collector.turns
