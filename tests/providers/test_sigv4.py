from __future__ import annotations

import datetime
from urllib.parse import urlsplit

import botocore.auth
import pytest

from tests.aws import ACCESS_KEY, SECRET_KEY, Asked, is_signed, signature
from tollbridge.providers.aws_keys import NEVER, AwsAccount, Keys
from tollbridge.providers.sigv4 import signed
from tollbridge.secret import Secret

BEDROCK = AwsAccount(provider="bedrock", service="bedrock", region="us-east-1")
KEYS = Keys(ACCESS_KEY, Secret(SECRET_KEY), None, NEVER)
PUBLISHED = datetime.datetime(2015, 8, 30, 12, 36, 0)


def asked(url: str, headers: tuple[tuple[str, str], ...], body: bytes, method: str = "POST") -> Asked:
    """As it arrives."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Asked(method, target, {"host": parts.netloc, **dict(headers)}, body)


@pytest.mark.parametrize(
    ("method", "url", "wanted"),
    [
        ("GET", "https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "https://example.amazonaws.com/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "https://example.amazonaws.com/?Param1=value1&Param2=value2",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_published_signatures_are_made(method: str, url: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """get-vanilla, post-vanilla and get-vanilla-query-order-key of AWS's test suite for the signature."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: PUBLISHED)
    account = AwsAccount(provider="p", service="service", region="us-east-1")
    headers = signed(account, KEYS, method, url, (), b"")
    assert dict(headers)["authorization"].endswith(f"SignedHeaders=host;x-amz-date, Signature={wanted}")
    assert signature(asked(url, headers, b"", method), SECRET_KEY) == wanted


@pytest.mark.parametrize(
    "path",
    [
        "/model/us.amazon.nova-pro-v1%3A0/converse",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc/converse-stream",
        "/prefix/model/m/invoke?x=1&a=%20b",
        "/endpoints/my-endpoint/invocations",
    ],
)
def test_what_is_signed_is_what_is_sent(path: str) -> None:
    url, body = f"http://127.0.0.1:8080{path}", b'{"messages": []}'
    sent = (("content-type", "application/json"), ("x-request", "not AWS's"))
    headers = signed(BEDROCK, KEYS, "POST", url, sent, body)
    assert headers[:2] == sent
    assert is_signed(asked(url, headers, body))


def test_another_body_path_host_or_type_is_not_what_was_signed() -> None:
    url, body = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse", b"{}"
    headers = signed(BEDROCK, KEYS, "POST", url, (("content-type", "application/json"),), body)
    assert is_signed(asked(url, headers, body))
    assert not is_signed(asked(url, headers, b"{ }"))
    assert not is_signed(asked(url.replace("/m/", "/n/"), headers, body))
    assert not is_signed(asked(url.replace("east", "west"), headers, body))
    assert not is_signed(asked(url, (("content-type", "text/plain"), *headers[1:]), body))
    assert not is_signed(asked(url, headers, body), "another secret")


def test_a_session_token_is_shown_and_signed() -> None:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"
    keys = Keys(ACCESS_KEY, Secret(SECRET_KEY), Secret("FwoGZXIv"), NEVER)
    headers = signed(BEDROCK, keys, "POST", url, (), b"{}")
    assert dict(headers)["x-amz-security-token"] == "FwoGZXIv"
    assert is_signed(asked(url, headers, b"{}"))
    assert not is_signed(asked(url, (*headers, ("x-amz-security-token", "another")), b"{}"))


def test_headers_that_a_signature_uses_are_nobodys_to_set() -> None:
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse"
    set_before = (("Authorization", "Bearer x"), ("x-amz-security-token", "stolen"), ("X-Amz-Date", "20000101T000000Z"))
    headers = signed(BEDROCK, KEYS, "POST", url, set_before, b"{}")
    assert sorted(name for name, _ in headers) == ["authorization", "x-amz-date"]
    assert is_signed(asked(url, headers, b"{}"))
    assert asked(url, headers, b"{}").signed_for == (ACCESS_KEY, "us-east-1", "bedrock")
