"""The messages of another dialect as turns that Anthropic accepts.

Rules (https://platform.claude.com/docs/en/api/messages and its errors, seen 2026-11-21)
1. Leading system messages go into `system`; later ones stay in place where the model takes them (after a user turn),
   else they become text of the user's in <system> tags, with a Caveat.
2. Turns of one role are joined. The first turn is the user's.
3. The results of a turn's tool calls stand first in the user turn right after it, in the order of the calls, wherever
   they stood before. Ids fit ^[a-zA-Z0-9_-]+$; each call has one of its
   own here, and its result the same.
4. A result whose call is absent is an error, or, with `modify`, the call is restored. With `modify`, a call that was
   left without an answer gets one that says so.
5. Blank text is left out; a message that is nothing else too.
"""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque, Part, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, Role
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.vocabulary import NAME
from tollbridge.wires.anthropic_messages.write_parts import PartWriter, fit_id
from tollbridge.wires.calls_made import START, UNANSWERED, CallMade, awaiting, call_missing, only_system, unique


class _Turn:
    """Adjacent messages of one role. `parts` holds where each came from; results are taken out of it. `pairs`: it may
    hold calls that the provider ran, which stand beside their results."""

    __slots__ = ("calls", "pairs", "parts", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.parts: list[tuple[str, Part | CallMade]] = []
        self.calls: list[CallMade] = []
        self.pairs = False


class History:
    def __init__(self, parts: PartWriter, *, mid_system: bool, modify: bool, only_tool: str | None) -> None:
        self._write = parts
        self._mid_system = mid_system
        self._modify = modify
        self._only_tool = only_tool
        self._ids: set[str] = set()
        self._turns: list[_Turn] = []

    def write(self, messages: tuple[Message, ...]) -> tuple[list[JsonObject], list[JsonObject]]:
        """`system` and `messages`. Raises BadRequestError for a tool result whose call is absent (rule 4)."""
        lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        system: list[JsonObject] = []
        for index, message in enumerate(messages[:lead]):
            self._write.where = f"$.messages[{index}]"
            system += self._blocks(message)
        for index, message in enumerate(messages[lead:], lead):
            self._collect(f"$.messages[{index}]", message)
        turns = self._written()
        if not turns and system and only_system((message.role, message.parts) for message in messages):
            # A system prompt alone is a whole request elsewhere; here somebody must speak.
            self._approximated("$.messages", "there are only system messages; the last one is sent as the user's")
            turns = [{"role": "user", "content": [system.pop()]}]
        if turns and turns[0]["role"] != "user":
            self._approximated("$.messages[0]", "the history begins with the assistant; a user turn was put before it")
            turns.insert(0, {"role": "user", "content": [{"type": "text", "text": START}]})
        if turns and turns[-1]["role"] == "assistant":
            _trim(turns[-1]["content"])
        return system, turns

    def ends_in_bare_tool_turn(self) -> bool:
        """The last assistant turn calls tools and does not begin with thinking of Claude's."""
        for turn in reversed(self._turns):
            if turn.role == "assistant":
                first = turn.parts[0][1] if turn.parts else None
                return bool(turn.calls) and not (isinstance(first, Thinking) and first.origin == NAME)
        return False

    def called(self) -> list[str]:
        """The names of the tools that the history calls, in order, once each."""
        return list(dict.fromkeys(call.part.name for turn in self._turns for call in turn.calls))

    def _blocks(self, message: Message) -> list[JsonObject]:
        blocks = self._write.write_all(message.parts)
        if not blocks and message.parts:
            self._write.dropped("a message of nothing but blank text")
        return blocks

    def _collect(self, where: str, message: Message) -> None:
        if not message.parts:
            return
        turn = self._turn_for(message.role, where)
        for part in message.parts:
            match part:
                case Text(text=text, cache=cache) if message.role != turn.role and text.strip():
                    turn.parts.append((where, Text(text=_in_tags(text), cache=cache)))
                case ToolResult():
                    self._answer(turn, where, part, message.name)
                case ToolCall(runs_on="client"):
                    self._call(turn, where, part)
                case ToolCall() | Opaque():
                    turn.pairs = True
                    turn.parts.append((where, part))
                case _:
                    turn.parts.append((where, part))

    def _turn_for(self, role: Role, where: str) -> _Turn:
        last = self._turns[-1] if self._turns else None
        if role == "system" and not self._mid_system:
            self._approximated(where, "this model takes no system message inside a conversation; sent as user text")
            role = "user"
        if last is not None and last.role == role:
            return last
        if role == "user" and len(self._turns) > 1 and last is not None and last.role == "system":
            before = self._turns[-2]
            if before.role == "user":  # the system message stays behind the whole of the user's turn
                return before
            turn = _Turn("user")
            self._turns.insert(-1, turn)
            return turn
        turn = _Turn(role)
        self._turns.append(turn)
        return turn

    def _call(self, turn: _Turn, where: str, part: ToolCall) -> CallMade:
        call = CallMade(part, unique(fit_id(part.id), self._ids))
        turn.calls.append(call)
        turn.parts.append((where, call))
        return call

    def _answer(self, turn: _Turn, where: str, result: ToolResult, name: str | None) -> None:
        call = awaiting(self._turns, result.call_id)
        if call is None:
            if not self._modify:
                raise call_missing(where, result.call_id)
            call = self._restored(turn, where, result, name)
        call.answer, call.answer_from = result, where

    def _restored(self, turn: _Turn, where: str, result: ToolResult, name: str | None) -> CallMade:
        """The absent call, in the assistant turn before `turn` (made where there is none)."""
        place = self._turns.index(turn)
        if place == 0 or self._turns[place - 1].role != "assistant":
            self._turns.insert(place, _Turn("assistant"))
            place += 1
        self._approximated(where, f"the call {result.call_id!r} was restored with unknown arguments")
        named = name or self._only_tool or "unknown_tool"
        return self._call(self._turns[place - 1], where, ToolCall(id=result.call_id, name=named, arguments="{}"))

    def _written(self) -> list[JsonObject]:
        written: list[JsonObject] = []
        results: list[JsonObject] = []
        for place, turn in enumerate(self._turns):
            if results and turn.role != "user":
                written.append({"role": "user", "content": results})
                results = []
            content = [*results, *self._turn_blocks(turn)]
            results = self._results(turn, last=place == len(self._turns) - 1)
            if content:
                role = turn.role
                if role == "system" and not (written and written[-1]["role"] == "user"):
                    detail = "a system message must follow the user's turn; sent as user text"
                    self._approximated(turn.parts[0][0], detail)
                    role, content = "user", [_system_as_text(block) for block in content]
                if written and written[-1]["role"] == role:
                    written[-1]["content"] += content
                else:
                    written.append({"role": role, "content": content})
            elif turn.parts:
                self._write.dropped("a message of nothing but blank text or parts without a place here")
        if results:
            written.append({"role": "user", "content": results})
        return written

    def _turn_blocks(self, turn: _Turn) -> Iterable[JsonObject]:
        # A turn that paused ends in a call that is still running: nothing is missing there.
        kept = _paired(turn) if turn.pairs and turn is not self._turns[-1] else None
        for where, part in turn.parts:
            self._write.where = where
            if isinstance(part, CallMade):
                block = self._write.tool_call(part.part, part.sent_id)
            elif kept is not None and (ran := _provider_id(part)) is not None and ran not in kept:
                self._write.dropped("half of a pair of a provider-run call and its result")
                continue
            else:
                block = self._write.write(part)
            if block is not None:
                yield block

    def _results(self, turn: _Turn, *, last: bool) -> list[JsonObject]:
        blocks: list[JsonObject] = []
        for call in turn.calls:
            if call.answer is not None:
                self._write.where = call.answer_from
                blocks.append(self._write.tool_result(call.answer, call.sent_id))
            elif self._modify and not last:
                self._approximated("$.messages", f"the call {call.part.id!r} had no result; one that says so was added")
                lost = ToolResult(call_id=call.part.id, content=(Text(text=UNANSWERED),), is_error=True)
                blocks.append(self._write.tool_result(lost, call.sent_id))
        return blocks

    def _approximated(self, where: str, detail: str) -> None:
        self._write.caveats.append(Caveat(code="approximated", where=where, detail=f"{detail}."))


def _in_tags(text: str) -> str:
    return f"<system>\n{text}\n</system>"


def _system_as_text(block: JsonObject) -> JsonObject:
    return {**block, "text": _in_tags(block["text"])} if block["type"] == "text" else block


def _provider_id(part: Part) -> str | None:
    match part:
        case ToolCall(runs_on="provider"):
            return part.id
        case Opaque(wire=wire, value=value) if wire == NAME and isinstance(value, dict) and "tool_use_id" in value:
            return str(value["tool_use_id"])
        case _:
            return None


def _paired(turn: _Turn) -> set[str]:
    """The ids of provider-run calls that have their result in this turn."""
    parts = (part for _, part in turn.parts if not isinstance(part, CallMade))
    ids = [found for part in parts if (found := _provider_id(part)) is not None]
    return {call_id for call_id in ids if ids.count(call_id) > 1}


def _trim(content: list[JsonObject]) -> None:
    """The text that Claude continues must not end in white space."""
    if content and content[-1].get("type") == "text":
        content[-1] = {**content[-1], "text": content[-1]["text"].rstrip()}
