"""Answers of a model without tools, read with the calls taken out of their texts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tests.wires.tools_in_words.test_finding import FOUND, NAMES, TAGGED, TEXTS
from tollbridge.errors import APIError, Truncated
from tollbridge.model.events import Closed, Finished, Grew, Noted, Opened
from tollbridge.model.fold import fold
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.response import Response, Usage
from tollbridge.wires.base import Head, ProviderWire, Wire
from tollbridge.wires.cohere import COHERE
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.ollama import OLLAMA
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.tools_in_words import InWords

AT = "2026-08-07T06:08:07Z"
LINES = InWords(OLLAMA, NAMES)


def whole(text: str, thinking: str = "") -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "thinking": thinking}
    counts = {"prompt_eval_count": 3, "eval_count": 4}
    return {"model": "m", "created_at": AT, "message": message, "done": True, "done_reason": "stop", **counts}


def streamed(text: str, size: int, thinking: str = "") -> bytes:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    lines = [{"model": "m", "created_at": AT, "message": {"thinking": thinking}, "done": False}]
    lines += [{"model": "m", "created_at": AT, "message": {"content": piece}, "done": False} for piece in pieces]
    return b"".join(msgspec.json.encode(line) + b"\n" for line in (*lines, whole("")))


def folded(wire: ProviderWire, stream: bytes) -> Response:
    return fold(laws.read_stream(wire, stream), origin=wire.name)


@pytest.mark.parametrize("text", [*(text for text, _ in FOUND.values()), *TEXTS.values()])
def test_a_stream_folds_into_what_its_whole_twin_reads_as(text: str) -> None:
    for size in (1, 3, 1000):
        assert folded(LINES, streamed(text, size, "Hm.")) == LINES.read_response(whole(text, "Hm."))


@pytest.mark.parametrize("text", TEXTS.values())
def test_an_answer_without_calls_is_what_the_wire_itself_reads(text: str) -> None:
    assert LINES.read_response(whole(text)) == OLLAMA.read_response(whole(text))
    assert folded(LINES, streamed(text, 2)) == folded(OLLAMA, streamed(text, 2))


def test_calls_end_an_answer_as_calls() -> None:
    read = LINES.read_response(whole(f"Look. {TAGGED}{TAGGED}", "Hm.")).choices[0]
    assert [type(part) for part in read.parts] == [Thinking, Text, ToolCall, ToolCall]
    assert read.finish is not None
    assert (read.finish.reason, read.finish.raw) == ("tool_calls", "stop")
    ids = [part.id for part in read.parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    assert all(call_id.startswith("call_") for call_id in ids)


def test_an_answer_that_was_cut_stays_cut() -> None:
    body = {**whole(TAGGED), "done_reason": "length"}
    finish = LINES.read_response(body).choices[0].finish
    assert finish is not None
    assert finish.reason == "length"


def test_two_answers_give_their_calls_different_ids() -> None:
    first = LINES.read_response(whole(TAGGED)).choices[0].parts[0]
    later = LINES.read_response({**whole(TAGGED), "created_at": "2026-08-07T06:09:00Z"}).choices[0].parts[0]
    assert isinstance(first, ToolCall)
    assert isinstance(later, ToolCall)
    assert first.id != later.id


def test_parts_open_in_order_and_close_before_the_next() -> None:
    open_part: int | None = None
    seen = -1
    for event in laws.read_stream(LINES, streamed(f"Look.\n{TAGGED} and {TAGGED}", 4, "")):
        match event:
            case Opened(_, index, _):
                assert (open_part, index) == (None, seen + 1)
                open_part, seen = index, index
            case Closed(_, index):
                assert index == open_part
                open_part = None
            case Finished():
                assert open_part is None
    assert seen == 3


def test_text_is_told_as_it_comes() -> None:
    reader, parser = LINES.stream_reader(), LINES.stream_parser()
    told = []
    for piece in (b'{"message":{"content":"Well, "}}\n', b'{"message":{"content":"yes."}}\n'):
        told.append([str(event) for line in parser.feed(piece) for event in reader.feed(line)])
    assert "Well," in "".join(told[0])
    assert "yes." in "".join(told[1])
    with pytest.raises(Truncated):
        list(reader.close())


def test_an_error_in_a_stream_is_raised_through_it() -> None:
    reader, parser = LINES.stream_reader(), LINES.stream_parser()
    with pytest.raises(APIError, match="out of memory"):
        for line in parser.feed(b'{"message":{"content":"<tool"}}\n{"error":"out of memory"}\n'):
            list(reader.feed(line))
    assert not reader.ended


def test_usage_comes_after_all_that_it_counts() -> None:
    for text in ("Well. ", TAGGED.removesuffix("</tool_call>"), '{"a": 1'):
        events = laws.read_stream(LINES, streamed(text, 5))
        (place,) = [at for at, event in enumerate(events) if isinstance(event, Noted) and isinstance(event.note, Usage)]
        assert not any(isinstance(event, Grew) for event in events[place:]), text


def test_usage_that_was_told_before_an_error_is_not_lost() -> None:
    reader, told = InWords(COHERE, NAMES).stream_reader(), list[object]()
    start = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
    usage = {"tokens": {"input_tokens": 3, "output_tokens": 4}}
    end = {"type": "message-end", "delta": {"finish_reason": "ERROR", "usage": usage}}
    with pytest.raises(APIError):
        for event in (start, end):
            for one in reader.feed(laws.SseEvent(msgspec.json.encode(event).decode())):
                told.append(one)
    assert isinstance(told[-1], Noted)
    assert isinstance(told[-1].note, Usage)


def test_citations_stay_with_the_first_text() -> None:
    cited = {"start": 0, "end": 4, "text": "Look", "sources": [{"type": "document", "id": "d"}], "content_index": 0}
    message = {"content": [{"type": "text", "text": f"Look. {TAGGED}"}], "citations": [cited]}
    body = {"id": "c", "message": message, "finish_reason": "COMPLETE"}
    read = InWords(COHERE, NAMES).read_response(body).choices[0].parts
    assert isinstance(read[0], Text)
    assert [citation.title for citation in read[0].citations] == ["d"]
    events = [
        {"type": "message-start", "id": "c", "delta": {"message": {}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": cited}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": f"Look. {TAGGED}"}}}},
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    ]
    assert folded(InWords(COHERE, NAMES), laws.framed(events)).choices[0].parts == read


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, GEMINI])
def test_several_choices_are_read_each_by_itself(dialect: Wire) -> None:
    answer = OPENAI_CHAT.read_response(
        {
            "id": "r",
            "created": 5,
            "model": "m",
            "choices": [
                {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
                for index, text in enumerate((TAGGED, "Plain.", f"Both {TAGGED}"))
            ],
        }
    )
    body = laws.through_json(dialect.write_response(msgspec.structs.replace(answer, origin=dialect.name)).value)
    read = InWords(dialect, NAMES).read_response(body)
    kinds = [[type(part) for part in choice.parts] for choice in read.choices]
    assert kinds == [[ToolCall], [Text], [Text, ToolCall]]
    writer = dialect.stream_writer(Head(id="r", model="m"))
    events = laws.unfold(msgspec.structs.replace(answer, origin=dialect.name))
    stream = b"".join([*(writer.write(event) for event in events), writer.close()])
    told = folded(InWords(dialect, NAMES), stream)
    assert [[type(part) for part in choice.parts] for choice in told.choices] == kinds
