"""Bodies that nobody meant, at every task, for a provider of another format: they are refused, and nothing breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.accounted import accounted
from tests.server.faults import configuration, entry
from tests.server.tasks_upstream import Provider
from tests.transport.upstream import Upstream
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.multipart import write_form
from tollbridge.wires.task import Form

MODELS = {
    "/v1/embeddings": "cohere/embed-v4.0",
    "/v1/rerank": "voyage/rerank-2.5",
    "/v1/moderations": "mistral/mistral-moderation-2603",
    "/v1/audio/speech": "mistral/voxtral-mini-tts-latest",
    "/v1/images/generations": "gemini/gemini-2.5-flash-image",
    "/v1/images/edits": "gemini/gemini-2.5-flash-image",
    "/v1/audio/transcriptions": "openai/whisper-1",
    "/v1/completions": "openai/gpt-4o",
}
NAMES = ("input", "query", "documents", "prompt", "n", "size", "voice", "top_n", "dimensions", "encoding_format")
VALUES: tuple[Any, ...] = (None, True, -1, 1.5, "", [], {}, [None], [[]], [{}], {"a": []}, ["a", 1], [[[1]]], 10**30)


def bodies() -> list[bytes]:
    good = {"model": "m", "input": "x", "query": "q", "documents": ["a"], "prompt": "p", "voice": "v"}
    said = [json.dumps({**good, name: value}).encode() for name in NAMES for value in VALUES]
    deep = b'{"model": "m", "input": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    return [*said, b"", b"[]", b"\xff", b'"m"', deep, b'{"model": "m", "input": "\\ud800"}']


@pytest.mark.parametrize("path", MODELS)
async def test_whatever_is_sent_is_answered_with_a_reason(tmp_path: Path, path: str) -> None:
    provider = Provider()
    async with Upstream(provider) as upstream:
        said = entry("m", upstream.port, MODELS[path].partition("/")[0])
        said["litellm_params"]["model"] = MODELS[path]
        text = configuration(said, router={"num_retries": 0, "disable_cooldowns": True})
        async with accounted(text, tmp_path) as gateway:
            seen = [(body, await gateway.send("POST", path, body)) for body in bodies()]
            form, kind = write_form(Form((("model", "m"), ("image", "no file"), ("file", Upload("", "", b"")))))
            seen.append((form, await gateway.send("POST", path, form, {"content-type": kind})))
            assert gateway.gateway.load.requests == 0
    for body, answered in seen:
        assert answered.status in (400, 404), (body[:200], answered.status, answered.body)
        assert answered.json()["error"]["message"]
