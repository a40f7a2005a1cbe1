from __future__ import annotations

from typing import Any

import pytest

from tollbridge.errors import ConfigError
from tollbridge.providers.auth import HeaderKey, NoAuth
from tollbridge.providers.own_row import doubts, row_from_config
from tollbridge.providers.table import ROWS
from tollbridge.secret import Secret

MINE: dict[str, Any] = {"name": "mine", "wire": "openai_chat", "base_url": "http://10.0.0.1/v1"}


def test_three_keys_make_a_provider_that_needs_no_key() -> None:
    row = row_from_config(MINE)
    assert (row.name, row.path, row.needs_key) == ("mine", "/chat/completions", False)


def test_a_named_variable_makes_the_key_needed_unless_said_otherwise() -> None:
    assert row_from_config({**MINE, "api_key_env": ["MINE_KEY"]}).needs_key
    assert not row_from_config({**MINE, "api_key_env": "MINE_KEY", "needs_key": False}).needs_key


def test_all_that_a_row_can_say_in_a_file() -> None:
    row = row_from_config(
        {
            **MINE,
            "base_url_env": ["MINE_URL"],
            "api_key": Secret("k"),
            "auth": {"header": "X-Key"},
            "headers": {"x-team": "a"},
            "drops": ["seed"],
            "renames": {"max_tokens": "num_predict"},
            "lacks": ["images"],
            "prefers": {"max_tokens": "max_completion_tokens"},
            "chat_path": "/talk",
            "source": "our wiki",
            "checked": "2026-11-21",
        }
    )
    assert row.authentication == HeaderKey("x-key")
    assert row.fixed_headers == (("x-team", "a"),)
    assert row.renames == {"max_tokens": "num_predict"}
    assert (row.drops, row.lacks, row.path) == ({"seed"}, {"images"}, "/talk")
    assert row.api_key == Secret("k")


def test_a_row_may_show_no_key_and_replace_its_wires_headers() -> None:
    row = row_from_config(
        {**MINE, "wire": "anthropic_messages", "auth": "none", "headers": {"Anthropic-Version": "2024-01-01"}}
    )
    assert row.authentication == NoAuth()
    assert row.fixed_headers == (("anthropic-version", "2024-01-01"),)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "name"),
        ({"wire": "grpc"}, "openai_chat or anthropic_messages"),
        ({"base_url": "10.0.0.1"}, "http://"),
        ({"base_url": None}, "base_url"),
        ({"drop": ["x"]}, "unknown key `drop`"),
        ({"drops": "a", "lacks": 3}, "lacks"),
        ({"lacks": ["wings"]}, "wings"),
        ({"auth": "digest"}, "auth"),
        ({"auth": {"header": ""}}, "auth"),
        ({"headers": ["a"]}, "headers"),
        ({"prefers": {"a": 1}}, "prefers"),
        ({"chat_path": "talk"}, "slash"),
        ({"also": {"openai_responses": "talk"}}, "`also` must start with a slash"),
        ({"prefers": {"reasoning": "loudly"}}, "no way to think 'loudly'.*thinking_type"),
        ({"headers": {"x-a": "b\r\nc: d"}}, "header"),
        ({"wire": "openai_chta"}, "Did you mean 'openai_chat'"),
        ({"also": {"openai_response": "/responses"}}, "Did you mean 'openai_responses'"),
        ({"lacks": ["imagse"]}, "did you mean 'images'"),
        (
            {"prefers": {"reasonning": "thinking"}},
            "knows no 'reasonning'; it knows max_tokens.*did you mean 'reasoning'",
        ),
        ({"prefers": {"reasoning": "thinking_typ"}}, "did you mean 'thinking_type"),
        ({"prefers": {"system_role": "boss"}}, "no 'system_role' of 'boss'; it can be developer, system"),
        ({"prefers": {"max_tokens": "a lot"}}, "a name that no field has: 'a lot'"),
        ({"prefers": {"cache_control": "maybe"}}, "it can be yes"),
        ({"drops": ["logit bias"]}, "as no field is named: 'logit bias'"),
        ({"renames": {"": "x"}}, "as no field is named"),
        ({"renames": {"seed": "random seed"}}, "a name that no field has: 'random seed'"),
        ({"api_key_env": ["sk-proj-1"]}, "no such name"),
        ({"base_url_env": "http://h"}, "no such name"),
        ({"checked": "yesterday"}, "is a day, YYYY-MM-DD"),
    ],
)
def test_a_row_that_makes_no_sense_is_an_error_that_says_what(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        row_from_config({**MINE, **change})


@pytest.mark.parametrize(
    ("said", "base_url", "path"),
    [
        ("/messages", MINE["base_url"], "/messages"),
        ("http://10.0.0.5:9000/other/v1/messages", "http://10.0.0.5:9000", "/other/v1/messages"),
        ("https://there.example/v1/messages", "https://there.example", "/v1/messages"),
    ],
)
def test_another_format_may_be_at_an_address_of_its_own(said: str, base_url: str, path: str) -> None:
    row = row_from_config({**MINE, "also": {"anthropic_messages": said}}).speaking("anthropic_messages")
    assert (row.base_url, row.path) == (base_url, path)


def test_no_key_is_told_that_stands_in_a_variables_place() -> None:
    with pytest.raises(ConfigError) as raised:
        row_from_config({**MINE, "api_key_env": ["sk-proj-1234"]})
    assert "1234" not in str(raised.value)


def test_a_field_that_nobody_here_knows_is_doubted_and_taken() -> None:
    values = {**MINE, "drops": ["logit_bais", "tools[0].x", "house_rules"], "renames": {"max_tokns": "limit"}}
    assert [(doubt.field, doubt.word, doubt.fatal) for doubt in doubts(values)] == [
        ("drops", "logit_bais", False),
        ("drops", "house_rules", False),
        ("renames", "max_tokns", False),
    ]
    assert ["did you mean" in doubt.message for doubt in doubts(values)] == [True, False, True]
    assert row_from_config(values).renames == {"max_tokns": "limit"}


def test_what_our_own_rows_say_is_nothing_to_doubt() -> None:
    for row in ROWS.values():
        for said in (row, *row.models):
            values = {
                "drops": sorted(said.drops),
                "renames": dict(said.renames),
                "lacks": sorted(said.lacks),
                "prefers": dict(said.prefers),
            }
            assert list(doubts(values)) == [], row.name
