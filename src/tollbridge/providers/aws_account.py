"""Which of AWS's credentials and regions the operator meant: LiteLLM's parameters, then the environment.

What is given for a deployment is one account, what the environment says another: a role of the one is never assumed
with the keys of the other. `AWS_ROLE_ARN` is AWS's own variable and means something beside a web identity alone;
`AWS_ROLE_NAME` is LiteLLM's.
"""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.providers.aws_keys import AwsAccount, region_of
from tollbridge.providers.bedrock import region_in
from tollbridge.providers.said import Said

REGION = ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION")
CREDENTIALS = (
    ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ("AWS_PROFILE",),
    ("AWS_ROLE_NAME",),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
)
"""Variables that say who we are, those together that belong together."""
_KEY, _SECRET, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
KEYS = (_KEY, _SECRET)
_NAMED = (*KEYS, "aws_profile_name", "aws_role_name", "aws_web_identity_token")


def read_region(said: Said, named: str = "", *, needed: bool = False) -> str:
    """`named`: by the model's name. "" where nobody says, or BadRequestError, the operator's, where it is `needed`."""
    found = said.value("aws_region_name") or named or region_in(said.base.host) or said.value("", *REGION)
    if not found and needed:
        found = region_of(said.value("aws_profile_name", "AWS_PROFILE"))
    if found and not (found.isascii() and all(part.isalnum() for part in found.split("-"))):
        raise _wrong(said.provider, "holds characters that no region has")
    if not found and needed:
        raise _wrong(said.provider, "is missing")
    return found or ""


def read_account(said: Said, service: str, *, chain: bool) -> AwsAccount | None:
    """`chain`: where nobody is named it is whom AWS's own chain finds; else None. Raises BadRequestError, the
    operator's, where the region or one of two keys is missing."""
    if not chain and not any(map(said.value, _NAMED)):
        return None
    key, secret = said.secret(_KEY, "AWS_ACCESS_KEY_ID"), said.secret(_SECRET, "AWS_SECRET_ACCESS_KEY")
    if (key is None) != (secret is None):
        missing = _SECRET if secret is None else _KEY
        raise BadRequestError(
            f"{said.provider}: `{missing}` is missing: two keys belong together. Pass it, or set {missing.upper()}.",
            param=missing,
            provider=said.provider,
            fault="operator",
        )
    identity = said.secret("aws_web_identity_token", "AWS_WEB_IDENTITY_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE")
    role = said.value("aws_role_name", "AWS_ROLE_NAME")
    if role is None and identity is not None and key is None:
        role = said.value("", "AWS_ROLE_ARN")
    return AwsAccount(
        provider=said.provider,
        service=service,
        region=read_region(said, needed=True),
        access_key=None if key is None else key.reveal(),
        secret_key=secret,
        session_token=said.secret(_TOKEN, "AWS_SESSION_TOKEN") if key is not None else None,
        profile=said.value("aws_profile_name", "AWS_PROFILE") if key is None else None,
        role=role,
        session_name=said.value("aws_session_name", "AWS_SESSION_NAME", "AWS_ROLE_SESSION_NAME"),
        external_id=said.value("aws_external_id", "AWS_EXTERNAL_ID"),
        session_tags=_tags(said.given.get("aws_session_tags")),
        web_identity=identity if role is not None else None,
        sts_endpoint=said.value("aws_sts_endpoint", "AWS_STS_ENDPOINT"),
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
