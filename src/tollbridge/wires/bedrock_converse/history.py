"""The messages of another dialect as turns that Converse accepts.

Rules (https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html and .../tool-use.html, the
service's own refusals, seen 2026-11-26)
1. Leading system messages become `system`, where the model takes one, else text before the first of the user's; later
   ones text of the user's in <system> tags, with a Caveat.
2. Turns alternate, and the first is the user's. A turn has at least one block; a text at least one character.
3. The results of a turn's calls stand first in the user's turn right after it, in the order of the calls. Ids are
   within [a-zA-Z0-9_.:-]{1,64}; each call has one of its own here, and its result the same.
4. A result whose call is absent is an error, or, with `modify`, the call is restored. With `modify`, a call that was
   left without an answer gets one that says so.
5. A turn with a document has a text beside it.
6. Media in results go there where the model takes them, else behind the results.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Media, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Role
from tollbridge.wires.bedrock_converse.models import Family
from tollbridge.wires.bedrock_converse.vocabulary import caveat
from tollbridge.wires.bedrock_converse.write_parts import PartWriter, fit_id
from tollbridge.wires.calls_made import START, UNANSWERED, CallMade, awaiting, call_missing, only_system, unique

_MEDIA_FOLLOW = "(The media of this result follow.)"
_DOCUMENT = "(See the document.)"


class _Turn:
    """Adjacent messages of one role. `parts`: with the place that each came from; results are taken out of it."""

    __slots__ = ("calls", "parts", "role")

    def __init__(self, role: Role) -> None:
        self.role = role
        self.parts: list[tuple[str, Part]] = []
        self.calls: list[CallMade] = []


class History:
    def __init__(self, parts: PartWriter, family: Family, *, lacks_system: bool, modify: bool, only_tool: str | None):
        self._write = parts
        self._family = family
        self._lacks_system = lacks_system or not family.system
        self._modify = modify
        self._only_tool = only_tool
        self._ids: set[str] = set()
        self._turns: list[_Turn] = []

    def write(self, messages: tuple[Message, ...], asks: list[str]) -> tuple[list[JsonObject], list[JsonObject]]:
        """`system` and `messages`. `asks`: words of ours for the system prompt. Raises BadRequestError for a result
        without its call."""
        lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
        system: list[JsonObject] = []
        for index, message in enumerate(messages[:lead]):
            self._write.where = f"$.messages[{index}]"
            system += self._system(message)
        system += [{"text": asked} for asked in asks]
        for index, message in enumerate(messages[lead:], lead):
            self._collect(f"$.messages[{index}]", message)
        turns = self._written()
        if not turns and system and only_system((message.role, message.parts) for message in messages):
            # A system prompt alone is a whole request elsewhere; here somebody must speak.
            self._approximated("$.messages", "there are only system messages; the last one is sent as the user's")
            last = max(index for index, block in enumerate(system) if "text" in block)
            turns, system = [{"role": "user", "content": [system[last]]}], system[:last]
        if system and self._lacks_system:
            self._approximated("$.messages", "this model takes no system prompt; its text stands before the user's")
            turns = _joined([{"role": "user", "content": [block for block in system if "text" in block]}, *turns])
            system = []
        if turns and turns[0]["role"] != "user":
            self._approximated("$.messages[0]", "the history begins with the assistant; a user turn was put before it")
            turns.insert(0, {"role": "user", "content": [{"text": START}]})
        return system, turns

    def called(self) -> list[str]:
        """The names of the tools that the history calls, in order, once each."""
        return list(dict.fromkeys(call.part.name for turn in self._turns for call in turn.calls))

    def ends_in_bare_tool_turn(self) -> bool:
        """The last turn of the assistant's calls tools and does not begin with thinking that can be replayed."""
        turn = next((turn for turn in reversed(self._turns) if turn.role == "assistant"), None)
        if turn is None or not turn.calls:
            return False
        kept, self._write.caveats = self._write.caveats, []
        first = self._write.write(turn.parts[0][1]) if turn.parts else []
        self._write.caveats = kept
        return not any("reasoningContent" in block for block in first)

    def _system(self, message: Message) -> list[JsonObject]:
        blocks: list[JsonObject] = []
        for part in message.parts:
            if not isinstance(part, Text):
                self._write.dropped(f"a {type(part).__name__} in a system message")
            elif part.text.strip():
                blocks.append({"text": part.text})
                blocks += [] if part.cache is None else self._write.cache_point(part.cache, "system")
        return blocks

    def _collect(self, where: str, message: Message) -> None:
        if not message.parts:
            return
        role = message.role
        if role == "system":
            self._approximated(where, "this format takes no system message inside a conversation; sent as user text")
            role = "user"
        if not self._turns or self._turns[-1].role != role:
            self._turns.append(_Turn(role))
        turn = self._turns[-1]
        for part in message.parts:
            match part:
                case Text(text=text) if message.role == "system" and text.strip():
                    tagged = msgspec.structs.replace(part, text=f"<system>\n{text}\n</system>")
                    turn.parts.append((where, tagged))
                case ToolResult():
                    self._answer(turn, where, part, message.name)
                case ToolCall(runs_on="client"):
                    self._call(turn, where, part)
                case _:
                    turn.parts.append((where, part))

    def _call(self, turn: _Turn, where: str, part: ToolCall) -> CallMade:
        call = CallMade(part, unique(fit_id(part.id), self._ids))
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
        """The absent call, in the turn of the assistant's before `turn` (made where there is none)."""
        place = self._turns.index(turn)
        if place == 0 or self._turns[place - 1].role != "assistant":
            self._turns.insert(place, _Turn("assistant"))
            place += 1
        self._approximated(where, f"the call {result.call_id!r} was restored with unknown arguments")
        named = name or self._only_tool or "unknown_tool"
        return self._call(self._turns[place - 1], where, ToolCall(id=result.call_id, name=named, arguments="{}"))

    def _written(self) -> list[JsonObject]:
        turns: list[JsonObject] = []
        for place, turn in enumerate(self._turns):
            content: list[JsonObject] = []
            for where, part in turn.parts:
                self._write.where = where
                content += self._write.write(part)
            if content:
                turns.append({"role": turn.role, "content": content})
            elif turn.parts:
                self._write.dropped("a message of nothing but blank text or parts without a place here")
            results = self._results(turn, last=place == len(self._turns) - 1)
            if results:
                turns.append({"role": "user", "content": results})
        turns = _joined(turns)
        for index, written in enumerate(turns):
            if not any("text" in block for block in written["content"]) and _has_document(written["content"]):
                self._approximated(f"$.messages[{index}]", "a document must have a text beside it; one was put there")
                written["content"].append({"text": _DOCUMENT})
        if turns and turns[-1]["role"] == "assistant" and "text" in turns[-1]["content"][-1]:
            # What a model is to continue must not end in white space.
            turns[-1]["content"][-1] = {"text": turns[-1]["content"][-1]["text"].rstrip()}
        return turns

    def _results(self, turn: _Turn, *, last: bool) -> list[JsonObject]:
        results: list[JsonObject] = []
        media: list[JsonObject] = []
        for call in turn.calls:
            answer = call.answer
            if answer is None:
                if self._modify and not last:
                    detail = f"the call {call.part.id!r} had no result; one that says so was added"
                    self._approximated("$.messages", detail)
                    lost = ToolResult(call_id=call.sent_id, content=(Text(text=UNANSWERED),), is_error=True)
                    results += self._write.write(lost)
                continue
            self._write.where = call.answer_from
            answer = msgspec.structs.replace(answer, call_id=call.sent_id)
            if not self._family.rich_results:
                answer = self._without_media(answer, media)
            results += self._write.write(answer)
        return [*results, *media]

    def _without_media(self, result: ToolResult, media: list[JsonObject]) -> ToolResult:
        kept = tuple([part for part in result.content if not isinstance(part, Media)])
        if len(kept) == len(result.content):
            return result
        written = [block for part in result.content if isinstance(part, Media) for block in self._write.write(part)]
        if written:
            self._approximated(self._write.where, "media of a tool's result follow it in the user's content")
            media += written
            kept = (*kept, Text(text=_MEDIA_FOLLOW))
        return msgspec.structs.replace(result, content=kept)

    def _approximated(self, where: str, detail: str) -> None:
        self._write.caveats.append(caveat("approximated", where, detail))


def _joined(turns: list[JsonObject]) -> list[JsonObject]:
    """Turns of one role that follow each other as one; results stay before what the user says besides."""
    joined: list[JsonObject] = []
    for turn in turns:
        if joined and joined[-1]["role"] == turn["role"]:
            joined[-1] = {"role": turn["role"], "content": [*joined[-1]["content"], *turn["content"]]}
        else:
            joined.append(turn)
    return joined


def _has_document(content: list[JsonObject]) -> bool:
    return any("document" in block for block in content)
