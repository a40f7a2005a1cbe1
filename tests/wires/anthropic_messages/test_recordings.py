"""The laws over every recorded exchange of this format. The counts stand in docs/wires.md."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.anthropic_messages.forms import FORMS
from tests.wires.anthropic_messages.recorded import answer_of, exchanges, request_of, stream_of
from tollbridge.errors import APIError, BadRequestError
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")

# Refused by the provider too: its one message is a string.
REFUSED = {"anthropic-messages-27fec8a6536d"}


def test_the_laws_hold_over_every_recording() -> None:
    tally = laws.Tally(FORMS)
    for exchange in exchanges():
        name = exchange["id"]
        request, answer, stream = request_of(exchange), answer_of(exchange), stream_of(exchange)
        if name in REFUSED:
            with pytest.raises(BadRequestError, match=r"\$\.messages\[0\]"):
                WIRE.read_request(request)
            continue
        if request is not None:
            tally.count("1 request", name, laws.round_trip_request(WIRE, request, FORMS))
            tally.count("5 relay", name, laws.relays_as_it_writes(WIRE, request, FORMS))
        if answer is not None:
            tally.count("1 answer", name, laws.round_trip_response(WIRE, answer, FORMS))
        if stream is not None:
            tally.count("2 stream reads back", name, laws.reads_back(WIRE, stream, FORMS))
            laws.splits_near_borders(WIRE, stream)
            tally.count("3 splits", name)
    assert tally.unused() == []
    assert tally.exchanges["1 request"] >= 328
    assert tally.exchanges["1 answer"] >= 219
    assert tally.exchanges["2 stream reads back"] >= 88
    print(tally.table())
    assert tally.table() in DOCS.read_text(), "docs/wires.md shall hold the table that `pytest -s` prints"


def test_every_recorded_error_is_read_and_written_again() -> None:
    seen = 0
    for exchange in exchanges():
        if exchange["status"] < 400:
            continue
        body = exchange.get("response_body")
        error = WIRE.read_error(exchange["status"], exchange["response_headers"], msgspec.json.encode(body))
        assert isinstance(error, APIError)
        assert error.status_code == exchange["status"]
        status, written = WIRE.write_error(error)
        assert status == exchange["status"]
        if "error" in body:
            assert written["error"] == body["error"]
        seen += 1
    assert seen >= 15
