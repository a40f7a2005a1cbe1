"""A provider in OpenAI's format on the loopback, by the standard library alone: it runs in LiteLLM's environment too.

The first word of the path says how it behaves:

    ok            answers
    <name>        answers, with the name as text: who was asked
    say-<text>    likewise
    <status>      fails with it, with OpenAI's error body
    <status>-<n>  fails n times, then answers
    window        400, the prompt is too long; policy: 400, the content is refused
    slow, slower  answers after most of a second, or two and a half
    tools         calls each tool that it is offered
    cut           a stream that breaks off; without a stream, an answer that does
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import unquote

PAUSES_S = {"slow": 0.8, "slower": 2.5}
CREATED = 1_790_000_000
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
TYPES = {
    400: ("invalid_request_error", "invalid_value", "The value is not one of those that may be said."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    402: ("insufficient_quota", "insufficient_quota", "The account has no funds."),
    403: ("permission_error", "forbidden", "The project may not use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    408: ("timeout", "timeout", "The request took too long."),
    409: ("conflict", "conflict", "The resource is in use."),
    413: ("invalid_request_error", "too_large", "The request is too large."),
    422: ("invalid_request_error", "unprocessable", "The request cannot be processed."),
    429: ("rate_limit_error", "rate_limit_exceeded", "Rate limit reached."),
    500: ("server_error", None, "The server had an error."),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", None, "The service is overloaded."),
    504: ("server_error", None, "The gateway timed out."),
    529: ("overloaded_error", None, "Overloaded."),
}
WINDOW = "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens."
POLICY = "Your request was rejected as a result of our safety system."


def error(status: int) -> tuple[int, dict[str, Any]]:
    kind, code, message = TYPES[status]
    return status, {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Asked:
    """`target`: the path after the behaviour's word."""

    def __init__(self, behaviour: str, target: str, headers: dict[str, str], body: Any) -> None:
        self.behaviour = behaviour
        self.target = target
        self.headers = headers
        self.body = body


class Upstream:
    """Use it as a context. `asked`: what came, oldest first."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.counted: Counter[str] = Counter()

    def __enter__(self) -> Upstream:
        upstream = self

        class Handler(_Handler):
            provider = upstream

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def url(self, behaviour: str = "ok") -> str:
        return f"http://127.0.0.1:{self.port}/{behaviour}/v1"

    def forget(self) -> None:
        self.asked.clear()
        self.counted.clear()

    @property
    def last(self) -> Asked:
        return self.asked[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    provider: Upstream

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._answer(raw)

    def _answer(self, raw: bytes | None) -> None:
        _, behaviour, target = self.path.split("/", 2)
        is_json = "json" in (self.headers.get("content-type") or "")
        body = json.loads(raw) if raw and is_json else None if raw is None else "<a form>"
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.provider.asked.append(Asked(behaviour, f"/{target}", headers, body))
        self.provider.counted[behaviour] += 1
        fails = re.fullmatch(r"(\d{3})(?:-(\d+))?", behaviour)
        if fails and (fails[2] is None or self.provider.counted[behaviour] <= int(fails[2])):
            return self._json(*error(int(fails[1])))
        if behaviour == "window":
            told = {"message": WINDOW, "type": "invalid_request_error", "code": "context_length_exceeded"}
            return self._json(400, {"error": told | {"param": "messages"}})
        if behaviour == "policy":
            told = {"message": POLICY, "type": "invalid_request_error", "code": "content_policy_violation"}
            return self._json(400, {"error": told | {"param": None}})
        time.sleep(PAUSES_S.get(behaviour, 0))
        self._kind(behaviour, target.partition("?")[0], body)

    def _kind(self, behaviour: str, target: str, body: Any) -> None:
        said = unquote(behaviour).removeprefix("say-").replace("_", " ")
        match re.sub(r"^(v\d/|openai/deployments/[^/]+/)+", "", target):
            case "chat/completions" if body.get("stream"):
                self._events(chunks(said, body), cut=behaviour == "cut")
            case "chat/completions":
                self._json(200, chat(said, body))
            case "completions":
                self._json(200, text(said, body))
            case "embeddings":
                self._json(200, embeddings(body))
            case "rerank":
                found = [{"index": 1, "relevance_score": 0.75}, {"index": 0, "relevance_score": 0.25}]
                self._json(200, {"id": "rr-1", "results": found, "meta": {"billed_units": {"search_units": 1}}})
            case "moderations":
                flagged = {"flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.9}}
                self._json(200, {"id": "modr-1", "model": body["model"], "results": [flagged]})
            case "images/generations":
                self._json(200, {"created": CREATED, "data": [{"b64_json": "aGVsbG8="}]})
            case "audio/transcriptions":
                self._json(200, {"text": "good morning"})
            case "audio/speech":
                self._bytes(200, b"ID3-not-really", "audio/mpeg")
            case "responses":
                self._json(200, response(said, body))
            case "messages":
                self._json(200, message(said, body))
            case "models":
                self._json(200, {"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]})
            case _:
                self._json(*error(404))

    def _json(self, status: int, body: Any) -> None:
        self._bytes(status, json.dumps(body).encode(), "application/json")

    def _bytes(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-request-id", "req-of-the-provider")
        self.send_header("x-ratelimit-remaining-requests", "41")
        self.end_headers()
        self.wfile.write(body)

    def _events(self, events: Iterator[Any], *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for count, event in enumerate(events):
            if cut and count == 2:
                self.close_connection = True
                return
            block = f"data: {json.dumps(event)}\n\n".encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
        done = b"data: [DONE]\n\n"
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done))

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


def calls_of(body: Any) -> list[dict[str, Any]]:
    names = [tool["function"]["name"] for tool in body.get("tools") or ()]
    return [
        {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": '{"a": 2, "b": 3}'}}
        for index, name in enumerate(names)
    ]


def chat(said: str, body: Any) -> dict[str, Any]:
    calls = calls_of(body) if said == "tools" else []
    message = {"role": "assistant", "content": None if calls else said, **({"tool_calls": calls} if calls else {})}
    reason = "tool_calls" if calls else "stop"
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": reason}
        for index in range(body.get("n") or 1)
    ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"],
        "choices": choices,
        "usage": USAGE,
        "system_fingerprint": "fp_1",
        "service_tier": "default",
    }


def chunks(said: str, body: Any) -> Iterator[dict[str, Any]]:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": CREATED, "model": body["model"]}
    calls = calls_of(body) if said == "tools" else []
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None if calls else ""}]
    for index, call in enumerate(calls):
        function = call["function"]
        deltas.append({"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]})
        half = len(function["arguments"]) // 2
        for part in (function["arguments"][:half], function["arguments"][half:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    if not calls:
        half = max(1, len(said) // 2)
        deltas += [{"content": said[:half]}, {"content": said[half:]}]
    for delta in deltas:
        yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if calls else "stop"
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**base, "choices": [], "usage": USAGE}


def text(said: str, body: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": said, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [choice],
        "usage": USAGE,
    }


def embeddings(body: Any) -> dict[str, Any]:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": index, "embedding": [0.5, -0.25]} for index in range(len(texts))]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def response(said: str, body: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": said, "annotations": []}]
    output = [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}]
    usage = {
        "input_tokens": 9,
        "output_tokens": 3,
        "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": body["model"],
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
    }


def message(said: str, body: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": said}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 3},
    }
