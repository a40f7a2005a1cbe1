"""Whom Azure is told that we are, where there is no key: by our own exchange, or by Microsoft's library as it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.office import Office, opened
from tollbridge.errors import APIConnectionError, AuthenticationError, InternalServerError
from tollbridge.providers import azure_token
from tollbridge.providers.account import fetcher
from tollbridge.providers.azure_token import AskedProgram, AzureIdentity
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.resolve import Given, Location, resolve
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

BASE = "https://r.openai.azure.com"
PRINCIPAL = {"tenant_id": "acme.example", "client_id": "app", "client_secret": Secret("hush-hush")}
ENVIRON = {"AZURE_TENANT_ID": "acme.example", "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "hush-hush"}


@pytest.fixture
def office() -> Iterator[Office]:
    with opened() as one:
        yield one


def found(model: str = "azure/d", environ: dict[str, str] | None = None, **extra: Any) -> Location:
    key, tokens = extra.pop("api_key", None), extra.pop("tokens", None)
    given = Given(api_key=key, api_base=BASE, extra=extra, tokens=tokens)
    return resolve(model, given=given, environ=environ or {}, rows=ROWS)


@pytest.mark.parametrize("model", ["azure/d", "azure_ai/grok-4", "azure_ai/claude-sonnet-4-5"])
def test_a_clients_secret_is_exchanged_at_its_tenant(model: str) -> None:
    location = found(model, **PRINCIPAL)
    assert isinstance(location.cloud, Exchange)
    assert location.cloud.url == "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token"
    assert dict(location.cloud.form) == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": Secret("hush-hush"),
        "scope": "https://cognitiveservices.azure.com/.default",
    }
    assert location.secrets == (Secret("hush-hush"),)
    assert not {name for name, _ in location.headers} & {"api-key", "x-api-key", "authorization"}


def test_a_programs_function_is_asked_each_time_and_goes_before_the_environment() -> None:
    given = iter(["first", " second\n"])
    location = found(environ={"AZURE_API_KEY": "k", **ENVIRON}, tokens=lambda: next(given))
    assert isinstance(location.cloud, AskedProgram)
    assert not {name for name, _ in location.headers} & {"api-key", "authorization"}
    ask = fetcher(location.cloud, time.time)
    assert [ask().text.reveal() for _ in range(2)] == ["first", "second"]
    with pytest.raises(AuthenticationError, match="azure: `azure_ad_token_provider` failed: StopIteration") as raised:
        ask()
    assert raised.value.fault == "operator"
    nothing = found(tokens=lambda: None).cloud
    assert isinstance(nothing, AskedProgram)
    with pytest.raises(AuthenticationError, match="gave no token, but NoneType"):
        fetcher(nothing, time.time)()


def test_the_environment_is_enough_and_scope_and_authority_are_the_operators() -> None:
    location = found(
        environ={**ENVIRON, "AZURE_SCOPE": "https://ai.azure.com/.default", "AZURE_AUTHORITY_HOST": "login.azure.us"}
    )
    assert isinstance(location.cloud, Exchange)
    assert location.cloud.url == "https://login.azure.us/acme.example/oauth2/v2.0/token"
    assert dict(location.cloud.form)["scope"] == "https://ai.azure.com/.default"


def test_a_password_is_exchanged_likewise() -> None:
    location = found(client_id="app", azure_username="ann@acme.example", azure_password=Secret("pass-word"))
    assert isinstance(location.cloud, Exchange)
    assert location.cloud.url.endswith("/organizations/oauth2/v2.0/token")
    form = dict(location.cloud.form)
    assert (form["grant_type"], form["username"], form["password"]) == (
        "password",
        "ann@acme.example",
        Secret("pass-word"),
    )


def test_what_is_given_goes_before_what_the_environment_holds() -> None:
    assert found(environ={"AZURE_API_KEY": "k"}, **PRINCIPAL).cloud is not None
    assert found(environ=ENVIRON, api_key="k").cloud is None
    assert found(environ={**ENVIRON, "AZURE_API_KEY": "k"}).cloud is None
    token = found(environ={"AZURE_API_KEY": "k", **ENVIRON}, azure_ad_token=Secret("mine"))
    assert token.cloud is None
    assert [(name, value.reveal()) for name, value in token.headers if isinstance(value, Secret)] == [
        ("authorization", "Bearer mine")
    ]


def test_whoever_has_half_of_it_is_told_what_to_set() -> None:
    with pytest.raises(AuthenticationError, match="AZURE_API_KEY"):
        found(tenant_id="t", client_id="app")
    with pytest.raises(AuthenticationError, match=r"known are DefaultAzureCredential"):
        found(azure_credential="InteractiveBrowserCredential")
    with pytest.raises(AuthenticationError, match="azure_federated_token_file"):
        found(azure_ad_token="oidc/file//run/token")
    with pytest.raises(AuthenticationError, match="tenant_id"):
        found(**{**PRINCIPAL, "tenant_id": "../../elsewhere"})


def test_another_account_is_another_account() -> None:
    one = found(**PRINCIPAL).account
    assert one == found(**{**PRINCIPAL, "client_secret": Secret("renewed")}).account
    assert one != found(**{**PRINCIPAL, "client_id": "other"}).account
    assert one != found(azure_credential="ManagedIdentityCredential").account


def test_a_workloads_file_and_a_named_credential_ask_for_the_library(tmp_path: Path) -> None:
    environ = {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "f"), "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
    cloud = found(environ=environ).cloud
    assert isinstance(cloud, AzureIdentity)
    assert cloud.kind == "WorkloadIdentityCredential"
    assert dict(cloud.settings)["token_file_path"] == str(tmp_path / "f")
    default = found(azure_credential="DefaultAzureCredential", azure_scope="s").cloud
    assert isinstance(default, AzureIdentity)
    assert (default.kind, default.scope) == ("DefaultAzureCredential", "s")


def identity(kind: str, **settings: str) -> AzureIdentity:
    return AzureIdentity(provider="azure", kind=kind, settings=tuple(settings.items()))


def test_a_managed_identity_is_asked_by_microsofts_library(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Azure's App Service has it: an endpoint on the machine, and a header that only its programs know."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{office.url}/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "known-here")
    ends = int(time.time()) + 7200
    office.answers[:] = [(200, {"access_token": "managed", "expires_on": str(ends), "token_type": "Bearer"})]
    office.headers["content-type"] = "application/json"
    token = fetcher(identity("ManagedIdentityCredential", client_id="mine"), time.time)()
    assert (token.text.reveal(), token.expires_at) == ("managed", ends)
    path, _, headers = office.asked[0]
    assert "resource=https://cognitiveservices.azure.com" in path
    assert "client_id=mine" in path
    assert headers["x-identity-header"] == "known-here"


def test_a_library_that_finds_nobody_is_the_operators_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRON:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AuthenticationError, match="EnvironmentCredential gave no token") as raised:
        fetcher(identity("EnvironmentCredential"), time.time)()
    assert (raised.value.fault, raised.value.retryable) == ("operator", False)


def test_a_machine_that_does_not_answer_may_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi")
    monkeypatch.setenv("IDENTITY_HEADER", "known-here")
    monkeypatch.setattr("time.sleep", lambda _: None)  # the library waits between its own attempts
    with pytest.raises(APIConnectionError) as raised:
        fetcher(identity("ManagedIdentityCredential"), time.time)()
    assert raised.value.retryable


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(azure_token, "import_module", missing)
    with pytest.raises(InternalServerError, match=r"pip install 'tollbridge\[azure\]'") as raised:
        fetcher(identity("DefaultAzureCredential"), time.time)()
    assert raised.value.code == "missing_extra"
