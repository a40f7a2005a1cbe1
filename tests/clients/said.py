"""What an answer says, read from its JSON in the plainest way and without the wires: the measure for what clients hold.

`of(recording)` reads a recorded answer, whole or streamed; `of_chat`, `of_messages`, `of_response` and `of_gemini` read
bodies, `of_chat_chunks`, `of_messages_events` and `of_gemini_chunks` decoded streams. (The last event of a Responses
stream holds the whole.)

How odd answers are understood
1. A refusal is text, and ends the answer as a refusal.
2. An answer that calls tools ends with the call, though OpenAI says `stop` where the call was forced.
3. A sound's transcript is text. An object where text should be is its JSON (Cloudflare).
4. A call without a name is none (Snowflake); arguments that are absent or null are empty.
5. Cached tokens that are more than the prompt's were left out of it (Grok on Azure): they are part of the input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import msgspec

from tests.shared import SHARED, index

# How an end is told by the three formats, one word for each that mean the same.
END_WORDS = {
    "stop": "stop",
    "eos": "stop",
    "": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "refusal",
    "refusal": "refusal",
    "STOP": "stop",
    "OTHER": "stop",
    "UNEXPECTED_TOOL_CALL": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
}


class Said(msgspec.Struct):
    """Of the first choice. `calls`: the client's tools alone, as (name, arguments); `end`: a word of `END_WORDS`, None
    where there was no end. `input`, `output`: tokens in all, None where the provider told none."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, Any]] = []
    end: str | None = None
    input: int | None = None
    output: int | None = None
    choices: int = 1


@cache
def recording(id: str) -> dict[str, Any]:
    file = next(entry["file"] for entry in index() if entry["id"] == id)
    found: dict[str, Any] = json.loads((SHARED / "recordings" / file).read_text())
    return found


def of(recorded: Mapping[str, Any]) -> Said:
    if recorded["endpoint"] == "responses":
        if recorded.get("stream_format") is None:
            return of_response(recorded["response_body"])
        return of_response(events(recorded["response_text"])[-1]["response"])
    kind = format_of(recorded)
    if recorded.get("stream_format") is None:
        return {"chat": of_chat, "messages": of_messages, "gemini": of_gemini}[kind](recorded["response_body"])
    if recorded["stream_format"] == "json-array":
        return of_gemini_chunks(json.loads(recorded["response_text"]))
    streams = {"chat": of_chat_chunks, "messages": of_messages_events, "gemini": of_gemini_chunks}
    return streams[kind](events(recorded["response_text"]))


def format_of(recorded: Mapping[str, Any]) -> str:
    """Of a recording, or of its line in the index: chat, messages or gemini."""
    endpoint = recorded["endpoint"]
    if endpoint.endswith("enerateContent"):
        return "gemini"
    return "messages" if endpoint == "messages" else "chat"


def events(text: str) -> list[Any]:
    """The decoded data of each event, without the `[DONE]`."""
    lines = [line.removeprefix("data:").strip() for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line and line != "[DONE]"]


def parsed(arguments: Any) -> Any:
    """JSON text as a value; text that is no JSON object as it stands, also out of the wrapping of it that the Messages
    format has."""
    if arguments is None or isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            return arguments
    if isinstance(arguments, dict) and list(arguments) == ["INVALID_JSON"]:
        return arguments["INVALID_JSON"]
    return arguments


# OpenAI chat


def of_chat(body: Mapping[str, Any]) -> Said:
    choices = body["choices"]
    message = choices[0].get("message") or {}
    said = Said(choices=len(choices))
    _add_words(said, message)
    said.calls = [
        (call["function"]["name"], parsed(call["function"].get("arguments")))
        for call in message.get("tool_calls") or ()
    ]
    legacy = message.get("function_call") or {}
    if legacy.get("name"):
        said.calls.append((legacy["name"], parsed(legacy["arguments"])))
    said.end = _end(said, choices[0].get("finish_reason"), message.get("refusal"))
    _count_chat(said, body)
    return said


def of_chat_chunks(chunks: Iterable[Mapping[str, Any]]) -> Said:
    said = Said()
    calls: dict[int, list[str]] = {}
    word, refusal = None, ""
    for chunk in chunks:
        _count_chat(said, chunk)
        for choice in chunk.get("choices") or ():
            said.choices = max(said.choices, choice.get("index", 0) + 1)
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta") or {}
            _add_words(said, delta)
            refusal += delta.get("refusal") or ""
            for place, call in enumerate(delta.get("tool_calls") or ()):
                function = call.get("function") or {}
                position = call.get("index")
                kept = calls.setdefault(place if position is None else position, ["", ""])
                kept[0] = kept[0] or function.get("name") or ""
                kept[1] += function.get("arguments") or ""
            word = choice.get("finish_reason") or word
    said.calls = [(name, parsed(arguments)) for _, (name, arguments) in sorted(calls.items())]
    said.end = _end(said, word, refusal)
    return said


def _end(said: Said, word: str | None, refusal: str | None) -> str | None:
    if refusal:
        return "refusal"
    return "tool_calls" if said.calls and word in ("stop", "") else END_WORDS.get(word or "")


def _add_words(said: Said, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, str):
        said.text += content
    elif isinstance(content, dict):
        said.text += json.dumps(content, separators=(",", ":"))
    for part in content if isinstance(content, list) else ():
        if part["type"] == "text":
            said.text += part["text"]
        elif part["type"] == "thinking":
            said.thinking += "".join(inner["text"] for inner in part["thinking"])
    said.text += message.get("refusal") or ""
    said.text += (message.get("audio") or {}).get("transcript") or ""
    thinking = message.get("reasoning_content") or message.get("reasoning")
    details = message.get("reasoning_details") or ()
    said.thinking += thinking or "".join(detail.get("text") or detail.get("summary") or "" for detail in details)


def _count_chat(said: Said, body: Mapping[str, Any]) -> None:
    usage = body.get("usage") or (body.get("x_groq") or {}).get("usage")
    if usage:
        said.input, said.output = usage.get("prompt_tokens"), usage.get("completion_tokens")
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        if said.input is not None and cached > said.input:
            said.input += cached


# Anthropic Messages


def of_messages(body: Mapping[str, Any]) -> Said:
    said = Said()
    for block in body["content"]:
        match block["type"]:
            case "text":
                said.text += block["text"]
            case "thinking":
                said.thinking += block["thinking"]
            case "tool_use":
                said.calls.append((block["name"], parsed(block["input"])))
    said.end = END_WORDS.get(body["stop_reason"])
    _count_messages(said, body.get("usage"))
    return said


def of_messages_events(stream: Iterable[Mapping[str, Any]]) -> Said:
    said = Said()
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    usage: dict[str, Any] = {}
    for event in stream:
        match event["type"]:
            case "message_start":
                usage = dict(event["message"].get("usage") or {})
            case "content_block_start" if event["content_block"]["type"] == "tool_use":
                names[event["index"]] = event["content_block"]["name"]
                arguments[event["index"]] = ""
            case "content_block_start" if event["content_block"]["type"] == "text":
                said.text += event["content_block"]["text"]
            case "content_block_delta":
                delta = event["delta"]
                said.text += delta.get("text", "")
                said.thinking += delta.get("thinking", "")
                if event["index"] in names:
                    arguments[event["index"]] += delta.get("partial_json", "")
            case "message_delta":
                said.end = END_WORDS.get(event["delta"].get("stop_reason"))
                usage.update({name: value for name, value in (event.get("usage") or {}).items() if value is not None})
    said.calls = [(name, parsed(arguments[position])) for position, name in sorted(names.items())]
    _count_messages(said, usage)
    return said


def _count_messages(said: Said, usage: Mapping[str, Any] | None) -> None:
    """The input leaves out what was read from and written to the cache."""
    if usage:
        cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
        said.input, said.output = usage["input_tokens"] + cached, usage["output_tokens"]


# OpenAI Responses


def of_response(body: Mapping[str, Any]) -> Said:
    """The thinking is the summary; where there is none, the content."""
    said = Said()
    refused = False
    for item in body["output"]:
        match item["type"]:
            case "message":
                for part in item["content"]:
                    refused = refused or part["type"] == "refusal"
                    said.text += part.get("text") or part.get("refusal") or ""
            case "reasoning":
                said.thinking += "\n\n".join(part["text"] for part in item["summary"] or item.get("content") or ())
            case "function_call":
                said.calls.append((item["name"], parsed(item["arguments"])))
            case "custom_tool_call":
                said.calls.append((item["name"], {"input": item["input"]}))
    if body["status"] == "incomplete":
        said.end = {"max_output_tokens": "length", "content_filter": "refusal"}[body["incomplete_details"]["reason"]]
    elif body["status"] == "completed":
        said.end = "tool_calls" if said.calls else "refusal" if refused else "stop"
    usage = body.get("usage")
    if usage:
        said.input, said.output = usage["input_tokens"], usage["output_tokens"]
    return said


# Gemini


def of_gemini(body: Mapping[str, Any]) -> Said:
    return of_gemini_chunks([body])


def of_gemini_chunks(chunks: Iterable[Mapping[str, Any]]) -> Said:
    """Each chunk is a whole answer that holds what is new. Reasons may be numbers (Vertex)."""
    said = Said()
    reason: Any = None
    usage: dict[str, Any] = {}
    for chunk in chunks:
        usage.update(chunk.get("usageMetadata") or {})
        for candidate in chunk.get("candidates") or ():
            if candidate.get("index", 0) != 0:
                continue
            for part in (candidate.get("content") or {}).get("parts") or ():
                if "functionCall" in part:
                    said.calls.append((part["functionCall"]["name"], parsed(part["functionCall"].get("args"))))
                elif part.get("thought"):
                    said.thinking += part["text"]
                else:
                    said.text += part.get("text", "")
            reason = candidate.get("finishReason", reason)
        reason = ((chunk.get("promptFeedback") or {}).get("blockReason") and "SAFETY") or reason
    said.end = END_WORDS.get({1: "STOP", 2: "MAX_TOKENS"}.get(reason, reason))
    if said.calls and said.end == "stop":
        said.end = "tool_calls"
    if usage:
        said.input = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
        said.output = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
    return said
