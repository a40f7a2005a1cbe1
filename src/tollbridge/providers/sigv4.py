"""AWS's Signature Version 4 over one request, by `botocore`. The body is always part of what is signed.

Signed are the host, the content type and AWS's own headers: what somebody on the way may add or change is not. What
the caller has under the names that a signature uses is left out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from tollbridge.providers.aws_keys import AwsAccount, Keys

Headers = tuple[tuple[str, str], ...]

_MADE_HERE = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "date"})


def signed(
    account: AwsAccount, keys: Keys, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes
) -> Headers:
    """The headers, and those that sign them. `url` is as it will be sent: its path and query percent-encoded, its host
    as the `host` header says it."""
    kept = tuple((name, value) for name, value in headers if name.lower() not in _MADE_HERE)
    request = _library("botocore.awsrequest").AWSRequest(
        method, url, headers={name: value for name, value in kept if _counts(name.lower())}, data=body
    )
    token = None if keys.session_token is None else keys.session_token.reveal()
    credentials = _library("botocore.credentials").Credentials(keys.access_key, keys.secret_key.reveal(), token)
    _library("botocore.auth").SigV4Auth(credentials, account.service, account.region).add_auth(request)
    made = ((name.lower(), value) for name, value in request.headers.items() if name.lower() in _MADE_HERE)
    return (*kept, *made)


def _counts(name: str) -> bool:
    return name == "content-type" or name.startswith("x-amz-")


def _library(name: str) -> Any:
    """A module of botocore, which whoever fetched the keys has imported."""
    return import_module(name)
