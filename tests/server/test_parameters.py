"""What the operator, a request and the SDK say about parameters, down to what was sent: `drop_params`,
`additional_drop_params`, `allowed_openai_params`, thinking, and an answer to a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.server.faults import CHAT, MESSAGES, ask, configuration, stream
from tests.server.served import KEY, Answered, served
from tests.transport.upstream import Peer, Script, Upstream, answer
from tollbridge import UnsupportedParamsError, acompletion
from tollbridge.calls.structured import ANSWER

TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": True},
}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}


class Place(BaseModel):
    city: str


def telling(message: Mapping[str, Any], finish: str = "stop") -> Script:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(json.dumps(body).encode(), "content-type: application/json", status="200 OK"))

    return script


HELLO = telling({"content": "Hello"})
CALLED = {"id": "c", "type": "function", "function": {"name": ANSWER, "arguments": '{"city": "Paris"}'}}
CALLS = telling({"content": "Here:", "tool_calls": [CALLED]}, "tool_calls")


def sent(upstream: Upstream) -> dict[str, Any]:
    return json.loads(upstream.requests[-1].partition(b"\r\n\r\n")[2])  # type: ignore[no-any-return]


async def through(
    tmp_path: Path,
    upstream: Upstream,
    path: str,
    body: dict[str, Any],
    model: str = "groq/llama-3.3-70b",
    headers: dict[str, str] | None = None,
    **params: Any,
) -> Answered:
    own = {"model": model, "api_base": f"http://127.0.0.1:{upstream.port}", "api_key": "k", **params}
    async with served(configuration({"model_name": "m", "litellm_params": own}), tmp_path) as gateway:
        return await gateway.post(path, body, headers)


async def test_paths_and_names_are_left_out_for_every_client_of_a_model(tmp_path: Path) -> None:
    drops = ["tools[*].function.strict", "temperature", "stop"]
    async with Upstream(HELLO) as upstream:
        asked = ask(tools=[TOOL], temperature=0.5, stop=["x"])
        answered = await through(tmp_path, upstream, CHAT, asked, additional_drop_params=drops)
        body = sent(upstream)
        assert "strict" not in body["tools"][0]["function"]
        assert not {"temperature", "stop"} & set(body)
        told = answered.headers["x-tollbridge-caveats"]
        assert all(name in told for name in drops)
        own = {"name": "f", "input_schema": {"type": "object"}, "strict": True}
        await through(
            tmp_path,
            upstream,
            MESSAGES,
            ask(tools=[own], temperature=0.5, stop_sequences=["x"]),
            additional_drop_params=drops,
        )
        body = sent(upstream)
        assert "strict" not in body["tools"][0]["function"]
        assert not {"temperature", "stop"} & set(body)


async def test_a_path_that_is_none_disables_the_model_and_says_so(tmp_path: Path) -> None:
    async with Upstream(HELLO) as upstream:
        answered = await through(tmp_path, upstream, CHAT, ask(), additional_drop_params=["tools["])
        assert answered.status >= 400
        assert not upstream.requests


@pytest.mark.parametrize(
    ("operators", "clients", "status"),
    [(None, None, 200), (True, None, 200), (False, None, 400), (False, True, 200), (True, False, 400)],
)
async def test_the_client_has_the_last_word_on_dropping(
    tmp_path: Path, operators: bool | None, clients: bool | None, status: int
) -> None:
    said = {} if clients is None else {"drop_params": clients}
    params = {} if operators is None else {"drop_params": operators}
    async with Upstream(HELLO) as upstream:
        answered = await through(tmp_path, upstream, CHAT, ask(logit_bias={"1": 2}, **said), **params)
        assert answered.status == status
        if status == 200:
            assert "logit_bias" not in sent(upstream)
            assert "drop_params" not in sent(upstream)
        else:
            assert answered.json()["error"]["param"] == "logit_bias"
            assert not upstream.requests


async def test_what_is_allowed_goes_through(tmp_path: Path) -> None:
    async with Upstream(HELLO) as upstream:
        asked = ask(logit_bias={"1": 2}, logprobs=True)
        await through(tmp_path, upstream, CHAT, asked, allowed_openai_params=["logit_bias"])
        assert sent(upstream)["logit_bias"] == {"1": 2}
        assert "logprobs" not in sent(upstream)


async def test_a_client_of_anthropics_makes_a_model_on_vllm_think(tmp_path: Path) -> None:
    async with Upstream(HELLO) as upstream:
        asked = ask(thinking={"type": "enabled", "budget_tokens": 1024}) | {"max_tokens": 4096}
        answered = await through(tmp_path, upstream, MESSAGES, asked, model="hosted_vllm/Qwen/Qwen3-8B")
        assert sent(upstream)["chat_template_kwargs"] == {"enable_thinking": True}
        assert "thinking" not in sent(upstream)
        assert "$.thinking" in answered.headers["x-tollbridge-caveats"]


async def test_an_answer_to_a_schema_comes_by_a_tool_and_is_told_as_text(tmp_path: Path) -> None:
    async with Upstream(CALLS) as upstream:
        answered = await through(tmp_path, upstream, CHAT, ask(response_format=FORMAT))
        assert sent(upstream)["tool_choice"]["function"]["name"] == ANSWER
        (choice,) = answered.json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == ('{"city": "Paris"}', "stop")
        assert "response_format" in answered.headers["x-tollbridge-caveats"]


@pytest.mark.usefixtures("no_keys_here")
async def test_the_sdk_says_the_same_by_its_parameters() -> None:
    hi = [{"role": "user", "content": "hi"}]
    async with Upstream(CALLS) as upstream:
        place: dict[str, Any] = {
            "model": "groq/llama-3.3-70b",
            "messages": hi,
            "api_base": f"http://127.0.0.1:{upstream.port}",
            "api_key": "k",
        }
        await acompletion(
            **place,
            tools=[TOOL],
            logit_bias={"1": 2},
            seed=1,
            additional_drop_params=["tools[*].function.strict", "seed"],
            allowed_openai_params=["logit_bias"],
        )
        body = sent(upstream)
        assert "strict" not in body["tools"][0]["function"]
        assert "seed" not in body
        assert body["logit_bias"] == {"1": 2}
        with pytest.raises(UnsupportedParamsError, match="logit_bias"):
            await acompletion(**place, logit_bias={"1": 2}, drop_params=False)
        response = await acompletion(**place, response_format=Place)
        assert Place.model_validate_json(response.choices[0].message.content or "") == Place(city="Paris")
        await acompletion(**(place | {"model": "zai/glm-4.6"}), reasoning_effort="high")
        assert sent(upstream)["thinking"] == {"type": "enabled"}


@pytest.fixture
def no_keys_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))


async def test_a_client_that_offers_functions_is_called_in_its_words_by_a_model_of_another_format(
    tmp_path: Path,
) -> None:
    """The openai SDK, whole and streamed, through the gateway to a server of Anthropic's format."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}}
    said = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [use]}
    said |= {"stop_reason": "tool_use", "usage": {"input_tokens": 3, "output_tokens": 4}}
    whole = answer(json.dumps(said).encode(), "content-type: application/json", status="200 OK")
    empty = {**said, "content": [], "stop_reason": None}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": empty},
        {"type": "content_block_start", "index": 0, "content_block": {**use, "input": {}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"at":'}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '"sky"}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]
    lines = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)
    functions: Any = [{"name": "look", "parameters": {"type": "object", "properties": {}}}]

    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            peer.send(stream(lines) if b'"stream":true' in asked else whole)

    async with Upstream(script) as upstream:
        own = {"model": "anthropic/claude-sonnet-4-5", "api_base": f"http://127.0.0.1:{upstream.port}", "api_key": "k"}
        async with served(configuration({"model_name": "m", "litellm_params": own}), tmp_path) as gateway:
            async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0) as client:
                create = client.chat.completions.create
                told = await create(model="m", messages=[{"role": "user", "content": "Look."}], functions=functions)
                chunks = await create(
                    model="m", messages=[{"role": "user", "content": "Look."}], functions=functions, stream=True
                )
                choices = [chunk.choices[0] async for chunk in chunks]
    call = told.choices[0].message.function_call
    assert call is not None
    assert (call.name, json.loads(call.arguments), told.choices[0].finish_reason) == (
        "look",
        {"at": "sky"},
        "function_call",
    )
    pieces = [one.delta.function_call for one in choices if one.delta.function_call]
    assert "".join(piece.name or "" for piece in pieces) == "look"
    assert json.loads("".join(piece.arguments or "" for piece in pieces)) == {"at": "sky"}
    assert choices[-1].finish_reason == "function_call"
    assert sent(upstream)["tools"][0]["name"] == "look"


@pytest.mark.parametrize(("model", "mended"), [("mistral/m", True), ("openrouter/m", True), ("groq/m", False)])
async def test_what_the_sdk_of_openai_breaks_over_is_mended_for_the_vendors_that_leave_it_out(
    tmp_path: Path, model: str, mended: bool
) -> None:
    call = {"id": "abcdefghi", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    said = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = {**said, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": usage}
    chunk = {**said, "choices": [{"index": 0, "delta": message, "finish_reason": "tool_calls"}], "usage": usage}
    lines = b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(chunk).encode()

    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            body = json.dumps(whole).encode()
            kind = "content-type: application/json"
            peer.send(stream(lines) if b'"stream":true' in asked else answer(body, kind, status="200 OK"))

    async with Upstream(script) as upstream:
        told = await through(tmp_path, upstream, CHAT, ask(), model)
        streamed = await through(tmp_path, upstream, CHAT, ask(stream=True), model)
    [read] = told.json()["choices"][0]["message"]["tool_calls"]
    assert read == ({**call, "type": "function"} if mended else call)
    first = json.loads(streamed.events()[0][1])
    [read] = first["choices"][0]["delta"]["tool_calls"]
    assert read == ({**call, "type": "function", "index": 0} if mended else call)


async def test_what_nothing_comes_of_stays_here_and_is_told(tmp_path: Path) -> None:
    own = {"no-log": True, "vector_store_ids": ["v"], "ensure_alternating_roles": True}
    async with Upstream(HELLO) as upstream:
        answered = await through(tmp_path, upstream, CHAT, ask(**own))
        assert answered.status == 200
        assert not set(own) & set(sent(upstream))
        told = answered.headers["x-tollbridge-caveats"]
        assert all(f"ignored_param $.{name}" in told for name in own)
    async with Upstream(HELLO) as upstream:
        refused = await through(tmp_path, upstream, CHAT, ask(**own), headers={"x-tollbridge-strict": "true"})
        assert (refused.status, upstream.requests) == (400, [])


async def test_what_stands_in_extra_body_is_sent_as_if_it_stood_outside(tmp_path: Path) -> None:
    async with Upstream(HELLO) as upstream:
        await through(tmp_path, upstream, CHAT, ask(extra_body={"top_k": 5}), model="openrouter/x/y")
        assert (sent(upstream).get("top_k"), "extra_body" in sent(upstream)) == (5, False)
    async with Upstream(HELLO) as upstream:
        answered = await through(tmp_path, upstream, MESSAGES, ask(timeout=9, extra_body={"top_k": 5}))
        assert "extra_body" not in answered.headers.get("x-tollbridge-caveats", "")
        assert not {"timeout", "extra_body"} & set(sent(upstream))
