from __future__ import annotations

import pytest

from tollbridge.config.master_key import weak_key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        ("sk-", "empty"),
        ("sk-1234", "well known"),
        ("SK-12345 ", "well known"),
        ("my-secret-key", "well known"),
        ("sk-changeme-please-now", "placeholder"),
        ("sk-xxxxxxxxxxxxxxxx", "placeholder"),
        ("<your master key here>", "placeholder"),
        ("sk-Zk3vQ8p1", "fewer than 16 characters"),
        ("sk-1234567890abcdef", "plain sequence"),
        ("sk-abcdefghijklmnop", "plain sequence"),
        ("sk-abababababababababab", "different characters"),
    ],
)
def test_a_key_that_anybody_could_guess_is_weak(key: str, reason: str) -> None:
    assert reason in (weak_key(key) or "")


@pytest.mark.parametrize(
    "key", ["sk-Zk3vQ8p1Lw7Tn5Rb", "f3a9c07be1d24865f3a9c07be1d24865", "correct-horse-battery-staple"]
)
def test_a_key_that_nobody_guesses_is_not(key: str) -> None:
    assert weak_key(key) is None
