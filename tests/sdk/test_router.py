"""`Router`: the server's routing, for programs. Deployments are the offline provider's, and mocks of others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import tollbridge
from tollbridge import Router, ServiceUnavailableError

ASK = [{"role": "user", "content": "Hello"}]


def entry(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def said(response: Any) -> str:
    return str(response.choices[0].message.content)


def test_a_name_of_the_list_is_answered_by_its_deployment_and_an_alias_by_what_it_means() -> None:
    router = Router([entry("fast", "demo/one")], model_group_alias={"quick": "fast"})
    assert said(router.completion("fast", ASK)).endswith("You said: Hello")
    assert router.completion("quick", ASK).model == "one"
    assert router.get_model_names() == ["fast", "quick"]


async def test_streams_come_through_the_same_way() -> None:
    router = Router([entry("fast", "demo/one")])
    stream = await router.acompletion("fast", ASK, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text.endswith("You said: Hello")
    sync = await asyncio.to_thread(
        lambda: "".join(c.choices[0].delta.content or "" for c in router.completion("fast", ASK, stream=True))
    )
    assert sync == text


def test_a_fallback_answers_where_the_deployment_fails_and_its_own_error_is_raised_where_none_does() -> None:
    models = [entry("broken", "demo/error-500"), entry("also", "demo/error-503"), entry("good", "demo/one")]
    router = Router(models, fallbacks=[{"broken": ["also", "good"]}], num_retries=0)
    answered = router.completion("broken", ASK)
    assert answered.model == "one"
    assert answered._hidden_params["attempts"] == 3
    with pytest.raises(tollbridge.InternalServerError, match="error-500"):
        Router(models, num_retries=0).completion("broken", ASK)


def test_fallbacks_of_a_call_are_names_of_the_list() -> None:
    router = Router([entry("broken", "demo/error-500"), entry("good", "demo/one")], num_retries=0)
    assert router.completion("broken", ASK, fallbacks=["good"]).model == "one"
    for wrong in ([{"model": "demo/one"}], "good", [{"messages": ASK}]):
        with pytest.raises(tollbridge.BadRequestError, match="names of the list"):
            router.completion("broken", ASK, fallbacks=wrong)
    other = {"model": "good", "messages": [{"role": "user", "content": "Instead"}]}
    assert said(router.completion("broken", ASK, fallbacks=[other])).endswith("You said: Instead")
    assert said(router.completion("broken", ASK, fallbacks=[{"model": "good"}])).endswith("You said: Hello")
    with pytest.raises(tollbridge.BadRequestError, match="api_key"):
        router.completion("broken", ASK, fallbacks=[{"model": "good", "api_key": "sk-another"}])


def test_retries_are_those_of_the_router_unless_the_call_says_otherwise() -> None:
    router = Router(
        [entry("half", "demo/error-500"), entry("half", "demo/one")], num_retries=1, allowed_fails=1000, cooldown_time=0
    )
    for _ in range(8):
        assert router.completion("half", ASK).model == "one"
    failed = 0
    for _ in range(40):
        try:
            router.completion("half", ASK, num_retries=0)
        except tollbridge.InternalServerError:
            failed += 1
    assert 0 < failed < 40


def test_a_deployment_that_refuses_rests_and_the_others_answer() -> None:
    router = Router([entry("pair", "demo/error-401"), entry("pair", "demo/one")], num_retries=1, cooldown_time=30)
    for _ in range(12):
        assert router.completion("pair", ASK).model == "one"
    resting = router.cooling()
    assert len(resting) == 1
    assert 0 < next(iter(resting.values())) <= 30


def test_a_group_whose_deployments_all_rest_says_how_long() -> None:
    router = Router([entry("only", "demo/error-401")], num_retries=0, cooldown_time=30)
    with pytest.raises(tollbridge.AuthenticationError):
        router.completion("only", ASK)
    with pytest.raises(tollbridge.ServiceUnavailableError, match="rests after failures") as raised:
        router.completion("only", ASK)
    assert raised.value.retry_after_s is not None
    assert raised.value.retry_after_s > 0


def test_cooldowns_are_remembered_from_loop_to_loop() -> None:
    router = Router([entry("only", "demo/error-401")], num_retries=0, cooldown_time=30)
    with pytest.raises(tollbridge.AuthenticationError):
        asyncio.run(router.acompletion("only", ASK))
    with pytest.raises(tollbridge.ServiceUnavailableError):
        asyncio.run(router.acompletion("only", ASK))


@pytest.mark.parametrize("strategy", ["least-busy", "latency-based-routing", "cost-based-routing"])
def test_a_strategy_that_is_not_built_is_said_by_name(strategy: str) -> None:
    with pytest.raises(tollbridge.NotBuilt, match=f"routing_strategy: {strategy} is not built yet"):
        Router([entry("fast", "demo/one")], routing_strategy=strategy)


def test_settings_that_are_not_built_and_those_that_nobody_knows_are_refused_by_name() -> None:
    with pytest.raises(tollbridge.NotBuilt, match="redis_host"):
        Router([entry("fast", "demo/one")], redis_host="127.0.0.1")
    with pytest.raises(tollbridge.ConfigError, match=r"num_retires.*num_retries"):
        Router([entry("fast", "demo/one")], num_retires=3)
    with pytest.raises(tollbridge.ConfigError, match="lacks `model_name`"):
        Router([{"litellm_params": {"model": "demo/one"}}])


def test_a_call_does_not_say_who_answers() -> None:
    router = Router([entry("fast", "demo/one")])
    with pytest.raises(tollbridge.BadRequestError, match=r"api_key.*litellm_params"):
        router.completion("fast", ASK, api_key="sk-another")
    with pytest.raises(tollbridge.NotFoundError, match="Did you mean 'fast'"):
        router.completion("fsat", ASK)


def test_a_mock_stands_for_the_deployment(no_keys: Path) -> None:
    models = [entry("fast", "openai/gpt-4o", api_key="sk-none", mock_response="of the entry")]
    router = Router(models)
    assert said(router.completion("fast", ASK)) == "of the entry"
    mocked = router.completion("fast", ASK, mock_response="of the call")
    assert said(mocked) == "of the call"
    assert mocked._hidden_params["response_cost"] > 0


def test_a_deployment_without_its_key_does_not_serve_and_is_told(no_keys: Path) -> None:
    models = [entry("fast", "openai/gpt-4o", api_key="os.environ/NOT_SET_ANYWHERE"), entry("fast", "demo/one")]
    router = Router(models)
    assert router.completion("fast", ASK).model == "one"
    assert "NOT_SET_ANYWHERE" in router.problems[0]


def test_who_asks_a_name_of_which_no_deployment_serves_is_told_what_is_missing(no_keys: Path) -> None:
    router = Router([entry("a", "openai/gpt-4o"), entry("a", "openai/gpt-4.1", api_key="os.environ/NOT_SET_ANYWHERE")])
    for call in (lambda: router.completion("a", ASK), lambda: router.embedding("a", "x")):
        with pytest.raises(ServiceUnavailableError) as told:
            call()
        assert "openai needs a key: pass `api_key`, or set OPENAI_API_KEY; NOT_SET_ANYWHERE is not set" in str(
            told.value
        )
        assert (told.value.code, "gateway" in str(told.value)) == ("no_enabled_deployment", False)


def test_a_deployment_is_asked_by_its_id_and_falls_in_by_it() -> None:
    models = [
        {**entry("a", "demo/error-500"), "model_info": {"id": "bad-one"}},
        {**entry("a", "demo/good"), "model_info": {"id": "good-one"}},
    ]
    router = Router(models, num_retries=0, disable_cooldowns=True, fallbacks=[{"bad-one": ["good-one"]}])
    assert router.completion("good-one", ASK).model == "good"
    assert router.completion("bad-one", ASK).model == "good"
    with pytest.raises(tollbridge.InternalServerError):
        Router(models, num_retries=0).completion("bad-one", ASK)


async def test_the_first_of_several_names_answers_and_where_all_fail_the_first_error_is_raised() -> None:
    models = [entry("bad", "demo/error-500"), entry("good", "demo/one"), entry("worse", "demo/error-503")]
    router = Router(models, num_retries=0)
    answered = await router.abatch_completion_fastest_response("bad, good", ASK)
    assert answered.model == "one"
    assert answered._hidden_params["fastest_response_batch_completion"] is True
    stream = await router.abatch_completion_fastest_response(model="bad,good", messages=ASK, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text.endswith("You said: Hello")
    with pytest.raises(tollbridge.InternalServerError, match="error-500"):
        await router.abatch_completion_fastest_response("bad, worse", ASK)
    with pytest.raises(tollbridge.BadRequestError, match="names nobody"):
        await router.abatch_completion_fastest_response(" ,", ASK)


async def test_one_model_is_asked_for_several_conversations_at_once() -> None:
    router = Router([entry("good", "demo/one")])
    other = [{"role": "user", "content": "Instead"}]
    found = await router.abatch_completion_one_model_multiple_requests("good", [ASK, other, 5])  # type: ignore[list-item]
    assert [said(one) for one in found[:2]] == [said(await router.acompletion("good", one)) for one in (ASK, other)]
    assert isinstance(found[2], tollbridge.BadRequestError)
