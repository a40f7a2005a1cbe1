"""A Google Cloud access token, by the library `google-auth` (the extra `gcp`), which is imported when first used.

Blocking: whoever asks does so in a thread. A service account signs its own token, without asking anybody
(https://google.aip.dev/auth/4111, seen 2026-11-26); every other kind (gcloud's, a machine's, a workload's) is asked
for at Google's token endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from importlib import import_module
from typing import Any, ClassVar

import msgspec

from tollbridge.errors import APIConnectionError, AuthenticationError
from tollbridge.providers.extras import missing
from tollbridge.providers.token import Token
from tollbridge.secret import Secret

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://aiplatform.googleapis.com/"
TIMEOUT_S = 30.0


class GoogleAccount(msgspec.Struct, frozen=True):
    """Whose token: the JSON of its credentials, or a file with them; where there is neither, the machine's own
    (Application Default Credentials)."""

    extra: ClassVar[str] = "gcp"

    credentials: Secret | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return () if self.credentials is None else (self.credentials,)

    @property
    def identity(self) -> str:
        return "" if self.credentials is None else self.credentials.reveal()


def fetcher(account: GoogleAccount) -> Callable[[], Token]:
    """What fetches tokens, one after the other. It raises AuthenticationError, the operator's, where there can be none,
    InternalServerError, likewise, without the library, and APIConnectionError where Google does not answer."""
    held: list[Any] = []

    def fetch() -> Token:
        try:
            exceptions = _library("google.auth.exceptions")
        except ImportError as error:
            raise missing(GoogleAccount.extra, "vertex_ai") from error
        try:
            if not held:
                held.append(_load(account))
            credentials = held[0]
            credentials.refresh(_ask)
        except (exceptions.TransportError, exceptions.RefreshError) as error:
            if isinstance(error, exceptions.TransportError) or error.retryable:
                raise APIConnectionError(f"Google's token endpoint could not be asked: {error}.") from error
            raise _operator(f"Google gave no token: {error}") from error
        except (exceptions.GoogleAuthError, ValueError, OSError) as error:
            raise _operator(f"the credentials cannot be used: {error}") from error
        token = credentials.token
        return Token(
            Secret(token.decode() if isinstance(token, bytes) else token),
            credentials.expiry.replace(tzinfo=UTC).timestamp(),  # told as UTC, without saying so
        )

    return fetch


def _library(name: str) -> Any:
    """A module of google-auth: it is an extra, and slow to import."""
    return import_module(name)


def _load(account: GoogleAccount) -> Any:
    if account.credentials is None:
        credentials, _ = _library("google.auth").default(scopes=[SCOPE], request=_ask)
        return credentials
    text = account.credentials.reveal()
    info = _json(text)
    if info is None:
        return _from_file(text)
    kind = info.get("type")
    if kind == "service_account":
        return _library("google.auth.jwt").Credentials.from_service_account_info(info, audience=AUDIENCE)
    if kind == "external_account":
        kind = _external(info)
    found = _LOADERS.get(str(kind))
    if found is None:
        raise ValueError(f"they are of the type {kind!r}; known are service_account, {', '.join(_LOADERS)}")
    module, loader = found
    credentials = getattr(_library(module).Credentials, loader)(info)
    return credentials.with_scopes([SCOPE]) if getattr(credentials, "requires_scopes", False) else credentials


_LOADERS: Mapping[str, tuple[str, str]] = {
    "authorized_user": ("google.oauth2.credentials", "from_authorized_user_info"),
    "impersonated_service_account": ("google.auth.impersonated_credentials", "from_impersonated_service_account_info"),
    "external_account_authorized_user": ("google.auth.external_account_authorized_user", "from_info"),
    "external_account": ("google.auth.identity_pool", "from_info"),
    "external_account of AWS": ("google.auth.aws", "from_info"),
    "external_account of a program": ("google.auth.pluggable", "from_info"),
}
"""By type, as the library asks it to be done: one that loads whatever it is given is no longer to be used."""


def _external(info: Mapping[str, Any]) -> str:
    """Where the identity of a workload comes from."""
    source = info.get("credential_source")
    said = source if isinstance(source, dict) else {}
    if str(said.get("environment_id", "")).startswith("aws"):
        return "external_account of AWS"
    return "external_account of a program" if "executable" in said else "external_account"


def _from_file(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return _load(GoogleAccount(Secret(file.read())))


def _json(text: str) -> Mapping[str, Any] | None:
    """The object, where the text is one; a path is none."""
    if not text.lstrip().startswith("{"):
        return None
    value = json.loads(text)
    return value if isinstance(value, dict) else None


def project_in(credentials: str) -> str | None:
    """The project that a service account belongs to, where its JSON is at hand."""
    try:
        said = (_json(credentials) or {}).get("project_id")
    except ValueError:
        return None
    return said if isinstance(said, str) else None


class _Answer:
    """An answer, in the words of google-auth."""

    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


def _ask(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: Any
) -> _Answer:
    """google-auth's transport, by the standard library: its own ones need packages that nothing else here does."""
    from tollbridge.providers.blocking import ask  # see there

    try:
        answer = ask(url, method, body, headers or {}, timeout_s=TIMEOUT_S, redirects=True)
    except OSError as error:
        raise _library("google.auth.exceptions").TransportError(error) from error
    return _Answer(answer.status, answer.headers, answer.body)


def _operator(why: str) -> AuthenticationError:
    return AuthenticationError(f"vertex_ai: {why}.", code="cloud_credentials", fault="operator", provider="vertex_ai")
