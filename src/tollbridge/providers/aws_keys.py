"""AWS's credentials, by the library `botocore` (the extra `aws`), which is imported when first used.

Blocking: whoever asks does so in a thread. Whose they are is the first of these that is told; what is given goes before
the environment:

    a role            assumed at STS, as whoever else is told here; with a web identity, as nobody
    two keys          (and a session token) as they are
    a profile         of AWS's own files: keys, a role, a process, single sign-on
    nothing           AWS's own chain: its files, a container's, a machine's

Keys that end are fetched anew before they do (`calls.tokens`); those of which nobody says when are read again from time
to time, for another program may have changed the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from tollbridge.errors import APIConnectionError, APIError, AuthenticationError
from tollbridge.providers.extras import missing
from tollbridge.secret import Secret

REREAD_S = 900.0
NEVER = float("inf")
SESSION = "tollbridge"
_STS_TIMEOUT_S = 20
_VARIABLES = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK"


class AwsAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs, for which service, in which region. `web_identity`: a token, or the path of a file that has one."""

    extra: ClassVar[str] = "aws"

    provider: str
    service: str
    region: str
    access_key: str | None = None
    secret_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None
    role: str | None = None
    session_name: str | None = None
    external_id: str | None = None
    session_tags: tuple[tuple[str, str], ...] = ()
    web_identity: Secret | None = None
    sts_endpoint: str | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        return tuple(secret for secret in (self.secret_key, self.session_token, self.web_identity) if secret)

    @property
    def identity(self) -> str:
        return "\0".join((self.role or "", self.access_key or self.profile or ""))


class Keys(msgspec.Struct, frozen=True):
    """`expires_at`: epoch seconds."""

    access_key: str
    secret_key: Secret
    session_token: Secret | None
    expires_at: float

    @property
    def secrets(self) -> tuple[str, ...]:
        token = () if self.session_token is None else (self.session_token.reveal(),)
        return (self.secret_key.reveal(), *token)


def fetcher(account: AwsAccount) -> Callable[[], Keys]:
    """What fetches keys, one after the other. It raises AuthenticationError, the operator's, where there can be none,
    InternalServerError, likewise, without the library, and APIConnectionError where AWS does not answer."""

    def fetch() -> Keys:
        try:
            for name in ("auth", "awsrequest", "credentials"):  # what signs: here, where waiting for it delays nobody
                _library(f"botocore.{name}")
            exceptions = _library("botocore.exceptions")
        except ImportError as error:
            raise missing(account.extra, account.provider) from error
        try:
            keys = _assumed(account) if account.role else _own(account)
        except APIError:
            raise
        except exceptions.ClientError as error:
            raise _operator(account, f"AWS gave no credentials: {error}") from error
        except (
            exceptions.HTTPClientError,
            exceptions.ConnectionError,
            exceptions.MetadataRetrievalError,
        ) as error:
            raise APIConnectionError(f"{account.provider}: AWS could not be asked for credentials: {error}.") from error
        except (exceptions.BotoCoreError, OSError, ValueError) as error:
            raise _operator(account, f"the credentials cannot be used: {error}") from error
        if keys is None:
            raise _operator(
                account,
                "no AWS credentials were found: pass `aws_access_key_id` and `aws_secret_access_key`, "
                f"or set {_VARIABLES}",
                code="missing_api_key",
            )
        return keys

    return fetch


def region_of(profile: str | None) -> str | None:
    """The region in AWS's own configuration; None where there is none, or no library to read it."""
    try:
        session = _library("botocore.session")
        exceptions = _library("botocore.exceptions")
    except ImportError:
        return None
    try:
        found = session.Session(profile=profile).get_config_variable("region")
    except exceptions.BotoCoreError:
        return None  # no such profile: who signs will say so
    return found if isinstance(found, str) and found else None


def _own(account: AwsAccount) -> Keys | None:
    """Without a role to assume."""
    if account.access_key and account.secret_key:
        return Keys(account.access_key, account.secret_key, account.session_token, NEVER)
    credentials = _library("botocore.session").Session(profile=account.profile).get_credentials()
    if credentials is None:
        return None
    frozen = credentials.get_frozen_credentials()
    ends = getattr(credentials, "_expiry_time", None)  # told nowhere else
    now = datetime.now(UTC).timestamp()
    return Keys(
        frozen.access_key,
        Secret(frozen.secret_key),
        Secret(frozen.token) if frozen.token else None,
        ends.timestamp() if isinstance(ends, datetime) else now + REREAD_S,
    )


def _assumed(account: AwsAccount) -> Keys:
    asked: dict[str, Any] = {
        "RoleArn": account.role,
        "RoleSessionName": account.session_name or SESSION,
    }
    if account.web_identity is not None:
        answer = _sts(account, None).assume_role_with_web_identity(
            **asked, WebIdentityToken=_token(account.web_identity)
        )
    else:
        if account.external_id:
            asked["ExternalId"] = account.external_id
        if account.session_tags:
            asked["Tags"] = [{"Key": key, "Value": value} for key, value in account.session_tags]
        answer = _sts(account, _own(account)).assume_role(**asked)
    return _from_sts(answer["Credentials"])


def _sts(account: AwsAccount, base: Keys | None) -> Any:
    config = _library("botocore.config")
    session = _library("botocore.session").Session(profile=account.profile)
    signed: dict[str, Any] = {}
    if base is not None:
        signed = {
            "aws_access_key_id": base.access_key,
            "aws_secret_access_key": base.secret_key.reveal(),
            "aws_session_token": None if base.session_token is None else base.session_token.reveal(),
        }
    return session.create_client(
        "sts",
        region_name=account.region,
        endpoint_url=account.sts_endpoint,
        config=config.Config(connect_timeout=5, read_timeout=_STS_TIMEOUT_S, retries={"total_max_attempts": 2}),
        **signed,
    )


def _from_sts(said: Mapping[str, Any]) -> Keys:
    return Keys(
        said["AccessKeyId"],
        Secret(said["SecretAccessKey"]),
        Secret(said["SessionToken"]),
        said["Expiration"].timestamp(),
    )


def _token(identity: Secret) -> str:
    """A file is read anew each time: whoever writes it renews it."""
    said = identity.reveal()
    return Path(said).read_text(encoding="utf-8").strip() if said.startswith("/") else said


def _library(name: str) -> Any:
    """A module of botocore: it is an extra, and slow to import."""
    return import_module(name)


def _operator(account: AwsAccount, why: str, code: str = "cloud_credentials") -> AuthenticationError:
    return AuthenticationError(
        f"{account.provider}: {why.rstrip('.')}.", code=code, fault="operator", provider=account.provider
    )
