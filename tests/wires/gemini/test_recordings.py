"""The laws over every recorded exchange of this format. The counts stand in docs/wires.md."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.gemini.forms import FORMS
from tests.wires.gemini.recorded import answer_of, exchanges, request_of, stream_of
from tollbridge.errors import APIError, BadRequestError
from tollbridge.wires.gemini.wire import GEMINI as WIRE

DOCS = Path(__file__).resolve().parents[3] / "docs" / "wires.md"

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")

# Refused by the provider too: the role of its one content is no role.
REFUSED = {"vertex-generatecontent-394f5472f2a2"}


def test_the_laws_hold_over_every_recording() -> None:
    tally = laws.Tally(FORMS)
    for exchange in exchanges():
        name = exchange["id"]
        request, answer, stream = request_of(exchange), answer_of(exchange), stream_of(exchange)
        if name in REFUSED:
            with pytest.raises(BadRequestError, match=r"invalid_role.*\$\.contents\[0\]\.role"):
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
    assert tally.exchanges["1 request"] >= 291
    assert tally.exchanges["1 answer"] >= 212
    assert tally.exchanges["2 stream reads back"] >= 66
    print(f"\n{tally.table()}")
    assert tally.table() in DOCS.read_text(), "docs/wires.md shall hold the table that `pytest -s` prints"


def test_the_tap_hears_what_the_reader_reads() -> None:
    for exchange in exchanges():
        stream = stream_of(exchange)
        if stream is None:
            continue
        tap = WIRE.stream_tap(False)
        assert tap.feed(stream) == stream
        assert (tap.ended, tap.marked, tap.final) == (True, True, True), exchange["id"]
        assert tap.said.usage == laws.usage_of(laws.read_stream(WIRE, stream)), exchange["id"]


def test_reading_along_gives_the_usage_and_the_id_of_the_answer() -> None:
    for exchange in exchanges():
        answer = answer_of(exchange)
        if answer is not None:
            along, read = WIRE.read_along(msgspec.json.encode(answer)), WIRE.read_response(answer)
            assert (along.usage, along.id) == (read.usage, read.id)


def test_totals_are_the_providers() -> None:
    """But for two answers that contradict themselves."""
    odd = []
    for exchange in exchanges():
        usage = WIRE.read_response(answer).usage if (answer := answer_of(exchange)) is not None else None
        if usage is not None and usage.input + usage.output != usage.extra.get("totalTokenCount"):
            odd.append(exchange["id"])
    assert len(odd) <= 2, odd


def test_every_recorded_error_is_read_and_written_again() -> None:
    seen = 0
    for exchange in exchanges():
        if exchange["status"] < 400:
            continue
        body = exchange.get("response_body")
        text = exchange["response_text"].encode() if body is None else msgspec.json.encode(body)
        error = WIRE.read_error(exchange["status"], exchange["response_headers"], text)
        assert isinstance(error, APIError)
        assert error.status_code == exchange["status"]
        assert error.message
        status, written = WIRE.write_error(error)
        assert status == exchange["status"]
        assert written == (body[0] if isinstance(body, list) else body)
        seen += 1
    assert seen >= 14
