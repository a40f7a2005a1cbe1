"""Streams of this format: cut ones, broken ones, and those that another format's events become."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tollbridge.errors import BadGatewayError, BadRequestError, RateLimitError, Truncated
from tollbridge.model.events import Began, Cited, Closed, Event, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import fold
from tollbridge.model.parts import Citation, Media, Opaque, Refusal, Text, Thinking, ToolCall, Url
from tollbridge.model.response import Finish, Usage
from tollbridge.wires.base import Head, SseEvent
from tollbridge.wires.gemini.signature import open_signature
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)
STOP = Finished(0, Finish(reason="stop"))


def chunk(**candidate: Any) -> SseEvent:
    return SseEvent(msgspec.json.encode({"candidates": [candidate], "responseId": "r"}).decode())


def words(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}], "role": "model"}


def test_a_stream_without_the_reason_of_its_end_is_cut() -> None:
    reader = GEMINI.stream_reader()
    list(reader.feed(chunk(content=words("Once"))))
    assert not reader.ended
    with pytest.raises(Truncated, match="finishReason"):
        reader.close()
    list(reader.feed(chunk(finishReason="STOP")))
    assert reader.ended
    assert any(isinstance(event, Finished) for event in reader.close())


def test_each_candidate_must_end() -> None:
    reader = GEMINI.stream_reader()
    list(reader.feed(chunk(content=words("a"), finishReason="STOP")))
    list(reader.feed(chunk(content=words("b"), index=1)))
    assert not reader.ended


def test_an_empty_stream_is_cut() -> None:
    with pytest.raises(Truncated):
        GEMINI.stream_reader().close()


def test_an_error_in_a_stream_is_raised_with_its_class() -> None:
    told = '{"error": {"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED"}}'
    with pytest.raises(RateLimitError, match="Slow"):
        GEMINI.stream_reader().feed(SseEvent(told))
    with pytest.raises(BadGatewayError) as raised:
        GEMINI.stream_reader().feed(SseEvent('{"error": {"message": "odd"}}'))
    assert raised.value.status_code == 502


@pytest.mark.parametrize(
    "data",
    [
        "no json",
        "[]",
        '{"candidates": 3}',
        '{"candidates": [{"content": {"parts": "x"}}]}',
        '{"candidates": [{"finishReason": {}}]}',
        '{"candidates": [{"content": {"parts": [{"functionCall": {"willContinue": true, "partialArgs": [{}]}}]}}]}',
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$"}]}}]}}]}',
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":'
        '[{"jsonPath":"$.a[99999999]","stringValue":"x"}]}}]}}]}',
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","partialArgs":'
        '[{"jsonPath":"$.a","stringValue":"x"},{"jsonPath":"$.a.b","stringValue":"x"}]}}]}}]}',
    ],
)
def test_a_chunk_that_cannot_be_read_is_the_providers_fault(data: str) -> None:
    with pytest.raises(BadGatewayError, match="could not be read"):
        GEMINI.stream_reader().feed(SseEvent(data))


def written(*events: Event, origin: str = "elsewhere") -> tuple[list[dict[str, Any]], list[str]]:
    """The chunks, and the codes of the caveats."""
    writer = GEMINI.stream_writer(Head(id="r", model="m", origin=origin, account="acc", seals=SEALS))
    data = b"".join([*(writer.write(event) for event in (Began(), *events)), writer.close()])
    return [msgspec.json.decode(event.data) for event in laws.frame(data)], [c.code for c in writer.caveats]


def parts_of(chunks: list[dict[str, Any]]) -> list[Any]:
    return [part for told in chunks for part in told["candidates"][0]["content"]["parts"]]


def test_every_chunk_is_a_whole_answer_and_the_last_has_the_end_and_the_usage() -> None:
    chunks, told = written(
        Opened(0, 0, Text(text="")), Grew(0, 0, "Hi"), Grew(0, 0, " you"), Closed(0, 0),
        Noted(Usage(input=3, output=2)), STOP,
    )  # fmt: skip
    head = {"modelVersion": "m", "responseId": "r"}
    assert chunks[:2] == [
        {"candidates": [{"content": words("Hi"), "index": 0}], **head},
        {"candidates": [{"content": words(" you"), "index": 0}], **head},
    ]
    assert chunks[2] == {
        "candidates": [{"content": words(""), "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        **head,
    }
    assert told == []


def test_calls_that_grow_at_once_go_out_whole() -> None:
    chunks, _ = written(
        Opened(0, 0, ToolCall(id="a", name="f")),
        Opened(0, 1, ToolCall(id="b", name="g")),
        Grew(0, 0, '{"x"', "arguments"),
        Grew(0, 1, '{"y":2}', "arguments"),
        Grew(0, 0, ":1}", "arguments"),
        Closed(0, 1),
        STOP,
    )
    assert parts_of(chunks)[:2] == [
        {"functionCall": {"name": "g", "id": "b", "args": {"y": 2}}},
        {"functionCall": {"name": "f", "id": "a", "args": {"x": 1}}},
    ]


def test_what_others_signed_is_sealed_in_base64_and_opens_again() -> None:
    chunks, _ = written(
        Opened(0, 0, Thinking(origin="anthropic_messages")),
        Grew(0, 0, "Hm"),
        Grew(0, 0, "s1", "signature"),
        Closed(0, 0),
        Opened(0, 1, Thinking(signature="s2", redacted=True, origin="anthropic_messages")),
        Closed(0, 1),
        Opened(0, 2, Thinking(origin="openai_chat")),
        Grew(0, 2, "No signature"),
        Closed(0, 2),
        Opened(0, 3, ToolCall(id="c", name="f", signature="s3", origin="elsewhere")),
        STOP,
    )
    parts = parts_of(chunks)
    assert parts[0] == {"text": "Hm", "thought": True}
    opened = [open_signature(part["thoughtSignature"], SEALS) for part in parts if "thoughtSignature" in part]
    assert [(one.origin, one.signature, one.redacted, one.account) for one in opened if one is not None] == [
        ("anthropic_messages", "s1", False, "acc"),
        ("anthropic_messages", "s2", True, "acc"),
        ("openai_chat", None, False, "acc"),
        ("elsewhere", "s3", False, "acc"),
    ]


def test_a_seal_survives_the_other_alphabet_and_lost_padding() -> None:
    sealed = GEMINI.write_response(
        fold([Began(), Opened(0, 0, Thinking(text="x", origin="a", signature="~?>")), STOP]), SEALS
    )
    text = sealed.value["candidates"][0]["content"]["parts"][0]["thoughtSignature"]
    for told in (text, text.translate(str.maketrans("+/", "-_")), text.rstrip("=")):
        opened = open_signature(told, SEALS)
        assert opened is not None
        assert opened.signature == "~?>"
    assert open_signature(text, Seals(b"x" * 32)) is None
    assert open_signature("dGIxLnothing", SEALS) is None


def test_texts_side_by_side_stay_apart_and_a_refusal_ends_as_one() -> None:
    chunks, told = written(
        Opened(0, 0, Text(text="one")), Closed(0, 0), Opened(0, 1, Text(text="")), Grew(0, 1, "two"), Closed(0, 1),
        Opened(0, 2, Refusal(text="No.")), Closed(0, 2), STOP,
    )  # fmt: skip
    read = fold(laws.read_stream(GEMINI, b"".join(laws.framed([one]) for one in chunks)))
    assert [part.text for part in read.choices[0].parts if isinstance(part, Text)] == ["one", "two", "No."]
    assert chunks[-1]["candidates"][0]["finishReason"] == "SAFETY"
    assert told == ["approximated"]


def test_citations_and_probabilities_are_told_at_the_end() -> None:
    citation = Citation(url="https://a.example", title="A", origin="elsewhere", start=2, end=4)
    late = Noted(Cited(0, citation), 0)
    chunks, told = written(
        Opened(0, 0, Text(text="")), Grew(0, 0, "Größe"), Noted(Cited(0, citation), 0), Closed(0, 0), late,
        Noted(Logprobs({"content": [{"token": "Grö", "logprob": -1.0}]}), 0),
        Noted(Logprobs({"content": [{"token": "ße", "logprob": -2.0}]}), 0), STOP,
    )  # fmt: skip
    last = chunks[-1]["candidates"][0]
    assert last["groundingMetadata"]["groundingChunks"] == [{"web": {"uri": "https://a.example", "title": "A"}}]
    (support,) = last["groundingMetadata"]["groundingSupports"]
    assert support["segment"] == {"startIndex": 2, "endIndex": 6, "text": "öß"}
    assert [token["token"] for token in last["logprobsResult"]["chosenCandidates"]] == ["Grö", "ße"]
    assert told == ["dropped_part"]  # the one that came after its text was over


def test_text_with_fields_of_another_format_grows_like_any_other() -> None:
    chunks, _ = written(
        Opened(0, 0, Text(text="", extra={"theirs": 1})), Grew(0, 0, "a"), Grew(0, 0, "b"),
        Noted(Cited(0, Citation(url="https://a.example")), 0), Closed(0, 0), STOP,
    )  # fmt: skip
    assert parts_of(chunks) == [{"text": "a"}, {"text": "b"}, {"text": ""}]
    assert chunks[-1]["candidates"][0]["groundingMetadata"]


def test_what_has_no_place_is_told() -> None:
    chunks, told = written(
        Opened(0, 0, Opaque(wire="anthropic_messages", value={})),
        Opened(0, 1, ToolCall(id="s", name="web_search", runs_on="provider", origin="anthropic_messages")),
        Opened(0, 2, Media(media_type="image/png", source=Url(url="https://a.example/b.png"))),
        Noted(Logprobs("odd"), 0),
        Finished(0, Finish(reason="other", raw="moon")),
    )
    assert parts_of(chunks)[0] == {"fileData": {"mimeType": "image/png", "fileUri": "https://a.example/b.png"}}
    assert sorted(told) == ["approximated", "dropped_part", "dropped_part", "dropped_part"]


def test_a_failure_is_an_error_and_nothing_after_it() -> None:
    writer = GEMINI.stream_writer(Head(id="r", model="m"))
    (event,) = laws.frame(writer.fail(BadRequestError("No.")))
    assert msgspec.json.decode(event.data) == {"error": {"code": 400, "message": "No.", "status": "INVALID_ARGUMENT"}}


def test_of_several_candidates_the_end_of_one_is_not_the_end() -> None:
    """What is paid for is known when the connection ends."""
    tap = GEMINI.stream_tap(False)
    ended = {"candidates": [{"finishReason": "STOP", "index": 1}], "usageMetadata": {"totalTokenCount": 3}}
    going = {"candidates": [{"content": words("more"), "index": 0}]}
    for told in (going, ended, going):
        tap.feed(b"data: %b\n\n" % msgspec.json.encode(told))
        assert not tap.marked
    assert not tap.final
    tap.feed(b"data: %b\n\n" % msgspec.json.encode({**ended, "candidates": [{"finishReason": "STOP", "index": 0}]}))
    assert (tap.ended, tap.final, tap.marked) == (True, True, False)
