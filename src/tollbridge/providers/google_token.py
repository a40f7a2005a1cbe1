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
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import msgspec

from tollbridge.errors import APIConnectionError, AuthenticationError
from tollbridge.secret import Secret

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://aiplatform.googleapis.com/"
TIMEOUT_S = 30.0


class GoogleAccount(msgspec.Struct, frozen=True):
    """Whose token: the JSON of its credentials, or a file with them; where there is neither, the machine's own
    (Application Default Credentials)."""

    credentials: Secret | None = None


class Token(msgspec.Struct, frozen=True):
    """`expires_at`: epoch seconds."""

    text: Secret
    expires_at: float


def fetcher(account: GoogleAccount) -> Callable[[], Token]:
    """What fetches tokens, one after the other. It raises AuthenticationError, the operator's, where there can be none,
    and APIConnectionError where Google does not answer."""
    held: list[Any] = []

    def fetch() -> Token:
        try:
            exceptions = _library("google.auth.exceptions")
        except ImportError as error:
            raise _operator("install the extra: `pip install tollbridge[gcp]`", code="missing_extra") from error
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
    auth, jwt = _library("google.auth"), _library("google.auth.jwt")
    info = None if account.credentials is None else _json(account.credentials.reveal())
    if info is not None and info.get("type") == "service_account":
        return jwt.Credentials.from_service_account_info(info, audience=AUDIENCE)
    if info is not None:
        credentials, _ = auth.load_credentials_from_dict(info, scopes=[SCOPE])
        return credentials
    if account.credentials is not None:
        return _from_file(account.credentials.reveal())
    credentials, _ = auth.default(scopes=[SCOPE], request=_ask)
    return credentials


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
    try:
        with urlopen(Request(url, body, dict(headers or {}), method=method), timeout=TIMEOUT_S) as answer:
            return _Answer(answer.status, dict(answer.headers), answer.read())
    except HTTPError as error:
        return _Answer(error.code, dict(error.headers), error.read())
    except (URLError, OSError) as error:
        raise _library("google.auth.exceptions").TransportError(error) from error


def _operator(why: str, code: str = "cloud_credentials") -> AuthenticationError:
    return AuthenticationError(f"vertex_ai: {why}.", code=code, fault="operator", provider="vertex_ai")
