"""Decision 4: the parts and events, tried on a format that has no wire yet. Each kind of item in the recorded Responses
exchanges has a home among the parts, each kind of stream event among the events: so these do not change under everybody
later. A sketch of a reader, not one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tollbridge.model.events import Began, Cited, Closed, Finished, Grew, Noted, Opened
from tollbridge.model.parts import (
    Citation,
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.response import Usage
from tollbridge.wires.sse import SseParser

pytestmark = pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")

RESPONSES = "openai_responses"
OPAQUE_ITEMS = {  # what the provider's own tools did: verbatim, and home to it alone
    "code_interpreter_call",
    "compaction",
    "file_search_call",
    "image_generation_call",
    "mcp_call",
    "mcp_list_tools",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
}


def encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def responses_parts(item: dict[str, Any]) -> list[Part]:
    match item.get("type", "message"):
        case "message":
            content = item["content"]
            return [Text(text=content)] if isinstance(content, str) else [responses_content(part) for part in content]
        case "reasoning":
            texts = [part["text"] for part in (item.get("summary") or []) + (item.get("content") or [])]
            signature = item.get("encrypted_content")
            extra = {"id": item.get("id"), "status": item.get("status")}
            return [Thinking(text="\n\n".join(texts), signature=signature, origin=RESPONSES, extra=extra)]
        case "function_call":
            return [ToolCall(id=item["call_id"], name=item["name"], arguments=item["arguments"])]
        case "custom_tool_call":
            return [ToolCall(id=item["call_id"], name=item["name"], arguments=item["input"], extra={"type": "custom"})]
        case "function_call_output":
            output = item["output"]
            parts = [Text(text=output)] if isinstance(output, str) else [responses_content(part) for part in output]
            return [ToolResult(call_id=item["call_id"], content=tuple(parts))]
        case kind if kind in OPAQUE_ITEMS:
            return [Opaque(wire=RESPONSES, value=item)]
        case kind:
            raise AssertionError(f"a {kind} item has no home")


def responses_content(part: dict[str, Any]) -> Part:
    match part["type"]:
        case "input_text" | "output_text":
            cited = [responses_citation(annotation) for annotation in part.get("annotations") or []]
            return Text(text=part["text"], citations=tuple(cited))
        case "refusal":
            return Refusal(text=part["refusal"])
        case "reasoning_text":
            return Thinking(text=part["text"], origin=RESPONSES)
        case "input_image" if isinstance(part.get("image_url"), str):
            return Media(media_type="image/*", source=Url(url=part["image_url"]), extra={"detail": part.get("detail")})
        case "input_file" if "file_data" in part:
            return Media(media_type="application/pdf", source=Inline(data=part["file_data"]), name=part.get("filename"))
        case "input_file" if "file_url" in part:
            return Media(media_type="application/pdf", source=Url(url=part["file_url"]))
        case "input_image" | "input_file":
            return Media(media_type="application/*", source=FileRef(id=part["file_id"]))
        case kind:
            raise AssertionError(f"a {kind} part has no home")


def responses_citation(annotation: dict[str, Any]) -> Citation:
    return Citation(
        url=annotation.get("url"),
        title=annotation.get("title", annotation.get("filename")),
        start=annotation.get("start_index"),
        end=annotation.get("end_index"),
        origin=RESPONSES,
        raw=annotation,
    )


# Each kind of event of the Responses stream, and what tells the same here; () where others have told it already
RESPONSES_EVENTS: dict[str, tuple[type, ...]] = {
    "response.created": (Began,),
    "response.in_progress": (),
    "response.output_item.added": (Opened,),
    "response.content_part.added": (Opened,),
    "response.output_text.delta": (Grew,),
    "response.output_text.annotation.added": (Noted, Cited),
    "response.refusal.delta": (Grew,),
    "response.function_call_arguments.delta": (Grew,),
    "response.reasoning_part.added": (Grew,),
    "response.reasoning_summary_part.added": (Grew,),  # a blank line: the summary is one Thinking
    "response.reasoning_summary_text.delta": (Grew,),
    "response.reasoning_text.delta": (Grew,),
    "response.output_item.done": (Closed,),  # and the signature of a Thinking, an Opaque as a whole
    "response.completed": (Noted, Usage, Finished),
    "response.incomplete": (Noted, Usage, Finished),
}
REPEATS = (".done", "_call.completed", "_call.in_progress", "_call.searching", "_tools.completed", "_tools.in_progress")


def answers(exchange: dict[str, Any]) -> list[Any]:
    """The JSON values of an answer, whole or streamed."""
    if exchange["status"] >= 300:
        return []
    body = exchange.get("response_body")
    if body is not None:
        return body if isinstance(body, list) else [body]
    parser = SseParser()
    events = [*parser.feed(exchange.get("response_text", "").encode()), *parser.close()]
    return [msgspec.json.decode(event.data) for event in events if event.data.startswith("{")]


def responses_items() -> Iterator[dict[str, Any]]:
    for exchange in recordings(endpoints=("responses",)):
        asked = (exchange.get("request_body") or {}).get("input")
        if exchange["status"] < 300 and isinstance(asked, list):
            yield from asked
        for answer in answers(exchange):
            yield from answer.get("output") or (
                [answer["item"]] if answer.get("type", "").endswith("item.done") else []
            )


def test_each_item_of_the_responses_format_has_a_home() -> None:
    homes = Counter(type(part).__name__ for item in responses_items() for part in responses_parts(item))
    assert homes.keys() >= {"Text", "Media", "Thinking", "ToolCall", "ToolResult", "Refusal", "Opaque"}


def test_each_event_of_the_responses_stream_has_a_home() -> None:
    kinds = {
        answer["type"]
        for exchange in recordings(endpoints=("responses",))
        for answer in answers(exchange)
        if answer.get("type", "").startswith("response.")
    }
    assert [kind for kind in kinds if kind not in RESPONSES_EVENTS and not kind.endswith(REPEATS)] == []


def test_the_counts_have_fields() -> None:
    """Totals and their parts. What has no field stays in `extra`."""
    for exchange in recordings(endpoints=("responses",)):
        for answer in answers(exchange):
            usage = answer.get("usage") or {}
            if "input_tokens" in usage:
                found = Usage(
                    input=usage["input_tokens"],
                    output=usage["output_tokens"],
                    cache_read=(usage.get("input_tokens_details") or {}).get("cached_tokens"),
                    reasoning=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
                )
                assert found.input >= (found.cache_read or 0)
                assert found.output >= 0
