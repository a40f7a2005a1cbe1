"""A provider's 401 says whose key it is that was refused, and where that is from."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

import tollbridge
from tests.server.clouds import Asked, Told, cloud
from tests.server.served import served
from tollbridge.cli.gateway import Answered
from tollbridge.errors import APIError, AuthenticationError

KEY = "sk-canary-0123456789abcdef"
HELLO = [{"role": "user", "content": "hi"}]
THEIRS = "Incorrect API key provided."


def refuse(_: Asked) -> Told:
    return Told({"error": {"message": THEIRS, "type": "invalid_request_error", "code": "invalid_api_key"}}, 401)


def refuse_as_gateway(_: Asked) -> Told:
    return Told({"error": {"message": THEIRS, "code": "invalid_api_key"}}, 401, {"x-tollbridge-provider": "groq"})


def heard(**said: object) -> AuthenticationError:
    with pytest.raises(tollbridge.AuthenticationError) as raised:
        tollbridge.completion(messages=HELLO, num_retries=0, **said)  # type: ignore[arg-type]
    assert KEY not in str(raised.value)
    assert str(raised.value) == raised.value.message == raised.value.args[0] or raised.value.key_place
    return raised.value


@pytest.mark.usefixtures("no_keys")
def test_in_python_it_names_the_parameter_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    with cloud(refuse) as place:
        for stream in (False, True):
            told = heard(model="openai/gpt-4o", api_base=place.url, api_key=KEY, stream=stream)
            assert str(told) == f"openai refused the key that it was asked with (`api_key`): {THEIRS}"
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        assert "groq refused the key that it was asked with (GROQ_API_KEY): " in str(
            heard(model="groq/x", api_base=place.url)
        )
        said = {"api_base": place.url, "aws_region_name": "eu-west-1"}
        keys = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": KEY}
        assert "(`aws_access_key_id`): " in str(heard(model="bedrock/amazon.nova-lite-v1:0", **said, **keys))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA1")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
        assert "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY): " in str(
            heard(model="bedrock/amazon.nova-lite-v1:0", **said)
        )
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        with pytest.raises(tollbridge.AuthenticationError, match=r"\(OPENAI_API_KEY\): Incorrect"):
            tollbridge.embedding("openai/text-embedding-3-small", ["x"], api_base=place.url, num_retries=0)
        with pytest.raises(tollbridge.AuthenticationError, match=r"openai refused .*\(OPENAI_API_KEY\): Incorrect"):
            tollbridge.retrieve_batch("b", custom_llm_provider="openai", api_base=place.url)


@pytest.mark.usefixtures("no_keys")
def test_behind_a_gateway_it_is_the_gateways_and_not_the_callers() -> None:
    with cloud(refuse_as_gateway) as place:
        told = heard(model="litellm_proxy/m", api_base=place.url, api_key=KEY)
    assert str(told) == f"groq refused the key of litellm_proxy, which asked it, and not the caller's: {THEIRS}"


async def test_a_client_of_another_dialect_hears_who_refused(tmp_path: Path) -> None:
    with cloud(refuse) as place:
        params = {"model": "openai/gpt-4o", "api_key": KEY, "api_base": place.url, "max_retries": 0}
        text = json.dumps({"model_list": [{"model_name": "m", "litellm_params": params}]})
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post("/v1/messages", {"model": "m", "max_tokens": 9, "messages": HELLO})
    assert answered.status == 401
    assert answered.json()["error"]["message"] == f"openai refused the key that it was asked with: {THEIRS}"


def test_a_command_tells_the_gateways_key_from_the_providers() -> None:
    body = json.dumps({"error": {"message": THEIRS}}).encode()
    with pytest.raises(APIError, match="Give it with --key"):
        Answered(401, "", body).told("http://g")
    with pytest.raises(APIError, match=r"^groq refused the gateway's key, and not yours: Incorrect"):
        Answered(401, "", body, "groq").told("http://g")


def test_a_refusal_of_ones_own_is_told_as_it_is_and_all_keep_their_words() -> None:
    own = AuthenticationError("The key is not known.", provider="groq")
    assert (str(own), own.message) == ("The key is not known.", "The key is not known.")
    theirs = AuthenticationError("No.", "groq", "m", wire="openai_chat")
    assert theirs.message == "groq refused the key that it was asked with: No."
    theirs.message = theirs.message
    assert theirs.message == "groq refused the key that it was asked with: No."
    for made in (copy.copy(theirs), pickle.loads(pickle.dumps(theirs))):  # noqa: S301 our own
        assert (made.message, made.provider, made.status_code) == (theirs.message, "groq", 401)
