"""Replicate's predictions: own cases, and the recorded ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.server.clouds import sse
from tests.shared import SHARED, recordings
from tests.wires import laws
from tollbridge.errors import APIError, BadGatewayError, ContextWindowExceededError, RateLimitError, Truncated
from tollbridge.model.fold import fold
from tollbridge.model.parts import Text
from tollbridge.model.response import Response
from tollbridge.wires.base import Target
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.replicate import REPLICATE
from tollbridge.wires.steps import Step, Stepwise

CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "replicate")


def having(key: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES if key in case])


def events(stream: bytes) -> list[Any]:
    parser, reader = REPLICATE.stream_parser(), REPLICATE.stream_reader()
    found = [event for framed in (*parser.feed(stream), *parser.close()) for event in reader.feed(framed)]
    return [*found, *reader.close()]


def text_of(response: Response) -> str:
    return "".join(part.text for part in response.choices[0].parts if isinstance(part, Text))


@having("sent")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_becomes_the_input_of_a_model(case: dict[str, Any], stream: bool) -> None:
    request = OPENAI_CHAT.read_request(case["asked"]).value
    written = REPLICATE.write_request(request, Target(model=case["model"], stream=stream))
    assert written.value.body == {**case["sent"], **({"stream": True} if stream else {})}
    assert [[caveat.code, caveat.where] for caveat in written.caveats] == case["caveats"]


def test_what_a_target_lacks_is_left_out_or_told_otherwise() -> None:
    asked = next(case["asked"] for case in CASES if case["name"] == "one_question")
    target = Target(model="a/b", lacks=frozenset({"system", "temperature", "stop", "images"}))
    written = REPLICATE.write_request(OPENAI_CHAT.read_request(asked).value, target)
    inputs = written.value.body["input"]
    assert inputs["prompt"] == "Be terse.\n\n2+2?"
    assert not {"system_prompt", "temperature", "stop_sequences"} & set(inputs)
    assert {caveat.where for caveat in written.caveats} == {"$.messages", "$.temperature", "$.stop"}


@having("answer")
def test_an_answer_is_its_output_and_its_counts(case: dict[str, Any]) -> None:
    response = REPLICATE.read_response(case["answer"])
    assert text_of(response) == case["text"]
    usage = response.usage
    assert (None if usage is None else [usage.input, usage.output]) == case["usage"]
    assert response.choices[0].finish is not None


@having("stream")
def test_a_stream_folds_into_what_its_twin_says(case: dict[str, Any]) -> None:
    stream = sse(*((name, data) for name, data in case["stream"]))
    folded = fold(events(stream), origin=REPLICATE.name)
    assert text_of(folded) == text_of(REPLICATE.read_response(case["answer"]))
    assert folded.choices[0].finish is not None
    whole = events(stream)
    for at in range(1, len(stream)):
        parser, reader = REPLICATE.stream_parser(), REPLICATE.stream_reader()
        framed = [*parser.feed(stream[:at]), *parser.feed(stream[at:]), *parser.close()]
        assert [event for one in framed for event in reader.feed(one)] == whole


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        ([("output", "a")], Truncated),
        ([], Truncated),
        ([("output", "a"), ("error", {"detail": "it broke"})], BadGatewayError),
        ([("error", "it broke")], BadGatewayError),
        ([("output", "a"), ("done", {"reason": "canceled"})], BadGatewayError),
        ([("done", {"reason": "error"})], BadGatewayError),
        ([("error", {"detail": "Prompt length exceeds maximum input length"})], ContextWindowExceededError),
    ],
)
def test_a_stream_that_ends_otherwise_is_no_answer(stream: list[tuple[str, Any]], error: type[APIError]) -> None:
    with pytest.raises(error) as raised:
        events(sse(*stream))
    assert type(raised.value) is error


@pytest.mark.parametrize("status", ["failed", "canceled", "aborted", "odd"])
def test_a_prediction_that_did_not_succeed_is_an_error_with_its_words(status: str) -> None:
    with pytest.raises(BadGatewayError, match="out of memory") as raised:
        REPLICATE.read_response({"status": status, "error": "CUDA out of memory"})
    assert raised.value.code == f"prediction_{status}"
    with pytest.raises(BadGatewayError, match=status):
        REPLICATE.read_response({"status": status, "error": None})


@pytest.mark.parametrize("body", [None, [], "x", {}, {"status": 3}, {"output": "x"}])
def test_what_is_no_prediction_is_told(body: Any) -> None:
    assert REPLICATE.next_step(body, False) is None
    with pytest.raises(BadGatewayError, match="`status`"):
        REPLICATE.read_response(body)


GET, STREAM = "https://api.replicate.com/v1/predictions/p", "https://stream.replicate.com/v1/p"


@pytest.mark.parametrize(
    ("urls", "stream", "step"),
    [
        ({"get": GET, "cancel": f"{GET}/cancel"}, False, Step(url=GET, waits=True, stop=f"{GET}/cancel")),
        ({"get": GET, "stream": STREAM}, False, Step(url=GET, waits=True)),
        ({"get": GET, "stream": STREAM}, True, Step(url=STREAM, stream=True)),
        ({"get": GET}, True, Step(url=GET, waits=True)),
        ({"get": GET, "stream": 5}, True, Step(url=GET, waits=True)),
    ],
)
def test_what_is_under_way_says_where_the_rest_is(urls: dict[str, Any], stream: bool, step: Step) -> None:
    for status in ("starting", "processing"):
        assert REPLICATE.next_step({"status": status, "urls": urls}, stream) == step
    for status in ("succeeded", "failed", "canceled"):
        assert REPLICATE.next_step({"status": status, "urls": urls}, stream) is None


@pytest.mark.parametrize("urls", [None, {}, [], {"get": None}])
def test_what_is_under_way_and_says_nothing_is_an_error(urls: Any) -> None:
    with pytest.raises(BadGatewayError, match="where to ask"):
        REPLICATE.next_step({"status": "starting", "urls": urls}, False)


def test_errors_keep_status_and_words() -> None:
    def error(status: int, body: Any, **headers: str) -> APIError:
        data = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        return REPLICATE.read_error(status, headers, data)

    refused = error(422, {"title": "Input validation failed", "detail": "- input: prompt is required\n", "status": 422})
    assert (refused.status_code, refused.message) == (422, "- input: prompt is required")
    throttled = error(429, {"detail": "Request was throttled. Expected available in 12 seconds."})
    assert isinstance(throttled, RateLimitError)
    assert throttled.retry_after_s == 12
    assert error(429, {"detail": "Expected available in 12 seconds"}, **{"retry-after": "3"}).retry_after_s == 3
    assert error(402, {"title": "Insufficient credit"}).fault == "operator"
    assert error(401, {"title": "Unauthenticated", "detail": "  "}).message == "Unauthenticated"
    assert error(500, "<html>").message == "A web page instead of an answer"
    assert error(503, "").message == "The provider answered 503 without a message."
    assert isinstance(error(422, {"detail": "prompt is too long"}), ContextWindowExceededError)


def test_it_takes_several_steps() -> None:
    assert isinstance(REPLICATE, Stepwise)
    assert not isinstance(OPENAI_CHAT, Stepwise)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/recordings")
def test_each_recorded_prediction_is_followed_or_read() -> None:
    """They are pictures', of which the output is a list of links: a list of texts, as language models have it."""
    seen = {"followed": 0, "read": 0}
    for exchange in recordings(provider="replicate", endpoints=("predictions", "predictions.item")):
        step = REPLICATE.next_step(exchange["response_body"], False)
        if step is None:
            assert text_of(REPLICATE.read_response(exchange["response_body"])).startswith("https://replicate.delivery/")
            seen["read"] += 1
        else:
            urls = exchange["response_body"]["urls"]
            assert step == Step(url=urls["get"], waits=True, stop=urls["cancel"])
            seen["followed"] += 1
    assert seen == {"followed": 3, "read": 1}
