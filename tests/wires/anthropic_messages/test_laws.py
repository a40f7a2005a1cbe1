"""The laws over our own cases, and the proof that they see a dropped field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.wires import laws
from tests.wires.anthropic_messages.forms import FORMS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import Target

CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "anthropic_messages")


def having(key: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if key in case]


@pytest.mark.parametrize("case", having("request"))
def test_a_request_comes_back_as_it_was(case: dict[str, Any]) -> None:
    assert laws.round_trip_request(WIRE, case["request"], FORMS) == set()


@pytest.mark.parametrize("case", having("request"))
def test_relaying_a_request_equals_writing_it(case: dict[str, Any]) -> None:
    assert laws.relays_as_it_writes(WIRE, case["request"], FORMS) == set()


@pytest.mark.parametrize("case", having("response"))
def test_an_answer_comes_back_as_it_was(case: dict[str, Any]) -> None:
    assert laws.round_trip_response(WIRE, case["response"], FORMS) == set()


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_folds_into_the_answer_that_it_streams(case: dict[str, Any]) -> None:
    stream = laws.framed(case["stream"])
    laws.folds_like_its_twin(WIRE, stream, case["response"], FORMS)
    laws.reads_back(WIRE, stream, FORMS)


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_may_be_split_anywhere(case: dict[str, Any]) -> None:
    laws.splits_near_borders(WIRE, laws.framed(case["stream"]))


@pytest.mark.parametrize("name", ["parallel_tool_calls", "unknown_block_with_deltas"])
def test_a_stream_may_be_split_at_every_offset(name: str) -> None:
    (case,) = [case for case in CASES if case["name"] == name]
    laws.splits_anywhere(WIRE, laws.framed(case["stream"]))


# Neutral fields that are not written here, and why. Everything else that a mutant drops must be seen.
UNSEEN = {
    "origin": "says who may write the rest; the dialect itself does not show it",
    "reason": "the wire's own word, `raw`, is written",
    "mode": "an altered mode is no mode",
    "media_type": "a document by URL, by file id or of text does not show it; base64 does: law 1",
    "url": "a citation is written from its `raw`",
    "title": "a citation is written from its `raw`",
    "quoted": "a citation is written from its `raw`",
}


@pytest.mark.parametrize("case", having("request"))
def test_every_field_dropped_from_a_request_is_seen(case: dict[str, Any]) -> None:
    read = WIRE.read_request(case["request"]).value
    target = Target(model="m", stream=bool(read.stream))
    whole = WIRE.write_request(read, target).value.body
    for path, mutant in laws.mutants(read):
        if path.rpartition(".")[2] in UNSEEN or path in ("$.model", "$.stream"):  # the target says these two
            continue
        assert WIRE.write_request(mutant, target).value.body != whole, path


@pytest.mark.parametrize("case", having("response"))
def test_every_field_dropped_from_an_answer_is_seen(case: dict[str, Any]) -> None:
    read = WIRE.read_response(case["response"])
    whole = WIRE.write_response(read).value
    for path, mutant in laws.mutants(read):
        if path.rpartition(".")[2] in UNSEEN:
            continue
        assert WIRE.write_response(mutant).value != whole, path
