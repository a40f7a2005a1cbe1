"""Gemini's stream -> events. Each chunk is a whole answer that holds what is new.

- A candidate's texts, chunk after chunk, are one part; so are its thoughts, up to a signature. Two texts in one chunk
  are two parts; an empty one without a signature says nothing. All else comes whole, or in pieces that are put
  together here (`partial_calls`).
- A chunk repeats what is known of the answer, or leaves it out. What stands beside the content (grounding, ratings) is
  kept, the later over the earlier, and told at the end; log probabilities are one list after the other.
- Usage is cumulative; the last valid figure of each field counts.
- There is no end marker but a `finishReason` for each candidate, which older servers say in every chunk: so the end is
  told by `close`, and a stream that ends without is cut. A prompt that was blocked ends in the chunk that says so.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.errors import Truncated
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text, Thinking
from tollbridge.model.response import Finish
from tollbridge.wires.base import SseEvent
from tollbridge.wires.gemini.errors import error_in_stream
from tollbridge.wires.gemini.finish import blocked, calls_client, for_calls, read_finish
from tollbridge.wires.gemini.grounding import read_citations
from tollbridge.wires.gemini.logprobs import joined, read_logprobs
from tollbridge.wires.gemini.partial_calls import PartialCall
from tollbridge.wires.gemini.read_parts import PartReader
from tollbridge.wires.gemini.response import FEEDBACK, LOGPROBS, salt_of
from tollbridge.wires.gemini.shapes import explain_response
from tollbridge.wires.gemini.usage import merged_usage, read_usage
from tollbridge.wires.gemini.vocabulary import fields, listed, take
from tollbridge.wires.stumble import STUMBLES


class _Candidate:
    """One candidate under way. `part`: what is open, at `place`; `texts`: those so far, for citations."""

    __slots__ = ("called", "extra", "finish", "index", "message", "part", "partial", "parts", "place", "texts")

    def __init__(self, index: int, salt: str) -> None:
        self.index = index
        self.parts = PartReader(None, salt)
        self.part: Part | None = None
        self.place = -1
        self.partial: PartialCall | None = None
        self.texts: dict[int, list[str]] = {}
        self.extra: JsonObject = {}
        self.message: JsonObject = {}
        self.finish: Finish | None = None
        self.called = False

    def add(self, value: JsonObject, events: list[Event]) -> None:
        reason = value.pop("finishReason", None)
        if reason is not None:
            self.finish = read_finish(reason, {})
        content = value.pop("content", None)
        if value.get(LOGPROBS) is not None:
            value[LOGPROBS] = joined(self.extra.get(LOGPROBS), value[LOGPROBS])
        for key, held in value.items():
            old = self.extra.get(key)
            self.extra[key] = {**old, **held} if isinstance(old, dict) and isinstance(held, dict) else held
        if content is None:
            return
        message = fields(content)
        said = message.pop("parts", None)
        if message.get("role") == "model":
            del message["role"]
        self.message.update(message)
        for at, part in enumerate(listed(said) if said is not None else ()):
            self._part(part, at == 0, events)

    def _part(self, value: Json, first: bool, events: list[Event]) -> None:
        if first and isinstance(self.part, Text) and len(value) == 1 and value.get("text").__class__ is str:
            self._grew(value["text"], events)  # most chunks are that
            return
        said = fields(value)
        if self.partial is not None or said.get("functionCall").__class__ is dict:
            whole = self._call_in_pieces(said)
            if whole is None:
                return
            value = whole
        read: list[Part] = []
        self.parts.read(value, read)
        for part in read:
            self._grow(part, first, len(read) > 1, events)

    def _call_in_pieces(self, said: JsonObject) -> JsonObject | None:
        """The part, or the call that it completes; None while there is more to come."""
        call = fields(said["functionCall"]) if said.get("functionCall") is not None else None
        if self.partial is None:
            if call is None or not ({"willContinue", "partialArgs"} & call.keys()):
                return said
            self.partial = PartialCall(said)
            more = call.get("willContinue") is True
        elif call is None:
            return said
        else:
            self.partial.sign(said.get("thoughtSignature"))
            more = self.partial.add(call)
        if more:
            return None
        whole, self.partial = self.partial.whole(), None
        return whole

    def _grow(self, part: Part, first: bool, signed: bool, events: list[Event]) -> None:
        """`first`: of its chunk, so that it goes on where the last one ended. `signed`: a signature stands on it."""
        match part:
            case Text(text=text) if not part.extra:
                if isinstance(self.part, Text) and first:
                    self._grew(text, events)
                elif text or signed:
                    self._open(Text(text=""), events)
                    self._grew(text, events)
            case Thinking(redacted=False) if not part.extra:
                if not (isinstance(self.part, Thinking) and first):
                    self._open(msgspec.structs.replace(part, text="", signature=None), events)
                self._grew(part.text, events)
                if part.signature is not None:
                    events.append(Grew(self.index, self.place, part.signature, "signature"))
                    self._close(events)
            case _:
                self._open(part, events)
                if isinstance(part, Text):
                    self.texts[self.place] = [part.text]
                self._close(events)

    def _grew(self, text: str, events: list[Event]) -> None:
        if isinstance(self.part, Text):
            self.texts.setdefault(self.place, []).append(text)
        if text:
            events.append(Grew(self.index, self.place, text))

    def _open(self, part: Part, events: list[Event]) -> None:
        self._close(events)
        self.called = self.called or calls_client(part)
        self.place += 1
        self.part = part
        if isinstance(part, Text):
            self.texts[self.place] = []
        events.append(Opened(self.index, self.place, part))

    def _close(self, events: list[Event]) -> None:
        if self.part is not None:
            self.part = None
            events.append(Closed(self.index, self.place))

    def end(self, events: list[Event]) -> None:
        texts = {place: "".join(pieces) for place, pieces in self.texts.items()}
        for place, citation in read_citations(self.extra, texts):
            events.append(Noted(Cited(place, citation), self.index))
        self._close(events)
        if self.message:
            events.append(Noted(Extra("message", self.message), self.index))
        logprobs = read_logprobs(self.extra.get(LOGPROBS))
        if logprobs is not None:
            events.append(Noted(Logprobs(logprobs), self.index))
        if self.extra:
            events.append(Noted(Extra("choice", self.extra), self.index))
        if self.finish is not None:
            events.append(Finished(self.index, for_calls(self.finish) if self.called else self.finish))


class GeminiReader:
    """`ended`: each candidate said why it ended, or the prompt was blocked."""

    def __init__(self) -> None:
        self.ended = False
        self._began = False
        self._id = ""
        self._extra: JsonObject = {}
        self._usage: JsonObject = {}
        self._candidates: dict[int, _Candidate] = {}
        self._blocked: Finish | None = None

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an error in the stream, BadGatewayError for what cannot be read."""
        said: Json = None
        try:
            said = msgspec.json.decode(event.data)
            if said.__class__ is dict and said.get("error"):
                raise error_in_stream(said)
            return self._chunk(fields(said))
        except STUMBLES as cause:
            explain_response(said, cause)

    def close(self) -> Iterable[Event]:
        """Raises Truncated where no `finishReason` came."""
        events: list[Event] = []
        if not self.ended:
            raise Truncated("The stream ended without a `finishReason`; what came until then is not a whole answer.")
        for candidate in self._candidates.values():
            candidate.end(events)
        if self._extra:
            events.append(Noted(Extra("response", self._extra)))
        if not self._candidates and self._blocked is not None:
            events.append(Finished(0, self._blocked))
        return events

    def _chunk(self, rest: JsonObject) -> list[Event]:
        events: list[Event] = []
        answer_id, model = take(rest, "responseId", str), take(rest, "modelVersion", str)
        if not self._began:
            self._began = True
            self._id = answer_id or ""
            events.append(Began(self._id, model or ""))
        usage = rest.pop("usageMetadata", None)
        candidates = rest.pop("candidates", None)
        for place, said in enumerate(listed(candidates) if candidates is not None else ()):
            value = fields(said)
            index = take(value, "index", int)
            index = place if index is None else index
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate(index, salt_of(self._id, [said, index]))
            candidate.add(value, events)
        self._extra.update(rest)
        self._blocked = blocked(rest.get(FEEDBACK)) or self._blocked
        ends = [candidate.finish for candidate in self._candidates.values()] or [self._blocked]
        self.ended = None not in ends
        if usage is not None:
            merged = merged_usage(self._usage, usage)
            known = read_usage(merged) if merged != self._usage else None
            self._usage = merged
            if known is not None:
                events.append(Noted(known))
        return events
