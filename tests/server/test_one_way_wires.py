"""Cohere and Ollama behind the gateway: each dialect of a client, whole and streamed, with tools; what is sent there,
what comes back, and what it costs. Recorded answers come from a process of their own, cut in awkward places."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.replay import Replay, replaying
from tests.server.faults import configuration
from tests.server.served import Answered, Served, served
from tests.transport.upstream import CHUNKED_HEAD, Peer, Script, Upstream, answer, chunked

COHERE_CALL = "cohere-v2_chat-078bc4590709"
COHERE_CALL_STREAM = "cohere-v2_chat-0ae3ff0a05ea"
COHERE_CITED = "cohere-v2_chat-efc08ccf6f13"
COHERE_CITED_STREAM = "cohere-v2_chat-75c0656c38f6"
COHERE_TOO_LONG = "cohere-v2_chat-adea36791314"
OLLAMA_CALL = "ollama-api_chat-10b469a424f5"
OLLAMA_STREAM = "ollama-api_chat-cc18ce721ff2"
OLLAMA_404 = "ollama-api_chat-5454012a2240"

MODELS = {
    COHERE_CALL: "cohere/command-r7b-12-2024",
    COHERE_CALL_STREAM: "cohere_chat/command-a-03-2025",
    COHERE_CITED: "cohere/command-a-plus-05-2026",
    COHERE_CITED_STREAM: "cohere/command-a-plus-05-2026",
    COHERE_TOO_LONG: "cohere/command-a-03-2025",
    OLLAMA_CALL: "ollama/qwen3.6:latest",
    OLLAMA_STREAM: "ollama_chat/llama3.1",
    OLLAMA_404: "ollama/nobody",
}

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
DIALECTS = ("chat", "messages", "responses", "gemini")


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with replaying() as found:
        yield found


@pytest.fixture
async def gateway(replay: Replay, tmp_path: Path) -> AsyncIterator[Served]:
    entries = []
    for id, model in MODELS.items():
        params = {"model": model, "api_base": replay.base(id), "api_key": "k-1", "max_retries": 0}
        entries.append({"model_name": id, "litellm_params": params})
    replay.captures()
    async with served(configuration(*entries), tmp_path) as found:
        yield found


async def ask(gateway: Served, dialect: str, model: str, *, stream: bool = False, tools: bool = True) -> Answered:
    """What is the weather, with a tool for it, in a client's dialect."""
    words = "Weather in Oslo?"
    function = {"name": "weather", "description": "Of a city", "parameters": SCHEMA}
    said: dict[str, Any]
    match dialect:
        case "chat":
            path, said = "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": words}]}
            said |= {"stream": stream, "stream_options": {"include_usage": True}} if stream else {}
            offered: list[Any] = [{"type": "function", "function": function}]
        case "messages":
            path, said = "/v1/messages", {"model": model, "messages": [{"role": "user", "content": words}]}
            said |= {"max_tokens": 64, "stream": stream}
            offered = [{"name": "weather", "description": "Of a city", "input_schema": SCHEMA}]
        case "responses":
            path, said = "/v1/responses", {"model": model, "input": words, "stream": stream, "store": False}
            offered = [{"type": "function", **function}]
        case _:
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            path = f"/v1beta/models/{model}:{verb}"
            said = {"contents": [{"role": "user", "parts": [{"text": words}]}]}
            offered = [{"functionDeclarations": [function]}]
    return await gateway.post(path, said | ({"tools": offered} if tools else {}))


def chunks(answered: Answered) -> list[Any]:
    """The body, or each event of a stream."""
    if answered.headers["content-type"] == "application/json":
        return [answered.json()]
    return [json.loads(data) for _, data in answered.events() if data != "[DONE]"]


def calls_in(dialect: str, answered: Answered) -> list[tuple[str, Any]]:
    """(name, arguments) of each call, whole or put together."""
    found: dict[Any, tuple[str, str]] = {}
    for body in chunks(answered):
        for key, name, arguments in _calls(dialect, body):
            known = found.get(key, ("", ""))
            found[key] = (name or known[0], known[1] + arguments)
    return [(name, json.loads(arguments or "{}")) for name, arguments in found.values()]


def _calls(dialect: str, body: Any) -> Iterator[tuple[Any, str, str]]:
    match dialect:
        case "chat":
            for choice in body["choices"]:
                said = choice.get("message") or choice.get("delta")
                for index, call in enumerate(said.get("tool_calls") or ()):
                    function = call["function"]
                    yield call.get("index", index), function.get("name") or "", function.get("arguments") or ""
        case "messages":
            for index, block in enumerate(body.get("content") or ()):
                if block["type"] == "tool_use":
                    yield index, block["name"], json.dumps(block["input"])
            if body["type"] == "content_block_start" and body["content_block"]["type"] == "tool_use":
                yield body["index"], body["content_block"]["name"], ""
            if body["type"] == "content_block_delta" and body["delta"]["type"] == "input_json_delta":
                yield body["index"], "", body["delta"]["partial_json"]
        case "responses":
            items = body.get("output") or ([body["item"]] if body.get("type") == "response.output_item.done" else [])
            for item in items:
                if item["type"] == "function_call":
                    yield item["call_id"], item["name"], item["arguments"]
        case _:
            for place, part in enumerate(body["candidates"][0].get("content", {}).get("parts") or ()):
                if "functionCall" in part:
                    yield (id(body), place), part["functionCall"]["name"], json.dumps(part["functionCall"]["args"])


def ended_in_calls(dialect: str, answered: Answered) -> bool:
    told = answered.body.decode()
    word = {"chat": '"finish_reason":"tool_calls"', "messages": '"stop_reason":"tool_use"'}.get(dialect)
    return word is None or word in told.replace(" ", "")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_cohere_calls_a_tool_for_every_dialect(
    gateway: Served, replay: Replay, dialect: str, stream: bool
) -> None:
    id = COHERE_CALL_STREAM if stream else COHERE_CALL
    answered = await ask(gateway, dialect, id, stream=stream)
    assert answered.status == 200, answered.body
    expected = ("best_language_to_learn", {}) if stream else ("get_weather", {"city": "Paris"})
    assert calls_in(dialect, answered) == [expected]
    assert ended_in_calls(dialect, answered)
    words = "I will use the best" if stream else "I will use one or more"
    assert words.split()[-1] in answered.body.decode()
    (sent,) = replay.captures()
    assert sent["path"].endswith("/v2/chat")
    assert sent["body"]["tools"] == [
        {"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": SCHEMA}}
    ]
    assert sent["body"]["stream"] is stream
    assert [message["role"] for message in sent["body"]["messages"]] == ["user"]
    record = gateway.records[-1]
    counts = (1476, 58, 1376) if stream else (1452, 33, 144)
    assert record.tokens == dict(zip(("input", "output", "cache_read"), counts, strict=True))
    assert not record.estimated


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_ollama_calls_a_tool_for_every_dialect(gateway: Served, replay: Replay, dialect: str) -> None:
    answered = await ask(gateway, dialect, OLLAMA_CALL)
    assert calls_in(dialect, answered) == [("get_current_weather", {"city": "Paris"})]
    assert ended_in_calls(dialect, answered)
    assert "Identify User Intent" in answered.body.decode()
    (sent,) = replay.captures()
    assert sent["path"].endswith("/api/chat")
    assert sent["body"]["tools"][0]["function"]["name"] == "weather"
    record = gateway.records[-1]
    assert (record.tokens, record.cost_nanousd, record.priced) == ({"input": 292, "output": 143}, 0, "local")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_ollamas_lines_reach_every_dialect_as_a_stream(gateway: Served, dialect: str) -> None:
    answered = await ask(gateway, dialect, OLLAMA_STREAM, stream=True, tools=False)
    assert answered.headers["content-type"].startswith("text/event-stream")
    assert len(answered.events()) > 20
    assert "instrumentation" in answered.body.decode()
    assert gateway.records[-1].tokens == {"input": 17, "output": 50}
    assert not gateway.records[-1].estimated


async def test_citations_are_annotations_whole_and_streamed(gateway: Served) -> None:
    whole = (await ask(gateway, "chat", COHERE_CITED, tools=False)).json()["choices"][0]["message"]
    assert [one["url_citation"]["title"] for one in whole["annotations"]] == ["facts.txt"] * 3
    streamed = chunks(await ask(gateway, "chat", COHERE_CITED_STREAM, stream=True, tools=False))
    told = [one for chunk in streamed for choice in chunk["choices"] for one in choice["delta"].get("annotations", ())]
    assert [(one["url_citation"]["start_index"], one["url_citation"]["end_index"]) for one in told] == [
        (49, 67),
        (73, 78),
    ]


async def test_citations_go_home_with_the_next_request(gateway: Served, replay: Replay) -> None:
    said = (await ask(gateway, "chat", COHERE_CITED, tools=False)).json()["choices"][0]["message"]
    replay.captures()
    messages = [{"role": "user", "content": "Who?"}, said, {"role": "user", "content": "Sure?"}]
    assert (await gateway.post("/v1/chat/completions", {"model": COHERE_CITED, "messages": messages})).status == 200
    (sent,) = replay.captures()
    back = sent["body"]["messages"][1]
    assert [block["type"] for block in back["content"]] == ["thinking", "text"]
    assert [(one["start"], one["content_index"]) for one in back["citations"]] == [(47, 1), (69, 1), (100, 1)]


async def test_what_cohere_bills_is_what_it_costs(gateway: Served) -> None:
    """33 tokens at 0.0375 dollars a million and 22 at 0.15, though it read 1,452 and wrote 33."""
    await ask(gateway, "chat", COHERE_CALL)
    record = gateway.records[-1]
    assert record.cost_nanousd == (33 * 37_500_000 + 22 * 150_000_000 + 500_000) // 1_000_000
    assert record.bill == {"billed_input": 33, "billed_output": 22}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_errors_keep_their_meaning_in_every_dialect(gateway: Served, dialect: str) -> None:
    long = await ask(gateway, dialect, COHERE_TOO_LONG)
    assert long.status == 400
    assert "too many tokens" in long.body.decode()
    assert gateway.records[-1].error_class == "ContextWindowExceededError"
    absent = await ask(gateway, dialect, OLLAMA_404)
    assert absent.status == 404
    assert "not found" in absent.body.decode()


# Scripted servers: what no recording holds


def lines(*said: dict[str, Any]) -> list[bytes]:
    own = {"model": "m", "created_at": "2026-08-07T06:08:07Z", "message": {"content": ""}, "done": False}
    return [json.dumps({**own, **one}).encode() + b"\n" for one in said]


def telling(*pieces: bytes) -> Script:
    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(CHUNKED_HEAD, chunked(*pieces), b"0\r\n\r\n")

    return script


def answering(body: dict[str, Any]) -> Script:
    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(json.dumps(body).encode(), "content-type: application/json"))

    return script


def local(port: int, model: str = "ollama/m", **info: Any) -> str:
    params = {"model": model, "api_base": f"http://127.0.0.1:{port}", "max_retries": 0}
    return configuration({"model_name": "m", "litellm_params": params, "model_info": info})


def sent_to(upstream: Upstream) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream.requests[-1].partition(b"\r\n\r\n")[2])
    return body


DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 30, "eval_count": 9}
CALLED = {"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_call_in_ollamas_stream_reaches_every_dialect(dialect: str, tmp_path: Path) -> None:
    pieces = lines({"message": {"thinking": "Look."}}, {"message": CALLED}, DONE)
    async with Upstream(telling(*pieces)) as upstream, served(local(upstream.port), tmp_path) as gateway:
        answered = await ask(gateway, dialect, "m", stream=True)
    assert calls_in(dialect, answered) == [("weather", {"city": "Oslo"})]
    assert ended_in_calls(dialect, answered)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_error_in_ollamas_stream_breaks_it_off(dialect: str, tmp_path: Path) -> None:
    pieces = (*lines({"message": {"content": "Well, "}}), b'{"error":"model runner has crashed"}\n')
    async with Upstream(telling(*pieces)) as upstream, served(local(upstream.port), tmp_path) as gateway:
        answered = await ask(gateway, dialect, "m", stream=True, tools=False)
        assert answered.status == 200
        assert "model runner has crashed" in answered.body.decode()
        assert gateway.records[-1].error_class == "BadGatewayError"


async def test_an_error_that_begins_ollamas_stream_is_an_answer_of_its_own(tmp_path: Path) -> None:
    script = telling(b'{"error":"server busy, please try again.  maximum pending requests exceeded"}\n')
    async with Upstream(script) as upstream, served(local(upstream.port), tmp_path) as gateway:
        answered = await ask(gateway, "chat", "m", stream=True, tools=False)
        assert answered.status == 529
        assert "server busy" in answered.json()["error"]["message"]


async def test_a_stream_of_ollamas_without_its_end_is_no_success(tmp_path: Path) -> None:
    script = telling(*lines({"message": {"content": "Well, "}}))
    async with Upstream(script) as upstream, served(local(upstream.port), tmp_path) as gateway:
        answered = await ask(gateway, "chat", "m", stream=True, tools=False)
        assert "[DONE]" not in answered.body.decode()
        assert gateway.records[-1].error_class == "Truncated"
        assert gateway.records[-1].estimated


async def test_an_operators_options_reach_ollama(tmp_path: Path) -> None:
    async with Upstream(answering({**DONE, "message": {"content": "Hi."}})) as upstream:
        text = local(upstream.port).replace('"max_retries"', '"num_ctx": 8192, "keep_alive": "10m", "max_retries"')
        async with served(text, tmp_path) as gateway:
            said = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            await gateway.post("/v1/chat/completions", {**said, "temperature": 0, "repeat_penalty": 1.1})
    sent = sent_to(upstream)
    assert sent["options"] == {"num_ctx": 8192, "temperature": 0, "repeat_penalty": 1.1}
    assert sent["keep_alive"] == "10m"


# Models without tools

IN_TEXT = 'I look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_model_without_tools_calls_them_in_every_dialect(dialect: str, stream: bool, tmp_path: Path) -> None:
    cut = [IN_TEXT[at : at + 5] for at in range(0, len(IN_TEXT), 5)]
    script = telling(*lines(*({"message": {"content": piece}} for piece in cut), DONE))
    if not stream:
        script = answering({**DONE, "message": {"role": "assistant", "content": IN_TEXT}})
    async with Upstream(script) as upstream, served(local(upstream.port, "ollama/llama2"), tmp_path) as gateway:
        answered = await ask(gateway, dialect, "m", stream=stream)
        assert calls_in(dialect, answered) == [("weather", {"city": "Oslo"})]
        assert ended_in_calls(dialect, answered)
        assert "I loo" in answered.body.decode()
        assert "<tool_call>" not in answered.body.decode()
        assert "approximated $.tools" in answered.headers["x-tollbridge-caveats"]
        assert (gateway.records[-1].tokens, gateway.records[-1].estimated) == ({"input": 30, "output": 9}, False)
    sent = sent_to(upstream)
    assert "tools" not in sent
    assert sent["options"]["stop"] == ["<tool_result"]
    assert [message["role"] for message in sent["messages"]] == ["system", "user"]
    assert '"name":"weather"' in sent["messages"][0]["content"]


async def test_calls_and_results_of_a_model_without_tools_go_back_as_text(tmp_path: Path) -> None:
    script = answering({**DONE, "message": {"role": "assistant", "content": "It is 5 degrees."}})
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
    messages = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "5"},
    ]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    async with Upstream(script) as upstream, served(local(upstream.port, "ollama/llama2"), tmp_path) as gateway:
        answered = await gateway.post("/v1/chat/completions", {"model": "m", "messages": messages, "tools": tools})
        choice = answered.json()["choices"][0]
        assert (choice["message"]["content"], choice["finish_reason"]) == ("It is 5 degrees.", "stop")
    _, asked, called, result = sent_to(upstream)["messages"]
    assert asked["content"] == "Weather?"
    assert called == {
        "role": "assistant",
        "content": '<tool_call>\n{"name":"weather","arguments":{"city":"Oslo"}}\n</tool_call>',
    }
    assert result == {"role": "user", "content": '<tool_result name="weather">\n5\n</tool_result>'}


async def test_strict_refuses_tools_that_would_be_put_into_words(tmp_path: Path) -> None:
    async with Upstream(answering(DONE)) as upstream:
        config = json.loads(local(upstream.port, "ollama/llama2")) | {"general_settings": {"strict": True}}
        async with served(json.dumps(config), tmp_path) as gateway:
            refused = await ask(gateway, "chat", "m")
            assert refused.status == 400
            assert "offered in the prompt" in refused.json()["error"]["message"]
        assert upstream.requests == []


async def test_the_operator_knows_better_whether_a_model_calls_tools(tmp_path: Path) -> None:
    for model, calls in (("ollama/llama2", True), ("ollama/qwen3", False)):
        async with Upstream(answering({**DONE, "message": {"content": "Hi."}})) as upstream:
            text = local(upstream.port, model, supports_function_calling=calls)
            async with served(text, tmp_path) as gateway:
                assert (await ask(gateway, "chat", "m")).status == 200
            assert ("tools" in sent_to(upstream)) is calls


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_server_of_the_clients_own_format_without_tools_is_not_relayed(stream: bool, tmp_path: Path) -> None:
    def chunk(**delta: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": delta.pop("end", None)}
        said = {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        return b"data: " + json.dumps(said).encode() + b"\n\n"

    cut = [chunk(content=IN_TEXT[at : at + 7]) for at in range(0, len(IN_TEXT), 7)]
    script = telling(*cut, chunk(end="stop"), b"data: [DONE]\n\n")
    if not stream:
        message = {"role": "assistant", "content": IN_TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        script = answering({"id": "r", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
    async with Upstream(script) as upstream:
        config = json.loads(local(upstream.port, "mine/m"))
        base = f"http://127.0.0.1:{upstream.port}/v1"
        config["providers"] = [{"name": "mine", "base_url": base, "lacks": ["tools"], "needs_key": False}]
        del config["model_list"][0]["litellm_params"]["api_base"]
        async with served(json.dumps(config), tmp_path) as gateway:
            answered = await ask(gateway, "chat", "m", stream=stream)
            assert calls_in("chat", answered) == [("weather", {"city": "Oslo"})]
            plain = await ask(gateway, "chat", "m", stream=stream, tools=False)
            assert "<tool_" in plain.body.decode()  # relayed: nobody asked for calls
    first = json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2])
    assert "tools" not in first
    assert first["messages"][0]["role"] == "system"
