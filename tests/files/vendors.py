"""Two small vendors that keep files and batches: one speaks OpenAI's format, the other Anthropic's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.server.faults import configuration, entry
from tests.vendor import Handler, Vendor, reading_itself

MODEL = "gpt-4o-mini"
CLAUDE = "claude-haiku-4-5"


def answer(number: int, model: str = MODEL) -> dict[str, Any]:
    """What a chat in a batch answers: 1000 tokens in, 100 out."""
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": f"{model}-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }


def message(number: int) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": CLAUDE,
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }


def request(model: str = MODEL, number: int = 1, **body: Any) -> dict[str, Any]:
    said = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], **body}
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": said}


def jsonl(*requests: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in requests)


class OpenAIVendor(Vendor):
    """`files`: what was uploaded, by id: its fields and its content. `finish`: a batch has ended, with its answers."""

    def __init__(self, beside: Mapping[tuple[str, str], Handler] = {}) -> None:
        self.files: dict[str, tuple[dict[str, str], bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.downloads = 0
        super().__init__(
            {
                ("POST", "/v1/files"): reading_itself(self._upload),
                ("POST", "/v1/batches"): self._create,
                ("GET", "*"): self._get,
                ("DELETE", "*"): self._delete,
                ("POST", "*"): self._cancel,
                **beside,
            }
        )

    def keep(self, fields: dict[str, str], content: bytes) -> str:
        id = f"file-{len(self.files):024d}"
        self.files[id] = fields, content
        return id

    def finish(self, batch: str, answers: list[dict[str, Any]], status: str = "completed") -> None:
        lines = [
            {"id": f"batch_req_{number}", "custom_id": f"r{number}", "response": {"status_code": 200, "body": body}}
            for number, body in enumerate(answers)
        ]
        failed = {"id": "batch_req_x", "custom_id": "x", "response": {"status_code": 429, "body": {"error": {}}}}
        file = self.keep({"purpose": "batch_output", "filename": "out.jsonl"}, jsonl(*lines, failed))
        self.batches[batch] |= {"status": status, "output_file_id": file, f"{status}_at": 1_790_000_000}

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        fields: dict[str, str] = {}
        content = b""
        async for part in await request.multipart():
            if part.name == "file":  # type: ignore[union-attr]
                fields["filename"] = part.filename or ""  # type: ignore[union-attr]
                content = bytes(await part.read())  # type: ignore[union-attr]
            else:
                fields[part.name or ""] = await part.text()  # type: ignore[union-attr]
        return web.json_response(self._file(self.keep(fields, content)))

    def _file(self, id: str) -> dict[str, Any]:
        fields, content = self.files[id]
        return {
            "id": id,
            "object": "file",
            "bytes": len(content),
            "created_at": 1_780_000_000,
            "filename": fields["filename"],
            "purpose": fields["purpose"],
            "status": "processed",
        }

    async def _create(self, request: web.Request) -> web.StreamResponse:
        said = self.asked[-1].json()
        if said["input_file_id"] not in self.files:
            return _missing(said["input_file_id"])
        id = f"batch_{len(self.batches):024d}"
        self.batches[id] = {
            "id": id,
            "object": "batch",
            "status": "validating",
            "created_at": 1_789_000_000,
            "output_file_id": None,
            "error_file_id": None,
            **said,
        }
        return web.json_response(self.batches[id])

    async def _get(self, request: web.Request) -> web.StreamResponse:
        noun, id, *rest = request.path.split("/")[2:]
        if noun == "batches" and id in self.batches:
            return web.json_response(self.batches[id])
        if noun != "files" or id not in self.files:
            return _missing(id)
        if rest:
            self.downloads += 1
            return web.Response(body=self.files[id][1], content_type="application/octet-stream")
        return web.json_response(self._file(id))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        id = request.path.split("/")[3]
        if self.files.pop(id, None) is None:
            return _missing(id)
        return web.json_response({"id": id, "object": "file", "deleted": True})

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        id = request.path.split("/")[3]
        if id not in self.batches:
            return _missing(id)
        self.batches[id]["status"] = "cancelling"
        return web.json_response(self.batches[id])


class AnthropicVendor(Vendor):
    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.requests: dict[str, list[Any]] = {}
        self.results: dict[str, bytes] = {}
        self.files: dict[str, bytes] = {}
        super().__init__(
            {
                ("POST", "/v1/messages/batches"): self._create,
                ("POST", "/v1/files"): reading_itself(self._upload),
                ("GET", "*"): self._get,
                ("POST", "*"): self._cancel,
                ("DELETE", "*"): self._delete,
            }
        )

    def finish(self, batch: str, messages: list[dict[str, Any]]) -> None:
        lines = [
            {"custom_id": f"r{number}", "result": {"type": "succeeded", "message": said}}
            for number, said in enumerate(messages)
        ]
        self.results[batch] = jsonl(*lines, {"custom_id": "x", "result": {"type": "errored", "error": {}}})
        url = f"{self.url}/v1/messages/batches/{batch}/results"
        ended = {"processing_status": "ended", "ended_at": "2026-11-20T10:00:00Z", "results_url": url}
        self.batches[batch] |= ended

    async def _create(self, request: web.Request) -> web.StreamResponse:
        id = f"msgbatch_{len(self.batches):022d}"
        self.requests[id] = self.asked[-1].json()["requests"]
        counts = {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        self.batches[id] = {
            "id": id,
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": counts,
            "created_at": "2026-11-20T09:00:00Z",
            "expires_at": "2026-11-21T09:00:00Z",
            "ended_at": None,
            "cancel_initiated_at": None,
            "archived_at": None,
            "results_url": None,
        }
        return web.json_response(self.batches[id])

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        id = f"file_{len(self.files):020d}"
        part: Any = await (await request.multipart()).next()
        self.files[id] = bytes(await part.read())
        return web.json_response(self._file(id))

    def _file(self, id: str) -> dict[str, Any]:
        made = {"id": id, "type": "file", "filename": "a.txt", "mime_type": "text/plain", "downloadable": False}
        return {**made, "size_bytes": len(self.files[id]), "created_at": "2026-11-20T09:00:00Z"}

    async def _get(self, request: web.Request) -> web.StreamResponse:
        words = request.path.split("/")
        if words[-1] == "results":
            return web.Response(body=self.results[words[-2]], content_type="application/x-jsonl")
        if words[-1] in self.files:
            return web.json_response(self._file(words[-1]))
        return web.json_response(self.batches[words[-1]])

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        self.batches[request.path.split("/")[-2]]["processing_status"] = "canceling"
        return web.json_response(self.batches[request.path.split("/")[-2]])

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        id = request.path.split("/")[-1]
        kind = "file_deleted" if self.files.pop(id, None) is not None else "message_batch_deleted"
        return web.json_response({"id": id, "type": kind})


def _missing(id: str) -> web.Response:
    told = {"message": f"No such object: {id}", "type": "invalid_request_error", "param": "id", "code": None}
    return web.json_response({"error": told}, status=404)


def serving(*entries: dict[str, Any], **general: Any) -> str:
    return configuration(*entries, general=general)


def openai_entry(vendor: Vendor, name: str = "mine", model: str = MODEL, **params: Any) -> dict[str, Any]:
    said = entry(name, vendor.port, **params)
    said["litellm_params"]["model"] = f"openai/{model}"
    return said


def anthropic_entry(vendor: Vendor, name: str = "claude") -> dict[str, Any]:
    said = entry(name, vendor.port, "anthropic")
    said["litellm_params"]["model"] = f"anthropic/{CLAUDE}"
    return said
