"""`completion` and `acompletion` without a network: the offline provider and mocked answers."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

import tollbridge
from tollbridge import acompletion, completion
from tollbridge.sdk.desk import DESKS
from tollbridge.sdk.order import read_order

HELLO = [{"role": "user", "content": "Hello there"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

pytestmark = pytest.mark.usefixtures("no_keys")


def test_the_demo_answers_as_openais_sdk_would() -> None:
    response = completion(model="demo/any", messages=HELLO)
    assert isinstance(response, tollbridge.ModelResponse)
    assert response.choices[0].message.content == "This is Tollbridge's offline demo model. You said: Hello there"
    assert response["choices"][0]["finish_reason"] == "stop"
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert json.loads(json.dumps(response, default=str))["object"] == "chat.completion"


async def test_the_async_call_answers_the_same() -> None:
    response = await acompletion(model="demo/any", messages=HELLO)
    assert response.choices[0].message.content == completion("demo/any", HELLO).choices[0].message.content


async def test_a_stream_tells_what_the_whole_answer_says() -> None:
    whole = await acompletion(model="demo/any", messages=HELLO)
    stream = await acompletion(model="demo/any", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert stream.usage == whole.usage


def test_a_synchronous_stream_is_iterated_with_for() -> None:
    with completion(model="demo/any", messages=HELLO, stream=True) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text.endswith("Hello there")
    assert stream.usage is not None


def test_usage_has_a_chunk_without_choices_only_where_it_was_asked_for() -> None:
    asked = list(completion("demo/any", HELLO, stream=True, stream_options={"include_usage": True}))
    assert asked[-1].choices == []
    assert asked[-1].usage.total_tokens > 0
    assert sum(chunk.usage is not None for chunk in asked) == 1
    for options in (None, {}, {"include_usage": False}):
        assert all(chunk.choices for chunk in completion("demo/any", HELLO, stream=True, stream_options=options))


def test_a_tool_loop_takes_the_answers_own_message_back() -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Oslo?"}]
    message = completion("demo/any", messages, tools=[WEATHER]).choices[0].message
    assert hasattr(message, "tool_calls")
    call = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "9 degrees"}]
    final = completion("demo/any", messages, tools=[WEATHER])
    assert final.choices[0].message.content == "The tool answered: 9 degrees"


# what may be passed


def test_messages_and_tools_may_be_pydantics_or_dataclasses() -> None:
    class Said(BaseModel):
        role: str = "user"
        content: str
        name: str | None = None

    @dataclasses.dataclass
    class AlsoSaid:
        role: str
        content: str

    class Tool(BaseModel):
        type: str = "function"
        function: dict[str, Any]

    messages = (AlsoSaid("system", "Be brief."), Said(content="weather in Rome"))
    response = completion("demo/any", messages, tools=[Tool(function=WEATHER["function"])])
    assert response.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_a_pydantic_class_is_a_strict_json_schema() -> None:
    class Answer(BaseModel):
        city: str
        degrees: int = Field(7, description="Celsius")

    response = completion("demo/any", [{"role": "user", "content": "Oslo has 9"}], response_format=Answer)
    assert Answer.model_validate_json(response.choices[0].message.content) == Answer(city="Oslo", degrees=9)


def test_none_is_not_given() -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("temperature", "tools", "api_key", "api_base", "timeout", "fallbacks", "num_retries", "stop", "made_up")
    )
    assert completion("demo/any", HELLO, stream=None, **nothing).choices


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"messages": "Hello"}, "`messages` must be a list"),
        ({"model": ""}, "`model` must be the name"),
        ({"model": None}, "`model` must be the name"),
        ({"seed": object()}, "`seed` cannot be written as JSON"),
        ({"user": "\ud800"}, "lone surrogate"),
        ({"timeout": -1}, "seconds greater than 0"),
        ({"timeout": "soon"}, "Expected seconds"),
        ({"num_retries": 1.5}, "whole number"),
        ({"drop_params": "yes"}, "`drop_params` must be True or False"),
        ({"api_base": 5}, "`api_base` must be a text"),
        ({"fallbacks": "gpt-4o"}, "`fallbacks` must be a list"),
        ({"extra_body": [1]}, "`extra_body` must be a dictionary"),
        ({"extra_headers": {"x-a": "b\r\nx-c: d"}}, "headers cannot be sent"),
        ({"client": object()}, "pass `api_key` and `api_base`"),
        ({"model_list": []}, "as `fallbacks`"),
    ],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, Any], told: str) -> None:
    with pytest.raises(tollbridge.BadRequestError, match=told):
        completion(**{"model": "demo/any", "messages": HELLO, **parameters})


def test_what_holds_itself_is_named_too() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(tollbridge.BadRequestError, match="`messages` cannot be written"):
        completion("demo/any", circle)


def test_a_parameter_without_effect_is_a_caveat_and_an_error_where_strict() -> None:
    caveats = completion("demo/any", HELLO, caching=True)._hidden_params["caveats"]
    assert [(caveat["code"], caveat["where"]) for caveat in caveats] == [("ignored_param", "$.caching")]
    with pytest.raises(tollbridge.UnsupportedParamsError, match="caching"):
        completion("demo/any", HELLO, caching=True, strict=True)


# what is known about an answer


def test_an_answer_knows_who_gave_it() -> None:
    response = completion("demo/any", HELLO, api_key="sk-very-secret")
    hidden = response._hidden_params
    assert hidden["custom_llm_provider"] == "demo"
    assert hidden["model_id"].startswith("demo/any@")
    assert hidden["api_base"] == "http://demo.invalid"
    assert hidden["attempts"] == 1
    assert hidden["caveats"] == []
    assert hidden["response_cost"] == 0.0
    assert "secret" not in repr(hidden)
    assert response._response_ms > 0
    assert response._response_headers == {}


@pytest.mark.parametrize("odd", [{"message": None}, {"message": {}}, {}])
def test_an_odd_answer_is_told_without_surprises(odd: dict[str, Any]) -> None:
    answered = completion("gpt-4o", HELLO, mock_response={"choices": [{"index": 0, "finish_reason": "stop", **odd}]})
    assert answered.choices[0].message.content is None
    assert answered.choices[0].message.tool_calls is None
    assert answered.id


def test_an_answer_without_choices_is_none() -> None:
    with pytest.raises(tollbridge.BadGatewayError) as raised:
        completion("gpt-4o", HELLO, mock_response={"choices": None})
    assert raised.value.provider == "openai"


# mocks


@pytest.mark.parametrize("model", ["gpt-4o", "claude-3-opus", "ollama/llama2", "somebody/something", "unheard-of"])
def test_a_mock_needs_no_key_and_no_such_model(model: str) -> None:
    assert completion(model, HELLO, mock_response="Hi").choices[0].message.content == "Hi"


def test_a_mock_may_be_a_stream_a_whole_answer_or_tool_calls() -> None:
    text = [c.choices[0].delta.content or "" for c in completion("gpt-4o", HELLO, mock_response="Hi you", stream=True)]
    assert "".join(text) == "Hi you"
    first = completion("gpt-4o", HELLO, mock_response="Hi")
    assert completion("gpt-4o", HELLO, mock_response=first).choices == first.choices
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    answered = completion("gpt-4o", HELLO, mock_tool_calls=calls).choices[0]
    assert (answered.finish_reason, answered.message.tool_calls[0].function.name) == ("tool_calls", "f")


def test_a_mocked_failure_is_raised_as_given() -> None:
    own = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as raised:
        completion("gpt-4o", HELLO, mock_response=own)
    assert raised.value is own
    for given in (
        tollbridge.RateLimitError,
        tollbridge.RateLimitError("full"),
        "RateLimitError",
        "litellm.RateLimitError",
    ):
        with pytest.raises(tollbridge.RateLimitError) as limited:
            completion("gpt-4o", HELLO, mock_response=given)
        assert (limited.value.status_code, limited.value.provider, limited.value.model) == (429, "openai", "gpt-4o")
    with pytest.raises(tollbridge.ContextWindowExceededError):
        completion("gpt-4o", HELLO, mock_response="ContextWindowExceededError")
    with pytest.raises(tollbridge.Timeout):
        completion("gpt-4o", HELLO, mock_timeout=True)


async def test_a_mock_takes_its_time_and_nobody_waits_for_it_but_its_caller() -> None:
    ended: list[float] = []

    async def ask(delay_s: float, **said: Any) -> None:
        answered = await tollbridge.acompletion("gpt-4o", HELLO, mock_response="Hi", mock_delay=delay_s, **said)
        assert answered._hidden_params["caveats"] == []
        ended.append(delay_s)

    await asyncio.gather(ask(0.3), ask(0.01))
    assert ended == [0.01, 0.3]
    with pytest.raises(tollbridge.Timeout, match="mock_delay"):
        await ask(30, timeout=0.01)
    with pytest.raises(tollbridge.BadRequestError, match="mock_delay"):
        await ask("soon")  # type: ignore[arg-type]


def test_a_delay_without_a_mock_is_left_out_and_told() -> None:
    (caveat,) = completion("demo/x", HELLO, mock_delay=30)._hidden_params["caveats"]
    assert (caveat["code"], caveat["where"]) == ("ignored_param", "$.mock_delay")


# errors


@pytest.mark.parametrize(
    ("model", "variable"),
    [("gpt-4o", "OPENAI_API_KEY"), ("claude-3-opus-20240229", "ANTHROPIC_API_KEY"), ("groq/llama3", "GROQ_API_KEY")],
)
def test_a_missing_key_is_an_error_that_names_the_variable(model: str, variable: str) -> None:
    with pytest.raises(tollbridge.AuthenticationError, match=variable) as raised:
        completion(model, HELLO)
    assert raised.value.status_code == 401
    assert raised.value.llm_provider


def test_an_unknown_model_is_an_error_with_a_hint() -> None:
    with pytest.raises(tollbridge.NotFoundError, match="provider/model"):
        completion("no-such-model-anywhere", HELLO)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, tollbridge.BadRequestError),
        (401, tollbridge.AuthenticationError),
        (404, tollbridge.NotFoundError),
        (429, tollbridge.RateLimitError),
        (500, tollbridge.InternalServerError),
        (503, tollbridge.ServiceUnavailableError),
    ],
)
async def test_a_providers_error_has_its_class(status: int, kind: type[tollbridge.APIError]) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as raised:
            await acompletion(f"demo/error-{status}", HELLO, num_retries=0, stream=stream)
        assert raised.value.status_code == status
        assert (raised.value.provider, raised.value.model) == ("demo", f"error-{status}")


# the state directory


def test_a_plain_call_makes_no_state_directory(no_keys: Path) -> None:
    completion("demo/any", HELLO)
    assert not no_keys.exists()


async def test_a_seal_in_a_message_needs_a_key_and_without_a_state_directory_one_of_the_process(
    no_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = {"role": "assistant", "content": "x", "reasoning_content": "y", "reasoning_signature": "tb1.a.b.c.d"}
    thinking = [{"type": "thinking", "thinking": "y", "signature": "tb1.a.b.c.d"}]
    messages = [*HELLO, {**signed, "thinking_blocks": thinking}, *HELLO]
    assert (await acompletion("demo/any", messages)).choices
    assert (no_keys / "seal_key").exists()
    monkeypatch.setenv("TOLLBRIDGE_HOME", "/dev/null/nowhere")
    assert (await acompletion("demo/any", messages)).choices


async def test_what_was_made_once_is_made_again_only_when_the_environment_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = await DESKS.here()
    place = read_order("gpt-4o", {"messages": HELLO}).place
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    first = desk.deployments.at(place)
    assert desk.deployments.at(place) is first
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two")
    second = desk.deployments.at(place)
    assert second.secrets == ("sk-two",)
    assert second.id != first.id
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert desk.deployments.at(place).origin.port == 9
