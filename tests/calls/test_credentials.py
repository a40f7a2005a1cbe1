"""What counts as a credential among the operator's own values, and what is ordinary text."""

from __future__ import annotations

import pytest

from tollbridge.calls.build import Wanted, build
from tollbridge.calls.credentials import in_body, in_headers, in_query
from tollbridge.calls.redact import redact
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS

RANDOM = "9f86d081884c7d659a2feaa0"


@pytest.mark.parametrize(
    "name",
    ["key", "api_key", "api-key", "access_token", "token", "code", "sig", "subscription-key", "password", "x-auth"],
)
def test_a_value_that_nobody_would_write_counts_where_its_name_speaks_of_credentials(name: str) -> None:
    assert list(in_query(f"/v1/chat?a=b&{name}={RANDOM}")) == [RANDOM]
    assert list(in_body({"a": "b", name: RANDOM})) == [RANDOM]
    assert list(in_body({name: {"value": [RANDOM]}, "a": "b"})) == [RANDOM]


@pytest.mark.parametrize("value", ["Hunter2", "tr0ub4dor", "correct-horse-battery-staple"])
def test_a_short_value_counts_only_where_the_name_says_so_outright(value: str) -> None:
    assert list(in_body({"password": value})) == [value]
    assert list(in_body({"cache_key": value[:7]})) == []


@pytest.mark.parametrize(
    "body",
    [
        {"prompt_cache_key": "assistant"},
        {"api_key_type": "header"},
        {"max_tokens": "4096"},
        {"stop_tokens": ["<|endoftext|>"]},
        {"auth": {"type": "bearer"}},
        {"model": "gpt-4o-2024-11-20", "user": RANDOM},
        {"token_limit": 4096, "session": None},
    ],
)
def test_ordinary_values_are_no_credentials(body: dict[str, object]) -> None:
    assert list(in_body(body)) == []


def test_a_version_in_a_query_is_no_credential() -> None:
    assert list(in_query("/openai/chat/completions?api-version=2024-10-21-preview")) == []
    assert list(in_query("/v1")) == []


def test_headers_are_bare() -> None:
    assert list(in_headers({"Authorization": "Bearer abc", "x-tenant": "t", "X-Api-Key": "k"})) == ["abc", "k"]


def test_a_deployment_knows_all_of_its_secrets() -> None:
    given = Given(api_key="key-of-the-provider", api_base=f"https://proxy.example/v1?code={RANDOM}%3D&region=eu")
    wanted = Wanted(
        id="d",
        group="m",
        model="openai/gpt-4o",
        given=given,
        extra_headers={"x-gateway-token": "header-token"},
        forced={"tool_auth": {"client_secret": "body-secret-1"}, "service_tier": "flex"},
        defaults={"temperature": 1, "password": "default-pass"},
    )
    deployment = build(wanted, {}, ROWS)
    shown = [f"{RANDOM}=", f"{RANDOM}%3D", "key-of-the-provider", "header-token", "body-secret-1", "default-pass"]
    assert sorted(deployment.secrets) == sorted(shown)
    told = redact(f"bad {' '.join(shown)}; flex in eu".encode(), deployment.secrets)
    assert told == b"bad " + b" ".join([b"***"] * len(shown)) + b"; flex in eu"
