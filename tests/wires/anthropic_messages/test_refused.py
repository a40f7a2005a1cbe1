"""An answer that Claude refused before it said anything: told with its tokens, and not billed, however it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.catalog.kept import again, keep
from tollbridge.catalog.pricing import Tariff
from tollbridge.model.fold import fold
from tollbridge.model.response import Usage
from tollbridge.observe import tokens
from tollbridge.wires.anthropic_messages.tap import MessagesTap, read_along
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import SseEvent

PRICES = Tariff({"input": 10**9, "output": 10**9}, "test")


def message(stop_reason: str, wrote: int, **usage: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "So"}] if wrote else []
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-fable-5",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 412, "output_tokens": wrote, **usage},
    }


def streamed(stop_reason: str, wrote: int) -> list[dict[str, Any]]:
    whole = message(stop_reason, wrote)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {"input_tokens": 412, "output_tokens": 0}}
    said: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "So"}},
        {"type": "content_block_stop", "index": 0},
    ]
    return [
        {"type": "message_start", "message": begun},
        *(said if wrote else ()),
        {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": wrote}},
        {"type": "message_stop"},
    ]


def read(way: str, stop_reason: str, wrote: int) -> Usage:
    whole, events = message(stop_reason, wrote), streamed(stop_reason, wrote)
    match way:
        case "whole":
            usage = WIRE.read_response(whole).usage
        case "relayed":
            usage = read_along(json.dumps(whole).encode()).usage
        case "stream":
            reader = WIRE.stream_reader()
            told = [
                one for event in events for one in reader.feed(SseEvent(event=event["type"], data=json.dumps(event)))
            ]
            usage = fold([*told, *reader.close()]).usage
        case _:
            tap = MessagesTap()
            for event in events:
                tap.feed(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            usage = tap.said.usage
    assert usage is not None
    return usage


@pytest.mark.parametrize("way", ["whole", "relayed", "stream", "relayed stream"])
@pytest.mark.parametrize(
    ("stop_reason", "wrote", "billed"), [("refusal", 0, 0), ("refusal", 3, 415), ("end_turn", 0, 412)]
)
def test_what_refused_before_it_said_anything_costs_nothing(
    way: str, stop_reason: str, wrote: int, billed: int
) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, seen 2026-11-27"""
    usage = read(way, stop_reason, wrote)
    assert (usage.input, usage.output) == (412, wrote)
    assert PRICES.cost(usage) == billed * 1000
    assert PRICES.cost(again(tokens(usage), keep(usage, None))) == billed * 1000


def test_it_is_shown_as_it_came() -> None:
    body = message("refusal", 0, cache_read_input_tokens=7)
    assert WIRE.write_response(WIRE.read_response(body)).value == body


def test_of_attempts_of_several_models_each_says_for_itself() -> None:
    attempt = {"type": "fallback_message", "model": "m", "input_tokens": 412, "output_tokens": 0}
    usage = WIRE.read_response(message("refusal", 0, iterations=[attempt])).usage
    assert usage is not None
    assert "billed_units" not in usage.extra
