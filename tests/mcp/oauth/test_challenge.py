from __future__ import annotations

import pytest

from tollbridge.mcp.oauth.challenge import Challenge, read_challenge


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("", Challenge()),
        ("Basic realm=x", Challenge()),
        ("Bearer", Challenge()),
        ('Bearer resource_metadata="https://a/b"', Challenge("https://a/b")),
        ('bearer scope="a b  a", error=insufficient_scope', Challenge(None, ("a", "b"), "insufficient_scope")),
        ('Bearer error = "x" , scope = "a"', Challenge(None, ("a",), "x")),
        ('Basic realm="Bearer scope=z", Bearer scope="a"', Challenge(None, ("a",))),
        ('Bearer scope="a", Basic realm="x", scope="b"', Challenge(None, ("a",))),
        (r'Bearer error_description="a \"b\", scope=c", scope="d"', Challenge(None, ("d",))),
        ('DPoP algs="ES256", scope="a"', Challenge(None, ("a",))),
        ("Bearer " + "x=" * 100_000, Challenge()),
        ('Bearer scope="' + "a" * 100_000, Challenge()),
    ],
)
def test_a_challenge_says_what_it_says(header: str, read: Challenge) -> None:
    assert read_challenge(header) == read
