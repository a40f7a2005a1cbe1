"""Reading along a relayed stream: everything goes on, but for the usage that only we asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.model.response import Usage
from tollbridge.wires import sse
from tollbridge.wires.openai_chat.tap import ChatTap, read_along

COUNTS = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
USAGE = Usage(input=5, output=2, origin="openai_chat")


def block(*chunks: Any) -> bytes:
    return b"".join(sse.write(msgspec.json.encode(chunk)) for chunk in chunks)


def says(text: str, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **fields}


EXTRA = {"choices": [], "usage": COUNTS}


def test_the_extra_chunk_is_hidden_where_only_we_asked() -> None:
    tap = ChatTap(hides_usage=True)
    said, done = block(says("a", usage=None)), b"data: [DONE]\n\n"
    assert tap.feed(said + block(EXTRA) + done) == said + done
    assert (tap.said.usage, tap.ended) == (USAGE, True)


def test_the_extra_chunk_stays_where_the_client_asked() -> None:
    tap = ChatTap(hides_usage=False)
    assert tap.feed(block(EXTRA)) == block(EXTRA)
    assert tap.said.usage == USAGE


def test_usage_beside_a_choice_and_in_groqs_corner_stays() -> None:
    for chunk in (says("a", "stop", usage=COUNTS), says("a", "stop", x_groq={"id": "r", "usage": COUNTS})):
        tap = ChatTap(hides_usage=True)
        assert tap.feed(block(chunk)) == block(chunk)
        assert tap.said.usage == USAGE


def test_other_chunks_without_choices_stay() -> None:
    tap = ChatTap(hides_usage=True)
    first = block({"choices": [], "prompt_filter_results": []})
    assert tap.feed(first) == first


def test_the_last_usable_usage_counts() -> None:
    tap = ChatTap(hides_usage=False)
    tap.feed(block({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}))
    tap.feed(block(EXTRA))
    tap.feed(block({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": None}}))
    assert tap.said.usage == USAGE


def test_text_that_looks_like_the_end_or_an_error_is_text() -> None:
    tap = ChatTap(hides_usage=True)
    said = block(says('"usage": {"prompt_tokens": 1} "error": {} "finish_reason": "stop"\ndata: [DONE]'))
    assert tap.feed(said) == said
    assert (tap.said.usage, tap.ended) == (None, False)


def test_a_finish_reason_ends_a_stream_whose_provider_sends_no_done() -> None:
    tap = ChatTap(hides_usage=True)
    tap.feed(block(says("a")))
    assert not tap.ended
    tap.feed(block(says("", "stop")))
    assert tap.ended


def test_an_error_goes_on() -> None:
    tap = ChatTap(hides_usage=True)
    event = sse.write(b'{"error":{"message":"no"}}', b"error")
    assert tap.feed(event) == event


def test_comments_are_no_speech() -> None:
    tap = ChatTap(hides_usage=True)
    assert tap.feed(b": PROCESSING\n\n") == b": PROCESSING\n\n"
    assert not tap.spoke
    tap.feed(b": PROCESSING\n\ndata: {}\n\n")
    assert tap.spoke


@pytest.mark.parametrize(
    ("tier", "told"), [("priority", "priority"), ("default", "default"), ("", None), (None, None), (7, None)]
)
def test_the_tier_of_service_that_decides_the_price_is_told_with_the_usage(tier: Any, told: str | None) -> None:
    tap = ChatTap(hides_usage=False)
    tap.feed(block(says("a", "stop", service_tier=tier), EXTRA))
    whole = read_along(msgspec.json.encode({"id": "x", "choices": [{}], "usage": COUNTS, "service_tier": tier}))
    for said in (tap.said, whole):
        assert said.usage is not None
        assert (said.usage.input, said.usage.output, said.service_tier or None) == (5, 2, told)


def test_a_grand_total_that_is_more_than_its_parts_is_kept() -> None:
    counts = {**COUNTS, "total_tokens": 30}
    tap = ChatTap(hides_usage=False)
    tap.feed(block(says("a", "stop"), {"choices": [], "usage": counts}))
    whole = read_along(msgspec.json.encode({"id": "x", "choices": [{}], "usage": counts})).usage
    assert tap.said.usage == whole
    assert whole is not None
    assert whole.extra == {"total_tokens": 30}


@pytest.mark.parametrize(
    "counts",
    [
        {"prompt_tokens": 2**63, "completion_tokens": 2, "total_tokens": 2**63 + 2},
        {"prompt_tokens": 5, "completion_tokens": 10**12 + 1, "total_tokens": 10**12 + 6},
    ],
)
def test_a_count_beyond_belief_is_no_word(counts: dict[str, int]) -> None:
    tap = ChatTap(hides_usage=False)
    tap.feed(block(says("a", "stop"), {"choices": [], "usage": counts}))
    whole = read_along(msgspec.json.encode({"id": "x", "choices": [{}], "usage": counts}))
    assert (tap.said.usage, whole.usage) == (None, None)


def test_a_detail_beyond_belief_is_no_word_and_the_totals_hold() -> None:
    counts = {**COUNTS, "prompt_tokens_details": {"cached_tokens": 2**63}}
    usage = read_along(msgspec.json.encode({"id": "x", "choices": [{}], "usage": counts})).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.cache_read) == (5, 2, None)
