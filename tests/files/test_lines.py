"""What the requests of a batch say to the gateway goes no further: refused, done, or told to have had no effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.files.test_files import form
from tests.files.vendors import (
    CLAUDE,
    AnthropicVendor,
    OpenAIVendor,
    anthropic_entry,
    jsonl,
    openai_entry,
    request,
    serving,
)
from tests.server.accounted import Accounted, accounted
from tests.server.served import Answered

HI = [{"role": "user", "content": "hi"}]


async def uploaded(gateway: Accounted, *requests: dict[str, Any], **headers: str) -> Answered:
    sent, kind = form(("purpose", None, b"batch"), ("file", "in.jsonl", jsonl(*requests)))
    return await gateway.send("POST", "/v1/files", sent, {**kind, **headers})


async def asked(gateway: Accounted, *params: dict[str, Any], **headers: str) -> Answered:
    said = [
        {"custom_id": f"r{number}", "params": {"model": "claude", "max_tokens": 50, "messages": HI, **one}}
        for number, one in enumerate(params)
    ]
    return await gateway.send("POST", "/v1/messages/batches", {"requests": said}, headers)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"api_base": "http://127.0.0.1:9"}, "field_not_allowed"),
    ({"extra_body": {"api_key": "k"}}, "field_not_allowed"),
    ({"guardrails": ["pii"]}, "guards_not_built"),
    ({"metadata": {"guardrails": ["pii"]}}, "guards_not_built"),
    ({"litellm_metadata": {"guardrails": {"pii": True}}}, "guards_not_built"),
]


@pytest.mark.parametrize(("said", "code"), REFUSED)
async def test_what_a_chat_may_not_say_a_request_of_a_batch_may_not_either(
    tmp_path: Path, said: dict[str, Any], code: str
) -> None:
    async with (
        OpenAIVendor() as vendor,
        AnthropicVendor() as claude,
        accounted(serving(openai_entry(vendor), anthropic_entry(claude)), tmp_path) as gateway,
    ):
        line = await uploaded(gateway, request("mine", 1), request("mine", 2, **said))
        params = await asked(gateway, {}, said)
    assert (line.status, line.json()["error"]["code"]) == (400, code)
    assert line.json()["error"]["message"].startswith("Line 2 of the file: ")
    assert params.status == 400
    assert params.json()["error"]["message"].startswith("requests[1]: ")
    assert (vendor.files, claude.requests) == ({}, {})


IDLE: dict[str, Any] = {
    **{"litellm_metadata": {"tags": ["t"]}, "timeout": 5, "fallbacks": ["other"], "litellm_trace_id": "t1"},
    **{"langfuse_host": "h", "cache": {"no-cache": True}, "num_retries": None},
}
TOLD = ("fallbacks", "langfuse_host", "litellm_metadata", "litellm_trace_id", "timeout")


async def test_what_comes_to_nothing_in_a_batch_is_left_out_and_told_once(tmp_path: Path) -> None:
    async with (
        OpenAIVendor() as vendor,
        AnthropicVendor() as claude,
        accounted(serving(openai_entry(vendor), anthropic_entry(claude)), tmp_path) as gateway,
    ):
        line = await uploaded(gateway, request("mine", 1), *[request("mine", 2, **IDLE)] * 2)
        params = await asked(gateway, {}, IDLE, IDLE)
        strict = [
            await uploaded(gateway, request("mine", 1, **IDLE), **{"x-tollbridge-strict": "true"}),
            await asked(gateway, IDLE, **{"x-tollbridge-strict": "true"}),
        ]
    [(_, sent)] = vendor.files.values()
    plain = [request("gpt-4o-mini", number) for number in (1, 2, 2)]
    assert [json.loads(one) for one in sent.splitlines()] == plain
    [requests] = claude.requests.values()
    assert [one["params"] for one in requests] == [{"model": CLAUDE, "max_tokens": 50, "messages": HI}] * 3
    assert line.headers["x-tollbridge-caveats"] == "; ".join(f"ignored_param line 2: $.body.{name}" for name in TOLD)
    assert params.headers["x-tollbridge-caveats"] == "; ".join(
        f"ignored_param $.requests[1].params.{name}" for name in TOLD
    )
    assert [answered.status for answered in strict] == [400, 400]


async def test_what_stands_in_extra_body_is_meant_beside_it(tmp_path: Path) -> None:
    said = {"extra_body": {"top_k": 5, "max_tokens": 9}, "metadata": {"user_id": "u", "tags": "x"}}
    async with (
        OpenAIVendor() as vendor,
        AnthropicVendor() as claude,
        accounted(serving(openai_entry(vendor), anthropic_entry(claude)), tmp_path) as gateway,
    ):
        assert (await uploaded(gateway, request("mine", 1, **said))).status == 200
        assert (await asked(gateway, said)).status == 200
    [(_, sent)] = vendor.files.values()
    assert json.loads(sent) == request("gpt-4o-mini", 1, metadata={"user_id": "u", "tags": "x"}, top_k=5)
    [[one]] = claude.requests.values()
    assert one["params"] == {
        **{"model": CLAUDE, "max_tokens": 50, "messages": HI},
        **{"metadata": {"user_id": "u", "tags": "x"}, "top_k": 5},
    }


async def test_of_two_models_in_a_line_the_one_that_was_looked_at_goes_on(tmp_path: Path) -> None:
    said = b'{"url": "/v1/chat/completions", "body": {"model": "gpt-4o", "messages": [], "model": "gpt-4o-mini"}}\n'
    async with OpenAIVendor() as vendor, accounted(serving(openai_entry(vendor)), tmp_path) as gateway:
        key = (await gateway.made(models=["openai/gpt-4o-mini"]))["key"]
        sent, kind = form(("purpose", None, b"batch"), ("file", "in.jsonl", said))
        assert (await gateway.send("POST", "/v1/files", sent, kind, key=key)).status == 200
    [(_, held)] = vendor.files.values()
    assert b"gpt-4o-mini" in held
    assert held.count(b'"model"') == 1


async def test_anthropics_own_fallbacks_go_on_to_it(tmp_path: Path) -> None:
    said = {"fallbacks": [{"model": "claude-opus-4-8"}]}
    async with AnthropicVendor() as claude, accounted(serving(anthropic_entry(claude)), tmp_path) as gateway:
        assert (await asked(gateway, said, **{"anthropic-beta": "server-side-fallback-2026-07-01"})).status == 200
    [[one]] = claude.requests.values()
    assert one["params"]["fallbacks"] == said["fallbacks"]


async def test_a_request_of_a_batch_is_said_in_the_providers_words(tmp_path: Path) -> None:
    """As it is outside a batch: what the deployment's provider knows by another name, or refuses."""
    async with (
        OpenAIVendor() as vendor,
        AnthropicVendor() as claude,
        accounted(
            serving(openai_entry(vendor, model="o3", drop_params=True), anthropic_entry(claude)), tmp_path
        ) as gateway,
    ):
        line = await uploaded(gateway, request("mine", 1, temperature=0.5))
        params = await asked(gateway, {"reasoning_effort": "low", "max_tokens": 9000})
    [(_, sent)] = vendor.files.values()
    assert b"temperature" not in sent
    assert b'"max_completion_tokens":50' in sent
    assert line.headers["x-tollbridge-caveats"] == "dropped_param line 1: $.body.temperature"
    [[one]] = claude.requests.values()
    assert "reasoning_effort" not in one["params"]
    assert one["params"]["thinking"]["type"] == "enabled"
    assert params.status == 200


@pytest.mark.parametrize("said", [{"api_base": "http://127.0.0.1:9"}, {"api_key": "k"}])
async def test_a_batch_itself_may_not_say_it_either(tmp_path: Path, said: dict[str, Any]) -> None:
    async with (
        OpenAIVendor() as vendor,
        AnthropicVendor() as claude,
        accounted(serving(openai_entry(vendor), anthropic_entry(claude)), tmp_path) as gateway,
    ):
        file = (await uploaded(gateway, request("mine", 1))).json()["id"]
        body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h", **said}
        one = await gateway.send("POST", "/v1/batches", body)
        params = {"model": "claude", "max_tokens": 50, "messages": HI}
        two = await gateway.send(
            "POST", "/v1/messages/batches", {"requests": [{"custom_id": "a", "params": params}], **said}
        )
    assert [one.status, two.status] == [400, 400]
    assert (vendor.batches, claude.batches) == ({}, {})
