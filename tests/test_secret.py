from __future__ import annotations

import copy
import json
import pickle

import pytest

from tollbridge.secret import Secret, without_keys, without_keys_in_bytes

SECRET = Secret("sk-canary")


def test_a_secret_shows_itself_only_when_asked() -> None:
    assert SECRET.reveal() == "sk-canary"
    shown = (str(SECRET), repr(SECRET), f"{SECRET}", f"{SECRET:>9}", json.dumps([SECRET], default=str))
    assert not [text for text in shown if "canary" in text]
    assert b"canary" not in pickle.dumps(SECRET)
    with pytest.raises(TypeError):
        vars(SECRET)


def test_secrets_compare_by_value_and_the_empty_one_is_false() -> None:
    assert SECRET == Secret("sk-canary") != Secret("other")
    assert SECRET != "sk-canary"
    assert len({SECRET, Secret("sk-canary")}) == 1
    assert not Secret("")


def test_a_copy_is_the_same_secret() -> None:
    assert copy.copy(SECRET) is copy.deepcopy(SECRET) is SECRET


KEYS = [
    "sk-tb-Ab3dEf9h" + "x" * 43 + "000000",
    "sk-proj-abcdefghijklmnop0123456789",
    "sk-of-my-own-wording!#%",
    "gsk_abcdefghijklmnopqrstuvwx",
    "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
]
NAMES = [
    *("gpt-4o-mini-2024-07-18", "claude-sonnet-4-5-20250929", "skylark-pro-character-4k", "risk-assessment-model-v2"),
    *("hf-internal-testing/tiny-random", "desk-and-nothing-else", "xai-grok", "eyJ", "task-sk-", "sk-short"),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_the_wrong_place_is_masked_and_what_stands_around_it_is_not(key: str) -> None:
    for before, after in (("", ""), ("openai/", " and more"), ('{"a": "', '"}'), ("user ", ", next"), ("\n", "\n")):
        assert without_keys(before + key + after) == before + "***" + after
        assert without_keys_in_bytes((before + key + after).encode()) == (before + "***" + after).encode()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_key_stays_what_it_is(name: str) -> None:
    assert without_keys(name) == name
    assert without_keys_in_bytes(name.encode()) == name.encode()
