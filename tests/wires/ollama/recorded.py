"""Every recorded exchange of Ollama's own format, and what its clients asked as neutral requests.

No client of ours speaks this format, so that no reader of requests is in the code. This one reads what recorded clients
sent to `/api/chat`, so that a test can ask whether the same could be written. What was sent to `/api/generate`, where
somebody else had made a prompt of a conversation, is not read; its answers are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tests.shared import recordings
from tollbridge.model.parts import Inline, Media, Part, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool

SAMPLING = {
    "num_predict": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}


def exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(provider="ollama", endpoints=("api.chat", "api.generate"))


def request_of(body: dict[str, Any]) -> Request:
    """Raises KeyError for a part that it does not know: nothing may be skipped."""
    rest = {key: value for key, value in body.items() if value is not None}
    options = dict(rest.pop("options", {}))
    sampling: dict[str, Any] = {neutral: options.pop(own) for own, neutral in SAMPLING.items() if own in options}
    sampling["stop"] = tuple(options.pop("stop", ()))
    for name in ("logprobs", "top_logprobs"):
        sampling[name] = rest.pop(name, None)
    calls: list[ToolCall] = []
    return Request(
        model=rest.pop("model"),
        messages=tuple(_message(message, calls) for message in rest.pop("messages")),
        tools=tuple(_tool(tool) for tool in rest.pop("tools", ())),
        sampling=Sampling(**sampling),
        reasoning=_reasoning(rest.pop("think", None)),
        output=_output(rest.pop("format", "")),
        stream=rest.pop("stream", True),
        origin="elsewhere",
        extra={**rest, **options},
    )


def _output(said: Any) -> OutputFormat | None:
    if not said:
        return None
    return OutputFormat(kind="json") if said == "json" else OutputFormat(kind="schema", schema=said)


def _reasoning(think: Any) -> Reasoning | None:
    match think:
        case None:
            return None
        case bool():
            return Reasoning(mode="enabled" if think else "disabled")
        case _:
            return Reasoning(effort=think)


def _tool(said: dict[str, Any]) -> Tool:
    function = said["function"]
    return Tool(name=function["name"], description=function.get("description"), schema=function["parameters"])


def _message(said: dict[str, Any], calls: list[ToolCall]) -> Message:
    parts: list[Part] = []
    if said.get("thinking"):
        parts.append(Thinking(text=said["thinking"]))
    if said.get("content"):
        parts.append(Text(text=said["content"]))
    parts += [Media(media_type="image/*", source=Inline(data=data)) for data in said.get("images") or ()]
    if said["role"] == "tool":
        call = calls.pop(0)
        return Message(role="user", parts=(ToolResult(call_id=call.id, content=tuple(parts)),))
    for call in said.get("tool_calls") or ():
        function = call["function"]
        given = function["arguments"]
        arguments = given.get("unreadable_arguments") or msgspec.json.encode(given).decode()
        calls.append(ToolCall(id=call.get("id") or f"c{len(calls)}", name=function["name"], arguments=arguments))
        parts.append(calls[-1])
    return Message(role=said["role"], parts=tuple(parts))
