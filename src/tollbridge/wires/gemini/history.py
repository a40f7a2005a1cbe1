"""The messages of another dialect as contents that Gemini accepts.

Rules (https://ai.google.dev/gemini-api/docs/function-calling and .../docs/text-generation, seen 2026-11-26)
1. Leading system messages become `systemInstruction`; later ones text of the user's in <system> tags, with a Caveat.
2. Turns of one role are joined. A content has at least one part; a text at least one character.
3. The results of a turn's calls stand together in the content right after it, in the order of the calls, as many as
   there are calls; what the user says besides stands in the content after that. A turn with calls follows one of the
   user's. Each call has an id of its own here, and its result the same; or neither has one.
4. A result whose call is absent is an error, or, with `modify`, the call is restored. With `modify`, a call that was
   left without an answer gets one that says so, unless the conversation ends with it and none of its turn has one.
5. Media in results go into the result where the model takes them there, else into the content after the results.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.parts import Media, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Role
from tollbridge.wires.calls_made import START, UNANSWERED, CallMade, awaiting, call_missing, only_system, unique
from tollbridge.wires.gemini.vocabulary import caveat
from tollbridge.wires.gemini.write_parts import PartWriter

_MEDIA_FOLLOW = "(The media of this result follow.)"
_ROLES = {"user": "user", "assistant": "model"}


class _Turn:
    """Adjacent messages of one role. `parts` holds where each came from; results are taken out of it."""

    __slots__ = ("calls", "parts", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.parts: list[tuple[str, Part]] = []  # calls with the ids that they get here
        self.calls: list[CallMade] = []


class History:
    """`media_in_results`: see rule 5. `only_tool`: the one that is offered, to name a call that is restored."""

    def __init__(self, parts: PartWriter, *, modify: bool, media_in_results: bool, only_tool: str | None) -> None:
        self._write = parts
        self._modify = modify
        self._media_in_results = media_in_results
        self._only_tool = only_tool
        self._turns: list[_Turn] = []
        self._ids: set[str] = set()

    def write(self, messages: tuple[Message, ...]) -> tuple[list[Json], list[Json]]:
        """The parts of `systemInstruction`, and `contents`. Raises BadRequestError for a result without its call."""
        lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        system: list[Json] = []
        for index, message in enumerate(messages[:lead]):
            self._write.where = f"$.messages[{index}]"
            system += self._write.write_all(message.parts)
        for index, message in enumerate(messages[lead:], lead):
            self._collect(f"$.messages[{index}]", message)
        contents = self._contents()
        if not contents and system and only_system((message.role, message.parts) for message in messages):
            # A system prompt alone is a whole request elsewhere; here somebody must speak.
            self._approximated("$.messages", "there are only system messages; the last one is sent as the user's")
            contents = [{"role": "user", "parts": [system.pop()]}]
        return system, contents

    def _collect(self, where: str, message: Message) -> None:
        turn = self._turn_for(message.role, where) if message.parts else None
        for part in message.parts if turn is not None else ():
            assert turn is not None
            match part:
                case Text(text=text) if message.role == "system":
                    tagged = msgspec.structs.replace(part, text=f"<system>\n{text}\n</system>") if text else part
                    turn.parts.append((where, tagged))
                case ToolResult():
                    self._answer(turn, where, part, message.name)
                case ToolCall(runs_on="client"):
                    self._call(turn, where, part)
                case _:
                    turn.parts.append((where, part))

    def _turn_for(self, role: Role, where: str) -> _Turn:
        if role == "system":
            self._approximated(where, "this format takes no system message inside a conversation; sent as user text")
            role = "user"
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        return self._turns[-1]

    def _call(self, turn: _Turn, where: str, part: ToolCall) -> CallMade:
        call = CallMade(part, unique(part.id, self._ids) if part.id else "")
        turn.calls.append(call)
        turn.parts.append((where, msgspec.structs.replace(part, id=call.sent_id)))
        return call

    def _answer(self, turn: _Turn, where: str, result: ToolResult, name: str | None) -> None:
        call = awaiting(self._turns, result.call_id)
        if call is None:
            if not self._modify:
                raise call_missing(where, result.call_id)
            call = self._restored(turn, where, result, name)
        call.answer, call.answer_from = result, where

    def _restored(self, turn: _Turn, where: str, result: ToolResult, name: str | None) -> CallMade:
        """The absent call, in the assistant's turn before the result: behind what the user said before it."""
        place = self._turns.index(turn)
        at = place + 1 if turn.parts else place - 1
        if not 0 <= at < len(self._turns) or self._turns[at].role != "assistant":
            at = place + 1 if turn.parts else place
            self._turns.insert(at, _Turn("assistant"))
        self._approximated(where, f"the call {result.call_id!r} was restored with unknown arguments")
        named = name or self._only_tool or "unknown_tool"
        return self._call(self._turns[at], where, ToolCall(id=result.call_id, name=named, arguments="{}"))

    def _contents(self) -> list[Json]:
        contents: list[Json] = []
        for place, turn in enumerate(self._turns):
            parts: list[Json] = []
            for where, part in turn.parts:
                self._write.where = where
                self._write.write(part, parts)
            if turn.calls and (not contents or contents[-1]["role"] != "user"):
                self._approximated(
                    turn.parts[0][0], "a turn that calls tools must follow one of the user's; one was put there"
                )
                contents.append({"role": "user", "parts": [{"text": START}]})
            if parts:
                contents.append({"role": _ROLES[turn.role], "parts": parts})
            results, media = self._results(turn, last=place == len(self._turns) - 1)
            for said in (results, media):
                if said:
                    contents.append({"role": "user", "parts": said})
        return contents

    def _results(self, turn: _Turn, *, last: bool) -> tuple[list[Json], list[Json]]:
        results: list[Json] = []
        media: list[Json] = []
        open_ = last and all(call.answer is None for call in turn.calls)
        for call in turn.calls:
            answer = call.answer
            if answer is None:
                if self._modify and not open_:
                    detail = f"the call {call.part.id!r} had no result; one that says so was added"
                    self._approximated("$.messages", detail)
                    lost = ToolResult(call_id=call.sent_id, content=(Text(text=UNANSWERED),), is_error=True)
                    results.append(self._write.result(lost, call.part.name))
                continue
            self._write.where = call.answer_from
            answer = msgspec.structs.replace(answer, call_id=call.sent_id)
            if not self._media_in_results:
                answer = self._without_media(answer, media)
            results.append(self._write.result(answer, call.part.name))
        return results, media

    def _without_media(self, result: ToolResult, media: list[Json]) -> ToolResult:
        kept = tuple([part for part in result.content if not isinstance(part, Media)])
        if len(kept) == len(result.content):
            return result
        if "tool_images" in self._write.lacks:
            return result  # the writer says that they are left out
        written = [found for part in result.content if isinstance(part, Media) and (found := self._write.medium(part))]
        if written:
            self._approximated(self._write.where, "media of a tool's result follow it in the user's content")
            media += written
            kept = (*kept, Text(text=f"\n{_MEDIA_FOLLOW}" if kept else _MEDIA_FOLLOW))
        return msgspec.structs.replace(result, content=kept)

    def _approximated(self, where: str, detail: str) -> None:
        self._write.caveats.append(caveat("approximated", where, detail))
