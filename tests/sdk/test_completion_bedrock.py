"""`completion` at Bedrock: whose credentials, what comes back, and what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import tollbridge
from tests.aws import ACCESS_KEY, FRAMED, SECRET_KEY, Asked, Service, Told, is_signed, serving
from tests.server.test_bedrock import ANSWER, CHAT, CLAUDE, STREAM
from tollbridge import acompletion, completion, stream_chunk_builder

pytestmark = pytest.mark.usefixtures("no_keys")

PLACE: dict[str, Any] = {
    "aws_access_key_id": ACCESS_KEY,
    "aws_secret_access_key": SECRET_KEY,
    "aws_region_name": "us-west-2",
}


def answers(asked: Asked) -> Told:
    if not is_signed(asked) and asked.headers.get("authorization") != "Bearer ABSK-1":
        said = b'{"message": "The security token included in the request is expired"}'
        return Told(said, 403, headers={"x-amzn-errortype": "ExpiredTokenException"})
    if asked.target.endswith("-stream"):
        return Told(STREAM, content_type=FRAMED)
    return Told(json.dumps(ANSWER).encode())


@pytest.fixture
def aws() -> Iterator[Service]:
    with serving(answers) as service:
        yield service


@pytest.mark.parametrize("name", [f"bedrock/{CLAUDE}", f"bedrock/converse/{CLAUDE}", f"bedrock_converse/{CLAUDE}"])
def test_an_answer_with_a_call_costs_what_the_catalog_says(aws: Service, name: str) -> None:
    response = completion(name, api_base=aws.url, **CHAT, **PLACE)
    message = response.choices[0].message
    assert message.content == "Let me see."
    assert message.tool_calls[0].function.name == "weather"
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo"}
    assert response.choices[0].finish_reason == "tool_calls"
    assert response.usage.prompt_tokens == 10
    assert response._hidden_params["response_cost"] == pytest.approx(10 * 3.3e-6 + 5 * 16.5e-6)
    assert aws.last().signed_for == (ACCESS_KEY, "us-west-2", "bedrock")


def test_a_stream_is_put_together_as_the_whole_answer(aws: Service) -> None:
    chunks = list(completion(f"bedrock/{CLAUDE}", aws_bedrock_runtime_endpoint=aws.url, stream=True, **CHAT, **PLACE))
    whole = stream_chunk_builder(chunks)
    assert whole.choices[0].message.content == "Let me see."
    assert json.loads(whole.choices[0].message.tool_calls[0].function.arguments) == {"city": "Oslo"}


async def test_a_key_is_a_bearer_token(aws: Service) -> None:
    response = await acompletion("bedrock/us.amazon.nova-lite-v1:0", api_base=aws.url, api_key="ABSK-1", **CHAT)
    assert response.choices[0].message.content == "Let me see."


def test_an_expired_token_is_an_authentication_error(aws: Service) -> None:
    wrong = {**PLACE, "aws_secret_access_key": "another"}
    with pytest.raises(tollbridge.AuthenticationError, match=r"is expired\. Renew the AWS credentials") as caught:
        completion(f"bedrock/{CLAUDE}", api_base=aws.url, max_retries=0, **CHAT, **wrong)
    assert caught.value.llm_provider == "bedrock"


def test_a_guardrail_and_a_tier_of_the_call_go_along(aws: Service) -> None:
    guardrail = {"guardrailIdentifier": "g1", "guardrailVersion": "DRAFT"}
    completion(
        f"bedrock/{CLAUDE}", api_base=aws.url, guardrailConfig=guardrail, service_tier="priority", **CHAT, **PLACE
    )
    body = aws.last().json()
    assert body["guardrailConfig"] == guardrail
    assert body["serviceTier"] == {"type": "priority"}


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_REGION_NAME", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(tollbridge.BadRequestError, match="AWS_REGION_NAME"):
        completion(f"bedrock/{CLAUDE}", **CHAT)
    with pytest.raises(tollbridge.AuthenticationError, match="AWS_ACCESS_KEY_ID"):
        completion(f"bedrock/{CLAUDE}", api_base="http://127.0.0.1:9", aws_region_name="us-east-1", **CHAT)
