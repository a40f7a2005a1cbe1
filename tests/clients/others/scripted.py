"""A vendor for agents, in four formats, streamed: it has the shell tool that it is offered called once, and says what
it read when the tool's answer comes. No recording can do that, as none knows the agents' own tools.

Its path begins with the format (`/chat`, `/responses`, `/messages`, `/gemini`). Once the proof, which stands only in a
file beside the agent, is in what it is asked, it answers `Read: <proof>`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

READS = "cat proof.txt"
# The shell tools of agents, and how each is told what to run.
SHELLS: dict[str, dict[str, Any]] = {
    "Bash": {"command": READS, "description": "Read the file"},
    "exec_command": {"cmd": READS},
    "shell_command": {"command": READS},
    "shell": {"command": ["sh", "-c", READS]},
    "run_shell_command": {"command": READS, "description": "Read the file", "is_background": False},
    "bash": {"command": READS, "description": "Read the file"},
    "run_commands": {"commands": [READS]},
}
Events = list[tuple[str, dict[str, Any]]]


def offered(body: dict[str, Any]) -> str | None:
    """The shell tool among those of the request, in whichever format."""
    shown = json.dumps(body.get("tools", ()))
    return next((name for name in SHELLS if f'"name": "{name}"' in shown), None)


def chat(text: str, tool: str | None) -> Events:
    delta: dict[str, Any] = {"role": "assistant", "content": text or None}
    if tool:
        function = {"name": tool, "arguments": json.dumps(SHELLS[tool])}
        delta["tool_calls"] = [{"index": 0, "id": "call_1", "type": "function", "function": function}]
    common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted"}
    ends = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if tool else "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    return [
        ("", {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}),
        ("", {**common, "choices": [ends]}),
        ("", {**common, "choices": [], "usage": usage}),
    ]


def messages(text: str, tool: str | None) -> Events:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": []}
    block: dict[str, Any] = {"type": "text", "text": ""}
    delta: dict[str, Any] = {"type": "text_delta", "text": text}
    if tool:
        block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(SHELLS[tool])}
    ends = {"stop_reason": "tool_use" if tool else "end_turn", "stop_sequence": None}
    begun = {**message, "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1}}
    return _typed(
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": ends, "usage": {"input_tokens": 5, "output_tokens": 3}},
        {"type": "message_stop"},
    )


def gemini(text: str, tool: str | None) -> Events:
    part: dict[str, Any] = {"functionCall": {"name": tool, "args": SHELLS[tool]}} if tool else {"text": text}
    candidate = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}
    return [("", {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "scripted", "responseId": "r1"})]


def responses(text: str, tool: str | None) -> Events:
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "scripted", "output": []}
    at: dict[str, Any] = {"output_index": 0, "item_id": "item_1"}
    if tool:
        arguments = json.dumps(SHELLS[tool])
        item = {"type": "function_call", "id": "item_1", "call_id": "call_1", "name": tool, "status": "completed"}
        done = {**item, "arguments": arguments}
        begun = {**item, "arguments": "", "status": "in_progress"}
        inner = [
            {"type": "response.function_call_arguments.delta", **at, "delta": arguments},
            {"type": "response.function_call_arguments.done", **at, "arguments": arguments},
        ]
    else:
        at["content_index"] = 0
        part = {"type": "output_text", "text": text, "annotations": []}
        item = {"type": "message", "id": "item_1", "role": "assistant", "status": "completed"}
        done = {**item, "content": [part]}
        begun = {**item, "content": [], "status": "in_progress"}
        inner = [
            {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
            {"type": "response.output_text.delta", **at, "delta": text},
            {"type": "response.output_text.done", **at, "text": text},
            {"type": "response.content_part.done", **at, "part": part},
        ]
    usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
    return _typed(
        {"type": "response.created", "response": {**response, "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        *inner,
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [done], "usage": usage},
        },
    )


def _typed(*events: dict[str, Any]) -> Events:
    return [(event["type"], {**event, "sequence_number": number}) for number, event in enumerate(events)]


FORMATS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}


class Vendor:
    def __init__(self, url: str, proof: str) -> None:
        self.url, self.proof = url, proof

    def answer(self, form: str, body: dict[str, Any]) -> bytes:
        if self.proof in json.dumps(body):
            events = FORMATS[form](f"Read: {self.proof}", None)
        else:
            tool = offered(body)
            events = FORMATS[form]("" if tool else "No tool was offered.", tool)
        lines = [(f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n" for name, data in events]
        return "".join([*lines, *(["data: [DONE]\n\n"] if form == "chat" else ())]).encode()


@contextmanager
def scripted(proof: str) -> Iterator[Vendor]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = vendor.answer(self.path.split("/")[1], body)
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing: what was asked is seen in what the agent does."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vendor = Vendor(f"http://127.0.0.1:{server.server_port}", proof)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
