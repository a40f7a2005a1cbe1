"""Whom Azure is told that we are, where there is no key: Microsoft's Entra ID gives a token for an identity.

    a client's secret        tenant_id, client_id, client_secret           exchanged by `oauth.py`
    a user's password        client_id, azure_username, azure_password     likewise
    a workload's own file    AZURE_FEDERATED_TOKEN_FILE (AKS sets it)       the library azure-identity
    what `azure_credential` names: DefaultAzureCredential, ManagedIdentityCredential ...      likewise
    a program's function     azure_ad_token_provider                       asked before each request, as by OpenAI's SDK

The library is the extra `azure`, and is imported when first used. Blocking: whoever asks does so in a thread.

Sources: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
https://learn.microsoft.com/python/api/azure-identity (seen 2026-11-26); the variables are LiteLLM's and Azure's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import msgspec

from tollbridge.errors import APIConnectionError, AuthenticationError
from tollbridge.providers.extras import missing
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.said import Said
from tollbridge.providers.token import Token
from tollbridge.secret import Secret

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
ANY_TENANT = "organizations"
_MEND = "Look at `tenant_id`, `client_id` and `client_secret`, and at the roles of that application."

ASKS = (
    "tenant_id",
    "client_id",
    "client_secret",
    "azure_ad_token",
    "azure_authority_host",
    "azure_credential",
    "azure_federated_token_file",
    "azure_password",
    "azure_scope",
    "azure_username",
)

TOKEN_PROVIDER = "azure_ad_token_provider"
"""Said by a program alone: a file holds no function."""

LIBRARY: Mapping[str, tuple[str, ...]] = {
    "DefaultAzureCredential": ("authority",),
    "EnvironmentCredential": ("authority",),
    "ManagedIdentityCredential": ("client_id",),
    "WorkloadIdentityCredential": ("tenant_id", "client_id", "token_file_path", "authority"),
    "AzureCliCredential": ("tenant_id",),
    "AzureDeveloperCliCredential": ("tenant_id",),
    "AzurePowerShellCredential": ("tenant_id",),
}
"""Classes of azure-identity that need nobody at a browser, and which of our settings each takes."""


class AzureIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: a class of `LIBRARY`. `settings`: what of it is given; the library asks the environment for the rest."""

    extra: ClassVar[str] = "azure"

    provider: str
    kind: str
    scope: str = SCOPE
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return ()

    @property
    def identity(self) -> str:
        return "\0".join((self.kind, *(value for _, value in self.settings)))


class AskedProgram(msgspec.Struct, frozen=True, kw_only=True):
    """`give`: the program's function, which keeps tokens itself. Blocking."""

    extra: ClassVar[str] = ""

    provider: str
    give: Callable[[], object]

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return ()

    @property
    def identity(self) -> str:
        return TOKEN_PROVIDER


def azure_account(said: Said) -> Exchange | AzureIdentity | AskedProgram | None:
    """None where nothing says who we are. Raises AuthenticationError, the operator's, where it says it of no kind that
    is known. A key goes before all of this."""
    if said.key:
        return None
    if said.tokens is not None:
        return AskedProgram(provider=said.provider, give=said.tokens)
    kind = said.value("azure_credential", "AZURE_CREDENTIAL")
    tenant, client = said.value("tenant_id", "AZURE_TENANT_ID"), said.value("client_id", "AZURE_CLIENT_ID")
    authority = _authority(said.value("azure_authority_host", "AZURE_AUTHORITY_HOST"))
    scope = said.value("azure_scope", "AZURE_SCOPE") or SCOPE
    if kind in (None, "ClientSecretCredential"):
        secret = said.secret("client_secret", "AZURE_CLIENT_SECRET")
        if tenant and client and secret:
            form = _form("client_credentials", client, scope, client_secret=secret)
            return _exchange(said.provider, authority, tenant, form)
        name = said.value("azure_username", "AZURE_USERNAME")
        password = said.secret("azure_password", "AZURE_PASSWORD")
        if client and name and password:
            form = _form("password", client, scope, username=name, password=password)
            return _exchange(said.provider, authority, tenant or ANY_TENANT, form)
    file = said.value("azure_federated_token_file", "AZURE_FEDERATED_TOKEN_FILE")
    if kind is None and file and tenant and client:
        kind = "WorkloadIdentityCredential"
    if kind is None:
        return None
    takes = LIBRARY.get(kind)
    if takes is None:
        raise _operator(said.provider, f"`azure_credential` is {kind!r}; known are {', '.join(LIBRARY)}")
    given = {"tenant_id": tenant, "client_id": client, "token_file_path": file, "authority": authority}
    settings = tuple((name, value) for name in takes if (value := given[name]))
    return AzureIdentity(provider=said.provider, kind=kind, scope=scope, settings=settings)


def with_own_identity(environ: Mapping[str, str]) -> Mapping[str, str]:
    """As if the environment asked for the library's default, unless it asks for something else."""
    return {"AZURE_CREDENTIAL": "DefaultAzureCredential", **environ}


def _authority(said: str | None) -> str:
    """Azure's own variable is a host, or the same as a URL."""
    host = (said or AUTHORITY).rstrip("/")
    return host if "://" in host else f"https://{host}"


def _form(grant: str, client: str, scope: str, **more: str | Secret) -> tuple[tuple[str, str | Secret], ...]:
    return (("grant_type", grant), ("client_id", client), ("scope", scope), *more.items())


def _exchange(provider: str, authority: str, tenant: str, form: tuple[tuple[str, str | Secret], ...]) -> Exchange:
    if not tenant.replace("-", "").replace(".", "").isalnum():
        raise _operator(provider, "`tenant_id` holds characters that no tenant's name has")
    url = f"{authority}/{tenant}/oauth2/v2.0/token"
    return Exchange(provider=provider, office="Microsoft's Entra ID", url=url, form=form, mend=_MEND)


def fetcher(account: AzureIdentity) -> Callable[[], Token]:
    """What fetches tokens, one after the other. It raises AuthenticationError, the operator's, where there can be none,
    InternalServerError, likewise, without the library, and APIConnectionError where Azure does not answer."""
    held: list[Any] = []

    def fetch() -> Token:
        try:
            identity, exceptions = import_module("azure.identity"), import_module("azure.core.exceptions")
        except ImportError as error:
            raise missing(account.extra, account.provider) from error
        try:
            if not held:
                held.append(getattr(identity, account.kind)(**dict(account.settings)))
            got = held[0].get_token(account.scope)
        except (exceptions.ServiceRequestError, exceptions.ServiceResponseError) as error:
            raise APIConnectionError(
                f"{account.provider}: Microsoft's Entra ID could not be asked: {_said(error)}.",
                provider=account.provider,
            ) from error
        except (exceptions.AzureError, ValueError, OSError) as error:
            raise _operator(account.provider, f"{account.kind} gave no token: {_said(error)}") from error
        return Token(Secret(got.token), float(got.expires_on))

    return fetch


def asker(account: AskedProgram) -> Callable[[], Token]:
    """What asks the program anew each time. It raises AuthenticationError, the operator's, where no token is given."""

    def ask() -> Token:
        try:
            given = account.give()
        except Exception as error:
            raise _operator(
                account.provider, f"`{TOKEN_PROVIDER}` failed: {_said(error) or type(error).__name__}"
            ) from error
        if not isinstance(given, str) or not given.strip():
            raise _operator(account.provider, f"`{TOKEN_PROVIDER}` gave no token, but {type(given).__name__}")
        return Token(Secret(given.strip()), 0.0)

    return ask


def _said(error: Exception) -> str:
    """The library's messages are pages long."""
    return " ".join(str(error).split()).rstrip(".")[:500]


def _operator(provider: str, why: str) -> AuthenticationError:
    return AuthenticationError(f"{provider}: {why}.", code="cloud_credentials", fault="operator", provider=provider)
