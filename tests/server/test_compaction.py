"""Conversations made shorter, and counted: `/v1/responses/compact` and `/v1/responses/input_tokens`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.served import KEY
from tests.server.tasks_upstream import Provider
from tests.server.test_tasks import entry_of
from tests.shared import recordings
from tests.transport.upstream import Upstream
from tollbridge.wires.seal import is_seal

COMPACT, COUNT, RESPONSES = "/v1/responses/compact", "/v1/responses/input_tokens", "/v1/responses"
USAGE = {"input_tokens": 50, "output_tokens": 9, "total_tokens": 59}
THEIRS = {
    "id": "resp_theirs",
    "object": "response.compaction",
    "created_at": 1790000000,
    "output": [
        {"type": "message", "id": "m1", "role": "user", "status": "completed", "content": []},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"},
    ],
    "usage": USAGE,
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "gpt-x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "They asked 2+2."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 50, "completion_tokens": 9, "total_tokens": 59},
}
RESPONSE = {
    "id": "resp_native",
    "object": "response",
    "created_at": 1790000000,
    "model": "gpt-x",
    "status": "completed",
    "output": [
        {
            "type": "message",
            "id": "m2",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Four.", "annotations": []}],
        }
    ],
    "usage": USAGE,
}
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 2}'}
INPUT: list[Any] = [
    {"role": "user", "content": "What is 2+2?"},
    CALL,
    {"type": "function_call_output", "call_id": "c1", "output": "4"},
    {"role": "assistant", "content": "4."},
    {"role": "user", "content": [{"type": "input_text", "text": "Sure?"}]},
]


def providers() -> Provider:
    provider = Provider().at("/responses/compact", THEIRS).at("/chat/completions", CHAT).at("/responses", RESPONSE)
    return provider.at("/responses/input_tokens", {"object": "response.input_tokens", "input_tokens": 51})


def both(port: int) -> str:
    """`native` speaks the format; `chat` does not."""
    entries = (entry("native", port, **PRICES), entry("chat", port, info={"mode": "chat"}, **PRICES))
    return configuration(*entries, router={"num_retries": 0, "disable_cooldowns": True})


def client(gateway: Accounted) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0)


async def test_who_speaks_the_format_makes_it_itself(tmp_path: Path) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.responses.compact(model="native", input=INPUT, instructions="Short.")
        told = await entry_of(gateway)
    assert made.to_dict(warnings=False) == THEIRS
    [asked] = provider.asked
    assert asked.path == "/v1/responses/compact"
    assert asked.body == {"model": "native", "input": INPUT, "instructions": "Short."}
    assert (told["row"]["request_id"], told["cost_nanousd"]) == ("resp_theirs", 50 * 1000 + 9 * 2000)
    assert gateway.records[0].endpoint == COMPACT


async def test_any_other_model_gives_a_summary_and_every_model_goes_on_from_it(tmp_path: Path) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        async with client(gateway) as asking:
            made = await asking.responses.compact(model="chat", input=INPUT, instructions="Short.")
            told = await entry_of(gateway)
            output = [item.to_dict(warnings=False) for item in made.output]
            on: Any = [*output, {"role": "user", "content": "And 3+3?"}]
            for model in ("chat", "native"):
                answered = await asking.responses.create(model=model, input=on)
                assert answered.output_text
    assert (made.object, made.usage.total_tokens) == ("response.compaction", 59)
    assert [item["type"] for item in output] == ["message", "message", "compaction"]
    assert [item["content"][0]["text"] for item in output[:2]] == ["What is 2+2?", "Sure?"]
    assert is_seal(output[2]["encrypted_content"])
    assert (told["row"]["request_id"], told["cost_nanousd"]) == (made.id, 50 * 1000 + 9 * 2000)
    summary, chat, native = provider.asked
    said = [(message["role"], str(message["content"])) for message in summary.body["messages"]]
    assert said[0] == ("system", "Short.")
    assert '[I called add: {"a": 2}]' in json.dumps(said, ensure_ascii=False).replace('\\"', '"')
    assert "[add gave: 4]" in str(said)
    assert "Summarize" in said[-1][1]
    assert "tools" not in summary.body
    for asked in (chat, native):
        assert "They asked 2+2." in json.dumps(asked.body)
        assert output[2]["encrypted_content"] not in json.dumps(asked.body)
    assert native.path == "/v1/responses"


async def test_it_goes_on_from_a_response_that_is_kept_here(tmp_path: Path) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        async with client(gateway) as asking:
            first = await asking.responses.create(model="chat", input="What is 2+2?")
            made = await asking.responses.compact(model="chat", previous_response_id=first.id)
            with pytest.raises(openai.NotFoundError):
                await asking.responses.retrieve(made.id)
            with pytest.raises(openai.BadRequestError, match="not found"):
                await asking.responses.compact(model="chat", previous_response_id="resp_tbnobodys")
    assert "What is 2+2?" in json.dumps(provider.asked[-1].body)
    assert [item.type for item in made.output] == ["message", "compaction"]


async def test_a_server_without_the_paths_is_asked_for_a_summary_and_counted_for(tmp_path: Path) -> None:
    missing = (404, {"error": {"message": "Not Found"}})
    provider = providers().at("/responses/compact", missing).at("/responses/input_tokens", missing)
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        provider.at("/responses", {**RESPONSE, "id": "resp_s"})
        made = await gateway.post(COMPACT, {"model": "native", "input": "What is 2+2?"})
        counted = await gateway.post(COUNT, {"model": "native", "input": "What is 2+2?"})
    assert (made.status, made.json()["id"], made.json()["output"][-1]["type"]) == (200, "resp_s", "compaction")
    assert counted.json()["object"] == "response.input_tokens"
    assert counted.json()["input_tokens"] > 0


async def test_a_changed_seal_stands_for_nothing(tmp_path: Path) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        made = (await gateway.post(COMPACT, {"model": "chat", "input": "What is 2+2?"})).json()
        item = {**made["output"][-1]}
        item["encrypted_content"] = item["encrypted_content"][:-2] + "xx"
        body = {"model": "chat", "input": [item, {"role": "user", "content": "Go on."}]}
        answered = await gateway.post(RESPONSES, body)
        assert answered.status == 200
        assert "foreign_signature $.input" in answered.headers["x-tollbridge-caveats"]
        assert "They asked" not in json.dumps(provider.asked[-1].body)


async def test_what_is_no_compaction_is_refused(tmp_path: Path) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        for body, param in (
            ({"model": "chat"}, "input"),
            ({"model": "chat", "input": "x", "stream": True}, "stream"),
            ({"input": "x"}, "model"),
        ):
            refused = await gateway.post(COMPACT, body)
            assert (refused.status, refused.json()["error"]["param"]) == (400, param)
        key = await gateway.made(models=["native"])
        assert (await gateway.send("POST", COMPACT, {"model": "chat", "input": "x"}, key=key["key"])).status == 403
        assert provider.asked == []
        provider.at("/chat/completions", {**CHAT, "choices": [{**CHAT["choices"][0], "message": {}}]})  # type: ignore[index,dict-item]
        empty = await gateway.post(COMPACT, {"model": "chat", "input": "x"})
        assert (empty.status, "no summary" in empty.json()["error"]["message"]) == (502, True)


@pytest.mark.parametrize("model", ["native", "chat"])
async def test_input_is_counted(tmp_path: Path, model: str) -> None:
    provider = providers()
    async with Upstream(provider) as upstream, accounted(both(upstream.port), tmp_path) as gateway:
        async with client(gateway) as asking:
            counted = await asking.responses.input_tokens.count(model=model, input=INPUT, instructions="Short.")
    assert counted.object == "response.input_tokens"
    if model == "native":
        assert counted.input_tokens == 51
        assert provider.asked[0].body == {"model": "native", "input": INPUT, "instructions": "Short."}
    else:
        assert 30 < counted.input_tokens < 120
        assert provider.asked == []


async def test_the_recorded_exchanges_come_back_as_they_were(tmp_path: Path) -> None:
    seen = 0
    for endpoint, path in (("responses.compact", COMPACT), ("responses.input_tokens", COUNT)):
        for exchange in recordings(provider="openai", endpoints=(endpoint,)):
            provider = Provider().at(path.removeprefix("/v1"), exchange["response_body"])
            async with Upstream(provider) as upstream:
                async with accounted(both(upstream.port), tmp_path / str(seen)) as gateway:
                    answered = await gateway.post(path, {**exchange["request_body"], "model": "native"})
            assert answered.json() == exchange["response_body"]
            assert provider.asked[0].body == {**exchange["request_body"], "model": "native"}
            seen += 1
    assert seen == 4
