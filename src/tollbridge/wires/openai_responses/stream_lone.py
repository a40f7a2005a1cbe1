"""Items of a stream that is written which are one part each: reasoning, and calls of the client's tools."""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Thinking, ToolCall
from tollbridge.wires.openai_responses.answer import AnswerWriter, is_custom
from tollbridge.wires.openai_responses.numbered import Numbered, growing
from tollbridge.wires.openai_responses.reasoning import PIECES
from tollbridge.wires.openai_responses.vocabulary import BETWEEN_PIECES, BREAKS, FIELD


class Lone:
    """An item that is one part."""

    def __init__(self, answer: AnswerWriter, told: Numbered, number: int) -> None:
        self._answer = answer
        self._told = told
        self._number = number
        self._text: list[str] = []
        self._extra: JsonObject = {}

    def grow(self, text: str, aspect: str) -> bytes:
        raise NotImplementedError

    def end(self) -> tuple[bytes, JsonObject]:
        raise NotImplementedError

    def extend(self, value: JsonObject) -> None:
        """Unknown fields of an own part that came later."""
        self._extra.update(value)

    def _added(self, item: JsonObject) -> bytes:
        return self._told.event("response.output_item.added", {"output_index": self._number, "item": item})

    def _done(self, item: JsonObject) -> bytes:
        return self._told.event("response.output_item.done", {"output_index": self._number, "item": item})


class ReasoningItem(Lone):
    """Its text goes out in pieces, as `BREAKS` has them. An own item waits for its id, which is in its signature."""

    def __init__(self, answer: AnswerWriter, told: Numbered, part: Thinking, number: int) -> None:
        super().__init__(answer, told, number)
        self._part = part
        own = answer.own
        self._field = part.extra.get(FIELD, "summary") if own else "summary"
        self._breaks: list[int] = list(part.extra.get(BREAKS) or ()) if own else []
        self._signature: list[str] = []
        self._id = "" if own else answer.reasoning(part, number)["id"]
        self._begun = False
        self._piece: list[str] | None = None
        self._pieces = 0
        self._template = b""

    def begin(self) -> bytes:
        if self._part.signature:
            self._signature.append(self._part.signature)
        if self._part.text:
            self._text.append(self._part.text)
        return self._begin() if self._id or self._knows_id() else b""

    def grow(self, text: str, aspect: str) -> bytes:
        if aspect == "signature":
            self._signature.append(text)
            return b"" if self._begun or not self._knows_id() else self._begin()
        self._text.append(text)
        return self._grow(text) if self._begun else b""

    def extend(self, value: JsonObject) -> None:
        more = value.get(BREAKS)
        if more and BREAKS in self._extra:
            value = {**value, BREAKS: [*self._extra[BREAKS], *more]}
        if self._begun and more:
            self._breaks += more
        super().extend(value)

    def end(self) -> tuple[bytes, JsonObject]:
        out = b"" if self._begun else self._begin()
        out += self._end_piece()
        signature = "".join(self._signature) or None
        extra = {**self._part.extra, **self._extra}
        if BREAKS in self._part.extra and BREAKS in self._extra:
            extra[BREAKS] = [*self._part.extra[BREAKS], *self._extra[BREAKS]]
        whole = msgspec.structs.replace(self._part, text="".join(self._text), signature=signature, extra=extra)
        item = self._answer.reasoning(whole, self._number)
        return out + self._done(item), item

    def _knows_id(self) -> bool:
        self._id, found, _ = "".join(self._signature).partition("\n")
        return bool(found)

    def _begin(self) -> bytes:
        self._begun = True
        out = self._added({"type": "reasoning", "id": self._id, "summary": []})
        text = "".join(self._text)
        if BREAKS in self._extra:
            self._breaks += self._extra[BREAKS]
        return out + (self._grow(text) if text else b"")

    def _grow(self, text: str) -> bytes:
        out = b""
        while self._breaks and self._piece_length() + len(text) >= self._breaks[0]:
            length = self._breaks.pop(0) - self._piece_length()
            out += self._grow_piece(text[:length]) + self._end_piece()
            text = text[length:].removeprefix(BETWEEN_PIECES)
        if self._pieces and self._piece is None and text.startswith(BETWEEN_PIECES):
            text = text.removeprefix(BETWEEN_PIECES)
        return out + (self._grow_piece(text) if text else b"")

    def _piece_length(self) -> int:
        return sum(map(len, self._piece or ()))

    def _at(self) -> JsonObject:
        index = "summary_index" if self._field == "summary" else "content_index"
        return {"item_id": self._id, "output_index": self._number, index: self._pieces}

    def _names(self) -> tuple[str, str]:
        if self._field == "summary":
            return "response.reasoning_summary_part", "response.reasoning_summary_text"
        return "response.content_part", "response.reasoning_text"

    def _grow_piece(self, text: str) -> bytes:
        part, words = self._names()
        out = b""
        if self._piece is None:
            self._piece = []
            out = self._told.event(f"{part}.added", {**self._at(), "part": {"type": PIECES[self._field], "text": ""}})
            self._template = growing(f"{words}.delta", self._at())
        if not text:
            return out
        self._piece.append(text)
        return out + self._told.grown(self._template, text)

    def _end_piece(self) -> bytes:
        piece, self._piece = self._piece, None
        if piece is None:
            return b""
        part, words = self._names()
        text, at = "".join(piece), self._at()
        self._pieces += 1
        out = self._told.event(f"{words}.done", {**at, "text": text})
        return out + self._told.event(f"{part}.done", {**at, "part": {"type": PIECES[self._field], "text": text}})


class CallItem(Lone):
    """A call of the client's tool. Free text is held until it is whole: it comes wrapped in JSON."""

    def __init__(self, answer: AnswerWriter, told: Numbered, part: ToolCall, number: int) -> None:
        super().__init__(answer, told, number)
        self._part = part
        self._custom = is_custom(part) if answer.own else part.name in answer.customs
        self._signature: list[str] = []
        self._item = answer.call(msgspec.structs.replace(part, arguments=""), number)
        at = {"item_id": self._item.get("id", ""), "output_index": number}
        self._template = growing("response.function_call_arguments.delta", at)

    def begin(self) -> bytes:
        field = "input" if self._custom else "arguments"
        begun = {**self._item, field: ""}
        if "status" in begun:
            begun["status"] = "in_progress"
        return self._added(begun) + (self.grow(self._part.arguments, "arguments") if self._part.arguments else b"")

    def grow(self, text: str, aspect: str) -> bytes:
        if aspect == "signature":
            self._signature.append(text)
            return b""
        self._text.append(text)
        return b"" if self._custom else self._delta(text)

    def end(self) -> tuple[bytes, JsonObject]:
        whole = msgspec.structs.replace(
            self._part, arguments="".join(self._text), extra={**self._part.extra, **self._extra}
        )
        item = {**self._answer.call(whole, self._number), "call_id": self._item["call_id"]}
        if self._signature and not self._answer.own:
            self._answer.dropped(f"the signature of the call of `{whole.name}`, which came after its id had been told")
        at = {"item_id": item.get("id", ""), "output_index": self._number}
        if self._custom:
            text = item["input"]
            out = self._told.event("response.custom_tool_call_input.delta", {**at, "delta": text}) if text else b""
            out += self._told.event("response.custom_tool_call_input.done", {**at, "input": text})
        else:
            arguments = item["arguments"]
            out = b"" if self._text or not arguments else self._delta(arguments)
            out += self._told.event("response.function_call_arguments.done", {**at, "arguments": arguments})
        return out + self._done(item), item

    def _delta(self, text: str) -> bytes:
        return self._told.grown(self._template, text)
