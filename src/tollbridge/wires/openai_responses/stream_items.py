"""The items of a stream that is written, one after the other. The rules stand at the head of `stream_writer`."""

from __future__ import annotations

import msgspec

from tollbridge.model.events import Cited, Closed, Event, Extra, Grew, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.wires.openai_responses.answer import AnswerWriter
from tollbridge.wires.openai_responses.numbered import Numbered, growing
from tollbridge.wires.openai_responses.stream_lone import CallItem, Lone, ReasoningItem
from tollbridge.wires.openai_responses.vocabulary import (
    ITEM,
    LOGPROBS,
    without,
)


class ItemRow:
    """`seen`: the parts that were opened, as they were then. `output`: the items that are done."""

    def __init__(self, answer: AnswerWriter, told: Numbered, logprobs: list[Json]) -> None:
        self._answer = answer
        self._told = told
        self._logprobs = logprobs
        self._message: _Message | None = None
        self._lone: Lone | None = None  # the item under way that is no message
        self._place = -1  # the neutral index of the part under way
        self._due: Part | None = None  # a text that begins when its first words come: no content may be empty
        self._over: dict[int, tuple[JsonObject, JsonObject]] = {}  # texts that are done, by neutral index: where, what
        self.seen: list[Part] = []
        self.output: list[JsonObject] = []

    def write(self, event: Event) -> bytes:
        match event:
            case Grew(_, _, text, aspect):
                return self._grew(text, aspect)
            case Opened(_, place, part):
                return self._opened(place, part)
            case Closed():
                return self._closed()
            case Noted(Cited(place, citation)):
                return self._cited(place, citation)
            case Noted(Extra(of="part", value=value, index=place)):
                self._extended(place, value)
            case _:
                pass
        return b""

    def close(self, *, cut: bool) -> bytes:
        """The end of what is under way. `cut`: the last item is not complete."""
        out = self._end_message(cut=cut)
        if cut and self.output and not out and not self._answer.own and "status" in self.output[-1]:
            self.output[-1]["status"] = "incomplete"
        return out

    def _opened(self, place: int, part: Part) -> bytes:
        self._place = place
        self.seen.append(part)
        if isinstance(part, Text | Refusal):
            self._due = part
            return self._begin_due() if self._answer.own or part.text else b""
        out = self._end_message()
        number = len(self.output)
        match part:
            case Thinking():
                reasoning = self._lone = ReasoningItem(self._answer, self._told, part, number)
                return out + reasoning.begin()
            case ToolCall(runs_on="client"):
                call = self._lone = CallItem(self._answer, self._told, part, number)
                return out + call.begin()
            case _:
                item = self._answer.item(part, number)
                if item is None:
                    return out
                self.output.append(item)
                return out + self._whole(item, number)

    def _whole(self, item: JsonObject, number: int) -> bytes:
        """An item that comes in one piece; what MCP did is told in its states, which clients show."""
        event, kind = self._told.event, item.get("type")
        at: JsonObject = {"output_index": number, "item_id": item.get("id")}
        ended = "failed" if item.get("error") else "completed"
        begun, states = item, []
        if kind == "mcp_list_tools":
            begun = {**item, "tools": []}
            states = [("mcp_list_tools.in_progress", at), (f"mcp_list_tools.{ended}", at)]
        elif kind == "mcp_call":
            begun = {**item, "arguments": "", "output": None, "error": None, "status": "in_progress"}
            arguments = item.get("arguments") or ""
            states = [
                ("mcp_call.in_progress", at),
                ("mcp_call_arguments.delta", {**at, "delta": arguments}),
                ("mcp_call_arguments.done", {**at, "arguments": arguments}),
                (f"mcp_call.{ended}", at),
            ]
        told = event("response.output_item.added", {"output_index": number, "item": begun})
        told += b"".join([event(f"response.{name}", said) for name, said in states])
        return told + event("response.output_item.done", {"output_index": number, "item": item})

    def _grew(self, text: str, aspect: str) -> bytes:
        if not text:
            return b""
        if self._lone is not None:
            return self._lone.grow(text, aspect)
        out = self._begin_due()
        return out if self._message is None else out + self._message.grow(text)

    def _closed(self) -> bytes:
        lone, self._lone = self._lone, None
        if lone is not None:
            out, item = lone.end()
            self.output.append(item)
            return out
        self._due = None
        return b"" if self._message is None else self._message.end_part(self._logprobs)

    def _cited(self, place: int, citation: Citation) -> bytes:
        """Also of a text that is done: the response in the last event has it too."""
        if place in self._over:
            at, content = self._over[place]
            shown = self._answer.citation(citation, len(content["text"]))
            if shown is None:
                return b""
            annotations = content.setdefault("annotations", [])
            annotations.append(shown)
            at = {**at, "annotation_index": len(annotations) - 1, "annotation": shown}
            return self._told.event("response.output_text.annotation.added", at)
        if place != self._place:
            return b""
        out = self._begin_due()
        return out if self._message is None else out + self._message.cite(citation)

    def _extended(self, place: int, value: JsonObject) -> None:
        if not self._answer.own:
            return
        if self._lone is None and self._message is not None:
            self._message.extend(place, value, self._logprobs)
        elif self._lone is not None and place == self._place:
            self._lone.extend(value)

    def _begin_due(self) -> bytes:
        part, self._due = self._due, None
        if part is None:
            return b""
        out = b""
        if self._answer.own and isinstance(part, Text | Refusal) and ITEM in part.extra:
            out = self._end_message()
        if self._message is None:
            self._message = _Message(self._answer, self._told, part, len(self.output), self._over)
            out += self._message.begin()
        return out + self._message.begin_part(part, self._place)

    def _end_message(self, *, cut: bool = False) -> bytes:
        message, self._message = self._message, None
        if message is None:
            return b""
        out, item = message.end(cut=cut)
        self.output.append(item)
        return out


class _Message:
    """A message under way; `_part` is the content under way. `over` is told of each text that is done."""

    def __init__(
        self,
        answer: AnswerWriter,
        told: Numbered,
        part: Part,
        number: int,
        over: dict[int, tuple[JsonObject, JsonObject]],
    ) -> None:
        self._answer = answer
        self._told = told
        self._number = number
        self._item: JsonObject = {**answer.message(part, number), "content": []}
        self._part: Part | None = None
        self._text: list[str] = []
        self._citations: list[Citation] = []
        self._delta = b""
        self._places: list[int] = []  # the neutral index of each content
        self._over = over

    @property
    def _where(self) -> JsonObject:
        return {"item_id": self._item.get("id", ""), "output_index": self._number}

    @property
    def _at(self) -> JsonObject:
        return {**self._where, "content_index": len(self._item["content"])}

    def begin(self) -> bytes:
        begun = {**self._item, "status": "in_progress", "content": []}
        return self._told.event("response.output_item.added", {"output_index": self._number, "item": begun})

    def begin_part(self, part: Part, place: int) -> bytes:
        self._places.append(place)
        self._part, self._text, self._citations = part, [], []
        empty: JsonObject = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        refusal = isinstance(part, Refusal)
        if refusal:
            empty = {"type": "refusal", "refusal": ""}
        kind = "response.output_text.delta"
        self._delta = (
            growing("response.refusal.delta", self._at) if refusal else growing(kind, self._at, {"logprobs": []})
        )
        out = self._told.event("response.content_part.added", {**self._at, "part": empty})
        if isinstance(part, Text | Refusal) and part.text:
            out += self.grow(part.text)
        for citation in part.citations if isinstance(part, Text) else ():
            out += self.cite(citation)
        return out

    def grow(self, text: str) -> bytes:
        self._text.append(text)
        return self._told.grown(self._delta, text)

    def cite(self, citation: Citation) -> bytes:
        shown = self._answer.citation(citation, sum(map(len, self._text)))
        if shown is None:
            return b""
        at = {**self._at, "annotation_index": len(self._citations), "annotation": shown}
        self._citations.append(citation)
        return self._told.event("response.output_text.annotation.added", at)

    def extend(self, place: int, value: JsonObject, logprobs: list[Json]) -> None:
        """Unknown fields of an own part that came later, also after it was done."""
        self._item.update(value.get(ITEM) or {})
        if place not in self._places:
            return
        if self._part is not None and place == self._places[-1]:
            if isinstance(self._part, Text | Refusal):
                self._part = msgspec.structs.replace(self._part, extra={**self._part.extra, **value})
            return
        content = self._item["content"][self._places.index(place)]
        content.update(without(value, ITEM, LOGPROBS))
        count = value.get(LOGPROBS)
        if count:
            content["logprobs"] = logprobs[:count]
            del logprobs[:count]

    def end_part(self, logprobs: list[Json]) -> bytes:
        part, self._part = self._part, None
        text = "".join(self._text)
        match part:
            case Text():
                whole: Part = msgspec.structs.replace(part, text=text, citations=tuple(self._citations))
            case Refusal():
                whole = msgspec.structs.replace(part, text=text)
            case _:
                return b""
        content = self._answer.content(whole, logprobs)
        at = self._at
        if isinstance(whole, Refusal):
            out = self._told.event("response.refusal.done", {**at, "refusal": text})
        else:
            done = {**at, "text": text, "logprobs": content.get("logprobs") or []}
            self._over[self._places[-1]] = at, content
            out = self._told.event("response.output_text.done", done)
        out += self._told.event("response.content_part.done", {**at, "part": content})
        self._item["content"].append(content)
        return out

    def end(self, *, cut: bool) -> tuple[bytes, JsonObject]:
        if cut and not self._answer.own:
            self._item["status"] = "incomplete"
        done = {"output_index": self._number, "item": self._item}
        return self._told.event("response.output_item.done", done), self._item
