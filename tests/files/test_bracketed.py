"""Lists and objects that a form says member by member."""

from __future__ import annotations

from typing import Any

import pytest
from openai import OpenAI

from tollbridge.errors import BadRequestError
from tollbridge.files.bracketed import read_bracketed

SAID: list[dict[str, Any]] = [
    {"a": "true", "b": {"c": True, "d": False, "e": "f"}},
    {"a": ["x"]},
    {"a": {"b": ["x", "true"], "c": {"d": ["y"]}}},
    {"a": [{"b": "c", "d": ["e", "f"]}, {"b": "g"}]},
]


@pytest.mark.parametrize("said", SAID)
def test_what_openais_client_writes_is_read_back(said: dict[str, Any]) -> None:
    written = OpenAI(api_key="x").qs.stringify_items(said, array_format="brackets")
    assert read_bracketed([(name, str(value)) for name, value in written]) == said


UNREADABLE = [
    [("a[b", "1")],
    [("a]", "1")],
    [("a[b]c", "1")],
    [("a" + "[b]" * 17, "1")],
    [("a", "1"), ("a", "2")],
    [("a[b]", "1"), ("a[b]", "2")],
    [("a[b]", "1"), ("a[b][c]", "2")],
    [("a[b]", "1"), ("a[]", "2")],
    [("a[]", "1"), ("a[b]", "2")],
    [("a", "1"), ("a[b]", "2")],
    [("a[b]", "1"), ("a", "2")],
]


@pytest.mark.parametrize("fields", UNREADABLE)
def test_what_could_be_read_twice_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequestError):
        read_bracketed(fields)
