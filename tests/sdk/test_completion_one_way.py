"""`completion` with Cohere and Ollama, which are spoken to in formats of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sdk.replay import Replay
from tollbridge import acompletion, completion, completion_cost, stream_chunk_builder
from tollbridge.errors import ContextWindowExceededError, NotFoundError, UnsupportedParamsError

ASK = [{"role": "user", "content": "Hi"}]
TOOLS = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object", "properties": {}}}}]
CALL = "cohere-v2_chat-078bc4590709"
CALL_STREAM = "cohere-v2_chat-0ae3ff0a05ea"
TOO_LONG = "cohere-v2_chat-adea36791314"
LOCAL_CALL = "ollama-api_chat-10b469a424f5"
LOCAL_STREAM = "ollama-api_chat-cc18ce721ff2"
LOCAL_404 = "ollama-api_chat-5454012a2240"

pytestmark = pytest.mark.usefixtures("no_keys")


def cohere(replay: Replay, id: str, model: str = "command-r7b-12-2024") -> dict[str, Any]:
    return {"model": f"cohere_chat/{model}", "api_base": replay.base(id), "api_key": "k"}


def test_a_call_of_coheres_comes_with_its_plan_and_costs_what_is_billed(replay: Replay) -> None:
    response = completion(messages=ASK, tools=TOOLS, tool_choice="required", documents=["d"], **cohere(replay, CALL))
    message = response.choices[0].message
    assert response.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls[0].function.name == "get_weather"
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Paris"}
    assert message.reasoning_content == "I will use one or more of the available tools to find the answer"
    assert response.usage.prompt_tokens == 1452
    assert response.usage.prompt_tokens_details.cached_tokens == 144
    assert response._hidden_params["response_cost"] == 4.538e-06
    assert completion_cost(completion_response=response) == 4.538e-06
    (sent,) = replay.captures()
    assert (sent["body"]["tool_choice"], sent["body"]["documents"]) == ("REQUIRED", ["d"])


async def test_a_stream_of_coheres_adds_up(replay: Replay) -> None:
    options = {"include_usage": True}
    stream = await acompletion(
        messages=ASK,
        tools=TOOLS,
        stream=True,
        stream_options=options,
        **cohere(replay, CALL_STREAM, "command-a-03-2025"),
    )
    whole = stream_chunk_builder([chunk async for chunk in stream])
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls[0].function.name == "best_language_to_learn"
    assert whole.choices[0].message.reasoning_content.endswith("tool to find the best language to learn.")
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (1476, 58)


def test_the_plan_goes_back_with_the_next_turn(replay: Replay) -> None:
    message = completion(messages=ASK, tools=TOOLS, **cohere(replay, CALL)).choices[0].message
    replay.captures()
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "Sunny"}
    completion(messages=[*ASK, message, result], tools=TOOLS, **cohere(replay, CALL))
    (sent,) = replay.captures()
    assert sent["body"]["messages"][1:] == [
        {
            "role": "assistant",
            "tool_plan": "I will use one or more of the available tools to find the answer",
            "tool_calls": [
                {
                    "id": "get_weather_3p2j6ce4gxxx",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "get_weather_3p2j6ce4gxxx", "content": "Sunny"},
    ]


def test_errors_have_their_classes(replay: Replay) -> None:
    with pytest.raises(ContextWindowExceededError, match="too many tokens"):
        completion(messages=ASK, **cohere(replay, TOO_LONG))
    with pytest.raises(NotFoundError, match="not found"):
        completion("ollama/nobody", ASK, api_base=replay.base(LOCAL_404))


def test_a_local_model_is_told_its_options_and_costs_nothing(replay: Replay) -> None:
    base = replay.base(LOCAL_CALL)
    response = completion(
        "ollama/qwen3.6:latest", ASK, tools=TOOLS, api_base=base, num_ctx=4096, reasoning_effort="none", max_tokens=9
    )
    assert response.choices[0].message.tool_calls[0].id == "call_gsiiy8py"
    assert response.choices[0].message.reasoning_content.startswith("Thinking Process:")
    assert response._hidden_params["response_cost"] == 0.0
    (sent,) = replay.captures()
    assert sent["path"].endswith("/api/chat")
    assert sent["body"]["options"] == {"num_predict": 9, "num_ctx": 4096}
    assert sent["body"]["think"] is False


def test_a_local_stream_is_told_line_by_line(replay: Replay) -> None:
    chunks = list(completion("ollama_chat/llama3.1", ASK, api_base=replay.base(LOCAL_STREAM), stream=True))
    assert len(chunks) > 20
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).startswith("Why did the OpenTelemetry")


def test_tools_are_put_into_words_with_a_caveat_or_refused(replay: Replay) -> None:
    base = replay.base("ollama-api_chat-8ee23d9a8ece")
    response = completion("ollama/llama2", ASK, tools=TOOLS, api_base=base)
    assert response.choices[0].message.tool_calls is None
    assert response.choices[0].message.content.startswith("A joke about")
    assert [caveat["where"] for caveat in response._hidden_params["caveats"]] == ["$.tools"]
    (sent,) = replay.captures()
    assert "# Tools" in sent["body"]["messages"][0]["content"]
    with pytest.raises(UnsupportedParamsError, match="offered in the prompt"):
        completion("ollama/llama2", ASK, tools=TOOLS, api_base=base, strict=True)
    assert replay.captures() == []
