from __future__ import annotations

import copy
import json
import pickle

import pytest

from tollbridge.secret import Secret

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
