"""Libraries that are extras: that one is missing is the operator's to mend, and known before anybody is asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import tollbridge
from tests.server.served import served
from tollbridge.errors import APIError, InternalServerError
from tollbridge.providers.aws_keys import AwsAccount
from tollbridge.providers.aws_keys import fetcher as keys_of
from tollbridge.providers.azure_token import AzureIdentity
from tollbridge.providers.azure_token import fetcher as azure_tokens
from tollbridge.providers.extras import LIBRARIES, is_there
from tollbridge.providers.google_token import GoogleAccount
from tollbridge.providers.google_token import fetcher as google_tokens
from tollbridge.providers.resolve import Given, resolve
from tollbridge.providers.table import ROWS

AWS = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}
AZURE = {"AZURE_API_BASE": "https://a.openai.azure.com", "AZURE_CREDENTIAL": "DefaultAzureCredential"}
GOOGLE = {"VERTEXAI_PROJECT": "acme"}
PLACES = [
    ("aws", "bedrock/amazon.nova-lite-v1:0", AWS),
    ("aws", "sagemaker_chat/endpoint", AWS),
    ("aws", "bedrock_mantle/openai.gpt-oss-20b", AWS),
    ("gcp", "vertex_ai/gemini-2.5-flash", GOOGLE),
    ("azure", "azure/d", AZURE),
    ("azure", "azure_ai/d", {**AZURE, "AZURE_AI_API_BASE": "https://a.services.ai.azure.com"}),
]
places = pytest.mark.parametrize(("extra", "model", "environ"), PLACES, ids=[model for _, model, _ in PLACES])


@pytest.fixture
def _without(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the package was installed alone."""
    for library in LIBRARIES.values():
        loaded = [name for name in sys.modules if name.startswith(f"{library}.")]
        for name in (library, f"{library}.exceptions", *loaded):
            monkeypatch.setitem(sys.modules, name, None)


def is_the_operators(error: APIError, extra: str) -> None:
    assert isinstance(error, InternalServerError)
    assert (error.status_code, error.type, error.code) == (500, "configuration_error", "missing_extra")
    assert (error.fault, error.retryable) == ("operator", False)
    assert f"`pip install 'tollbridge[{extra}]'`" in error.message
    assert error.message.startswith(f"{error.provider}: ")


def test_they_are_there_where_they_are_and_each_is_an_extra_of_the_package() -> None:
    assert all(map(is_there, LIBRARIES))
    extras = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    for extra, library in LIBRARIES.items():
        assert f'{extra} = ["{library.replace(".", "-")}>=' in extras


@places
@pytest.mark.usefixtures("_without")
def test_where_one_is_missing_there_is_no_such_place(extra: str, model: str, environ: Mapping[str, str]) -> None:
    with pytest.raises(InternalServerError) as raised:
        resolve(model, environ=environ, rows=ROWS)
    is_the_operators(raised.value, extra)
    assert raised.value.provider == model.partition("/")[0]


@places
@pytest.mark.usefixtures("_without")
def test_a_key_needs_none(extra: str, model: str, environ: Mapping[str, str]) -> None:
    assert resolve(model, given=Given(api_key="k"), environ=environ, rows=ROWS).cloud is None


@pytest.mark.usefixtures("_without")
def test_one_that_went_meanwhile_is_told_likewise() -> None:
    aws = AwsAccount(provider="bedrock", service="bedrock", region="eu-west-1")
    azure = AzureIdentity(provider="azure", kind="DefaultAzureCredential")
    for extra, fetch in (
        ("aws", keys_of(aws)),
        ("gcp", google_tokens(GoogleAccount())),
        ("azure", azure_tokens(azure)),
    ):
        with pytest.raises(InternalServerError) as raised:
            fetch()
        is_the_operators(raised.value, extra)


@pytest.mark.usefixtures("_without")
def test_a_program_hears_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with pytest.raises(tollbridge.InternalServerError, match="pip install") as raised:
        tollbridge.completion("bedrock/amazon.nova-lite-v1:0", [{"role": "user", "content": "hi"}])
    is_the_operators(raised.value, "aws")


@pytest.mark.parametrize("names", [("b", "bedrock/x"), ("bedrock/*", "bedrock/*"), None], ids=["named", "all", "none"])
@pytest.mark.usefixtures("_without")
async def test_a_client_hears_that_the_gateway_is_not_set_up_and_the_log_what_to_install(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, names: tuple[str, str] | None
) -> None:
    text = None
    if names is not None:
        text = json.dumps({"model_list": [{"model_name": names[0], "litellm_params": {"model": names[1]}}]})
    model = names[0] if names and "*" not in names[0] else "bedrock/amazon.nova-lite-v1:0"
    async with served(text, tmp_path, environ=AWS) as gateway:
        answered = await gateway.post(
            "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        )
        assert answered.status == 503, answered.body
        assert "pip" not in answered.json()["error"]["message"]
    if names != ("b", "bedrock/x"):  # one that is named is told of at the start
        assert "pip install 'tollbridge[aws]'" in caplog.text
