"""Events -> chat chunks in our dialect (see `turn` for what it adds to the format).

Rules
1. The first chunk of a choice has the role. Text, thinking and arguments go out as they grow, from a template: this is
   the hot path of a translated stream.
2. Thinking goes into `reasoning_content` and, piece by piece, into `thinking_blocks`, whose last piece has the
   signature; an own answer's goes where it came from.
3. What the provider ran itself is written whole, when it is closed; so is the free text of a custom tool, which comes
   wrapped in JSON.
4. What is told in a list has an `index` in it: by that the openai SDK puts the pieces together, and without it raises.
5. To a client that offered `functions` (`head.asked`) the first call is a `function_call`, and there is no other.
6. Usage is held until `close`, and written only for a client that asked. `fail` ends without `[DONE]`.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Citation, Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat, Finish, Usage
from tollbridge.wires import free_text
from tollbridge.wires.base import Head
from tollbridge.wires.free_text import CUSTOM
from tollbridge.wires.openai_chat import thinking_parts
from tollbridge.wires.openai_chat.citations import CITED_NOW, is_claudes, write_citation
from tollbridge.wires.openai_chat.content import write_own
from tollbridge.wires.openai_chat.errors import write_error
from tollbridge.wires.openai_chat.functions import FINISHED, FUNCTIONS, NO_CUSTOMS, customs_of, one_too_many
from tollbridge.wires.openai_chat.reasoning import PLAIN, close_call_signature, close_signature, write_detail
from tollbridge.wires.openai_chat.response import MessageWriter, write_finish, write_server_call
from tollbridge.wires.openai_chat.turn import Order, write_function_call
from tollbridge.wires.openai_chat.usage import write_usage
from tollbridge.wires.openai_chat.vocabulary import (
    FIELD,
    NAME,
    PROVIDER_FIELDS,
    SERVER_TOOLS,
    SPELLED,
    TEXT_BREAKS,
    dropped_part,
)

_LEFT_OUT = -2

_encode = msgspec.json.Encoder().encode


class ChatStreamWriter:
    """See `wires.base.StreamWriter`."""

    def __init__(self, head: Head) -> None:
        self.caveats: list[Caveat] = []
        self.own = head.origin == NAME
        self.head = head
        self.legacy = FUNCTIONS in head.asked
        self.customs = customs_of(head.asked) if head.asked else NO_CUSTOMS
        self._began = Began()
        self.waiting: JsonObject = {}  # unknown fields of an own answer, for the next chunk
        self._start = b""
        self._usage: Usage | None = None
        self._choices: dict[int, _Choice] = {}

    def write(self, event: Event) -> bytes:
        match event:
            case Grew(choice, index, text, aspect):
                return (self._choices.get(choice) or self._choice(choice)).grow(index, text, aspect)
            case Opened(choice, index, part):
                return self._choice(choice).open(index, part)
            case Closed(choice, index):
                return self._choice(choice).close(index)
            case Finished(choice, finish):
                return self._choice(choice).finish(finish)
            case Noted(Usage() as usage):
                self._usage = usage
            case Noted(Cited(index, citation), choice):
                return self._choice(choice).cite(index, citation)
            case Noted(Logprobs(value), choice):
                return self._choice(choice).chunk({}, {"logprobs": value})
            case Noted(Extra() as extra, choice):
                return self._extra(extra, choice) if self.own else b""
            case Began():
                self._began = event
                self.waiting.update(event.extra if self.own else {})
                self._start = b""
        return b""

    def close(self) -> bytes:
        end = b"data: [DONE]\n\n"
        if self.head.include_usage and self._usage is not None:
            fields = b',"choices":[],"usage":' + _encode(write_usage(self._usage))
            end = b"data: " + self.start() + self.fields() + fields + b"}\n\n" + end
        elif self.waiting and self._choices:
            end = next(iter(self._choices.values())).chunk({}) + end
        self._choices.clear()  # they know their writer: no circle is left to be collected
        return end

    def fail(self, error: APIError) -> bytes:
        self._choices.clear()
        return b"data: " + _encode(write_error(error)[1]) + b"\n\n"

    def _extra(self, extra: Extra, choice: int) -> bytes:
        match extra.of:
            case "response":
                self.waiting.update(extra.value)
                return b""
            case "message":
                return self._choice(choice).chunk(extra.value)
            case "choice":
                return self._choice(choice).chunk({}, extra.value)
            case "part":
                return self._choice(choice).extend(extra.index, extra.value)

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self, index)
        return choice

    def start(self) -> bytes:
        """How each chunk begins."""
        if not self._start:
            began, head = self._began, self.head
            values = {
                "id": began.id or head.id,
                "object": "chat.completion.chunk",
                "created": began.created if began.created is not None else head.created,
                "model": began.model or head.model,
            }
            self._start = _encode(values)[:-1]
        return self._start

    def fields(self) -> bytes:
        """Unknown fields that wait for a chunk, as the middle of an object."""
        if not self.waiting:
            return b""
        held = {key: value for key, value in self.waiting.items() if key != "object"}
        self.waiting = {}
        return b"," + _encode(held)[1:-1] if held else b""


class _Writing:
    """A part under way. `number`: its place in `tool_calls`, or below 0; `block`: in `thinking_blocks`. `fields`: where
    thinking goes."""

    __slots__ = ("block", "custom", "fields", "grown", "number", "over", "part", "position", "signature", "text")

    def __init__(self, part: Part, position: int | None) -> None:
        self.part = part
        self.position = position
        self.number = -1
        self.custom = False
        self.block = -1
        self.fields: tuple[str, ...] = ()
        self.grown = False
        self.over = False
        self.signature: list[str] = []
        self.text: list[str] = []


class _Choice:
    """One choice under way."""

    def __init__(self, writer: ChatStreamWriter, index: int) -> None:
        self._writer = writer
        self._index = index
        self._said_role = False
        self._parts: dict[int, _Writing] = {}
        self._order = Order()
        self._calls = 0
        self._listed: dict[str, int] = {}
        self._offset = 0
        self._due: int | None = None  # a part whose end must be written before what follows: a signature, a whole call
        self._starts: dict[int, int] = {}
        self._thinking_fields: tuple[str, ...] = ()
        self._before = b""
        self._after = b',"finish_reason":null}],"usage":null}\n\n'
        if not writer.head.include_usage:
            self._after = b',"finish_reason":null}]}\n\n'

    def chunk(self, delta: JsonObject, fields: JsonObject | None = None) -> bytes:
        return self._raw(_encode(delta), fields)

    def _raw(self, delta: bytes, fields: JsonObject | None = None) -> bytes:
        if not self._said_role:
            self._said_role = True
            self._before = b"data: " + self._writer.start()
            self._middle = b',"choices":[{"index":%d,"delta":' % self._index
            head = (
                self._before + self._writer.fields() + self._middle + b'{"role":"assistant","content":""}' + self._after
            )
            return head + self._raw(delta, fields)
        writer = self._writer
        before = self._before + (writer.fields() if writer.waiting else b"") + self._middle
        if fields is None:
            return before + delta + self._after
        usage = b',"usage":null' if writer.head.include_usage else b""
        fields = {"finish_reason": None, **fields}
        return before + delta + b"," + _encode(fields)[1:-1] + b"}]" + usage + b"}\n\n"

    def open(self, index: int, part: Part) -> bytes:
        before = b"" if self._due is None else self.close(self._due)
        due = isinstance(part, Thinking) or (isinstance(part, ToolCall) and part.runs_on == "provider")
        self._due = index if due else None
        return before + self._open(index, part)

    def _open(self, index: int, part: Part) -> bytes:
        writing = self._parts[index] = _Writing(part, self._order.position(index, part))
        own = self._writer.own
        match part:
            case Text(text=text):
                self._starts[index] = self._offset
                out = b""
                if writing.position is not None:
                    mark = {"index": self._next(TEXT_BREAKS), "position": index, "offset": self._offset}
                    out = self.chunk({PROVIDER_FIELDS: {TEXT_BREAKS: [mark]}})
                out += self.grow(index, text, "text") if text else b""
                return out + b"".join([self.cite(index, citation) for citation in part.citations])
            case Thinking():
                return self._open_thinking(index, writing, part)
            case ToolCall(runs_on="client"):
                return self._open_call(writing, part)
            case ToolCall():
                writing.text.append(part.arguments)
                return b""
            case Refusal(text=text):
                return self.grow(index, text, "text") if text else b""
            case Opaque(wire=wire, value=value):
                if own and wire == NAME:
                    return self.chunk({"content": [value]})
                return self._server_tool({"position": index, "wire": wire, "value": value})
            case Media():
                return self._media(part)
            case _:
                detail = f"A {type(part).__name__} has no place in a chat answer; it was left out."
                self._writer.caveats.append(dropped_part("$.choices", detail))
                return b""

    def _open_thinking(self, index: int, writing: _Writing, part: Thinking) -> bytes:
        if not self._writer.own:
            writing.fields = ("reasoning_content", "thinking_blocks")
        elif part.extra.get(FIELD) in thinking_parts.FIELDS:
            writing.fields = (part.extra[FIELD],)
        else:
            if not self._thinking_fields or FIELD in part.extra:
                self._thinking_fields = tuple(str(part.extra.get(FIELD, "reasoning_content")).split(","))
            writing.fields = self._thinking_fields
        if part.redacted:
            writing.signature.append(part.signature or "")
            return self.close(index)
        out = self.grow(index, part.text, "text") if part.text else b""
        return out + (self.grow(index, part.signature, "signature") if part.signature else b"")

    def _thinking_piece(self, writing: _Writing, text: str, signature: str) -> bytes:
        """A delta with a piece of thinking, in each field where it goes."""
        part = writing.part
        if not isinstance(part, Thinking):
            return b""
        delta: JsonObject = {}
        first, writing.grown = not writing.grown, True
        own_extra = part.extra if first and self._writer.own else {}
        for field in writing.fields:
            if field in PLAIN and text:
                delta[field] = text
            elif field == "reasoning_details":
                kind = {"type": part.extra["type"]} if "type" in part.extra else {}
                keys: JsonObject = {key: part.extra[key] for key in ("index", "id") if key in part.extra}
                piece = Thinking(
                    text=text, signature=signature or None, redacted=part.redacted, extra={**keys, **kind, **own_extra}
                )
                delta[field] = [write_detail(piece)]
            elif field in thinking_parts.FIELDS:
                piece = Thinking(
                    text=text, signature=signature or None, redacted=part.redacted, extra={**own_extra, FIELD: field}
                )
                delta["content"] = [write_own(piece)]
            elif field == "thinking_blocks":
                if writing.block < 0:
                    writing.block = self._next(field)
                block: JsonObject = {"index": writing.block, "type": "thinking", "thinking": text}
                if part.redacted:
                    block = {"index": writing.block, "type": "redacted_thinking", "data": signature}
                elif signature:
                    block["signature"] = signature
                if first and writing.position is not None:
                    block["position"] = writing.position
                block.update({key: value for key, value in own_extra.items() if key != FIELD})
                delta[field] = [block]
        return self.chunk(delta)

    def _open_call(self, writing: _Writing, part: ToolCall) -> bytes:
        own = self._writer.own
        if own and part.extra.get(FIELD) == "function_call":
            return self.chunk({"function_call": {**write_function_call(part), "arguments": part.arguments}})
        number, self._calls = self._calls, self._calls + 1
        if self._writer.legacy:
            return self._function_call(writing, part, number)
        writing.number = number
        head = self._writer.head
        message = MessageWriter(own, head.seals, head.account, self._writer.caveats, self._writer.customs)
        call = {"index": writing.number, **message.call(part, writing.position)}
        writing.custom = CUSTOM in call
        if writing.custom:
            writing.text.append(part.arguments)
            call[CUSTOM]["input"] = ""
        else:
            call["function"]["arguments"] = part.arguments
        writing.grown = writing.custom or bool(part.arguments)
        return self.chunk({"tool_calls": [call]})

    def _function_call(self, writing: _Writing, part: ToolCall, number: int) -> bytes:
        if number > 0:
            writing.number = _LEFT_OUT
            self._writer.caveats.append(one_too_many(part.name))
            return b""
        writing.grown = bool(part.arguments)
        return self.chunk({"function_call": {"name": part.name, "arguments": part.arguments}})

    def _media(self, part: Media) -> bytes:
        own = self._writer.own
        if own and part.extra.get(FIELD) == "audio":
            inner = {"data": part.source.data} if isinstance(part.source, Inline) else {}
            return self.chunk({"audio": {**inner, **part.extra.get("audio", {})}})
        if own and part.extra.get(FIELD) != "images":
            return self.chunk({"content": [write_own(part)]})
        delta: JsonObject = {}
        head = self._writer.head
        MessageWriter(own, head.seals, head.account, self._writer.caveats).media(delta, part)
        if not own and "images" in delta:
            delta["images"] = [{**image, "index": self._next("images")} for image in delta["images"]]
        return self.chunk(delta)

    def _server_tool(self, item: JsonObject) -> bytes:
        return self.chunk({PROVIDER_FIELDS: {SERVER_TOOLS: [{"index": self._next(SERVER_TOOLS), **item}]}})

    def _next(self, field: str) -> int:
        """The place of a new item in a list of the message."""
        place = self._listed.get(field, 0)
        self._listed[field] = place + 1
        return place

    def grow(self, index: int, text: str, aspect: str) -> bytes:
        writing = self._parts[index]
        match writing.part:
            case Text(extra=extra):
                if extra.get(FIELD) == "audio":
                    return self.chunk({"audio": {"transcript": text}})
                self._offset += len(text)
                return self._raw(b'{"content":' + _encode(text) + b"}")
            case ToolCall(runs_on="client"):
                if aspect == "signature":
                    writing.signature.append(text)
                    return b""
                if writing.custom:
                    writing.text.append(text)
                    return b""
                writing.grown = True
                if writing.number < 0:
                    left_out = writing.number == _LEFT_OUT
                    return b"" if left_out else self.chunk({"function_call": {"arguments": text}})
                return self._raw(
                    b'{"tool_calls":[{"index":%d,"function":{"arguments":%b}}]}' % (writing.number, _encode(text))
                )
            case ToolCall():
                writing.text.append(text)
                return b""
            case Thinking():
                if aspect == "text":
                    return self._thinking_piece(writing, text, "")
                if writing.over and self._writer.own:
                    return self._thinking_piece(writing, "", text)
                writing.signature.append(text)
                return b""
            case Refusal(extra=extra) if extra.get(SPELLED) == "part":
                return self.chunk({"content": [{"type": "refusal", "refusal": text}]})
            case Refusal():
                return self.chunk({"refusal": text})
            case _:
                return b""

    def cite(self, index: int, citation: Citation) -> bytes:
        start = self._starts.get(index, 0)
        annotation = write_citation(citation, start, self._offset - start)
        if not self._writer.own:
            annotation = {"index": self._next("annotations"), **annotation}
        delta: JsonObject = {"annotations": [annotation]}
        if is_claudes(citation):
            delta[PROVIDER_FIELDS] = {CITED_NOW: citation.raw}
        return self.chunk(delta)

    def extend(self, index: int, value: JsonObject) -> bytes:
        """Unknown fields of an own part that came later."""
        writing = self._parts[index]
        if writing.number >= 0:
            return self.chunk({"tool_calls": [{"index": writing.number, **value}]})
        if "reasoning_details" in writing.fields and isinstance(writing.part, Thinking):
            keys: JsonObject = {
                key: writing.part.extra[key] for key in ("index", "id", "type") if key in writing.part.extra
            }
            return self.chunk({"reasoning_details": [write_detail(Thinking(extra={**keys, **value}))]})
        return b""

    def close(self, index: int) -> bytes:
        """What can be said of a part only now that it is whole."""
        writing = self._parts[index]
        if writing.over:
            return b""
        writing.over = True
        part, signature, head, own = writing.part, "".join(writing.signature), self._writer.head, self._writer.own
        match part:
            case Thinking() if signature:
                sealed = close_signature(signature, part.origin, part.account or head.account, head.seals)
                return self._thinking_piece(writing, "", signature if own else sealed or "")
            case Thinking() if not writing.grown:
                return self._thinking_piece(writing, "", "")
            case ToolCall(runs_on="client"):
                named = writing.number < 0 and not self._writer.legacy
                out = b"" if writing.grown or named else self.grow(index, "{}", "arguments")
                if writing.custom and (text := free_text.unwrap("".join(writing.text))):
                    out = self.chunk({"tool_calls": [{"index": writing.number, CUSTOM: {"input": text}}]})
                if signature and writing.number >= 0:
                    account = part.account or head.account
                    shown = signature if own else close_call_signature(signature, part.origin, account, head.seals)
                    call = {"index": writing.number, PROVIDER_FIELDS: {"thought_signature": shown}}
                    out += self.chunk({"tool_calls": [call]})
                return out
            case ToolCall():
                whole = msgspec.structs.replace(part, arguments="".join(writing.text))
                return self._server_tool(write_server_call(whole, writing.position))
            case _:
                return b""

    def finish(self, finish: Finish) -> bytes:
        rest = b"".join([self.close(index) for index in sorted(self._parts)])
        end = write_finish(finish, self._writer.own, self._writer.caveats)
        if self._writer.legacy and end.get("finish_reason") == "tool_calls":
            end["finish_reason"] = FINISHED
        return rest + self.chunk({}, end)
