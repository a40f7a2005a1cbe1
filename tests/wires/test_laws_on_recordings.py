"""The laws over every recorded exchange in the chat format. `pytest -s` prints the counts that stand in docs/wires.md;
a normal form is counted once for each exchange, recorded or own, that needed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED, recordings
from tests.wires import laws
from tests.wires.openai_chat.forms import FORMS
from tests.wires.openai_chat.test_laws import CASES, framed, target
from tollbridge.errors import APIError, BadRequestError, ContentPolicyViolationError
from tollbridge.model.response import Usage
from tollbridge.wires.base import Target
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE

pytestmark = pytest.mark.skipif(not (SHARED / "recordings").exists(), reason="../shared/recordings is not here")

DOCS = Path(__file__).resolve().parents[2] / "docs" / "wires.md"

# What the vendors themselves refused as malformed, and what is an error in a 200: the laws are about the rest.
REFUSED_REQUESTS = {"openai-chat_completions-28195ab9f418": BadRequestError}
ERRORS_IN_A_200 = {"azure-chat_completions-663eb5451753": ContentPolicyViolationError}
ERRORS_IN_A_STREAM = {"groq-chat_completions-eac0d9feaa12": BadRequestError}


def exchanges() -> Iterator[dict[str, Any]]:
    """Every exchange in this format; Writer calls its endpoint `chat`."""
    yield from recordings(endpoints=("chat.completions",))
    yield from recordings(provider="writer", endpoints=("chat",))


@cache
def measured() -> tuple[laws.Tally, dict[str, list[str]]]:
    """Every law over every exchange, once: the counts, and what broke by law."""
    tally, broken = laws.Tally(FORMS), dict[str, list[str]]()

    def hold(law: str, exchange: dict[str, Any], check: Callable[[], set[str] | None]) -> None:
        found = broken.setdefault(law, [])
        try:
            tally.count(law, exchange["id"], check() or ())
        except (AssertionError, APIError) as failure:
            found.append(f"{exchange['id']}: {failure}")

    for exchange in exchanges():
        body, answer, text = (exchange.get(key) for key in ("request_body", "response_body", "response_text"))
        if isinstance(body, dict) and exchange["id"] not in REFUSED_REQUESTS:
            body = body if isinstance(body.get("model"), str) else {**body, "model": "in-the-path"}  # Azure's path
            hold("law 1, requests", exchange, partial(laws.round_trip_request, WIRE, body, FORMS))
            hold("law 5, requests", exchange, partial(laws.relays_as_it_writes, WIRE, body, FORMS))
        if exchange["status"] >= 400:
            hold("errors", exchange, partial(_is_told, exchange))
        elif answer is not None and exchange["id"] not in ERRORS_IN_A_200:
            hold("law 1, answers", exchange, partial(laws.round_trip_response, WIRE, answer, FORMS))
        elif text is not None and exchange["id"] not in ERRORS_IN_A_STREAM:
            stream = text.encode()
            hold("law 2, streams", exchange, partial(laws.reads_back, WIRE, stream, FORMS))
            hold("law 3, streams", exchange, partial(laws.splits_near_borders, WIRE, stream))
    for case in CASES:
        _count_own(tally, case)
    return tally, broken


def _count_own(tally: laws.Tally, case: dict[str, Any]) -> None:
    """Our own cases are held to the laws in openai_chat/test_laws.py; here they are counted."""
    name = case["name"]
    if "request" in case:
        tally.count("own requests", name, laws.round_trip_request(WIRE, case["request"], FORMS, target=target(case)))
    if "response" in case:
        tally.count("own answers", name, laws.round_trip_response(WIRE, case["response"], FORMS))
    if "stream" in case:
        twin = case["response"]
        tally.count("own streams with twins", name, laws.folds_like_its_twin(WIRE, framed(case), twin, FORMS))


def _is_told(exchange: dict[str, Any]) -> None:
    """An error keeps its status and has words, read and written."""
    body = exchange.get("response_body")
    text = exchange["response_text"].encode() if body is None else msgspec.json.encode(body)
    error = WIRE.read_error(exchange["status"], exchange.get("response_headers") or {}, text)
    status, written = WIRE.write_error(error)
    assert error.status_code == status == exchange["status"]
    assert error.message
    assert written["error"]["message"]


@pytest.mark.parametrize(
    "law", ["law 1, requests", "law 1, answers", "law 2, streams", "law 3, streams", "law 5, requests", "errors"]
)
def test_the_law_holds_on_every_exchange(law: str) -> None:
    tally, broken = measured()
    assert broken[law] == []
    assert tally.exchanges[law] > 0


def test_each_normal_form_is_needed() -> None:
    tally, _ = measured()
    assert tally.unused() == []


def test_the_counts_in_the_documentation_are_these() -> None:
    tally, _ = measured()
    print(f"\n{tally.table()}")
    assert tally.table() in DOCS.read_text()


def test_errors_inside_a_200_are_raised_with_their_own_class() -> None:
    for exchange in exchanges():
        expected = ERRORS_IN_A_200.get(exchange["id"]) or ERRORS_IN_A_STREAM.get(exchange["id"])
        if expected is None:
            continue
        with pytest.raises(APIError) as raised:
            if exchange["id"] in ERRORS_IN_A_200:
                WIRE.read_response(exchange["response_body"])
            else:
                laws.read_stream(WIRE, exchange["response_text"].encode())
        assert type(raised.value) is expected
        assert raised.value.status_code == 400


def test_what_a_vendor_refused_as_malformed_is_refused_with_its_path() -> None:
    for exchange in exchanges():
        if exchange["id"] in REFUSED_REQUESTS:
            with pytest.raises(BadRequestError, match=r"messages\[1\]\.content\[0\]"):
                WIRE.read_request(exchange["request_body"])


def test_the_tap_reads_the_usage_that_the_stream_reader_reads() -> None:
    for exchange in exchanges():
        if exchange["status"] >= 300 or "response_text" not in exchange or exchange["id"] in ERRORS_IN_A_STREAM:
            continue
        stream = exchange["response_text"].encode()
        tap = WIRE.stream_tap(False)
        assert tap.feed(stream) == stream
        assert tap.ended
        assert counts(tap.said.usage) == counts(laws.usage_of(laws.read_stream(WIRE, stream))), exchange["id"]


def counts(usage: Usage | None) -> Usage | None:
    """Without what only a writer of this format needs."""
    return usage if usage is None else msgspec.structs.replace(usage, extra={}, spelling={})


def test_reading_along_gives_the_usage_of_the_answer() -> None:
    for exchange in exchanges():
        body = exchange.get("response_body")
        if exchange["status"] < 300 and body is not None and exchange["id"] not in ERRORS_IN_A_200:
            assert counts(WIRE.read_along(msgspec.json.encode(body)).usage) == counts(WIRE.read_response(body).usage)


def test_another_dialects_request_asks_nothing_that_is_not_there() -> None:
    """Written as for a foreign request: no field of ours, no null, and each message has a role."""
    for exchange in exchanges():
        body = exchange.get("request_body")
        if not isinstance(body, dict) or exchange["id"] in REFUSED_REQUESTS or not isinstance(body.get("model"), str):
            continue
        read = msgspec.structs.replace(WIRE.read_request(body).value, origin="elsewhere")
        written = WIRE.write_request(read, Target(model="m", stream=bool(read.stream))).value.body
        text = msgspec.json.encode(written).decode()
        assert "(field)" not in text
        assert "(spelled)" not in text
        assert all(message["role"] in ("system", "user", "assistant", "tool") for message in written["messages"])
