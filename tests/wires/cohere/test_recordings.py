"""The laws over every recorded exchange of this format. The counts stand in docs/wires.md.

Not read: three exchanges of the format's first version (`/v1/chat`), which the vendor has replaced and we do not speak.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.cohere.forms import FORMS
from tests.wires.cohere.recorded import exchanges, request_of
from tests.wires.cohere.test_laws import CONSTANT
from tollbridge.errors import ContextWindowExceededError
from tollbridge.model.fold import fold
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.response import Response
from tollbridge.wires.base import Target
from tollbridge.wires.cohere import COHERE as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")


# Where a count is left out, what is billed counts, which now and then is the same number.
BILLED_THE_SAME = (".tokens.input_tokens", ".tokens.output_tokens")


def can_be_written(body: dict[str, Any]) -> set[str]:
    written = WIRE.write_request(request_of(copy.deepcopy(body)), Target(model=body["model"], stream=body["stream"]))
    assert written.caveats == ()
    return laws.same(body, laws.through_json(written.value.body), [(form.name, form.request) for form in FORMS])


def answer_of(exchange: dict[str, Any]) -> Response:
    if "response_body" in exchange:
        return WIRE.read_response(exchange["response_body"])
    return fold(laws.read_stream(WIRE, exchange["response_text"].encode()), origin=WIRE.name)


def test_the_laws_hold_over_every_recording() -> None:
    tally = laws.Tally(FORMS)
    for exchange in exchanges():
        name = exchange["id"]
        tally.count("request can be written", name, can_be_written(exchange["request_body"]))
        if exchange["status"] >= 400:
            body = msgspec.json.encode(exchange["response_body"])
            error = WIRE.read_error(exchange["status"], exchange["response_headers"], body)
            assert (type(error), error.type) == (ContextWindowExceededError, "TOO_MANY_TOKENS")
            tally.count("error", name)
        elif "response_body" in exchange:
            laws.reads_each_field(WIRE, exchange["response_body"], (*CONSTANT, *BILLED_THE_SAME))
            tally.count("answer, each field read", name)
        else:
            stream = exchange["response_text"].encode()
            assert answer_of(exchange).choices[0].finish is not None
            laws.splits_near_borders(WIRE, stream)
            tally.count("stream read, split anywhere", name)
    assert tally.unused() == []
    print(f"\n{tally.table()}")
    assert tally.table() in DOCS.read_text(), "docs/wires.md shall hold the table that `pytest -s` prints"


def test_nothing_that_a_recorded_answer_says_is_unknown() -> None:
    for exchange in exchanges():
        if exchange["status"] == 200:
            read = answer_of(exchange)
            assert (read.extra, read.choices[0].message_extra, read.choices[0].extra) == ({}, {}, {}), exchange["id"]
            assert read.usage is not None
            assert set(read.usage.extra) == {"billed_units"}


def test_what_recorded_answers_hold_arrives() -> None:
    """Counted in the words of the recordings themselves."""
    calls = plans = cited = thoughts = 0
    for exchange in exchanges():
        if exchange["status"] != 200:
            continue
        raw = msgspec.json.encode(exchange.get("response_body")).decode() + exchange.get("response_text", "")
        parts = answer_of(exchange).choices[0].parts
        assert any(isinstance(part, ToolCall) for part in parts) == ("TOOL_CALL" in raw), exchange["id"]
        calls += sum(isinstance(part, ToolCall) for part in parts)
        plans += '"tool_plan":"' in raw.replace('"tool_plan":""', "")
        thoughts += sum(isinstance(part, Thinking) for part in parts)
        cited += sum(len(part.citations) for part in parts if isinstance(part, Text))
    assert (calls, plans) == (21, 14)
    assert thoughts == plans + 4
    assert cited == 25
