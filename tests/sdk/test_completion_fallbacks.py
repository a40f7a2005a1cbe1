"""Who answers where the model asked for does not, and with whose key."""

from __future__ import annotations

from typing import Any

import pytest

import tollbridge
from tests.sdk.replay import Replay
from tollbridge import acompletion, completion
from tollbridge.sdk.call import read_call

HELLO = [{"role": "user", "content": "Hello"}]
OPENAI = "openai-chat_completions-0122327b0ed5"
OPENAI_401 = "openai-chat_completions-26228148b85f"

pytestmark = pytest.mark.usefixtures("no_keys")


def test_the_next_model_answers_where_one_fails() -> None:
    response = completion("demo/error-401", HELLO, fallbacks=["demo/error-404", "demo/other"])
    assert response.model == "other"
    assert response._hidden_params["attempts"] == 3


async def test_a_stream_falls_back_before_its_first_piece() -> None:
    stream = await acompletion("demo/error-401", HELLO, fallbacks=["demo/other"], stream=True)
    assert {chunk.model async for chunk in stream} == {"other"}


def test_the_error_is_that_of_the_model_asked_for() -> None:
    with pytest.raises(tollbridge.PermissionDeniedError):
        completion("demo/error-403", HELLO, fallbacks=["demo/error-404"], num_retries=0)


def test_a_model_without_a_key_is_passed_over_and_said() -> None:
    response = completion("demo/error-401", HELLO, fallbacks=["gpt-4o", "demo/other"])
    (caveat,) = response._hidden_params["caveats"]
    assert caveat["code"] == "fallback_skipped"
    assert "OPENAI_API_KEY" in caveat["detail"]
    assert completion("gpt-4o", HELLO, fallbacks=["demo/other"]).model == "other"
    with pytest.raises(tollbridge.AuthenticationError, match="OPENAI_API_KEY"):
        completion("gpt-4o", HELLO, fallbacks=["demo/error-404"])
    with pytest.raises(tollbridge.AuthenticationError, match="OPENAI_API_KEY"):
        completion("gpt-4o", HELLO, fallbacks=["claude-3-opus"])


def test_a_fallback_may_have_parameters_of_its_own(replay: Replay) -> None:
    response = completion(
        "openai/first",
        HELLO,
        temperature=0.1,
        api_key="sk-1",
        api_base=replay.openai(OPENAI_401),
        fallbacks=[
            {"model": "openai/second", "temperature": 0.9, "api_key": "sk-2", "api_base": replay.openai(OPENAI)}
        ],
    )
    assert response.choices
    sent = [capture["body"] for capture in replay.captures()]
    assert [(body["model"], body["temperature"]) for body in sent] == [("first", 0.1), ("second", 0.9)]


def test_a_mocked_failure_tries_the_fallback_for_real_and_a_fallback_may_be_a_mock() -> None:
    assert completion("gpt-4o", HELLO, mock_response="RateLimitError", fallbacks=["demo/other"]).model == "other"
    mocks: list[Any] = [{"model": "gpt-4o", "mock_response": "second"}]
    answered = completion("gpt-4o", HELLO, mock_response="Timeout", fallbacks=mocks)
    assert answered.choices[0].message.content == "second"


def test_a_request_too_long_for_one_model_goes_to_the_larger_one() -> None:
    larger = {"gpt-4o": "demo/larger"}
    kind = "ContextWindowExceededError"
    assert completion("gpt-4o", HELLO, mock_response=kind, context_window_fallback_dict=larger).model == "larger"
    with pytest.raises(tollbridge.RateLimitError):
        completion("gpt-4o", HELLO, mock_response="RateLimitError", context_window_fallback_dict=larger)


def test_the_window_is_checked_before_anything_is_sent() -> None:
    """100,000 words are over gpt-4's 8,192 tokens; the key is never used."""
    long = [{"role": "user", "content": "word " * 100_000}]
    larger = {"gpt-4": "demo/larger"}
    answered = completion("gpt-4", long, api_key="sk-x", context_window_fallback_dict=larger)
    assert answered.model == "larger"


@pytest.mark.parametrize(
    ("fallback", "key", "base"),
    [
        ("gpt-4o-mini", "sk-1", "http://127.0.0.1:9/v1"),  # the same provider
        ("claude-3-opus", None, None),  # another: it gets nothing of the first
        ("groq/llama", None, None),
        ({"model": "claude-3-opus", "api_key": "sk-2"}, "sk-2", None),
        ({"model": "gpt-4o-mini", "api_key": "sk-2"}, "sk-2", None),
        ({"model": "gpt-4o-mini", "api_key": None}, "sk-1", "http://127.0.0.1:9/v1"),
        ({"temperature": 1}, "sk-1", "http://127.0.0.1:9/v1"),  # the same model
        ("my-own-model", "sk-1", "http://127.0.0.1:9/v1"),  # known only to that address
    ],
)
def test_a_key_and_an_address_go_only_where_they_were_given_for(
    fallback: Any, key: str | None, base: str | None
) -> None:
    parameters = {"api_key": "sk-1", "api_base": "http://127.0.0.1:9/v1", "extra_headers": {"authorization": "x"}}
    call = read_call("openai/gpt-4o", HELLO, None, {**parameters, "fallbacks": [fallback]})
    place = call.orders[1].place
    assert (place.api_key.reveal() if place.api_key else None) == key
    assert place.api_base == base
    assert bool(place.headers) == (base is not None)
    assert "sk-1" not in repr(call)


async def test_a_model_that_just_failed_is_not_asked_while_another_answers(replay: Replay) -> None:
    for _ in range(2):
        answered = await acompletion(
            "openai/m", HELLO, api_key="sk-x", api_base=replay.openai(OPENAI_401), fallbacks=["demo/other"]
        )
        assert answered.model == "other"
    assert len(replay.captures()) == 1


def test_equal_names_are_told_apart() -> None:
    call = read_call("gpt-4o", HELLO, None, {"fallbacks": ["gpt-4o", {"api_key": "sk-2"}]})
    assert [order.name for order in call.orders] == ["gpt-4o", "gpt-4o (2)", "gpt-4o (3)"]
    assert {order.place.model for order in call.orders} == {"gpt-4o"}
