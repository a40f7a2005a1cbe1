"""The second turn: clients bring back what they were given, and the provider gets its own words, calls and signatures
as it sent them. The first answer is a recording; what the second request said upstream is compared with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from tests.clients import said, telling
from tests.clients.asked import CHAT_MESSAGES, CHAT_TOOLS, MESSAGES, MESSAGES_TOOLS, QUESTION, SYSTEM
from tests.clients.running import KEY, Upstream
from tests.clients.test_langchain import MODELS, Make

RESULT = "Rain, 7 degrees."
WAYS = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
# OpenRouter: Claude's signed thinking with a call, OpenAI's encrypted reasoning, Claude's signed thinking.
DETAILED = (
    "openrouter-chat_completions-124a00e1ef06",
    "openrouter-chat_completions-5b334a09c182",
    "openrouter-chat_completions-345bea0b7073",
)


@pytest.fixture(scope="module")
def chat(gateway: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def claude(gateway: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway, api_key=KEY, max_retries=0) as client:
        yield client


def ask_chat(client: openai.OpenAI, id: str, messages: list[Any], streamed: bool) -> Any:
    if not streamed:
        return client.chat.completions.create(model=id, messages=messages, tools=CHAT_TOOLS).choices[0].message
    with client.chat.completions.stream(model=id, messages=messages, tools=CHAT_TOOLS) as stream:
        return stream.get_final_completion().choices[0].message


def ask_claude(client: anthropic.Anthropic, id: str, messages: list[Any], streamed: bool) -> Any:
    asked: dict[str, Any] = {"model": id, "messages": messages, "tools": MESSAGES_TOOLS, "max_tokens": 1000}
    if not streamed:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


def chat_turns(message: Any) -> list[Any]:
    """The conversation with this answer, as the SDK holds it, and a result for each of its calls."""
    results = [{"role": "tool", "tool_call_id": call.id, "content": RESULT} for call in message.tool_calls or ()]
    return [*CHAT_MESSAGES, message, *(results or [{"role": "user", "content": "Go on."}])]


def claude_turns(message: Any) -> list[Any]:
    calls = [block for block in message.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]
    return [
        *MESSAGES,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results or "Go on."},
    ]


def recorded_blocks(id: str) -> list[dict[str, Any]]:
    """Thinking, text and calls of a recorded Messages answer, put together by Anthropic's own SDK where streamed."""
    recorded = said.recording(id)
    if recorded.get("stream_format") is None:
        return [block for block in recorded["response_body"]["content"] if block["type"] != "text" or block["text"]]
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, str] = {}
    for event in said.events(recorded["response_text"]):
        if event["type"] == "content_block_start":
            blocks[event["index"]] = dict(event["content_block"])
        elif event["type"] == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            for key in ("text", "thinking", "signature"):
                if key in delta:
                    block[key] = block.get(key, "") + delta[key]
            arguments[event["index"]] = arguments.get(event["index"], "") + delta.get("partial_json", "")
    for index, block in blocks.items():
        if block["type"] == "tool_use":
            block["input"] = json.loads(arguments[index] or "{}")
    return list(blocks.values())


def plain(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the fields that answers have and requests need not."""
    known = {"type", "thinking", "signature", "text", "id", "name", "input", "data"}
    return [{key: value for key, value in block.items() if key in known} for block in blocks]


@WAYS
def test_claude_gets_its_signed_thinking_and_its_calls_back_from_the_openai_sdk(
    chat: openai.OpenAI, replay: Upstream, streamed: bool
) -> None:
    id = telling.one("anthropic", "thinking", "tool_calls", stream=streamed)
    message = ask_chat(chat, id, CHAT_MESSAGES, streamed)
    replay.forget()
    ask_chat(chat, id, chat_turns(message), streamed)
    question, answer, result = replay.last()["body"]["messages"]
    assert question["role"] == "user"
    blocks = recorded_blocks(id)
    assert blocks[0]["signature"]
    assert answer == {"role": "assistant", "content": plain(blocks)}
    calls = [block for block in blocks if block["type"] == "tool_use"]
    assert [(block["type"], block["tool_use_id"]) for block in result["content"]] == [
        ("tool_result", call["id"]) for call in calls
    ]
    assert all(RESULT in json.dumps(block["content"]) for block in result["content"])


@WAYS
def test_claude_gets_its_blocks_back_from_the_anthropic_sdk(
    claude: anthropic.Anthropic, replay: Upstream, streamed: bool
) -> None:
    id = telling.one("anthropic", "thinking", "tool_calls", stream=streamed)
    message = ask_claude(claude, id, MESSAGES, streamed)
    replay.forget()
    ask_claude(claude, id, claude_turns(message), streamed)
    assert plain(replay.last()["body"]["messages"][1]["content"]) == plain(recorded_blocks(id))


@WAYS
@pytest.mark.parametrize("provider", ["openai", "azure", "groq", "mistral", "deepseek", "openrouter"])
def test_a_chat_vendor_gets_its_calls_and_their_results_from_the_anthropic_sdk(
    claude: anthropic.Anthropic, replay: Upstream, provider: str, streamed: bool
) -> None:
    id = telling.one(provider, "tool_calls", stream=streamed)
    message = ask_claude(claude, id, MESSAGES, streamed)
    replay.forget()
    ask_claude(claude, id, claude_turns(message), streamed)
    question, answer, *results = replay.last()["body"]["messages"]
    assert QUESTION in json.dumps(question)
    calls = [(call["function"]["name"], said.parsed(call["function"]["arguments"])) for call in answer["tool_calls"]]
    recorded = said.of(said.recording(id))
    assert calls == recorded.calls
    assert (answer.get("content") or "") == recorded.text
    assert [(turn["role"], turn["tool_call_id"]) for turn in results] == [
        ("tool", call["id"]) for call in answer["tool_calls"]
    ]
    assert all(RESULT in json.dumps(turn["content"]) for turn in results)
    source = said.recording(id)
    shown = source.get("response_text") or json.dumps(source["response_body"])
    assert all(call["id"] in shown for call in answer["tool_calls"])


@WAYS
def test_deepseek_gets_its_reasoning_back_with_its_calls_from_the_anthropic_sdk(
    claude: anthropic.Anthropic, replay: Upstream, streamed: bool
) -> None:
    id = telling.one("deepseek", "thinking", "tool_calls", stream=streamed)
    message = ask_claude(claude, id, MESSAGES, streamed)
    replay.forget()
    ask_claude(claude, id, claude_turns(message), streamed)
    assert replay.last()["body"]["messages"][1]["reasoning_content"] == said.of(said.recording(id)).thinking


@pytest.mark.parametrize("id", DETAILED)
def test_openrouters_reasoning_details_survive_an_anthropic_clients_turn(
    claude: anthropic.Anthropic, replay: Upstream, id: str
) -> None:
    streamed = said.recording(id).get("stream_format") is not None
    message = ask_claude(claude, id, MESSAGES, streamed)
    replay.forget()
    ask_claude(claude, id, claude_turns(message), streamed)
    sent = replay.last()["body"]["messages"][1]["reasoning_details"]
    assert secrets_of(sent) == secrets_of(recorded_details(id))


def test_a_seal_goes_to_nobody_else(claude: anthropic.Anthropic, replay: Upstream) -> None:
    message = ask_claude(claude, DETAILED[0], MESSAGES, streamed=True)
    replay.forget()
    ask_claude(claude, telling.one("anthropic", "tool_calls", stream=False), claude_turns(message), streamed=False)
    shown = json.dumps(replay.last()["body"])
    assert "tb1." not in shown
    assert secrets_of(recorded_details(DETAILED[0]))[0][1] not in shown


def recorded_details(id: str) -> list[dict[str, Any]]:
    recorded = said.recording(id)
    if recorded.get("stream_format") is None:
        found: list[dict[str, Any]] = recorded["response_body"]["choices"][0]["message"]["reasoning_details"]
        return found
    choices = [choice for chunk in said.events(recorded["response_text"]) for choice in chunk["choices"]]
    return [detail for choice in choices for detail in choice["delta"].get("reasoning_details") or ()]


def secrets_of(details: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What only its maker can read."""
    return [(key, detail[key]) for detail in details for key in ("signature", "data") if detail.get(key)]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("provider", ["openai", "anthropic", "mistral", "deepseek"])
def test_langchain_brings_results_to_their_calls(make: Make, provider: str, gateway: str, replay: Upstream) -> None:
    id = telling.one(provider, "tool_calls", stream=False)
    model = make(gateway, id).bind_tools(CHAT_TOOLS)
    history: list[BaseMessage] = [SystemMessage(SYSTEM), HumanMessage(QUESTION)]
    answer = model.invoke(history)
    assert isinstance(answer, AIMessage)
    replay.forget()
    results = [ToolMessage(RESULT, tool_call_id=call["id"]) for call in answer.tool_calls]
    model.invoke([*history, answer, *results])
    body = replay.last()["body"]
    shown = json.dumps(body["messages"])
    assert shown.count(RESULT) == len(results)
    recorded = said.of(said.recording(id))
    if provider == "anthropic":
        blocks = body["messages"][-2]["content"]
        calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    else:
        turn = next(turn for turn in body["messages"] if turn["role"] == "assistant")
        calls = [(call["function"]["name"], said.parsed(call["function"]["arguments"])) for call in turn["tool_calls"]]
    assert calls == recorded.calls
