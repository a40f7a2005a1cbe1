"""Every recorded exchange of Cohere's chat, version 2, and what its clients asked as neutral requests.

No client of ours speaks this format, so that no reader of requests is in the code. This one reads what recorded clients
sent, so that a test can ask whether the same could be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.shared import recordings
from tollbridge.model.parts import Inline, Media, Opaque, Part, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice

SAMPLING = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "p": "top_p",
    "k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "logprobs": "logprobs",
}
CHOICES: dict[str, ToolChoice] = {"REQUIRED": ToolChoice(mode="required"), "NONE": ToolChoice(mode="none")}


def exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(provider="cohere", endpoints=("v2.chat",))


def request_of(body: dict[str, Any]) -> Request:
    """Raises KeyError for a field that it does not know: nothing may be skipped."""
    rest = dict(body)
    rest.pop("model")
    sampling: dict[str, Any] = {neutral: rest.pop(own) for own, neutral in SAMPLING.items() if own in rest}
    sampling["stop"] = tuple(rest.pop("stop_sequences", ()))
    output = rest.pop("response_format", None)
    thinking = rest.pop("thinking", None)
    strict = rest.pop("strict_tools", None)
    return Request(
        model=body["model"],
        messages=tuple(_message(message) for message in rest.pop("messages")),
        tools=tuple(_tool(tool, strict) for tool in rest.pop("tools", ())),
        tool_choice=CHOICES[rest.pop("tool_choice")] if "tool_choice" in rest else None,
        sampling=Sampling(**sampling),
        reasoning=None if thinking is None else _reasoning(thinking),
        output=None if output is None else _output(output),
        stream=rest.pop("stream"),
        origin="elsewhere",
        extra=rest,
    )


def _output(said: dict[str, Any]) -> OutputFormat:
    if said["type"] == "text":
        return OutputFormat(kind="text")
    schema = said.get("json_schema")
    return OutputFormat(kind="json") if schema is None else OutputFormat(kind="schema", schema=schema)


def _reasoning(said: dict[str, Any]) -> Reasoning:
    return Reasoning(mode=said["type"], budget_tokens=said.get("token_budget"))


def _tool(said: dict[str, Any], strict: bool | None) -> Tool:
    function = said["function"]
    return Tool(
        name=function["name"], description=function.get("description"), schema=function["parameters"], strict=strict
    )


def _message(said: dict[str, Any]) -> Message:
    match said["role"]:
        case "tool":
            result = ToolResult(call_id=said["tool_call_id"], content=tuple(_content(said["content"])))
            return Message(role="user", parts=(result,))
        case "assistant":
            plan = said.get("tool_plan")
            parts: list[Part] = [*_content(said.get("content"))]
            parts += [Thinking(text=plan)] if plan else []
            parts += [_call(call) for call in said.get("tool_calls") or ()]
            return Message(role="assistant", parts=tuple(parts))
        case role:
            return Message(role=role, parts=tuple(_content(said["content"])))


def _call(said: dict[str, Any]) -> ToolCall:
    return ToolCall(id=said["id"], name=said["function"]["name"], arguments=said["function"]["arguments"])


def _content(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(text=content)
        return
    for block in content or ():
        match block["type"]:
            case "text":
                yield Text(text=block["text"])
            case "thinking":
                yield Thinking(text=block["thinking"])
            case "image_url":
                yield _image(block["image_url"])
            case "document":
                yield Opaque(wire="cohere", value=block)
            case kind:
                raise KeyError(kind)


def _image(said: dict[str, Any]) -> Media:
    extra = {"image_url": {"detail": said["detail"]}} if "detail" in said else {}
    url = said["url"]
    if not url.startswith("data:"):
        return Media(media_type="image/*", source=Url(url=url), extra=extra)
    kind, _, data = url.removeprefix("data:").partition(";base64,")
    return Media(media_type=kind, source=Inline(data=data), extra=extra)
