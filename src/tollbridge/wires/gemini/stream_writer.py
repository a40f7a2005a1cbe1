"""Events -> Gemini's stream: each chunk is a whole answer that holds what is new.

- Text and thoughts go out as they grow. A call goes out whole, when its arguments are: this format has no pieces of it.
- A signature follows in an empty part of the kind that it belongs to, as the vendor's own streams do it; for what
  cannot grow (a picture) the part waits for one event, so that its signature can stand on it.
- Two texts in a row are told apart by an empty one before the second: `stream_reader` reads them so.
- The last chunk holds every candidate's end, what stands beside its content, and usage. `fail` writes an error, and
  nothing after it.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import APIError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat, Choice, Finish, Usage
from tollbridge.wires.base import Head
from tollbridge.wires.gemini.errors import write_error
from tollbridge.wires.gemini.finish import write_finish
from tollbridge.wires.gemini.response import INCIDENTAL, AnswerWriter, is_blocked
from tollbridge.wires.gemini.usage import write_usage
from tollbridge.wires.gemini.vocabulary import NAME, ON

_encode = msgspec.json.encode
_GREW = b'data: {"candidates":[{"content":{"parts":[%b{"text":%b%b}],"role":"model"},"index":%d}],%b}\n\n'
_THOUGHT = b',"thought":true'


class _Part:
    """A part under way: what it opened with, and the pieces that wait for its end."""

    __slots__ = ("arguments", "citations", "lead", "part", "signature", "text")

    def __init__(self, part: Part, lead: bytes) -> None:
        self.part = part
        self.lead = lead  # an empty part that tells this one from the one before it
        self.arguments: list[str] = []
        self.signature: list[str] = []
        self.text: list[str] = []
        self.citations: list[Cited] = []


class _Choice:
    __slots__ = ("cited", "due", "extra", "finish", "last", "logprobs", "message", "open", "seen", "written")

    def __init__(self) -> None:
        self.open: dict[int, _Part] = {}
        self.due: list[Json] = []  # a part that waits for its signature
        self.last: type[Part] | None = None  # what was written last, while it can still grow
        self.seen: list[Part] = []
        self.cited: list[tuple[int, Text]] = []
        self.written = 0
        self.finish: Finish | None = None
        self.logprobs: Json = None
        self.extra: JsonObject = {}
        self.message: JsonObject = {}


class GeminiWriter:
    def __init__(self, head: Head) -> None:
        self._head = head
        self._own = head.origin == NAME
        self._answer = AnswerWriter(own=self._own, account=head.account, seals=head.seals)
        self.caveats: list[Caveat] = self._answer.caveats
        self._choices: dict[int, _Choice] = {}
        self._extra: JsonObject = {}
        self._usage: Usage | None = None
        self._model, self._id = head.model, head.id
        self._tail = self._made_tail()

    def write(self, event: Event) -> bytes:
        match event:
            case Grew(choice, index, text, aspect):
                return self._grew(choice, self._choices[choice].open[index], text, aspect)
            case Opened(choice, index, part):
                return self._opened(choice, index, part)
            case Closed(choice, index):
                return self._closed(choice, index)
            case Finished(choice, finish):
                self._choice(choice).finish = finish
                return b"".join([self._closed(choice, index) for index in sorted(self._choices[choice].open)])
            case Noted(Usage() as usage):
                self._usage = usage
            case Noted(Cited(index) as cited, choice):
                self._cite(self._choice(choice), index, cited)
            case Noted(Logprobs(value), choice):
                self._choice(choice).logprobs = _joined(self._choice(choice).logprobs, value)
            case Noted(Extra() as extra, choice):
                self._note(extra, choice)
            case Began(id, model, _, extra):
                self._id, self._model = id or self._head.id, model or self._head.model
                self._tail = self._made_tail()
                self._extra.update(extra)
            case _:
                pass
        return b""

    def close(self) -> bytes:
        """The normal end. Parts that are still open are closed first."""
        out = [self._closed(at, index) for at, choice in self._choices.items() for index in sorted(choice.open)]
        out += [self._flushed(at, choice) for at, choice in self._choices.items()]
        last: JsonObject = {}
        if not (self._own and self._is_blocked()):
            last["candidates"] = [self._ended(at, self._choices[at]) for at in sorted(self._choices)]
        if self._usage is not None:
            last["usageMetadata"] = write_usage(self._usage)
        if self._own:
            last = {**self._extra, **last}
        elif lost := [name for name in self._extra if name not in INCIDENTAL]:
            self._answer.caveat("dropped_field", "$", f"fields without a place in this format: {', '.join(lost)}")
        return b"".join(out) + self._chunk(last)

    def fail(self, error: APIError) -> bytes:
        _, body = write_error(error)
        return b"data: %b\n\n" % _encode(body)

    def _is_blocked(self) -> bool:
        choices = tuple([Choice(finish=choice.finish) for choice in self._choices.values()])
        return all(not choice.seen for choice in self._choices.values()) and is_blocked(choices, self._extra)

    def _made_tail(self) -> bytes:
        """What stands at the end of each chunk."""
        return b'"modelVersion":%b,"responseId":%b' % (_encode(self._model), _encode(self._id))

    def _chunk(self, body: JsonObject) -> bytes:
        return b"data: %b\n\n" % _encode({**body, "modelVersion": self._model, "responseId": self._id})

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _grew(self, at: int, held: _Part, text: str, aspect: str) -> bytes:
        if aspect == "signature":
            held.signature.append(text)
            return b""
        if aspect == "arguments":
            held.arguments.append(text)
            return b""
        if isinstance(held.part, Text):
            held.text.append(text)
            if held.part.extra and self._own:
                return b""  # told whole
        choice = self._choices[at]
        before = self._flushed(at, choice)
        choice.last = type(held.part)
        if not text:
            return before
        mark = _THOUGHT if isinstance(held.part, Thinking) else b""
        lead, held.lead = held.lead, b""
        return before + _GREW % (lead, _encode(text), mark, at, self._tail)

    def _opened(self, at: int, index: int, part: Part) -> bytes:
        choice = self._choice(at)
        choice.seen.append(part)
        match part:
            case Text() | Refusal() | Thinking(redacted=False):
                kind = Thinking if isinstance(part, Thinking) else Text
                same = choice.last is not None and issubclass(choice.last, kind | Refusal)
                lead = b"" if not same else b'{"text":""%b},' % (_THOUGHT if kind is Thinking else b"")
                if not self._own and part.extra:
                    part = msgspec.structs.replace(part, extra={})  # another wire's, which says nothing here
                held = choice.open[index] = _Part(part, lead)
                choice.written += isinstance(part, Thinking) or choice.last is not Text
                for citation in part.citations if isinstance(part, Text) else ():
                    held.citations.append(Cited(index, citation))
                return self._grew(at, held, part.text, "text")
            case ToolCall():
                choice.open[index] = _Part(part, b"")
                return b""
            case Thinking(extra=extra) if ON in extra and choice.due:
                self._answer.write(part, choice.due)
                return self._flushed(at, choice)
            case _:
                before = self._flushed(at, choice)
                choice.last = None
                if isinstance(part, Thinking) and part.origin == NAME and (ON in part.extra or not self._own):
                    choice.due = [{"text": "", "thoughtSignature": part.signature}]
                    return before + self._flushed(at, choice)
                self._answer.write(part, choice.due)
                return before if isinstance(part, Media) else before + self._flushed(at, choice)

    def _closed(self, at: int, index: int) -> bytes:
        choice = self._choices[at]
        held = choice.open.pop(index, None)
        if held is None:
            return b""
        part, signature = held.part, "".join(held.signature)
        match part:
            case ToolCall():
                whole = msgspec.structs.replace(
                    part,
                    arguments=part.arguments + "".join(held.arguments),
                    signature=(part.signature or "") + signature or None,
                )
                return self._told_whole(at, choice, whole)
            case Thinking():
                signed = msgspec.structs.replace(part, text="", signature=(part.signature or "") + signature or None)
                shown = self._answer.signature(signed)
                if shown is None:
                    return b""
                choice.due = [{"text": "", "thought": True, "thoughtSignature": shown}]
                choice.last = None
                return self._flushed(at, choice)
            case Text(extra=extra) if extra and self._own:
                return self._told_whole(at, choice, msgspec.structs.replace(part, text="".join(held.text)))
            case Text() if held.citations and not self._own:
                citations = tuple([cited.citation for cited in held.citations])
                said = Text(text="".join(held.text), citations=citations)
                choice.cited.append((max(0, choice.written - 1), said))
            case _:
                pass
        return b""

    def _told_whole(self, at: int, choice: _Choice, part: Part) -> bytes:
        before = self._flushed(at, choice)
        choice.last = None
        self._answer.write(part, choice.due)
        return before + self._flushed(at, choice)

    def _flushed(self, at: int, choice: _Choice) -> bytes:
        parts, choice.due = choice.due, []
        if not parts:
            return b""
        choice.written += len(parts)
        return self._chunk({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": at}]})

    def _cite(self, choice: _Choice, index: int, cited: Cited) -> None:
        held = choice.open.get(index)
        if held is not None:
            held.citations.append(cited)
        elif not self._own:
            self._answer.caveat("dropped_part", "$.candidates", "a citation came after its text was over")

    def _note(self, extra: Extra, at: int) -> None:
        if extra.of == "response":
            self._extra.update(extra.value)
        elif extra.of == "choice":
            self._choice(at).extra.update(extra.value)
        elif extra.of == "message":
            self._choice(at).message.update(extra.value)

    def _ended(self, at: int, choice: _Choice) -> JsonObject:
        """The candidate of the last chunk."""
        said: JsonObject = {**choice.extra} if self._own else {}
        message: JsonObject = {**choice.message} if self._own else {}
        said["content"] = {"parts": [{"text": ""}], "role": "model", **message}
        reason = write_finish(choice.finish, choice.seen, self._own, self.caveats)
        if reason is not None:
            said["finishReason"] = reason
        said["index"] = at
        if not self._own:
            said.update(self._answer.beside(Choice(logprobs=choice.logprobs), choice.cited))
        return said


def _joined(old: Json, new: Json) -> Json:
    """OpenAI's logprobs, piece by piece."""
    if old.__class__ is dict and new.__class__ is dict:
        return {**old, **{key: [*(old.get(key) or []), *(value or [])] for key, value in new.items()}}
    return old if new is None else new
