"""Which of AWS's credentials and regions the operator meant: LiteLLM's parameters, then the environment.

What is given for a deployment is one account, what the environment says another: a role of the one is never assumed
with the keys of the other. `AWS_ROLE_ARN` is AWS's own variable and means something beside a web identity alone;
`AWS_ROLE_NAME` is LiteLLM's.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.providers.address import Base
from tollbridge.providers.aws_keys import AwsAccount, region_of
from tollbridge.providers.bedrock import region_in
from tollbridge.secret import Secret

REGION = ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables each of which says that there are credentials."""
_KEY, _SECRET, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
_NAMED = frozenset({_KEY, "aws_profile_name", "aws_role_name", "aws_web_identity_token"})


class Lookup(msgspec.Struct, frozen=True):
    given: Mapping[str, Json]
    environ: Mapping[str, str]

    @property
    def names_keys(self) -> bool:
        """Whose keys they are is given, not left to the environment."""
        return any(self.value(name) for name in _NAMED)

    def value(self, name: str, *variables: str) -> str | None:
        """The first that holds more than white space."""
        found = self.given.get(name)
        for said in (found.reveal() if isinstance(found, Secret) else found, *map(self.environ.get, variables)):
            if isinstance(said, str) and said.strip():
                return said.strip()
        return None

    def secret(self, name: str, *variables: str) -> Secret | None:
        found = self.value(name, *variables)
        return None if found is None else Secret(found)


def read_region(provider: str, lookup: Lookup, named: str, base: Base | None, *, needed: bool) -> str:
    """`named`: by the model's name. Raises BadRequestError, the operator's, where it is `needed` and nobody says."""
    said = (
        lookup.value("aws_region_name")
        or named
        or (region_in(base.host) if base is not None else "")
        or lookup.value("", *REGION)
    )
    if not said and needed:
        said = region_of(lookup.value("aws_profile_name", "AWS_PROFILE"))
    if said and not (said.isascii() and all(part.isalnum() for part in said.split("-"))):
        raise _wrong(provider, "holds characters that no region has")
    if not said and needed:
        raise _wrong(provider, "is missing")
    return said or ""


def read_account(provider: str, service: str, region: str, lookup: Lookup) -> AwsAccount:
    """Raises BadRequestError, the operator's, where one of two keys is missing."""
    where = Lookup(lookup.given, {}) if lookup.names_keys else lookup
    key, secret = where.secret(_KEY, "AWS_ACCESS_KEY_ID"), where.secret(_SECRET, "AWS_SECRET_ACCESS_KEY")
    if (key is None) != (secret is None):
        missing = _SECRET if secret is None else _KEY
        raise BadRequestError(
            f"{provider}: `{missing}` is missing: two keys belong together. Pass it, or set {missing.upper()}.",
            param=missing,
            provider=provider,
            fault="operator",
        )
    identity = where.secret("aws_web_identity_token", "AWS_WEB_IDENTITY_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE")
    role = where.value("aws_role_name", "AWS_ROLE_NAME")
    if role is None and identity is not None and key is None:
        role = where.value("", "AWS_ROLE_ARN")
    return AwsAccount(
        provider=provider,
        service=service,
        region=region,
        access_key=None if key is None else key.reveal(),
        secret_key=secret,
        session_token=where.secret(_TOKEN, "AWS_SESSION_TOKEN") if key is not None else None,
        profile=where.value("aws_profile_name", "AWS_PROFILE") if key is None else None,
        role=role,
        session_name=where.value("aws_session_name", "AWS_SESSION_NAME", "AWS_ROLE_SESSION_NAME"),
        external_id=where.value("aws_external_id", "AWS_EXTERNAL_ID"),
        session_tags=_tags(lookup.given.get("aws_session_tags")),
        web_identity=identity if role is not None else None,
        sts_endpoint=lookup.value("aws_sts_endpoint", "AWS_STS_ENDPOINT"),
    )


def _tags(said: Json) -> tuple[tuple[str, str], ...]:
    """AWS's list of `{"Key", "Value"}`."""
    items = said if isinstance(said, list) else []
    return tuple((str(item["Key"]), str(item["Value"])) for item in items if isinstance(item, dict) and "Key" in item)


def _wrong(provider: str, how: str) -> BadRequestError:
    return BadRequestError(
        f"{provider}: `aws_region_name` {how}: pass it, or set {' or '.join(REGION)}.",
        param="aws_region_name",
        provider=provider,
        fault="operator",
    )
