"""Clouds in a call of the SDK: what says who one is, is never in a body."""

from __future__ import annotations

import asyncio

import pytest

import tollbridge
from tests.server.clouds import Asked, Told, cloud
from tollbridge.exceptions import AuthenticationError

SECRET = "lasting-secret-canary-0123456789"
MESSAGES = [{"role": "user", "content": "hi"}]


def answer(asked: Asked) -> Told:
    if asked.path.endswith("/token"):
        return Told({"access_token": "token-of-an-hour", "expires_in": 3600})
    message = {"role": "assistant", "content": "Ciao"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return Told({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


@pytest.mark.usefixtures("no_keys")
def test_azure_takes_a_clients_secret_and_watsonx_a_key_and_a_project() -> None:
    with cloud(answer) as place:
        said = {"tenant_id": "t", "client_id": "app", "client_secret": SECRET, "azure_authority_host": place.url}
        whole = tollbridge.completion("azure/d", MESSAGES, api_base=place.url, **said)
        assert whole.choices[0].message.content == "Ciao"
        said = {"project_id": "p", "watsonx_iam_url": f"{place.url}/identity/token", "api_key": SECRET}
        assert tollbridge.completion("watsonx/ibm/granite", MESSAGES, api_base=place.url, **said)
        bodies = [one.json() for one in place.asked if not one.path.endswith("/token")]
    assert bodies == [
        {"model": "d", "messages": MESSAGES},
        {"messages": MESSAGES, "model_id": "ibm/granite", "project_id": "p"},
    ]


@pytest.mark.usefixtures("no_keys")
def test_azure_is_shown_what_a_programs_function_gives_for_each_request() -> None:
    given = iter(f"token-{number}" for number in range(9))

    def sync() -> str:
        return next(given)

    async def waited() -> str:
        await asyncio.sleep(0)
        return next(given)

    with cloud(answer) as place:
        for provider in (sync, sync, waited):
            said = {"azure_ad_token_provider": provider, "api_base": place.url}
            assert tollbridge.completion("azure/d", MESSAGES, **said).choices[0].message.content == "Ciao"
        assert asyncio.run(tollbridge.acompletion("azure/d", MESSAGES, **said)).model == "m"
        shown = [one.headers["authorization"] for one in place.asked]
        assert all(one.json() == {"model": "d", "messages": MESSAGES} for one in place.asked)
    assert shown == [f"Bearer token-{number}" for number in range(4)]


@pytest.mark.usefixtures("no_keys")
def test_a_function_that_gives_no_token_is_told_and_a_list_of_deployments_takes_none() -> None:
    def fail() -> str:
        raise RuntimeError("no managed identity here")

    said = {"api_base": "http://127.0.0.1:9", "num_retries": 0}
    with pytest.raises(AuthenticationError, match="no managed identity here"):
        tollbridge.completion("azure/d", MESSAGES, azure_ad_token_provider=fail, **said)
    with pytest.raises(tollbridge.BadRequestError, match="must be a function that gives a token"):
        tollbridge.completion("azure/d", MESSAGES, azure_ad_token_provider="token", **said)
    with pytest.raises(tollbridge.BadRequestError, match="`azure_password` cannot be written as JSON"):
        tollbridge.completion("azure/d", MESSAGES, azure_password=fail, **said)
    listed = {"model": "azure/d", "api_base": "http://127.0.0.1:9", "azure_ad_token_provider": fail}
    with pytest.raises(
        tollbridge.ConfigError, match=r"model_list\[0\]\.litellm_params\.azure_ad_token_provider: .*func"
    ):
        tollbridge.Router([{"model_name": "x", "litellm_params": listed}])


@pytest.mark.usefixtures("no_keys")
def test_a_fallback_at_another_provider_is_not_told_who_one_is_at_the_first() -> None:
    def failing(asked: Asked) -> Told:
        return Told({"error": "invalid_client"}, 401) if asked.path.endswith("/token") else answer(asked)

    with cloud(failing) as place:
        said = {"tenant_id": "t", "client_id": "app", "client_secret": SECRET, "azure_authority_host": place.url}
        other = {"model": "openai/x", "api_base": place.url, "api_key": "other-key-0123456789"}
        tollbridge.completion("azure/d", MESSAGES, api_base=place.url, fallbacks=[other], **said)
        (asked,) = [one for one in place.asked if not one.path.endswith("/token")]
    assert asked.json() == {"model": "x", "messages": MESSAGES}
    assert SECRET not in str(asked)


@pytest.mark.usefixtures("no_keys")
def test_who_is_refused_a_token_is_told_by_whom() -> None:
    with cloud(lambda asked: Told({"error_description": f"AADSTS7000215: {SECRET} is wrong"}, 401)) as place:
        said = {"tenant_id": "t", "client_id": "app", "client_secret": SECRET, "azure_authority_host": place.url}
        with pytest.raises(AuthenticationError, match="Entra ID gave no token: AADSTS7000215") as raised:
            tollbridge.completion("azure/d", MESSAGES, api_base=place.url, **said)
    assert SECRET not in str(raised.value)
