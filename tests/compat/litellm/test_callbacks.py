"""Who is told of a call, of what, and when."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tests.sdk.upstream import Upstream
from tests.sdk.upstream import chunk as saying
from tests.server.clouds import Told, cloud

STOP = {"index": 0, "delta": {}, "finish_reason": "stop"}
ASK = [{"role": "user", "content": "Hello"}]
KEY = "sk-a-secret-of-this-test"


def logger_of(litellm: Any) -> Any:
    class Heard(litellm.CustomLogger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.moments: list[str] = []
            self.told: dict[str, Any] = {}
            self.response: Any = None

        def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
            self.moments.append(f"before {model} {messages[0]['content']}")

        def log_post_api_call(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            self.moments.append("after")

        def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            self.moments.append("success")
            self.told, self.response = kwargs, response_obj
            assert start_time <= end_time

        def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            self.moments.append("failure")
            self.told = kwargs

        async def async_log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
            self.moments.append("async before")

        async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            await asyncio.sleep(0)
            self.moments.append("async success")
            self.told, self.response = kwargs, response_obj

        async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
            self.moments.append("async failure")

    return Heard()


def test_a_logger_is_told_of_a_call_in_order_and_without_the_key(litellm: Any, no_keys: Path) -> None:
    heard = logger_of(litellm)
    litellm.callbacks = [heard]
    notes = {"run": 7}
    litellm.completion(
        "gpt-4o", ASK, api_key=KEY, mock_response="Hi!", temperature=0.5, metadata=notes, user="ada", num_retries=1
    )
    assert heard.moments == ["before gpt-4o Hello", "after", "success"]
    assert heard.response.choices[0].message.content == "Hi!"
    told = heard.told
    assert told["response_cost"] == heard.response._hidden_params["response_cost"] > 0
    assert (told["model"], told["messages"], told["stream"], told["user"]) == ("gpt-4o", ASK, False, "ada")
    assert (told["call_type"], told["custom_llm_provider"]) == ("completion", "openai")
    assert told["litellm_params"]["metadata"] == notes
    assert told["optional_params"] == {"temperature": 0.5, "user": "ada"}
    assert KEY not in repr(told)


def test_functions_are_told_of_success_and_of_failure(litellm: Any) -> None:
    told: list[tuple[str, Any]] = []
    litellm.success_callback = [lambda kwargs, response, start, end: told.append(("success", response.model))]
    litellm.failure_callback = [lambda kwargs, response, start, end: told.append(("failure", kwargs["exception"]))]
    litellm.input_callback = [lambda kwargs: told.append(("input", kwargs["model"]))]
    litellm.completion("demo/one", ASK)
    with pytest.raises(litellm.RateLimitError) as raised:
        litellm.completion("demo/error-429", ASK, num_retries=0)
    assert told == [
        ("input", "one"),
        ("success", "one"),
        ("input", "error-429"),
        ("failure", raised.value),
    ]


def test_of_a_stream_they_are_told_at_its_end_with_the_whole_answer(litellm: Any) -> None:
    heard = logger_of(litellm)
    litellm.callbacks.append(heard)
    stream = litellm.completion("demo/one", ASK, stream=True)
    assert isinstance(stream, litellm.CustomStreamWrapper)
    text = ""
    for chunk in stream:
        assert heard.moments == ["before one Hello"]
        text += chunk.choices[0].delta.content or ""
    assert heard.moments[1:] == ["after", "success"]
    assert heard.response.choices[0].message.content == text
    assert heard.response.usage.total_tokens > 0
    assert heard.told["complete_streaming_response"] is heard.response
    assert heard.told["response_cost"] == 0.0
    assert list(stream) == []
    assert heard.moments[1:] == ["after", "success"]


def test_a_stream_says_who_answers_and_its_chunks_make_an_answer_with_usage(litellm: Any, no_keys: Path) -> None:
    stream = litellm.completion("gpt-4o", ASK, mock_response="Hi there", stream=True)
    assert (stream.custom_llm_provider, stream.model) == ("openai", "gpt-4o")
    told = litellm.completion("gpt-4o", ASK, mock_response="Hi there")
    assert litellm.stream_chunk_builder(list(stream), messages=ASK).usage == told.usage
    router = litellm.Router([{"model_name": "fast", "litellm_params": {"model": "demo/one"}}])
    stream = router.completion("fast", ASK, stream=True)
    assert (stream.custom_llm_provider, stream.model) == ("demo", "one")


def test_of_a_stream_that_told_no_usage_it_is_counted(litellm: Any, no_keys: Path) -> None:
    heard = logger_of(litellm)
    with Upstream([saying("Hi "), saying("there!"), {**saying(""), "choices": [STOP]}, "[DONE]"]) as upstream:
        said = {"api_base": upstream.base, "api_key": "k", "stream": True, "success_callback": [heard]}
        chunks = list(litellm.completion("openai/gpt-4o", ASK, **said))
    written = tollbridge.token_counter("m", text="Hi there!")
    read = tollbridge.token_counter("m", messages=ASK)
    for answer in (litellm.stream_chunk_builder(chunks, messages=ASK), heard.response):
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (read, written)
        assert answer.usage.total_tokens == read + written
        assert [one["code"] for one in answer._hidden_params["caveats"]] == ["estimated"]
    alone = litellm.stream_chunk_builder(chunks).usage
    assert (alone.prompt_tokens, alone.completion_tokens) == (0, written)
    assert tollbridge.stream_chunk_builder(chunks).usage is None
    odd = [{"role": "user", "content": [{"type": "of nobody's", "text": 3}]}, 7]
    assert tollbridge.stream_chunk_builder(chunks, odd).usage.prompt_tokens > 0


async def test_of_async_calls_the_async_methods_are_called_and_awaited(litellm: Any) -> None:
    heard = logger_of(litellm)
    litellm.callbacks = [heard]
    sums: list[int] = []

    async def count(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        await asyncio.sleep(0)
        sums.append(response.usage.total_tokens)

    litellm.success_callback = [count]
    answered = await litellm.acompletion("demo/one", ASK)
    assert heard.moments == ["before one Hello", "async before", "after", "async success"]
    assert sums == [answered.usage.total_tokens]
    heard.moments.clear()
    async for _ in await litellm.acompletion("demo/one", ASK, stream=True):
        assert heard.moments == ["before one Hello", "async before"]
    assert heard.moments == ["before one Hello", "async before", "after", "async success"]
    assert heard.told["async_complete_streaming_response"].usage.total_tokens == sums[1]
    with pytest.raises(litellm.InternalServerError):
        await litellm.acompletion("demo/error-500", ASK, num_retries=0)
    assert heard.moments[-1] == "async failure"


def test_an_async_function_is_waited_for_after_a_sync_call_too(litellm: Any) -> None:
    told: list[str] = []

    async def note(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        await asyncio.sleep(0)
        told.append(response.model)

    litellm.success_callback = [note]
    litellm.completion("demo/one", ASK)
    assert told == ["one"]


def test_one_that_fails_is_logged_and_loses_neither_the_call_nor_the_others(
    litellm: Any, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []

    def fail(*_: Any) -> None:
        raise ValueError("of the callback")

    litellm.success_callback = [fail, lambda *_: told.append("the next")]
    with caplog.at_level(logging.ERROR, "tollbridge.compat"):
        assert litellm.completion("demo/one", ASK).model == "one"
    assert told == ["the next"]
    assert "of the callback" in caplog.text


@pytest.mark.parametrize("setting", ["callbacks", "success_callback", "failure_callback", "input_callback"])
def test_an_integration_by_name_is_refused_before_anybody_is_asked(litellm: Any, setting: str) -> None:
    asked: list[str] = []
    setattr(litellm, setting, ["langfuse"])
    with pytest.raises(tollbridge.NotBuilt, match=rf"{setting} = \['langfuse'\]"):
        litellm.completion("demo/one", ASK, mock_response=asked.append("asked") or "Hi")
    assert asked == ["asked"]  # the argument was evaluated; the call was not made


def test_callbacks_of_one_call_are_told_of_that_call_alone_and_each_once(litellm: Any) -> None:
    told: list[str] = []
    heard = logger_of(litellm)

    def note(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        told.append(f"{kwargs['log_event_type']} {kwargs['model']}")

    litellm.success_callback = [note]
    litellm.completion("demo/one", ASK, success_callback=[note, heard], failure_callback=note, strict=True)
    assert told == ["successful_api_call one"]
    assert heard.moments == ["before one Hello", "after", "success"]
    assert "callback" not in repr(heard.told["optional_params"])
    litellm.completion("demo/two", ASK)
    assert len(heard.moments) == 3
    with pytest.raises(litellm.RateLimitError):
        litellm.completion("demo/error-429", ASK, num_retries=0, failure_callback=[note])
    assert told[1:] == ["successful_api_call two", "failed_api_call error-429"]
    router = litellm.Router([{"model_name": "fast", "litellm_params": {"model": "demo/one"}}])
    list(router.completion("fast", ASK, stream=True, callbacks=[heard]))
    assert heard.moments[3:] == ["before fast Hello", "after", "success"]
    with pytest.raises(tollbridge.NotBuilt, match=r"success_callback = \['langfuse'\]"):
        litellm.completion("demo/one", ASK, success_callback=["langfuse"])


def test_without_the_shim_callbacks_are_left_out_and_told() -> None:
    answered = tollbridge.completion("demo/one", ASK, success_callback=[print])
    (caveat,) = answered._hidden_params["caveats"]
    assert (caveat["code"], caveat["where"]) == ("ignored_param", "$.success_callback")


def test_a_hook_that_would_never_be_called_is_refused(litellm: Any) -> None:
    class Hooked(litellm.CustomLogger):  # type: ignore[misc]
        async def async_pre_request_hook(self, *_: Any) -> None:
            """LiteLLM calls it."""

    litellm.callbacks = [Hooked()]
    with pytest.raises(tollbridge.NotBuilt, match="async_pre_request_hook"):
        litellm.completion("demo/one", ASK)


def test_what_was_said_is_left_out_where_that_is_wanted(litellm: Any) -> None:
    heard = logger_of(litellm)
    litellm.callbacks = [heard]
    litellm.turn_off_message_logging = True
    answered = litellm.completion("demo/one", ASK)
    assert "Hello" in answered.choices[0].message.content
    assert "Hello" not in repr(heard.told) + repr(heard.response) + repr(heard.moments)
    assert heard.response.usage == answered.usage


def test_other_calls_and_a_router_are_told_of_too(litellm: Any, no_keys: Path) -> None:
    heard = logger_of(litellm)
    litellm.callbacks = [heard]
    router = litellm.Router([{"model_name": "fast", "litellm_params": {"model": "demo/one"}}])
    litellm.api_key = KEY  # a router's deployments have their own
    assert router.completion("fast", ASK).model == "one"
    assert asyncio.run(router.acompletion(model="fast", messages=ASK)).model == "one"
    before = "before fast Hello"
    assert heard.moments == [before, "after", "success", before, "async before", "after", "async success"]
    router.embedding("fast", ["text"])
    assert heard.moments[-1] == "success"
    heard.moments.clear()
    with pytest.raises(litellm.APIError):
        litellm.embedding("demo/one", [])
    assert heard.moments[-1] == "failure"
    assert heard.told["call_type"] == "embedding"


@pytest.mark.parametrize(
    ("model", "path", "key_header"),
    [
        ("openai/gpt-4o", "/v1/chat/completions", "authorization"),
        ("anthropic/claude-sonnet-4-5", "/v1/messages", "x-api-key"),
    ],
)
def test_before_a_call_what_will_be_sent_is_told(
    litellm: Any, no_keys: Path, model: str, path: str, key_header: str
) -> None:
    told: list[dict[str, Any]] = []
    litellm.input_callback = [lambda kwargs: told.append(kwargs["additional_args"])]
    with cloud(lambda _: Told({"error": {"message": "seen"}}, 400)) as place:
        said = {"api_key": KEY, "api_base": f"{place.url}/v1", "extra_headers": {"x-team": "blue"}, "num_retries": 0}
        with pytest.raises(litellm.BadRequestError):
            litellm.completion(model, ASK, max_tokens=5, tools=[], **said)
        (asked,) = place.asked
    (sent,) = told
    assert sent["complete_input_dict"] == asked.json()
    assert sent["api_base"] == f"{place.url}{path}"
    headers = {name.lower(): value for name, value in sent["headers"].items()}
    assert (headers["x-team"], headers[key_header]) == ("blue", "***")
    assert KEY not in repr(told)
    assert asked.headers[key_header].endswith(KEY)


def test_of_a_routers_call_what_was_said_is_told_and_of_a_mock_nothing(litellm: Any, no_keys: Path) -> None:
    told: list[dict[str, Any]] = []
    litellm.input_callback = [lambda kwargs: told.append(kwargs["additional_args"])]
    router = litellm.Router([{"model_name": "gpt-4o", "litellm_params": {"model": "demo/one"}}])
    router.completion("gpt-4o", ASK, temperature=0.5)
    litellm.completion("gpt-4o", ASK, mock_response="Hi")
    litellm.embedding("demo/one", ["text"])
    assert litellm.completion("demo/one", iter(ASK)).choices[0].message.content.endswith("Hello")
    told.pop()
    litellm.turn_off_message_logging = True
    litellm.completion("demo/one", ASK)
    assert [one.get("complete_input_dict") for one in told] == [
        {"model": "gpt-4o", "messages": ASK, "temperature": 0.5},
        None,
        {"model": "demo/one", "input": ["text"]},
        None,
    ]


def test_no_credential_of_a_provider_is_told(litellm: Any) -> None:
    told: list[Any] = []
    litellm.success_callback = [lambda kwargs, response, began, ended: told.append(kwargs)]
    secret = {"api_key": "sk-secret-1", "aws_secret_access_key": "secret-2", "vertex_credentials": "secret-3"}
    litellm.completion("demo/one", ASK, mock_response="Hi", temperature=0.5, **secret)
    (kwargs,) = told
    assert kwargs["standard_logging_object"]["model_parameters"]["temperature"] == 0.5
    assert "secret-" not in repr(kwargs)


@pytest.mark.parametrize("stream", [False, True])
def test_of_a_routers_call_the_deployment_that_answered_and_the_group_are_told(litellm: Any, stream: bool) -> None:
    heard: list[tuple[str, str | None, str | None]] = []
    groups: list[str] = []

    def note(kwargs: Any, response: Any, start: Any, end: Any) -> None:
        flat = kwargs["standard_logging_object"]
        heard.append((kwargs["model"], kwargs["custom_llm_provider"], flat["status"]))
        groups.extend((flat["model_group"], kwargs["litellm_params"]["metadata"]["model_group"]))
        assert flat["model"] == kwargs["model"]
        assert flat["metadata"]["run"] == 7

    litellm.success_callback = litellm.failure_callback = [note]
    names = {"gpt-4o": "demo/one", "broken": "demo/error-500"}
    router = litellm.Router(
        [{"model_name": name, "litellm_params": {"model": model}} for name, model in names.items()], num_retries=0
    )
    notes = {"run": 7}
    answered = router.completion("gpt-4o", ASK, stream=stream, metadata=notes)
    if stream:
        list(answered)
    with pytest.raises(litellm.InternalServerError):
        asyncio.run(router.acompletion("broken", ASK, stream=stream, metadata=notes))
    assert heard == [("one", "demo", "success"), ("error-500", "demo", "failure")]
    assert groups == ["gpt-4o"] * 2 + ["broken"] * 2
    assert notes == {"run": 7}
