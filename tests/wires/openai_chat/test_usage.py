"""Token counts: totals and their parts, wherever vendors tell them."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.model.response import Usage
from tollbridge.wires.openai_chat.usage import read_usage, write_usage
from tollbridge.wires.openai_chat.vocabulary import NAME

TOTALS = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


def test_all_details_have_a_field() -> None:
    usage = read_usage(
        {
            **TOTALS,
            "prompt_tokens_details": {
                "cached_tokens": 1,
                "cache_write_tokens": 2,
                "cache_write_1h_tokens": 3,
                "audio_tokens": 4,
                "image_tokens": 5,
            },
            "completion_tokens_details": {
                "reasoning_tokens": 6,
                "audio_tokens": 7,
                "image_tokens": 8,
                "accepted_prediction_tokens": 9,
                "rejected_prediction_tokens": 10,
            },
            "server_tool_use_details": {"web_search_requests": 11},
        }
    )
    assert usage == Usage(
        input=100,
        output=50,
        cache_read=1,
        cache_write=2,
        cache_write_1h=3,
        audio_input=4,
        image_input=5,
        reasoning=6,
        audio_output=7,
        image_output=8,
        accepted_prediction=9,
        rejected_prediction=10,
        web_searches=11,
        origin=NAME,
    )


@pytest.mark.parametrize(
    ("told", "field", "count"),
    [
        ({"prompt_cache_hit_tokens": 7}, "cache_read", 7),
        ({"cached_tokens": 7}, "cache_read", 7),
        ({"num_cached_tokens": 7}, "cache_read", 7),
        ({"cache_read_input_tokens": 7}, "cache_read", 7),
        ({"cache_creation_input_tokens": 7}, "cache_write", 7),
        ({"reasoning_tokens": 7}, "reasoning", 7),
    ],
)
def test_vendors_tell_them_elsewhere_and_it_goes_back_there(told: dict[str, int], field: str, count: int) -> None:
    usage = read_usage({**TOTALS, **told})
    assert usage is not None
    assert getattr(usage, field) == count
    assert write_usage(usage) == {**TOTALS, **told}


def test_the_details_win_over_what_is_told_elsewhere() -> None:
    body = {**TOTALS, "prompt_tokens_details": {"cached_tokens": 3}, "prompt_cache_hit_tokens": 4}
    usage = read_usage(body)
    assert usage is not None
    assert usage.cache_read == 3
    assert write_usage(usage) == body


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        "x",
        {},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": "1", "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": None},
        {"prompt_tokens": 1, "completion_tokens": 10**12 + 1},
        {"prompt_tokens": 2**63, "completion_tokens": 1},
    ],
)
def test_counts_that_are_no_counts_are_not_used(bad: Any) -> None:
    assert read_usage(bad) is None


@pytest.mark.parametrize("count", [-3, 2**64])
def test_a_bad_detail_stays_unread_and_the_totals_hold(count: int) -> None:
    body = {**TOTALS, "completion_tokens_details": {"reasoning_tokens": count}}
    usage = read_usage(body)
    assert usage is not None
    assert (usage.output, usage.reasoning) == (50, None)
    assert write_usage(usage) == body


def test_another_wires_own_fields_are_not_shown() -> None:
    usage = Usage(input=1, output=2, cache_write=3, origin="anthropic_messages", extra={"service_tier": "x"})
    assert write_usage(usage) == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "prompt_tokens_details": {"cache_write_tokens": 3},
    }


@pytest.mark.parametrize(
    ("told", "output"),
    [
        ({"prompt_tokens": 390, "completion_tokens": 26, "total_tokens": 513}, 123),  # xAI: a total of all three
        ({"prompt_tokens": 61, "completion_tokens": 10, "total_tokens": 71}, 107),  # Vercel's gateway: left out of it
        ({"prompt_tokens": 61, "completion_tokens": 10}, 107),
        ({"prompt_tokens": 10, "completion_tokens": 97, "total_tokens": 107}, 97),  # as OpenAI: within
    ],
)
def test_thinking_beside_the_output_is_output_too_and_goes_back_as_it_was_told(
    told: dict[str, int], output: int
) -> None:
    body = {**told, "completion_tokens_details": {"reasoning_tokens": 97}}
    usage = read_usage(dict(body))
    assert usage is not None
    assert (usage.output, usage.reasoning) == (output, 97)
    assert write_usage(usage) == body
