"""The laws over every recorded exchange of this format. The counts stand in docs/wires.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tests.wires import laws
from tests.wires.openai_responses.forms import FORMS
from tollbridge.errors import APIError, BadRequestError
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"
REQUESTS = ("responses", "responses.input_tokens", "responses.compact")
ANSWERS = ("responses", "responses.item")

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")

# Its model stands in the stored prompt.
WITHOUT_MODEL = {"openai-responses-d2d2f37dd803"}
# Two of its items are never done and stand whole in the last event alone: written again, they come last.
NEVER_DONE = {"openai-responses-d5f57b9a5436"}


def exchanges() -> Iterator[dict[str, Any]]:
    yield from recordings(endpoints=(*REQUESTS, "responses.item"))


def request_of(exchange: dict[str, Any]) -> Any:
    body = exchange.get("request_body")
    wanted = exchange["endpoint"] in REQUESTS and isinstance(body, dict)
    if not wanted:
        return None
    return {**body, "model": "of-the-prompt"} if exchange["id"] in WITHOUT_MODEL else body


def answer_of(exchange: dict[str, Any]) -> Any:
    body = exchange.get("response_body")
    wanted = exchange["endpoint"] in ANSWERS and exchange["status"] == 200 and isinstance(body, dict)
    return body if wanted and body.get("object") == "response" else None


def last_of(stream: bytes) -> Any:
    """The response in the last event."""
    told = [msgspec.json.decode(event.data) for event in laws.frame(stream) if event.data != "[DONE]"]
    return told[-1]["response"]


def test_the_laws_hold_over_every_recording() -> None:
    tally = laws.Tally(FORMS)
    for exchange in exchanges():
        name = exchange["id"]
        request, answer = request_of(exchange), answer_of(exchange)
        if request is not None:
            tally.count("1 request", name, laws.round_trip_request(WIRE, request, FORMS))
            tally.count("5 relay", name, laws.relays_as_it_writes(WIRE, request, FORMS))
        if answer is not None:
            tally.count("1 answer", name, laws.round_trip_response(WIRE, answer, FORMS))
        if exchange.get("stream_format") == "sse":
            stream = exchange["response_text"].encode()
            tally.count(
                "2 stream and its last event", name, laws.folds_like_its_twin(WIRE, stream, last_of(stream), FORMS)
            )
            if name not in NEVER_DONE:
                tally.count("2 stream reads back", name, laws.reads_back(WIRE, stream, FORMS))
            laws.splits_near_borders(WIRE, stream)
            tally.count("3 splits", name)
    assert tally.unused() == []
    assert tally.exchanges["1 request"] >= 220
    print(tally.table())
    assert tally.table() in DOCS.read_text(), "docs/wires.md shall hold the table that `pytest -s` prints"


def test_a_request_without_a_model_is_refused_with_its_path() -> None:
    (exchange,) = [exchange for exchange in exchanges() if exchange["id"] in WITHOUT_MODEL]
    with pytest.raises(BadRequestError, match="`model`"):
        WIRE.read_request(exchange["request_body"])


def test_every_recorded_error_is_read_and_written_again() -> None:
    seen = 0
    for exchange in exchanges():
        if exchange["status"] < 400:
            continue
        body = exchange["response_body"]
        error = WIRE.read_error(exchange["status"], exchange["response_headers"], msgspec.json.encode(body))
        assert isinstance(error, APIError)
        assert (error.status_code, error.code) == (exchange["status"], body["error"]["code"])
        assert WIRE.write_error(error) == (exchange["status"], body)
        seen += 1
    assert seen >= 13
