"""The google-genai SDK against recordings of Gemini, Vertex, OpenAI and its imitators, and Anthropic: what its objects
hold is what the recording says, and what went upstream is what was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.clients import said, telling
from tests.clients.asked import QUESTION, SCHEMA, SYSTEM, reached
from tests.clients.running import CUT, KEY, Upstream, entries, gemini_entries
from tests.clients.said import Said

GEMINI = (
    ("gemini", "tool_calls"),
    ("gemini", "parallel_tools"),
    ("gemini", "thinking"),
    ("gemini", "server_tools"),
    ("gemini", "citations"),
    ("vertex", "usage_details"),
)
STREAMED = (("gemini", "tool_calls"), ("gemini", "thinking"), ("gemini", "server_tools"), ("vertex", "usage_details"))
WHOLE = [
    *telling.chosen(GEMINI, gemini_entries(), False),
    *telling.chat(stream=False),
    *telling.messages(stream=False),
]
STREAMS = [
    *telling.chosen(STREAMED, gemini_entries(), True),
    *telling.chat(stream=True),
    *telling.messages(stream=True),
]
DECLARED = types.FunctionDeclaration(name="get_weather", description="The weather", parameters_json_schema=SCHEMA)
CONFIG = types.GenerateContentConfig(
    system_instruction=SYSTEM,
    tools=[types.Tool(function_declarations=[DECLARED])],
    max_output_tokens=1000,
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
REFUSED = [entry["id"] for entry in entries() if entry["status"] in (400, 401, 404, 429) and "count" not in entry["id"]]


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[genai.Client]:
    made = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway))
    yield made
    made.close()


def held(chunks: list[types.GenerateContentResponse]) -> Said:
    """What the objects' own parts say."""
    found = Said()
    for chunk in chunks:
        for candidate in chunk.candidates or ():
            if (candidate.index or 0) != 0:
                continue
            for part in (candidate.content.parts if candidate.content else None) or ():
                if part.function_call is not None:
                    found.calls.append((part.function_call.name, part.function_call.args or {}))
                elif part.thought:
                    found.thinking += part.text or ""
                else:
                    found.text += part.text or ""
            if candidate.finish_reason is not None:
                found.end = said.END_WORDS[candidate.finish_reason.value]
        usage = chunk.usage_metadata
        if usage is not None:
            found.input = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
            found.output = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    if found.calls and found.end == "stop":
        found.end = "tool_calls"
    return found


def recorded(id: str) -> Said:
    found = said.of(said.recording(id))
    found.choices = 1
    return found


@pytest.mark.parametrize("id", WHOLE)
def test_an_answer_is_what_was_recorded(client: genai.Client, replay: Upstream, id: str) -> None:
    answer = client.models.generate_content(model=id, contents=QUESTION, config=CONFIG)
    assert held([answer]) == recorded(id)
    body = reached(replay, id, stream=False)
    assert "1000" in json.dumps(body)


@pytest.mark.parametrize("id", STREAMS)
def test_a_stream_is_what_was_recorded(client: genai.Client, replay: Upstream, id: str) -> None:
    chunks = list(client.models.generate_content_stream(model=id, contents=QUESTION, config=CONFIG))
    assert held(chunks) == recorded(id)
    reached(replay, id, stream=True)


@pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")  # of aiohttp, to the SDK
async def test_the_asynchronous_client_gets_the_same(gateway: str) -> None:
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway)).aio
    try:
        for param in WHOLE[::4]:
            id = param.values[0]
            assert held([await client.models.generate_content(model=id, contents=QUESTION)]) == recorded(id)
        for param in STREAMS[::4]:
            id = param.values[0]
            stream = await client.models.generate_content_stream(model=id, contents=QUESTION)
            assert held([chunk async for chunk in stream]) == recorded(id)
    finally:
        await client.aclose()


@pytest.mark.parametrize("id", REFUSED)
def test_a_providers_refusal_is_the_sdks_own_exception(client: genai.Client, id: str) -> None:
    with pytest.raises(errors.ClientError) as raised:
        client.models.generate_content(model=id, contents=QUESTION)
    assert raised.value.code == said.recording(id)["status"]
    assert raised.value.status
    assert raised.value.message


@pytest.mark.parametrize("id", STREAMS[::3])
def test_a_cut_stream_never_looks_whole(client: genai.Client, id: str) -> None:
    """The first event of some is not whole before the cut: then the request fails, and no stream begins."""
    chunks: list[types.GenerateContentResponse] = []
    with pytest.raises(errors.ServerError, match=r"ended before|ended without|closed|broke|incomplete"):
        for chunk in client.models.generate_content_stream(model=id + CUT, contents=QUESTION):
            chunks.append(chunk)
    assert held(chunks).end is None


def turns(answer: types.GenerateContentResponse) -> list[Any]:
    """The conversation with this answer, as the SDK holds it, and a result for each of its calls."""
    assert answer.candidates
    content = answer.candidates[0].content
    assert content is not None
    calls = [part.function_call for part in content.parts or () if part.function_call is not None]
    results = [
        types.Part(
            function_response=types.FunctionResponse(
                id=call.id, name=call.name, response={"output": "Rain, 7 degrees."}
            )
        )
        for call in calls
    ]
    asked = types.Content(role="user", parts=[types.Part(text=QUESTION)])
    return [asked, content, types.Content(role="user", parts=results or [types.Part(text="Go on.")])]


def test_gemini_gets_its_signatures_back(client: genai.Client, replay: Upstream) -> None:
    id = next(
        entry["id"]
        for entry in gemini_entries()
        if entry["status"] == 200 and not entry["stream_format"] and {"tool_calls", "thinking"} <= {*entry["features"]}
    )
    answer = client.models.generate_content(model=id, contents=QUESTION, config=CONFIG)
    replay.forget()
    client.models.generate_content(model=id, contents=turns(answer), config=CONFIG)
    sent = replay.last()["body"]["contents"][1]["parts"]
    came = said.recording(id)["response_body"]["candidates"][0]["content"]["parts"]
    signed = [
        part["thoughtSignature"].translate(str.maketrans("-_", "+/")) for part in sent if "thoughtSignature" in part
    ]
    assert signed
    assert signed == [part["thoughtSignature"] for part in came if "thoughtSignature" in part]


@pytest.mark.parametrize("provider", ["anthropic", "deepseek"])
def test_a_strangers_thinking_comes_home_through_this_sdk(
    client: genai.Client, replay: Upstream, provider: str
) -> None:
    """Anthropic's with its signature; DeepSeek's, which nobody signs, as its own reasoning."""
    id = telling.one(provider, "thinking", "tool_calls", stream=False)
    answer = client.models.generate_content(model=id, contents=QUESTION, config=CONFIG)
    replay.forget()
    client.models.generate_content(model=id, contents=turns(answer), config=CONFIG)
    body = replay.last()["body"]
    if provider == "deepseek":
        assistant = next(turn for turn in body["messages"] if turn["role"] == "assistant")
        assert assistant["reasoning_content"] == recorded(id).thinking
        return
    (thinking,) = [block for block in body["messages"][1]["content"] if block["type"] == "thinking"]
    (came,) = [block for block in said.recording(id)["response_body"]["content"] if block["type"] == "thinking"]
    assert (thinking["thinking"], thinking["signature"]) == (came["thinking"], came["signature"])


def test_the_models_and_their_tokens_are_told(client: genai.Client) -> None:
    listed = {model.name for model in client.models.list()}
    assert "models/mock-chat" in listed
    assert "models/vendor/with/slashes" in listed
    assert client.models.get(model="mock-chat").display_name == "mock-chat"
    counted = client.models.count_tokens(model="mock-chat", contents="How many tokens are these?")
    assert counted.total_tokens is not None
    assert 3 < counted.total_tokens < 30


def test_a_model_with_slashes_stands_in_the_path(client: genai.Client) -> None:
    assert client.models.generate_content(model="vendor/with/slashes", contents="Hi").text
