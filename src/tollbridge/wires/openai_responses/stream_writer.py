"""Events -> Responses' event stream.

Rules
1. `response.created` and `response.in_progress` come first, with a whole response object; then items, one after the
   other (`model.fold.Sequencer` puts them in a row, however a provider interleaved them); then `response.completed` or
   `response.incomplete` with all that was told, and `[DONE]`, as the specification wants it. Each event has the next
   `sequence_number`.
2. An item is added, has its parts added, grown and done, and is done: `stream_items` writes that. Texts in a row are
   the contents of one message, which ends when something else begins.
3. The end is written by `close`: usage may follow the finish. An item that was cut by the end is `incomplete`.
4. `fail` writes an `error` event, which SDKs raise, and then, where the response had begun, `response.failed`, which
   ends it for clients that follow its states. Never a normal end.
"""

from __future__ import annotations

from tollbridge.errors import APIError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import Sequencer
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Caveat, Finish, Usage
from tollbridge.wires.base import Head
from tollbridge.wires.openai_responses.answer import (
    INCIDENTAL,
    AnswerWriter,
    completion,
    content_logprobs,
    customs_of,
    skeleton,
    tier_of,
    write_finish,
)
from tollbridge.wires.openai_responses.errors import code_in_response, error_object, failure_code
from tollbridge.wires.openai_responses.numbered import Numbered
from tollbridge.wires.openai_responses.stream_items import ItemRow
from tollbridge.wires.openai_responses.usage import write_usage
from tollbridge.wires.openai_responses.vocabulary import NAME, made_id


class ResponsesWriter:
    """See `wires.base.StreamWriter`."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._own = head.origin == NAME
        self._told = Numbered()
        self._row = Sequencer()
        self._began = Began()
        self._response: JsonObject | None = None  # from the start on: the object around the items
        self._items: ItemRow | None = None
        self._usage: Usage | None = None
        self._finish: Finish | None = None
        self._extra: JsonObject = {}
        self._logprobs: list[Json] = []
        self._warned: set[str] = set()
        self.caveats: list[Caveat] = []

    def write(self, event: Event) -> bytes:
        match event:
            case Grew(choice) if choice == 0 and self._items is not None:
                write = self._items.write
                return b"".join([write(now) for now in self._row.feed(event)])
            case Grew(choice) | Opened(choice) | Closed(choice) if choice == 0:
                start, row = self._start()
                return start + b"".join([row.write(now) for now in self._row.feed(event)])
            case Began():
                self._began = event
                self._extra.update(event.extra)
            case Noted(Usage() as usage):
                self._usage = usage
            case Noted(Extra(of="response", value=value)):
                self._extra.update(value)
            case Noted(Logprobs(value), choice) if choice == 0:
                found = content_logprobs(value)
                self._logprobs.extend(found)
                if value and not found and any(value.values()):
                    self._warn("dropped_part", "Log probabilities of something that is no text were left out.")
            case Noted(Cited() | Extra(of="part"), choice) if choice == 0:
                start, row = self._start()
                return start + b"".join([row.write(now) for now in self._row.feed(event)])
            case Finished(choice, finish) if choice == 0:
                self._finish = finish
                start, row = self._start()
                return start + b"".join([row.write(now) for now in self._row.feed(event)])
            case Noted(Extra()):
                pass
            case _:
                self._warn("dropped_choice", "Only the first choice is shown.")
        return b""

    def close(self) -> bytes:
        """The normal end. What is still open is closed first."""
        start, row = self._start()
        out = [start]
        if self._finish is None:
            out += [row.write(now) for now in self._row.feed(Finished(0, Finish(reason="other")))]
        end = write_finish(self._finish, row.seen, self._own, self.caveats)
        out.append(row.close(cut=end.get("status") == "incomplete"))
        kind = "response.incomplete" if end.get("status") == "incomplete" else "response.completed"
        if self._logprobs:
            self._warn("dropped_part", "Log probabilities of something that is no text were left out.")
        response = {**(self._response or {}), "output": row.output, **end}
        if self._own:
            response.update(self._extra)
        else:
            now = None if self._head.clock is None else self._head.clock()
            response.update(completion(end, response["created_at"], now))
            self._place_extra(response)
        if self._usage is not None:
            response["usage"] = write_usage(self._usage)
        out.append(self._told.event(kind, {"response": response}))
        out.append(b"data: [DONE]\n\n")
        return b"".join(out)

    def fail(self, error: APIError) -> bytes:
        """An honest end; nothing after it."""
        told = error_object(error)
        code = failure_code(error)
        begun = self._response or self._relayed()
        out = self._told.event("error", {"code": code, "message": error.message, "param": error.param, "error": told})
        if begun is not None:
            output = [] if self._items is None else self._items.output
            failure = {"code": code_in_response(error), "message": error.message}
            failed = {**begun, "status": "failed", "error": failure, "output": output}
            out += self._told.event("response.failed", {"response": failed})
        return out

    def _relayed(self) -> JsonObject | None:
        """The response of a relayed stream, which goes on with the number after its last event's."""
        response, number = self._head.first.get("response"), self._head.last.get("sequence_number")
        if not isinstance(response, dict) or not isinstance(number, int):
            return None
        self._told = Numbered(number + 1)
        return response

    def _start(self) -> tuple[bytes, ItemRow]:
        if self._items is not None:
            return b"", self._items
        head, began = self._head, self._began
        id = began.id or head.id or made_id("resp", began.model, began.created)
        answer = AnswerWriter(
            own=self._own, account=head.account, seals=head.seals, id=id, customs=customs_of(head.asked)
        )
        answer.caveats = self.caveats
        created = began.created if began.created is not None else head.created
        self._response = skeleton(id, began.model or head.model, created, head.asked)
        if self._own:
            self._response = {"id": id, "object": "response", "created_at": created, "status": "in_progress"} | {
                "model": began.model or head.model,
                "output": [],
            }
        self._items = ItemRow(answer, self._told, self._logprobs)
        told = {"response": self._response}
        return self._told.event("response.created", told) + self._told.event("response.in_progress", told), self._items

    def _place_extra(self, response: JsonObject) -> None:
        response.update(tier_of(self._extra))
        if lost := [name for name in self._extra if name not in INCIDENTAL]:
            self._warn("dropped_part", f"Fields without a place in this format: {', '.join(lost)}.")

    def _warn(self, code: str, detail: str) -> None:
        if detail not in self._warned:
            self._warned.add(detail)
            self.caveats.append(Caveat(code=code, where="$.output", detail=detail))
