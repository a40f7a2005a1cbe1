"""The laws over our own cases, and the proof that they see a dropped field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tests.wires.gemini.forms import FORMS
from tollbridge.wires.base import Target
from tollbridge.wires.gemini.wire import GEMINI as WIRE
from tollbridge.wires.openai_chat import OPENAI_CHAT

CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "gemini")


def having(key: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if key in case]


@pytest.mark.parametrize("case", having("request"))
def test_a_request_comes_back_as_it_was(case: dict[str, Any]) -> None:
    needed = laws.round_trip_request(WIRE, case["request"], FORMS)
    assert needed == ({"camel_case"} if case["name"] == "snake_case" else set())


@pytest.mark.parametrize("case", having("request"))
def test_relaying_a_request_equals_writing_it(case: dict[str, Any]) -> None:
    laws.relays_as_it_writes(WIRE, case["request"], FORMS)


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


@pytest.mark.parametrize("name", ["text", "thoughts"])
def test_a_stream_may_be_split_at_every_offset(name: str) -> None:
    (case,) = [case for case in CASES if case["name"] == name]
    laws.splits_anywhere(WIRE, laws.framed(case["stream"]))


@pytest.mark.parametrize("case", having("stream"))
def test_the_tap_hears_what_the_reader_reads(case: dict[str, Any]) -> None:
    stream = laws.framed(case["stream"])
    tap = WIRE.stream_tap(False)
    assert tap.feed(stream) == stream
    assert tap.ended
    assert tap.said.usage == laws.usage_of(laws.read_stream(WIRE, stream))


# Mutations. A field counts as seen where this wire, told that the value is its own or another's, or the chat dialect
# writes the mutant otherwise. What nobody may see:
SILENT = {
    ".origin": "says who may write the rest; the dialect itself does not show it",
    ".account": "set by the caller, for seals",
    ".reason": "the wire's own word beside it is written",
    ".reasoning.mode": "the budget beside it says it",
    ".raw": "of a citation: its home is the choice's `extra`",
}
# Paths that nothing hangs on there, by case.
TOLD_TWICE = {
    "provider_tools": (".id",),  # one that we made, of a call that no result refers to by it
    "results_of_strangers": (".call_id",),  # likewise
}

Witness = Callable[[Any], Any]


def unseen(name: str, value: Any, witnesses: list[Witness]) -> list[str]:
    """The paths of the mutants that no witness tells from the value."""
    whole = [said(witness, value) for witness in witnesses]
    return [
        path
        for path, mutant in laws.mutants(value)
        if not path.endswith((*SILENT, *TOLD_TWICE.get(name, ())))
        and path != "$.model"
        and all(said(witness, mutant) == was for witness, was in zip(witnesses, whole, strict=True))
    ]


def said(witness: Witness, value: Any) -> Any:
    try:
        return witness(value)
    except Exception as error:  # noqa: BLE001 a mutant that cannot be written is seen as well
        return repr(error)


def foreign(value: Any) -> Any:
    return msgspec.structs.replace(value, origin="elsewhere")


REQUEST_WITNESSES: list[Witness] = [
    lambda request: WIRE.write_request(request, Target(model="m")).value.body,
    lambda request: WIRE.write_request(foreign(request), Target(model="m")),
    lambda request: OPENAI_CHAT.write_request(request, Target(model="m")),
]
ANSWER_WITNESSES: list[Witness] = [
    lambda answer: WIRE.write_response(answer).value,
    lambda answer: WIRE.write_response(foreign(answer)).value,
    lambda answer: OPENAI_CHAT.write_response(answer).value,
]


@pytest.mark.parametrize("case", having("request"))
def test_every_field_dropped_from_a_request_is_seen(case: dict[str, Any]) -> None:
    assert unseen(case["name"], WIRE.read_request(case["request"]).value, REQUEST_WITNESSES) == []


@pytest.mark.parametrize("case", having("response"))
def test_every_field_dropped_from_an_answer_is_seen(case: dict[str, Any]) -> None:
    assert unseen(case["name"], WIRE.read_response(case["response"]), ANSWER_WITNESSES) == []
