"""The laws, as far as they are of a wire that only providers speak, over our own cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tests.wires.ollama.recorded import request_of
from tollbridge.model.fold import unfold
from tollbridge.wires.base import Target
from tollbridge.wires.ollama import OLLAMA as WIRE

CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "ollama")

# What says nothing: the role is always the same, calls stand in their order.
CONSTANT = (".role", ".function.index", ".bytes")


def having(key: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if key in case]


def framed(case: dict[str, Any]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in case["stream"])


@pytest.mark.parametrize("case", having("request"))
def test_what_a_client_of_the_format_asks_can_be_written(case: dict[str, Any]) -> None:
    body = case["request"]
    written = WIRE.write_request(request_of(body), Target(model=body["model"], stream=body["stream"]))
    assert written.caveats == ()
    assert laws.through_json(written.value.body) == body
    assert (written.value.path, written.value.method) == ("/api/chat", "POST")


@pytest.mark.parametrize("case", having("response"))
def test_each_field_of_an_answer_is_read(case: dict[str, Any]) -> None:
    laws.reads_each_field(WIRE, case["response"], CONSTANT)


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_folds_into_the_answer_that_it_streams(case: dict[str, Any]) -> None:
    assert laws.folds_like_its_twin(WIRE, framed(case), case["response"], ()) == set()


@pytest.mark.parametrize("case", having("response"))
def test_an_answer_that_is_told_as_a_stream_folds_back(case: dict[str, Any]) -> None:
    read = WIRE.read_response(case["response"])
    assert laws.fold(unfold(read), origin=WIRE.name) == read


@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_may_be_split_anywhere(case: dict[str, Any]) -> None:
    laws.splits_near_borders(WIRE, framed(case))


def test_a_stream_may_be_split_at_every_offset() -> None:
    (case,) = [case for case in CASES if case["name"] == "text"]
    laws.splits_anywhere(WIRE, framed(case))
