"""Law 4 for the wires that only providers speak: what each dialect of a client can ask arrives there, what comes back
arrives in each dialect, and a Caveat tells of each thing that does not.

What was written for such a provider is read by the test's own readers (`recorded.request_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from tests.shared import SHARED
from tests.wires import laws
from tests.wires.cohere import recorded as cohere_recorded
from tests.wires.ollama import recorded as ollama_recorded
from tests.wires.test_cross_wire import (
    CASES,
    SEALS,
    WIRES,
    Features,
    answer_features,
    coming_home,
    exchanges_of,
    excused,
    lost,
    report,
    request_features,
)
from tollbridge.errors import APIError, BadRequestError
from tollbridge.model.fold import fold
from tollbridge.model.request import Request
from tollbridge.wires.base import Head, ProviderWire, Target, Wire
from tollbridge.wires.cohere import COHERE
from tollbridge.wires.ollama import OLLAMA

READERS: dict[str, Callable[[dict[str, Any]], Request]] = {
    "cohere": cohere_recorded.request_of,
    "ollama": ollama_recorded.request_of,
}
ONE_WAY: dict[str, ProviderWire] = {"cohere": COHERE, "ollama": OLLAMA}
MODELS = {"cohere": "command-a-reasoning-08-2025", "ollama": "gpt-oss:20b"}
PAIRS = [pytest.param(a, b, id=f"{a}-to-{b}") for a in WIRES for b in ONE_WAY]


def exchanges(name: str) -> Iterator[tuple[str, Any, bytes | None]]:
    """(id, answer, stream) of every own case and recording of a one-way wire."""
    for case in laws.load_cases(CASES / name):
        yield case["name"], case.get("response"), framed(name, case["stream"]) if "stream" in case else None
    if SHARED.exists():
        recorded = {"cohere": cohere_recorded, "ollama": ollama_recorded}[name]
        for one in recorded.exchanges():
            if one["status"] == 200:
                text = one["response_text"].encode() if "response_text" in one else None
                yield one["id"], one.get("response_body"), text


def framed(name: str, chunks: list[Any]) -> bytes:
    if name == "ollama":
        return b"".join(msgspec.json.encode(chunk) + b"\n" for chunk in chunks)
    return laws.framed(chunks)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_requests_of_every_dialect_arrive(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> None:
    crossed, refused = 0, list[str]()
    for name, body, _, _ in exchanges_of(a):
        if not isinstance(body, dict):
            continue
        try:
            read = WIRES[a].read_request(body).value
        except BadRequestError:
            continue  # the wire's own tests say which
        try:
            written = ONE_WAY[b].write_request(read, Target(model=MODELS[b], stream=bool(read.stream)))
        except BadRequestError as error:
            refused.append(error.message)
            continue
        back = READERS[b](laws.through_json(written.value.body))
        try:
            missing = _missing(request_features(read), request_features(back))
            excused(missing, written.caveats)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        crossed += 1
    report(capsys, f"{a} -> {b}: {crossed} requests, {len(refused)} refused")
    assert crossed > 20
    assert [message for message in refused if "modify_params" not in message] == []


def _missing(wanted: Features, got: Features) -> Features:
    missing = lost(wanted, got)
    missing.pop(("setting", ("tool_choice", "auto", None)), None)  # saying nothing means it
    thoughts = "".join(value[0] for kind, value in got.elements() if kind == "thinking")
    for kind, value in list(missing):
        if kind == "thinking" and value[1] is None and value[0] in thoughts:
            del missing[kind, value]  # it stands with other thoughts of the turn
    return missing


def _crosses_answer(a: ProviderWire, b: Wire, body: Any) -> None:
    read = msgspec.structs.replace(a.read_response(body), account="acc", id="r1", model="m", created=1)
    written = b.write_response(read, SEALS)
    back = b.read_response(laws.through_json(written.value))
    excused(lost(answer_features(read), answer_features(back)), written.caveats)
    coming_home(b, read, laws.through_json(written.value))


def _crosses_stream(a: ProviderWire, b: Wire, stream: bytes) -> None:
    events = laws.read_stream(a, stream)
    read = fold(events, origin=a.name)
    writer = b.stream_writer(Head(id="r1", model="m", include_usage=True, origin=a.name, account="acc", seals=SEALS))
    wrote = b"".join([*(writer.write(event) for event in events), writer.close()])
    back = fold(laws.read_stream(b, wrote), origin=b.name)
    excused(lost(answer_features(read), answer_features(back)), tuple(writer.caveats))


@pytest.mark.parametrize(("b", "a"), PAIRS)
def test_answers_and_streams_arrive_in_every_dialect(a: str, b: str, capsys: pytest.CaptureFixture[str]) -> None:
    answers = streams = 0
    for name, answer, stream in exchanges(a):
        try:
            if answer is not None:
                _crosses_answer(ONE_WAY[a], WIRES[b], answer)
                answers += 1
            if stream is not None:
                _crosses_stream(ONE_WAY[a], WIRES[b], stream)
                streams += 1
        except (AssertionError, APIError, LookupError, TypeError) as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
    report(capsys, f"{a} -> {b}: {answers} answers, {streams} streams")
    assert answers > 10
    assert streams > 5
