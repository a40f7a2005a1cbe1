"""Events -> Anthropic's event stream.

- `model.fold.Sequencer` puts the parts in a row, because here one block ends before the next begins.
- `message_start` waits for the first event after the head, so that usage told at once stands in it. Input tokens may be
  unknown until the end: then it says 0, and `message_delta` has the whole usage, as clients expect.
- Arguments go through as they come. Those that do not begin as an object (another format's free-text tools) are held
  and wrapped whole: clients parse the pieces as JSON.
- The end of the choice, `message_delta` and `message_stop` are written by `close`: usage may follow the finish.
- `fail` writes an `error` event and never `message_stop`.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import Sequencer
from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat, Finish, Usage
from tollbridge.wires.anthropic_messages.errors import write_error
from tollbridge.wires.anthropic_messages.finish import write_finish
from tollbridge.wires.anthropic_messages.response import CONSTANTS, AnswerWriter, made_id
from tollbridge.wires.anthropic_messages.usage import write_usage
from tollbridge.wires.anthropic_messages.vocabulary import INCIDENTAL, NAME
from tollbridge.wires.anthropic_messages.write_blocks import text_block, tool_input, tool_use_block
from tollbridge.wires.base import Head

_encode = msgspec.json.encode
_DELTA = {
    "text": b'"type":"text_delta","text"',
    "arguments": b'"type":"input_json_delta","partial_json"',
    "thinking": b'"type":"thinking_delta","thinking"',
    "signature": b'"type":"signature_delta","signature"',
}
_GROWN = b"""event: content_block_delta
data: {"type":"content_block_delta","index":%d,"delta":{%b:%b}}

"""
# Where fields that are not of the answer itself stand at the end of a stream; all others stand in `delta`.
_BESIDE_DELTA = ("context_management",)
_AT_THE_STOP = ("amazon-bedrock-invocationMetrics",)


class MessagesWriter:
    def __init__(self, head: Head) -> None:
        self._head = head
        self._own = head.origin == NAME
        self._answer = AnswerWriter(own=self._own, account=head.account, seals=head.seals)
        self.caveats: list[Caveat] = self._answer.caveats
        self._row = Sequencer()
        self._began = Began()
        self._started = False
        self._index = -1  # of the block under way or the last one
        self._part: Part | None = None
        self._place = -1  # the neutral index of the part under way
        self._due: JsonObject | None = None  # begun when its first text comes: no block may be empty
        self._signature: list[str] = []
        self._is_object: bool | None = (
            None  # whether the arguments under way begin as a JSON object; None: not yet known
        )
        self._free: list[str] = []  # the arguments, where they do not
        self._seen: list[Part] = []
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._extra: JsonObject = {}
        self._warned: set[str] = set()

    def write(self, event: Event) -> bytes:
        match event:
            case Grew(choice) if choice == 0:
                return b"".join([self._written(now) for now in self._row.feed(event)])
            case Began():
                self._began = event
                return b""
            case Noted(Usage() as usage):
                self._usage = usage
                return b""
            case Noted(Extra(of="response", value=value)):
                self._extra.update(value)
                return b""
            case Finished(choice, finish) if choice == 0:
                self._finish = finish
                return self._start() + b"".join([self._written(now) for now in self._row.feed(event)])
            case Opened(choice) | Closed(choice) | Noted(_, choice) if choice == 0:
                return self._start() + b"".join([self._written(now) for now in self._row.feed(event)])
            case _:
                self._warn("dropped_choice", "only the first choice is shown")
                return b""

    def close(self) -> bytes:
        """The normal end. A part still open is closed first."""
        out = [self._start()]
        if self._finish is None:
            out += [self._written(now) for now in self._row.feed(Finished(0, Finish(reason="other")))]
        reason, stop = write_finish(self._finish, self._seen, self._own, self.caveats)
        body: JsonObject = {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": stop}}
        stopped: JsonObject = {"type": "message_stop"}
        if self._own:
            for key, value in self._extra.items():
                at = body if key in _BESIDE_DELTA else stopped if key in _AT_THE_STOP else body["delta"]
                at.setdefault(key, value)
        elif lost := [name for name in (*self._began.extra, *self._extra) if name not in INCIDENTAL]:
            self._warn("dropped_field", f"fields without a place in this format: {', '.join(lost)}")
        body["usage"] = self._usage_body()
        out += [_event("message_delta", body), _event("message_stop", stopped)]
        return b"".join(out)

    def fail(self, error: APIError) -> bytes:
        """An honest end: an `error` event, and nothing after it."""
        _, body = write_error(error)
        return _event("error", body)

    def _start(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        message: JsonObject = {
            **(self._began.extra if self._own else {}),
            **CONSTANTS,
            "id": self._began.id or self._head.id or made_id("msg", [self._began.model, self._began.created]),
            "model": self._began.model or self._head.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._usage_body(),
        }
        return _event("message_start", {"type": "message_start", "message": message})

    def _usage_body(self) -> JsonObject:
        usage = self._usage
        return {"input_tokens": 0, "output_tokens": 0} if usage is None else write_usage(usage, usage.origin == NAME)

    def _written(self, event: Event) -> bytes:
        """One event of the row, in which blocks follow each other."""
        match event:
            case Grew(_, _, text, aspect):
                return self._grew(text, aspect)
            case Opened(_, place, part):
                return self._opened(place, part)
            case Closed():
                return self._closed()
            case Noted(Cited(place, citation)):
                if place != self._place or self._part is None:
                    self._warn("dropped_part", "a citation came after its text was over")
                    return b""
                shown = self._answer.citation(citation)
                if shown is None:
                    return b""
                return self._begin_due() + self._delta({"type": "citations_delta", "citation": shown})
            case Noted(Extra(of="part", value=value, index=place)):
                own_and_open = self._own and place == self._place and self._part is not None
                return self._delta({"type": "unknown_delta", **value}) if own_and_open else b""
            case Noted(Logprobs()):
                self._warn("dropped_part", "log probabilities have no place in this format")
                return b""
            case _:
                return b""

    def _grew(self, text: str, aspect: str) -> bytes:
        part = self._part
        if part is None or not text:
            return b""
        if self._due is not None:
            return self._begin_due() + self._grew(text, aspect)
        if isinstance(part, Thinking):
            if aspect == "text":
                aspect = "thinking"
            elif part.origin != NAME or part.redacted:
                self._signature.append(text)  # sealed whole when the block ends
                return b""
        elif aspect == "signature":
            self._signature.append(text)
            return b""
        elif aspect == "arguments" and not self._own and not self._begins_as_object(text):
            self._free.append(text)
            return b""
        return _GROWN % (self._index, _DELTA[aspect], _encode(text))

    def _begins_as_object(self, text: str) -> bool:
        if self._is_object is None:
            first = text.lstrip()[:1]
            self._is_object = (first == "{") if first else None
        return self._is_object is True

    def _opened(self, place: int, part: Part) -> bytes:
        self._part, self._place, self._signature = part, place, []
        self._is_object, self._free = None, []
        self._seen.append(part)
        match part:
            case Text():
                begun = self._due_now(text_block(msgspec.structs.replace(part, text=""), self._own, []))
                begun += self._grew(part.text, "text")
                cited = [self._written(Noted(Cited(place, citation))) for citation in part.citations]
                return begun + b"".join(cited)
            case Refusal(text=text):
                return self._due_now({"type": "text", "text": ""}) + self._grew(text, "text")
            case Thinking(redacted=True):
                return b""  # written whole when it is whole
            case Thinking():
                return self._thinking(part)
            case ToolCall():
                return self._call(part)
            case _:
                blocks = self._answer.blocks(part)
                if not blocks:
                    self._part = None
                return b"".join([self._begin(block) for block in blocks])

    def _thinking(self, part: Thinking) -> bytes:
        start: JsonObject = {"type": "thinking", "thinking": ""}
        if part.signature is not None or part.origin != NAME:
            start["signature"] = ""
        if self._own:
            start = {**part.extra, **start}
        return self._due_now(start) + self._grew(part.text, "text") + self._grew(part.signature or "", "signature")

    def _call(self, part: ToolCall) -> bytes:
        call_id = self._answer.call_id(part)
        self._part = msgspec.structs.replace(part, id=call_id)
        before = b""
        if part.signature is not None and part.origin != NAME:
            before = self._begin(self._answer.call_seal(part, call_id)) + self._end()
        start = tool_use_block(msgspec.structs.replace(part, arguments=""), self._own, call_id)
        return before + self._begin(start) + self._grew(part.arguments, "arguments")

    def _closed(self) -> bytes:
        part, self._part = self._part, None
        signature = "".join(self._signature)
        if self._due is not None and not signature:
            self._due = None
            return b""
        match part:
            case None:
                return b""
            case Thinking(redacted=True):
                whole = msgspec.structs.replace(part, signature=(part.signature or "") + signature)
                return self._begin(self._answer.thinking(whole)) + self._end()
            case Thinking() if part.origin != NAME:
                seal = self._answer.seal(msgspec.structs.replace(part, signature=signature))
                return self._begin_due() + self._delta({"type": "signature_delta", "signature": seal}) + self._end()
            case ToolCall() if self._free:
                wrapped = _encode(tool_input("".join(self._free).strip())).decode()
                self._free = []
                return self._delta({"type": "input_json_delta", "partial_json": wrapped}) + self._end()
            case ToolCall() if signature and part.origin != NAME:
                signed = msgspec.structs.replace(part, signature=(part.signature or "") + signature)
                after = self._answer.call_seal(signed, part.id)
                return self._end() + self._begin(after) + self._end()
            case _:
                return self._end()

    def _due_now(self, block: JsonObject) -> bytes:
        self._due = block
        return self._begin_due() if self._own else b""

    def _begin_due(self) -> bytes:
        due, self._due = self._due, None
        return b"" if due is None else self._begin(due)

    def _begin(self, block: JsonObject) -> bytes:
        self._index += 1
        body = {"type": "content_block_start", "index": self._index, "content_block": block}
        return _event("content_block_start", body)

    def _end(self) -> bytes:
        return _event("content_block_stop", {"type": "content_block_stop", "index": self._index})

    def _delta(self, delta: JsonObject) -> bytes:
        body = {"type": "content_block_delta", "index": self._index, "delta": delta}
        return _event("content_block_delta", body)

    def _warn(self, code: str, detail: str) -> None:
        if detail not in self._warned:
            self._warned.add(detail)
            self._answer.caveat(code, "$", detail)


def _event(name: str, body: JsonObject) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _encode(body))
