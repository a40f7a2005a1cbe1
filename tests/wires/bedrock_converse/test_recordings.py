"""Every recorded exchange with Converse. The counts stand in docs/wires.md."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.bedrock_converse import valid
from tests.wires.bedrock_converse.forms import FORMS
from tests.wires.bedrock_converse.reading import read
from tests.wires.bedrock_converse.recorded import (
    answer_of,
    cut,
    exchanges,
    read_in_pieces,
    stream_of,
    unframed,
)
from tests.wires.test_cross_wire import WIRES, crosses_answer, crosses_stream
from tollbridge.errors import AuthenticationError, BadRequestError
from tollbridge.model.fold import fold, unfold
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")

# A bound in its schema is moved into a description, as the vendor of the model asks; the service took it as it was.
FITTED = {"bedrock-converse-54a79388540b"}


def test_the_laws_hold_over_every_recording() -> None:
    tally = laws.Tally(FORMS)
    for exchange in exchanges():
        name, answer, stream = exchange["id"], answer_of(exchange), stream_of(exchange)
        if exchange["status"] == 200 and name not in FITTED:
            tally.count("a request is sent as its client sent it", name, _sent_as_it_was(exchange))
        if answer is not None:
            whole = WIRE.read_response(answer)
            laws.same(laws.builtins(whole), laws.builtins(fold(unfold(whole), origin=WIRE.name)), [])
            tally.count("an answer folds back", name)
        if stream is not None:
            _splits_anywhere(stream)
            tally.count("a stream, cut anywhere", name)
    print(f"\n{tally.table()}")
    assert tally.unused() == []
    assert tally.table() in DOCS.read_text(), "docs/wires.md shall hold the table that `pytest -s` prints"


def _sent_as_it_was(exchange: dict[str, Any]) -> set[str]:
    body, model = exchange["request_body"], exchange["model"]
    written = WIRE.write_request(read(body, model), Target(model=model))
    assert not written.caveats, f"writing left caveats: {written.caveats}"
    assert not valid.faults(written.value.body), exchange["id"]
    return laws.same(body, laws.through_json(written.value.body), [(form.name, form.request) for form in FORMS])


def _splits_anywhere(stream: bytes) -> None:
    whole = read_in_pieces([stream])
    assert read_in_pieces(cut(stream, range(1, len(stream)))) == whole, "byte by byte"
    chance = random.Random(7)
    for number in range(laws.RANDOM_SPLITS):
        cuts = sorted(chance.sample(range(1, len(stream)), 8))
        assert read_in_pieces(cut(stream, cuts)) == whole, f"random split {number}"


def test_a_schema_is_fitted_to_the_rules_of_the_models_vendor() -> None:
    for exchange in exchanges():
        if exchange["id"] in FITTED:
            written = WIRE.write_request(
                read(exchange["request_body"], exchange["model"]), Target(model=exchange["model"])
            )
            assert [caveat.where for caveat in written.caveats] == ["$.response_format"]


@pytest.mark.parametrize("dialect", WIRES)
def test_every_answer_and_stream_arrives_in_every_dialect(dialect: str) -> None:
    """Law 4, as far as it has a direction."""
    answers = streams = 0
    for exchange in exchanges():
        answer, stream = answer_of(exchange), stream_of(exchange)
        try:
            if answer is not None:
                crosses_answer(WIRE, WIRES[dialect], answer)  # type: ignore[arg-type]
                answers += 1
            if stream is not None:
                crosses_stream(WIRE, WIRES[dialect], unframed(stream))  # type: ignore[arg-type]
                streams += 1
        except Exception as error:
            raise AssertionError(f"{exchange['id']}: {type(error).__name__}: {error}") from error
    assert (answers, streams) == (116, 34)


def test_totals_are_the_services() -> None:
    seen = 0
    for exchange in exchanges():
        answer, stream = answer_of(exchange), stream_of(exchange)
        usage = WIRE.read_response(answer).usage if answer is not None else None
        usage = laws.usage_of(read_in_pieces([stream])) if stream is not None else usage
        if usage is not None:
            assert usage.input + usage.output == usage.extra["totalTokens"], exchange["id"]
            seen += 1
    assert seen == 150


def test_every_recorded_error_keeps_its_status_and_its_words() -> None:
    seen: dict[str, int] = {}
    for exchange in exchanges():
        if exchange["status"] < 400:
            continue
        body = msgspec.json.encode(exchange["response_body"])
        error = WIRE.read_error(exchange["status"], exchange["response_headers"], body)
        assert error.status_code == exchange["status"]
        assert exchange["response_body"]["message"].rstrip(".") in error.message
        assert error.request_id == exchange["response_headers"].get("x-amzn-requestid", "")
        expired = "expired" in error.message
        assert isinstance(error, AuthenticationError if expired else BadRequestError)
        seen[type(error).__name__] = seen.get(type(error).__name__, 0) + 1
    assert seen == {"BadRequestError": 11, "AuthenticationError": 1}
