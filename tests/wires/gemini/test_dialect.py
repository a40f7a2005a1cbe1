"""What Gemini's clients are told of other wires' answers, how their requests are refused, and the schemas they send."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wires import laws
from tollbridge.errors import BadGatewayError, BadRequestError, RateLimitError
from tollbridge.model.fold import fold
from tollbridge.model.parts import Citation, FileRef, Media, Text, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.wires.gemini.schema import json_schema
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.seal import Seals

HI = {"role": "user", "parts": [{"text": "Hi"}]}


def shown(*parts: Any, **more: Any) -> dict[str, Any]:
    finish = more.pop("finish", Finish(reason="stop"))
    answer = Response(id="r", model="m", choices=(Choice(parts=parts, finish=finish),), origin="elsewhere", **more)
    return laws.through_json(GEMINI.write_response(answer).value)


def test_a_citation_without_a_span_is_of_the_whole_text() -> None:
    quoted = Citation(title="Book", quoted="a line", origin="elsewhere")
    body = shown(Text(text="Größe", citations=(quoted, quoted)), Text(text="x", citations=(Citation(url="https://a"),)))
    grounding = body["candidates"][0]["groundingMetadata"]
    assert grounding["groundingChunks"] == [
        {"retrievedContext": {"title": "Book", "text": "a line"}},
        {"web": {"uri": "https://a"}},
    ]
    segments = [support["segment"] for support in grounding["groundingSupports"]]
    assert segments[0] == {"startIndex": 0, "endIndex": 7, "text": "Größe"}
    assert segments[2] == {"startIndex": 0, "endIndex": 1, "text": "x", "partIndex": 1}


def test_counts_by_modality_and_of_a_cache_that_was_left_out_of_the_total() -> None:
    usage = Usage(input=10, output=8, reasoning=3, audio_input=4, image_output=2, cache_read=100)
    assert shown(usage=usage)["usageMetadata"] == {
        "promptTokenCount": 110,
        "candidatesTokenCount": 5,
        "cachedContentTokenCount": 100,
        "thoughtsTokenCount": 3,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 106}, {"modality": "AUDIO", "tokenCount": 4}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 3}, {"modality": "IMAGE", "tokenCount": 2}],
        "totalTokenCount": 118,
    }


@pytest.mark.parametrize(
    ("finish", "word"),
    [("stop", "STOP"), ("tool_calls", "STOP"), ("length", "MAX_TOKENS"), ("content_filter", "SAFETY")],
)
def test_ends_have_googles_words(finish: Any, word: str) -> None:
    assert shown(Text(text="x"), finish=Finish(reason=finish))["candidates"][0]["finishReason"] == word


def test_what_cannot_be_shown_is_told() -> None:
    file = Media(media_type="image/png", source=FileRef(id="file-1"))
    answer = Response(choices=(Choice(parts=(file,)),), origin="elsewhere", extra={"odd": 1, "object": "x"})
    written = GEMINI.write_response(answer)
    assert [caveat.code for caveat in written.caveats] == ["dropped_part", "dropped_field"]
    assert "odd" in written.caveats[1].detail
    assert "object" not in written.caveats[1].detail


def test_a_blocked_prompt_is_an_end_to_other_dialects() -> None:
    read = GEMINI.read_response({"promptFeedback": {"blockReason": "OTHER"}})
    assert read.choices == (Choice(finish=Finish(reason="content_filter", raw="OTHER")),)
    body = OPENAI_CHAT.write_response(read).value
    assert body["choices"][0]["finish_reason"] == "content_filter"


def test_ids_that_we_gave_differ_between_answers_and_are_never_told_to_gemini() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    body = {"candidates": [{"content": {"parts": [call, call], "role": "model"}}]}
    one, two = (GEMINI.read_response({**body, "responseId": id}).choices[0].parts for id in ("r1", "r2"))
    ids = [part.id for part in (*one, *two) if isinstance(part, ToolCall)]
    assert len(set(ids)) == 4
    assert all(id.startswith("call_tb") for id in ids)
    nameless = GEMINI.read_response(body).choices[0].parts
    assert nameless == GEMINI.read_response(body).choices[0].parts


def test_a_forged_seal_is_told_and_not_replayed() -> None:
    forged = "dGIxLmdlbWluaS5hLmIuYw=="
    parts = [
        {"text": "Hm", "thought": True, "thoughtSignature": forged},
        {"text": "So", "thoughtSignature": forged},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": forged},
        {"thoughtSignature": forged},
    ]
    read = GEMINI.read_request({"contents": [HI, {"role": "model", "parts": parts}]}, Seals(b"k" * 32))
    assert [caveat.code for caveat in read.caveats] == ["foreign_signature"] * 4
    assert [getattr(part, "signature", None) for part in read.value.messages[1].parts] == [None, None, None]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "contents"),
        ({"contents": 3}, r"\$\.contents"),
        ({"contents": [{"role": "user", "parts": "Hi"}]}, r"\$\.contents\[0\]\.parts"),
        ({"contents": [{"role": "robot", "parts": []}]}, r"robot.*\$\.contents\[0\]\.role"),
        ({"contents": [{"role": "user", "parts": [{"text": 3}]}]}, r"\$\.contents\[0\]\.parts\[0\]\.text"),
        ({"contents": [{"parts": [{"functionCall": {"args": {}}}]}]}, r"parts\[0\]\.functionCall"),
        ({"contents": [{"parts": [{"function_call": {"name": "f", "args": []}}]}]}, r"functionCall\.args"),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
            r"functionResponse\.response",
        ),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "a/b"}}]}]}, r"parts\[0\]\.inlineData"),
        ({"contents": [{"parts": [{"fileData": {"fileUri": 1}}]}]}, r"fileData\.fileUri"),
        ({"contents": [HI], "generationConfig": {"topK": 1.5}}, r"whole number.*generationConfig\.topK"),
        ({"contents": [HI], "generationConfig": {"temperature": "hot"}}, r"generationConfig\.temperature"),
        ({"contents": [HI], "generationConfig": {"stopSequences": [1]}}, r"generationConfig\.stopSequences"),
        ({"contents": [HI], "generationConfig": {"thinkingConfig": {"thinkingBudget": "x"}}}, r"thinkingBudget"),
        ({"contents": [HI], "tools": [{"functionDeclarations": [{"description": "x"}]}]}, r"functionDeclarations\[0\]"),
        ({"contents": [HI], "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}}, r"MAYBE.*mode"),
        ({"contents": [HI], "systemInstruction": 7}, r"\$\.systemInstruction"),
        ({"contents": [HI], "tool_config": {}, "toolConfig": {}}, "said twice"),
        ({"contents": [{**HI, "parts": [{"inline_data": {}, "inlineData": {}}]}]}, r"said twice"),
        ([], "object"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_its_place(body: Any, where: str) -> None:
    with pytest.raises(BadRequestError, match=where):
        GEMINI.read_request(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"candidates": {}}, r"\$\.candidates"),
        ({"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}, r"candidates\[0\]\.content\.parts\[0\]"),
        ({"candidates": [{"index": "a"}]}, r"candidates\[0\]\.index"),
        ([], "object"),
    ],
)
def test_an_answer_that_cannot_be_read_is_the_providers_fault(body: Any, why: str) -> None:
    with pytest.raises(BadGatewayError, match=why):
        GEMINI.read_response(body)


def test_reading_along_refuses_what_is_no_answer() -> None:
    for body in (b"<html>", b"{}", b"[1]", b'{"candidates":'):
        with pytest.raises(BadGatewayError):
            GEMINI.read_along(body)
    with pytest.raises(RateLimitError):
        GEMINI.read_along(b'{"error": {"code": 429, "message": "Slow."}}')


def test_the_service_that_answered_is_told_unless_it_is_the_usual_one() -> None:
    told = b'{"candidates": [], "responseId": "r", "usageMetadata": {"promptTokenCount": 1, "serviceTier": "%b"}}'
    assert GEMINI.read_along(told % b"PRIORITY").service_tier == "priority"
    assert GEMINI.read_along(told % b"standard").service_tier is None


def test_a_question_for_tokens_may_wrap_a_whole_request() -> None:
    inner = {"model": "models/x", "contents": [HI]}
    assert GEMINI.read_request({"generateContentRequest": inner}).value.messages[0].parts == (Text(text="Hi"),)


def test_geminis_own_schemas_become_json_schema() -> None:
    own = {
        "type": "OBJECT",
        "nullable": True,
        "propertyOrdering": ["a"],
        "properties": {
            "type": {"type": "STRING", "format": "enum", "enum": ["x"], "nullable": True},
            "list": {"type": "ARRAY", "minItems": "2", "max_items": 3, "items": {"type": "INTEGER", "format": "int64"}},
            "either": {"any_of": [{"type": "STRING"}, {"ref": "#/defs/n"}], "nullable": True},
            "open": {"type": "OBJECT", "additionalProperties": {"type": "BOOLEAN"}, "example": {"k": True}},
            "whatever": {"type": "TYPE_UNSPECIFIED"},
        },
        "defs": {"n": {"type": "NULL"}},
    }
    assert json_schema(own) == {
        "type": ["object", "null"],
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["x", None]},
            "list": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "integer", "format": "int64"}},
            "either": {"anyOf": [{"type": "string"}, {"$ref": "#/defs/n"}, {"type": "null"}]},
            "open": {"type": "object", "additionalProperties": {"type": "boolean"}, "examples": [{"k": True}]},
            "whatever": {},
        },
        "$defs": {"n": {"type": "null"}},
    }


def test_json_schema_itself_is_left_alone() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"type": ["string", "null"]}},
    }
    assert json_schema(schema) == schema


CALL = {"functionCall": {"name": "weather", "args": {}, "id": "c1"}}
RAN = {"executableCode": {"language": "PYTHON", "code": "6*7", "id": "x1"}}


@pytest.mark.parametrize(
    ("parts", "said", "told"),
    [
        ([CALL], "STOP", "tool_calls"),
        ([{"text": "I look."}, CALL], "STOP", "tool_calls"),
        ([CALL], "MAX_TOKENS", "length"),
        ([RAN, {"text": "42"}], "STOP", "stop"),
    ],
)
def test_an_answer_that_calls_the_clients_tools_ends_for_that_whole_and_in_chunks(
    parts: list[Any], said: str, told: str
) -> None:
    """Gemini says STOP of it; a client of OpenAI's goes on only where it is told `tool_calls`."""
    end = {"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": said}], "responseId": "r"}
    parted = [{"candidates": [{"content": {"parts": [part], "role": "model"}}], "responseId": "r"} for part in parts]
    last = {"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": said}]}
    streamed = fold(laws.read_stream(GEMINI, laws.framed([*parted, last])), origin=GEMINI.name)
    for answer in (GEMINI.read_response(end), streamed):
        assert OPENAI_CHAT.write_response(answer).value["choices"][0]["finish_reason"] == told
        assert GEMINI.write_response(answer).value["candidates"][0]["finishReason"] == said
