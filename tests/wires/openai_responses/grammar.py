"""What a stream of this format owes its readers, checked event by event: the state machine of the specification
(https://www.openresponses.org/specification, seen 2026-11-26), the types of the openai SDK, and its `responses.stream`
helper, which puts a response together from the events and raises where they do not fit.
"""

from __future__ import annotations

from typing import Any

import msgspec
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.wires import laws

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
RESPONSE: TypeAdapter[Any] = TypeAdapter(Response)
TERMINAL = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}

# Fields that the specification wants in each response: schema/responses.tsp of github.com/openresponses/openresponses
WANTED = frozenset(
    {"background", "completed_at", "created_at", "error", "frequency_penalty", "id", "incomplete_details"}
    | {"instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "object", "output"}
    | {"parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt_cache_key", "reasoning"}
    | {"safety_identifier", "service_tier", "status", "store", "temperature", "text", "tool_choice", "tools"}
    | {"top_logprobs", "top_p", "truncation", "usage"}
)


class Machine:
    """One item at a time; `feed` asserts that each event may come now."""

    def __init__(self) -> None:
        self.sequence = 0
        self.began = 0
        self.output: list[Any] = []
        self.item: Any = None  # under way
        self.part: Any = None  # of it, under way
        self.text = ""
        self.parts: list[Any] = []
        self.final: Any = None

    def feed(self, event: Any) -> None:
        kind = event["type"]
        assert self.final is None, f"{kind} after the end"
        assert event["sequence_number"] == self.sequence
        self.sequence += 1
        if kind in ("response.created", "response.in_progress"):
            assert self.began == ("response.created", "response.in_progress").index(kind)
            self.began += 1
            assert (event["response"]["status"], event["response"]["output"]) == ("in_progress", [])
        elif kind in TERMINAL:
            self._end(kind, event["response"])
        else:
            assert self.began == 2
            self._in_item(kind, event)

    def _end(self, kind: str, response: Any) -> None:
        assert self.item is None
        assert response["status"] == TERMINAL[kind]
        assert response["output"] == self.output
        ids = [item["id"] for item in self.output]
        assert len(set(ids)) == len(ids)
        for item in self.output[:-1]:
            assert item.get("status") != "incomplete", "only the last item may be cut"
        self.final = response

    def _in_item(self, kind: str, event: Any) -> None:
        if kind.endswith("annotation.added") and event["output_index"] < len(self.output):
            self._annotated_late(event)
            return
        assert event["output_index"] == len(self.output)
        if kind == "response.output_item.added":
            assert self.item is None
            self.item, self.parts = event["item"], []
            assert self.item.get("content", []) == [] or self.item["type"] == "reasoning"
            return
        assert self.item is not None
        if kind == "response.output_item.done":
            self._item_done(event["item"])
            return
        assert event["item_id"] == self.item["id"]
        if kind.endswith("_part.added"):
            assert self.part is None
            self.part, self.text = event["part"], ""
            assert self._index(event) == len(self.parts)
        elif kind.endswith("_part.done"):
            assert event["part"]["type"] == self.part["type"]
            assert event["part"].get("text", event["part"].get("refusal")) == self.text
            self.parts.append(event["part"])
            self.part = None
        elif kind.endswith(".delta"):
            assert event["delta"]
            self.text += event["delta"]
        elif kind.endswith("annotation.added"):
            assert self.part["type"] == "output_text"
        elif kind.endswith(".done"):
            told = [event[key] for key in ("text", "refusal", "arguments", "input") if key in event]
            assert told == [self.text]
        else:
            raise AssertionError(kind)

    def _annotated_late(self, event: Any) -> None:
        """Of a text that is done: the response at the end has it too."""
        item = self.output[event["output_index"]]
        assert event["item_id"] == item["id"]
        content = item["content"][event["content_index"]]
        assert event["annotation_index"] == len(content["annotations"])
        content["annotations"].append(event["annotation"])

    def _index(self, event: Any) -> int:
        return int(event["summary_index"] if "summary_index" in event else event["content_index"])

    def _item_done(self, item: Any) -> None:
        assert self.part is None
        assert (item["type"], item["id"]) == (self.item["type"], self.item["id"])
        assert item.get("call_id") == self.item.get("call_id")
        if item["type"] == "message":
            assert item["content"] == self.parts
            assert self.parts
        elif item["type"] == "reasoning":
            assert [*item["summary"], *item.get("content", [])] == self.parts
        elif item["type"] in ("function_call", "custom_tool_call"):
            assert item.get("arguments", item.get("input")) == self.text
        self.text = ""
        self.output.append(item)
        self.item = None


def told(stream: bytes) -> list[Any]:
    """The events, each under its own name, and the `[DONE]` behind them."""
    framed = laws.frame(stream)
    assert framed[-1].data == "[DONE]"
    events = [msgspec.json.decode(event.data) for event in framed[:-1]]
    assert [event.event for event in framed[:-1]] == [event["type"] for event in events]
    return events


def obeys(stream: bytes) -> Any:
    """The final response."""
    machine = Machine()
    state: Any = ResponseStreamState(text_format=omit, input_tools=omit)
    for event in told(stream):
        machine.feed(event)
        typed = EVENT.validate_python(event)
        assert typed.type == event["type"]
        state.handle_event(typed)
        if "response" in event:
            valid(event["response"])
    assert machine.final is not None
    return machine.final


def valid(response: Any) -> None:
    assert response.keys() >= WANTED
    RESPONSE.validate_python(response)
