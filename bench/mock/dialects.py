"""What the mock says, in each dialect, ready to be written.

An `Answer` is made once per (dialect, model, script) and kept: JSON and events are bytes with three placeholders, so
that a request costs a few replacements. `ID` is as wide as what replaces it, which lets the content events carry their
chunk frame from the start. The streamed and the unstreamed answer to one script say the same: they are twins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from bench.mock.script import Script

ID = b"@ID@@@@@@@"
INPUT = b"@INPUT@"
TOTAL = b"@TOTAL@"
WORDS = "the quick brown fox jumps over a lazy dog and runs on until the day is done "
TOOL_NAME = "get_weather"
FAILED = "The mock was told to fail."
ARGUMENTS = '{{"city":"{}"}}'

DialectName = Literal["openai", "responses", "anthropic"]
Object = dict[str, Any]

encode = msgspec.json.Encoder().encode


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`opening` and `closing` hold usage and are framed when they are sent; each of `content` is a framed event.
    `quiet_closing` is for a client that did not ask for usage. `instant` is the script's word."""

    instant: bool
    json: bytes
    opening: bytes
    content: tuple[bytes, ...]
    closing: bytes
    quiet_closing: bytes
    error: bytes

    def fill(self, template: bytes, number: int, input_tokens: int) -> bytes:
        filled = template.replace(ID, b"%010d" % number)
        filled = filled.replace(INPUT, b"%d" % input_tokens)
        return filled.replace(TOTAL, b"%d" % (input_tokens + len(self.content)))


def frame(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def template(value: Object) -> bytes:
    """JSON whose placeholders for numbers stand without quotes."""
    return encode(value).replace(b'"@INPUT@"', INPUT).replace(b'"@TOTAL@"', TOTAL)


def pieces(script: Script) -> list[str]:
    """The text in as many pieces as the script has events."""
    text = (WORDS * (script.events * script.size // len(WORDS) + 1))[: script.events * script.size]
    if script.tool:
        text = ARGUMENTS.format(text[: max(0, len(text) - len(ARGUMENTS) + 4)].strip())
    width = max(1, -(-len(text) // max(1, script.events)))
    return [text[n * width : (n + 1) * width] for n in range(script.events)]


class OpenAIChat:
    """https://platform.openai.com/docs/api-reference/chat (2026-11-21)"""

    id_prefix = "chatcmpl-mock-"
    request_id_header = b"x-request-id"

    def answer(self, model: str, script: Script) -> Answer:
        call: Object = {"id": "call_" + ID.decode(), "type": "function"}
        texts = pieces(script)
        text = "".join(texts)
        reason = "tool_calls" if script.tool else "stop"
        message: Object = {"role": "assistant", "content": None if script.tool else text, "refusal": None}
        if script.tool:
            message["tool_calls"] = [{**call, "function": {"name": TOOL_NAME, "arguments": text}}]
        head: Object = {"id": self.id_prefix + ID.decode(), "created": 1795219200, "model": model}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        whole: Object = {**head, "object": "chat.completion", "choices": [choice], "system_fingerprint": "fp_mock"}
        usages = self._usages(script)
        if usages:
            whole["usage"] = usages[-1]
        opening: Object = {"role": "assistant", "content": None if script.tool else ""}
        if script.tool:
            opening["tool_calls"] = [{"index": 0, **call, "function": {"name": TOOL_NAME, "arguments": ""}}]
        last = self._chunk(head, [{"index": 0, "delta": {}, "finish_reason": reason}])
        asked = b"".join(self._chunk(head, [], usage) for usage in usages)
        return Answer(
            instant=script.instant,
            json=template(whole),
            opening=self._chunk(head, [self._delta(opening)]),
            content=tuple(frame(self._chunk(head, [self._delta(grown)])) for grown in self._grown(texts, script)),
            closing=last + asked + b"data: [DONE]\n\n",
            quiet_closing=last + b"data: [DONE]\n\n",
            error=b"data: %b\n\n" % self.error(500, FAILED),
        )

    def error(self, status: int, message: str) -> bytes:
        kind = "rate_limit_exceeded" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        return encode({"error": {"message": message, "type": kind, "param": None, "code": None}})

    def _grown(self, texts: list[str], script: Script) -> Iterator[Object]:
        for text in texts:
            yield {"tool_calls": [{"index": 0, "function": {"arguments": text}}]} if script.tool else {"content": text}

    def _delta(self, delta: Object) -> Object:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}

    def _chunk(self, head: Object, choices: list[Object], usage: Object | None = None) -> bytes:
        chunk: Object = {**head, "object": "chat.completion.chunk", "choices": choices}
        if not choices:
            chunk["usage"] = usage
        return b"data: %b\n\n" % template(chunk)

    def _usages(self, script: Script) -> list[Object | None]:
        right: Object = {
            "prompt_tokens": INPUT.decode(),
            "completion_tokens": script.events,
            "total_tokens": TOTAL.decode(),
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }
        wrong = {**right, "prompt_tokens": -1, "completion_tokens": -7}
        told: dict[str, list[Object | None]] = {
            "right": [right], "none": [], "null": [None], "twice": [right, right], "negative": [wrong],
        }  # fmt: skip
        return told[script.usage]


class OpenAIResponses:
    """https://platform.openai.com/docs/api-reference/responses-streaming (2026-11-26)"""

    id_prefix = "resp_mock_"
    request_id_header = b"x-request-id"

    def answer(self, model: str, script: Script) -> Answer:
        texts = pieces(script)
        text = "".join(texts)
        head: Object = {"id": self.id_prefix + ID.decode(), "object": "response", "created_at": 1795219200}
        head |= {"model": model, "error": None, "incomplete_details": None, "parallel_tool_calls": True}
        head |= {"tool_choice": "auto", "tools": [], "store": True, "previous_response_id": None}
        item: Object = {"id": "msg_" + ID.decode(), "type": "message", "role": "assistant", "status": "completed"}
        part: Object = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        item["content"] = [part]
        if script.tool:
            item = {"id": "fc_" + ID.decode(), "type": "function_call", "call_id": "call_" + ID.decode()}
            item |= {"name": TOOL_NAME, "arguments": text, "status": "completed"}
        usages = self._usages(script)
        whole = {**head, "status": "completed", "output": [item], "usage": usages[-1] if usages else None}
        began = {**head, "status": "in_progress", "output": [], "usage": None}
        at: Object = {"item_id": item["id"], "output_index": 0}
        empty: Object = {**item, "status": "in_progress", "content": []}
        if script.tool:
            empty = {**item, "status": "in_progress", "arguments": ""}
        openings: list[Object] = [
            {"type": "response.created", "response": began},
            {"type": "response.in_progress", "response": began},
            {"type": "response.output_item.added", "output_index": 0, "item": empty},
        ]
        closings: list[Object] = [{"type": "response.function_call_arguments.done", **at, "arguments": text}]
        kind = "response.function_call_arguments.delta"
        if not script.tool:
            at["content_index"], kind = 0, "response.output_text.delta"
            openings.append({"type": "response.content_part.added", **at, "part": {**part, "text": ""}})
            closings = [{"type": "response.output_text.done", **at, "text": text, "logprobs": []}]
            closings.append({"type": "response.content_part.done", **at, "part": part})
        closings.append({"type": "response.output_item.done", "output_index": 0, "item": item})
        closings.append({"type": "response.completed", "response": whole})
        grown: list[Object] = [{"type": kind, **at, "delta": text, "logprobs": []} for text in texts]
        events = [self._event(event, number) for number, event in enumerate([*openings, *grown, *closings])]
        first, last = len(openings), len(openings) + len(grown)
        failed = {**began, "status": "failed", "error": {"code": "server_error", "message": FAILED}}
        closing = b"".join(events[last:])
        return Answer(
            instant=script.instant,
            json=template(whole),
            opening=b"".join(events[:first]),
            content=tuple(frame(event) for event in events[first:last]),
            closing=closing,
            quiet_closing=closing,
            error=self._event({"type": "response.failed", "response": failed}, 0),
        )

    def error(self, status: int, message: str) -> bytes:
        return OpenAIChat().error(status, message)

    def _event(self, value: Object, number: int) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (
            str(value["type"]).encode(),
            template({**value, "sequence_number": number}),
        )

    def _usages(self, script: Script) -> list[Object | None]:
        right: Object = {
            "input_tokens": INPUT.decode(),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": script.events,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": TOTAL.decode(),
        }
        wrong = {**right, "input_tokens": -1, "output_tokens": -7}
        told: dict[str, list[Object | None]] = {
            "right": [right], "none": [], "null": [None], "twice": [right, right], "negative": [wrong],
        }  # fmt: skip
        return told[script.usage]


class AnthropicMessages:
    """https://docs.anthropic.com/en/api/messages-streaming (2026-11-21)"""

    id_prefix = "msg_mock_"
    request_id_header = b"request-id"

    def answer(self, model: str, script: Script) -> Answer:
        texts = pieces(script)
        text = "".join(texts)
        reason = "tool_use" if script.tool else "end_turn"
        tool: Object = {"type": "tool_use", "id": "toolu_" + ID.decode(), "name": TOOL_NAME}
        head: Object = {"id": self.id_prefix + ID.decode(), "type": "message", "role": "assistant", "model": model}
        block: Object = {"type": "text", "text": text}
        if script.tool:
            block = {**tool, "input": msgspec.json.decode(text)}
        began = {"input_tokens": INPUT.decode(), "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
        ends = self._usages(script)
        whole: Object = {**head, "content": [block], "stop_reason": reason, "stop_sequence": None}
        if ends:
            whole["usage"] = None if ends[-1] is None else {**began, **ends[-1]}
        message: Object = {**head, "content": [], "stop_reason": None, "stop_sequence": None}
        if script.usage != "none":
            message["usage"] = {**began, "output_tokens": 1}
        empty: Object = {**tool, "input": {}} if script.tool else {"type": "text", "text": ""}
        kind, field = ("input_json_delta", "partial_json") if script.tool else ("text_delta", "text")
        delta = {"stop_reason": reason, "stop_sequence": None}
        stops = [{"type": "message_delta", "delta": delta, "usage": usage} for usage in ends]
        stops = stops or [{"type": "message_delta", "delta": delta}]
        endings: list[Object] = [{"type": "content_block_stop", "index": 0}, *stops, STOP]
        closing = b"".join(self._event(ending) for ending in endings)
        start: Object = {"type": "content_block_start", "index": 0, "content_block": empty}
        return Answer(
            instant=script.instant,
            json=template(whole),
            opening=self._event({"type": "message_start", "message": message}) + self._event(start),
            content=tuple(
                frame(self._event({"type": "content_block_delta", "index": 0, "delta": {"type": kind, field: text}}))
                for text in texts
            ),
            closing=closing,
            quiet_closing=closing,
            error=b"event: error\ndata: %b\n\n" % self.error(500, FAILED),
        )

    def error(self, status: int, message: str) -> bytes:
        kinds = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}
        kind = kinds.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return encode({"type": "error", "error": {"type": kind, "message": message}})

    def _event(self, value: Object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (str(value["type"]).encode(), template(value))

    def _usages(self, script: Script) -> list[Object | None]:
        right: Object = {"output_tokens": script.events}
        told: dict[str, list[Object | None]] = {
            "right": [right], "none": [], "null": [None], "twice": [right, right], "negative": [{"output_tokens": -7}],
        }  # fmt: skip
        return told[script.usage]


STOP: Object = {"type": "message_stop"}
Dialect = OpenAIChat | OpenAIResponses | AnthropicMessages
DIALECTS: dict[DialectName, Dialect] = {
    "openai": OpenAIChat(),
    "responses": OpenAIResponses(),
    "anthropic": AnthropicMessages(),
}
