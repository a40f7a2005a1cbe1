"""The laws over our own cases, and the proof that they see each field: a mutant is written otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tollbridge.model.fold import fold
from tollbridge.model.request import Request
from tollbridge.model.response import Response
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Target
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE

CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "openai_responses")


def having(*keys: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if all(key in case for key in keys)]


def framed(case: dict[str, Any]) -> bytes:
    return laws.framed(case["stream"], case.get("end", "").encode())


@pytest.mark.parametrize("case", having("request"))
def test_a_request_comes_back_as_it_was(case: dict[str, Any]) -> None:
    assert laws.round_trip_request(WIRE, case["request"], ()) == set()


@pytest.mark.parametrize("case", having("request"))
def test_relaying_a_request_equals_writing_it(case: dict[str, Any]) -> None:
    assert laws.relays_as_it_writes(WIRE, case["request"], ()) == set()


@pytest.mark.parametrize("case", having("response"))
def test_an_answer_comes_back_as_it_was(case: dict[str, Any]) -> None:
    assert laws.round_trip_response(WIRE, case["response"], ()) == set()


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_folds_into_the_answer_that_it_streams(case: dict[str, Any]) -> None:
    laws.folds_like_its_twin(WIRE, framed(case), case["response"], ())
    laws.reads_back(WIRE, framed(case), ())


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_may_be_split_anywhere(case: dict[str, Any]) -> None:
    laws.splits_near_borders(WIRE, framed(case))


@pytest.mark.parametrize("name", ["refusal", "call_without_arguments"])
def test_a_stream_may_be_split_at_every_offset(name: str) -> None:
    (case,) = [case for case in CASES if case["name"] == name]
    laws.splits_anywhere(WIRE, framed(case))


# Mutations. A field counts as seen where this wire, told that the value is its own or another's, or another dialect
# writes the mutant otherwise. What nobody may see:
SILENT = {
    ".origin": "who signed is told by the field where a signature stands",
    ".finish.reason": "the word beside it says it",
    ".media_type": "of a link or a file id it is our guess",
}
# Fields beside which another tells the same, by case
TOLD_TWICE = {
    "assistant_messages": (".url", ".title", ".start", ".end"),  # an annotation is written from its `raw`
}
BY_THE_TARGET = ("$.model", "$.stream")
CLAUDE = Target(model="claude-sonnet-4-5", max_output_tokens=64000)

Witness = Callable[[Any], Any]


def unseen(name: str, value: Request | Response, witnesses: list[Witness]) -> list[str]:
    """The paths of the mutants that no witness tells from the value."""
    whole = [_said(witness, value) for witness in witnesses]
    survivors = []
    for path, mutant in laws.mutants(value):
        if path.endswith((*SILENT, *TOLD_TWICE.get(name, ()))) or path in BY_THE_TARGET:
            continue
        if all(_said(witness, mutant) == said for witness, said in zip(witnesses, whole, strict=True)):
            survivors.append(path)
    return survivors


def _said(witness: Witness, value: Any) -> Any:
    try:
        return witness(value)
    except Exception as error:  # noqa: BLE001 a mutant that cannot be written is seen as well
        return repr(error)


def foreign(value: Any) -> Any:
    return msgspec.structs.replace(value, origin="elsewhere")


ANSWER_WITNESSES: list[Witness] = [
    lambda answer: WIRE.write_response(answer).value,
    lambda answer: WIRE.write_response(foreign(answer)).value,
    lambda answer: OPENAI_CHAT.write_response(answer).value,
    lambda answer: ANTHROPIC_MESSAGES.write_response(answer).value,
]


@pytest.mark.parametrize("case", having("request"))
def test_each_field_of_a_request_is_seen(case: dict[str, Any]) -> None:
    target = Target(model="m", stream=bool(case["request"].get("stream")))
    witnesses: list[Witness] = [
        lambda request: WIRE.write_request(request, target).value.body,
        lambda request: WIRE.write_request(foreign(request), target),
        lambda request: ANTHROPIC_MESSAGES.write_request(request, CLAUDE),
    ]
    assert unseen(case["name"], WIRE.read_request(case["request"]).value, witnesses) == []


@pytest.mark.parametrize("case", having("response"))
def test_each_field_of_an_answer_is_seen(case: dict[str, Any]) -> None:
    assert unseen(case["name"], WIRE.read_response(case["response"]), ANSWER_WITNESSES) == []


@pytest.mark.parametrize("case", having("stream"))
def test_each_field_of_a_stream_is_seen(case: dict[str, Any]) -> None:
    folded = fold(laws.read_stream(WIRE, framed(case)), origin=WIRE.name)
    assert unseen(case["name"], folded, ANSWER_WITNESSES) == []
