"""The laws over every recorded exchange of this format. The counts stand in docs/wires.md."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.ollama.forms import FORMS
from tests.wires.ollama.recorded import exchanges, request_of
from tests.wires.ollama.test_laws import CONSTANT
from tollbridge.errors import NotFoundError
from tollbridge.model.fold import fold
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.response import Response
from tollbridge.wires.base import Target
from tollbridge.wires.ollama import OLLAMA as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")


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
        if exchange["endpoint"] == "api.chat":
            tally.count("request can be written", name, can_be_written(exchange["request_body"]))
        if exchange["status"] >= 400:
            body = msgspec.json.encode(exchange["response_body"])
            error = WIRE.read_error(exchange["status"], exchange["response_headers"], body)
            assert (type(error), error.message) == (NotFoundError, exchange["response_body"]["error"])
            tally.count("error", name)
        elif "response_body" in exchange:
            laws.reads_each_field(WIRE, exchange["response_body"], CONSTANT)
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
    """But for `context`, the tokens of a conversation that `/api/generate` gives back."""
    for exchange in exchanges():
        if exchange["status"] == 200:
            read = answer_of(exchange)
            assert (read.choices[0].message_extra, read.choices[0].extra) == ({}, {}), exchange["id"]
            assert set(read.extra) == ({"context"} if exchange["endpoint"] == "api.generate" else set())
            assert read.usage is not None
            assert all(name.endswith("_duration") for name in read.usage.extra)
            assert read.created is not None
            assert read.created > 1_700_000_000


def test_what_recorded_answers_hold_arrives() -> None:
    calls = thoughts = texts = 0
    for exchange in exchanges():
        if exchange["status"] == 200:
            parts = answer_of(exchange).choices[0].parts
            calls += sum(isinstance(part, ToolCall) for part in parts)
            thoughts += sum(isinstance(part, Thinking) for part in parts)
            texts += sum(isinstance(part, Text) for part in parts)
    assert (calls, thoughts, texts) == (2, 5, 12)
