"""Another wire's answer in our dialect, whole and as a stream, and what a client's next request brings back of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tollbridge.errors import BadGatewayError
from tollbridge.model.events import Began, Closed, Finished, Grew, Noted, Opened
from tollbridge.model.fold import fold, unfold
from tollbridge.model.parts import Citation, Inline, Media, Opaque, Part, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.wires.base import Head
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE
from tollbridge.wires.seal import Seals, is_seal

SEALS = Seals(b"k" * 32)
CLAUDE = "anthropic_messages"
SIGNED = Thinking(text="Let me see.", signature="c2ln", origin=CLAUDE)
REDACTED = Thinking(signature="cmVk", redacted=True, origin=CLAUDE)
CALL = ToolCall(id="toolu_1", name="weather", arguments='{"city":"Rome"}')
SEARCH = ToolCall(id="srvtoolu_1", name="web_search", arguments='{"q":"x"}', runs_on="provider", origin=CLAUDE)
FOUND = Opaque(wire=CLAUDE, value={"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []})


def answer(*parts: Part, reason: Any = "stop", raw: str = "end_turn", origin: str = CLAUDE) -> Response:
    choice = Choice(parts=parts, finish=Finish(reason=reason, raw=raw))
    usage = Usage(input=10, output=5, cache_read=4, reasoning=3)
    return Response(id="msg_1", model="claude", created=7, choices=(choice,), usage=usage, origin=origin, account="acc")


def message(*parts: Part, **kind: Any) -> Any:
    written = WIRE.write_response(answer(*parts, **kind), SEALS)
    assert written.caveats == ()
    return laws.through_json(written.value)["choices"][0]["message"]


def streamed(response: Response) -> bytes:
    return laws.write_stream(WIRE, unfold(response), response, seals=SEALS)


def chunks(stream: bytes) -> list[Any]:
    lines = [line[6:] for line in stream.decode().splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [msgspec.json.decode(line) for line in lines[:-1]]


def returned(said: Any) -> tuple[Part, ...]:
    """What the next request brings back."""
    read = WIRE.read_request({"model": "m", "messages": [{"role": "user", "content": "x"}, said]}, SEALS)
    assert read.caveats == ()
    return read.value.messages[1].parts


def test_a_plain_answer_has_the_fields_that_clients_expect() -> None:
    assert WIRE.write_response(answer(Text(text="Hi"))).value == {
        "id": "msg_1",
        "object": "chat.completion",
        "created": 7,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    }


def test_thinking_is_text_for_all_and_signed_blocks_for_those_who_send_them_back() -> None:
    said = message(SIGNED, REDACTED, Text(text="Hi"))
    assert said["reasoning_content"] == "Let me see."
    assert said["thinking_blocks"] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk", "position": 1},
    ]
    assert [(part.signature, part.origin) for part in returned(said) if isinstance(part, Thinking)] == [
        ("c2ln", CLAUDE),
        ("cmVk", CLAUDE),
    ]


def test_another_wires_signature_is_sealed_and_comes_home() -> None:
    said = message(Thinking(text="Hm", signature="gem", origin="gemini"), Text(text="Hi"), origin="gemini")
    assert is_seal(said["thinking_blocks"][0]["signature"])
    thought = returned(said)[0]
    assert isinstance(thought, Thinking)
    assert (thought.signature, thought.origin, thought.account, thought.text) == ("gem", "gemini", "acc", "Hm")


def test_a_seal_that_was_tampered_with_is_dropped_with_a_caveat() -> None:
    said = message(Thinking(text="Hm", signature="gem", origin="gemini"), origin="gemini")
    said["thinking_blocks"][0]["signature"] += "x"
    said["thinking_blocks"].append({"type": "redacted_thinking", "data": "tb1.gemini.-.eHg.AAAA"})
    read = WIRE.read_request({"model": "m", "messages": [said]}, SEALS)
    assert [caveat.code for caveat in read.caveats] == ["foreign_signature"] * 2
    assert read.value.messages[0].parts == (
        Thinking(text="Hm", extra={"(field)": "reasoning_content,thinking_blocks"}),
    )


def test_a_client_that_drops_the_blocks_still_sends_the_text_back() -> None:
    said = message(SIGNED, Text(text="Hi"))
    del said["thinking_blocks"]
    assert returned(said) == (Thinking(text="Let me see."), Text(text="Hi"))


def test_the_order_of_parts_survives_the_round() -> None:
    again = Thinking(text="Again.", signature="c2ln", origin=CLAUDE)
    order = (SIGNED, Text(text="One. "), CALL, again, SEARCH, FOUND, Text(text="Two."), Text(text="Three."))
    back = returned(message(*order, reason="tool_calls", raw="tool_use"))
    assert [type(part).__name__ for part in back] == [type(part).__name__ for part in order]
    assert [part.text for part in back if isinstance(part, Text)] == ["One. ", "Two.", "Three."]
    assert back[4:6] == (SEARCH, FOUND)


def test_an_edited_content_is_taken_as_it_is() -> None:
    said = message(Text(text="One. "), Text(text="Two."))
    said["content"] = "New"
    assert returned(said) == (Text(text="New"),)


def test_what_the_provider_ran_is_never_a_tool_call_of_the_clients() -> None:
    said = message(SEARCH, FOUND, Text(text="Found."))
    assert "tool_calls" not in said
    assert said["provider_specific_fields"]["server_tools"] == [
        {"position": 0, "id": "srvtoolu_1", "name": "web_search", "arguments": '{"q":"x"}', "origin": CLAUDE},
        {"position": 1, "wire": CLAUDE, "value": FOUND.value},
    ]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    said = message(ToolCall(id="a", name="f"), reason="tool_calls", raw="tool_use")
    assert said["tool_calls"] == [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    assert said["content"] is None


def test_a_calls_signature_is_shown_and_sealed_into_its_id() -> None:
    call = ToolCall(id="fc1", name="f", arguments="{}", signature="c2ln", origin="gemini", account="acc")
    said = message(call, reason="tool_calls", raw="STOP", origin="gemini")
    shown = said["tool_calls"][0]
    assert shown["provider_specific_fields"] == {"thought_signature": "c2ln"}
    assert shown["id"].startswith("fc1~tb1.gemini.")
    assert returned(said) == (call,)
    bare = {"role": "assistant", "tool_calls": [{key: shown[key] for key in ("id", "type", "function")}]}
    assert returned(bare) == (call,)
    result = {"role": "tool", "tool_call_id": shown["id"], "content": "ok"}
    read = WIRE.read_request({"model": "m", "messages": [bare, result]}, SEALS).value
    assert read.messages[1].parts[0].call_id == "fc1"  # type: ignore[union-attr]


def test_citations_are_annotations_with_offsets_in_the_whole_content() -> None:
    web = Citation(
        url="https://e.org", title="E", quoted="q", origin=CLAUDE, raw={"type": "web_search_result_location"}
    )
    page = Citation(title="Doc", quoted="p", origin=CLAUDE, raw={"type": "page_location", "document_index": 0})
    said = message(Text(text="As "), Text(text="they say", citations=(web, page)))
    assert [annotation["type"] for annotation in said["annotations"]] == ["url_citation"] * 2
    of_a_document = {"start_index": 3, "end_index": 11, "url": "", "title": "Doc", "content": "p"}
    assert said["annotations"][1]["url_citation"] == of_a_document
    assert said["annotations"][0]["url_citation"] == {
        "start_index": 3,
        "end_index": 11,
        "url": "https://e.org",
        "title": "E",
        "content": "q",
    }
    assert returned(said) == (Text(text="As "), Text(text="they say", citations=(web, page)))


def test_claudes_citations_stand_where_litellms_clients_look_for_them_too() -> None:
    place = {"type": "char_location", "cited_text": "Blue.", "document_index": 0, "start_char_index": 0}
    web = {"type": "web_search_result_location", "url": "https://e.org", "cited_text": "so"}
    one = Citation(quoted="Blue.", origin=CLAUDE, raw=place)
    other = Citation(url="https://e.org", quoted="so", origin=CLAUDE, raw=web)
    parts = (Text(text="It is "), Text(text="blue", citations=(one, other)), Text(text="!", citations=(one,)))
    said = message(*parts)
    assert said["provider_specific_fields"]["citations"] == [
        [{**place, "supported_text": "blue"}, {**web, "supported_text": "blue"}],
        [{**place, "supported_text": "!"}],
    ]
    assert len(said["annotations"]) == 3
    assert returned(said) == parts
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(streamed(answer(*parts))) if chunk["choices"]]
    told = [
        fields["citation"] for delta in deltas if "citation" in (fields := delta.get("provider_specific_fields", {}))
    ]
    assert told == [place, web, place]


def test_citations_of_others_are_annotations_alone() -> None:
    found = Citation(url="https://e.org", origin="gemini", raw={"startIndex": 0})
    said = message(Text(text="x", citations=(found,)), origin="gemini")
    assert "provider_specific_fields" not in said


def test_a_field_citations_that_is_no_copy_of_annotations_stays() -> None:
    said = {"role": "assistant", "content": "x", "provider_specific_fields": {"citations": [["theirs"]]}}
    answered = {"id": "i", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "model": "m"}
    assert WIRE.write_response(WIRE.read_response(answered)).value["choices"][0]["message"] == said


def test_pictures_and_sound_have_a_place() -> None:
    said = message(
        Media(media_type="image/png", source=Inline(data="aWk=")),
        Media(media_type="audio/wav", source=Inline(data="YQ==")),
    )
    assert said["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aWk="}, "index": 0}]
    assert said["audio"]["data"] == "YQ=="


@pytest.mark.parametrize(
    ("reason", "raw", "word"),
    [
        ("refusal", "refusal", "content_filter"),
        ("pause", "pause_turn", "stop"),
        ("context_window", "model_context_window_exceeded", "length"),
        ("other", "odd", "stop"),
    ],
)
def test_an_end_without_a_word_gets_the_nearest_and_a_caveat(reason: Any, raw: str, word: str) -> None:
    written = WIRE.write_response(answer(Text(text="x"), reason=reason, raw=raw))
    choice = written.value["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (word, raw)
    assert [caveat.code for caveat in written.caveats] == ["approximated"]


ANSWERS = {
    "text": answer(Text(text="Hi")),
    "thinking": answer(SIGNED, Text(text="Hi")),
    "redacted": answer(SIGNED, REDACTED, Text(text="Hi")),
    "calls": answer(Text(text="a"), CALL, ToolCall(id="t2", name="g"), reason="tool_calls", raw="tool_use"),
    "order": answer(SIGNED, Text(text="1"), CALL, REDACTED, SEARCH, FOUND, Text(text="2"), Text(text="3")),
    "cited": answer(
        Text(text="ab", citations=(Citation(url="https://e.org", title="E", origin=CLAUDE, raw={"x": 1}),))
    ),
    "cited twice": answer(
        Text(text="a", citations=(Citation(origin=CLAUDE, raw={"x": 1}),)),
        Text(text="b", citations=(Citation(origin=CLAUDE, raw={"x": 2}),)),
    ),
    "sealed": answer(Thinking(text="Hm", signature="g", origin="gemini"), Text(text="Hi"), origin="gemini"),
    "signed call": answer(ToolCall(id="c", name="f", arguments="{}", signature="s", origin="gemini"), origin="gemini"),
    "media": answer(Text(text="see"), Media(media_type="image/png", source=Inline(data="aWk="))),
    "pause": answer(Text(text="x"), reason="pause", raw="pause_turn"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_stream_in_our_dialect_folds_to_what_the_whole_answer_says(name: str) -> None:
    """The stream, read and written whole, is the whole answer: clients may assemble either."""
    response = ANSWERS[name]
    whole = laws.through_json(WIRE.write_response(response, SEALS).value)
    folded = fold(laws.read_stream(WIRE, streamed(response)), origin=WIRE.name)
    [choice] = whole["choices"]
    assert choice.pop("logprobs") is None  # a stream says nothing of what there is not
    assert choice["message"].pop("refusal") is None
    assert laws.through_json(WIRE.write_response(folded).value) == whole


def test_a_stream_begins_with_the_role_and_ends_with_the_finish_the_usage_and_done() -> None:
    said = chunks(streamed(answer(Text(text="Hi"))))
    deltas = [chunk["choices"][0]["delta"] if chunk["choices"] else None for chunk in said]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "Hi"}, {}, None]
    assert said[-2]["choices"][0]["finish_reason"] == "stop"
    assert said[-1]["usage"]["prompt_tokens"] == 10
    assert {(chunk["id"], chunk["model"], chunk["created"]) for chunk in said} == {("msg_1", "claude", 7)}


def test_what_a_stream_lists_is_numbered_so_that_the_openai_sdk_can_put_it_together() -> None:
    """Its accumulator raises on an entry without `index` (openai 3.52, lib/streaming/_deltas.py)."""
    parts = (
        Thinking(text="One", signature="S1", origin=CLAUDE),
        ToolCall(id="s1", name="web_search", arguments="{}", runs_on="provider", origin=CLAUDE),
        Thinking(text="Two", signature="S2", origin=CLAUDE),
        Text(text="A", citations=(Citation(url="https://a.example"), Citation(url="https://b.example"))),
        Text(text="B", citations=(Citation(url="https://c.example"),)),
    )
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(streamed(answer(*parts))) if chunk["choices"]]
    places = {"thinking_blocks": [0, 0, 1, 1], "annotations": [0, 1, 2]}
    for field, expected in places.items():
        assert [item["index"] for delta in deltas for item in delta.get(field, ())] == expected
    fields = [delta["provider_specific_fields"] for delta in deltas if "provider_specific_fields" in delta]
    assert [item["index"] for inner in fields for item in inner.get("server_tools", ())] == [0]
    assert [item["index"] for inner in fields for item in inner.get("text_breaks", ())] == [0]


def test_the_number_of_a_thinking_block_stays_here() -> None:
    block = {"index": 0, "type": "thinking", "thinking": "Hm", "signature": "S"}
    read = WIRE.read_request({"model": "m", "messages": [{"role": "assistant", "thinking_blocks": [block]}]}).value
    (part,) = read.messages[0].parts
    assert isinstance(part, Thinking)
    assert (part.text, part.signature, part.extra.get("index")) == ("Hm", "S", None)


def test_usage_is_written_only_for_a_client_that_asked() -> None:
    writer = WIRE.stream_writer(Head(id="x", model="m", origin=CLAUDE))
    stream = b"".join([*(writer.write(event) for event in unfold(answer(Text(text="Hi")))), writer.close()])
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks(stream))


def test_the_head_gives_the_id_where_the_provider_gave_none() -> None:
    writer = WIRE.stream_writer(Head(id="ours", model="m", created=9, origin=CLAUDE))
    out = writer.write(Began()) + writer.write(Opened(0, 0, Text(text=""))) + writer.write(Grew(0, 0, "a"))
    first = msgspec.json.decode(out.split(b"\n\n")[0][6:])
    assert (first["id"], first["model"], first["created"]) == ("ours", "m", 9)


def test_a_failed_stream_ends_with_an_error_and_without_done() -> None:
    writer = WIRE.stream_writer(Head(id="x", model="m", origin=CLAUDE))
    writer.write(Began())
    out = writer.fail(BadGatewayError("The provider hung up."))
    assert b"[DONE]" not in out
    assert msgspec.json.decode(out[6:])["error"]["message"] == "The provider hung up."


def test_calls_stream_with_their_numbers_and_the_provider_calls_are_not_counted() -> None:
    said = chunks(streamed(answer(SEARCH, CALL, ToolCall(id="t2", name="g"), reason="tool_calls", raw="tool_use")))
    pieces = [call for chunk in said if chunk["choices"] for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    assert [(piece["index"], piece.get("id")) for piece in pieces if "id" in piece] == [(0, "toolu_1"), (1, "t2")]
    assert [piece["function"]["arguments"] for piece in pieces if piece["index"] == 1] == ["", "{}"]


def test_several_choices_stream_side_by_side() -> None:
    writer = WIRE.stream_writer(Head(id="x", model="m", origin="elsewhere"))
    events = [Began(), Opened(0, 0, Text(text="")), Opened(1, 0, Text(text="")), Grew(1, 0, "b"), Grew(0, 0, "a")]
    ends = [Closed(0, 0), Finished(1, Finish(reason="stop")), Finished(0, Finish(reason="length"))]
    out = b"".join([*(writer.write(event) for event in [*events, *ends]), writer.close()])
    zero, one = fold(laws.read_stream(WIRE, out)).choices
    assert (zero.parts, one.parts) == ((Text(text="a"),), (Text(text="b"),))
    assert zero.finish is not None
    assert zero.finish.reason == "length"


def test_usage_told_twice_is_written_once() -> None:
    writer = WIRE.stream_writer(Head(id="x", model="m", include_usage=True, origin=CLAUDE))
    events = [Began(), Noted(Usage(input=1)), Opened(0, 0, Text(text="a")), Noted(Usage(input=1, output=2))]
    out = b"".join([*(writer.write(event) for event in events), writer.close()])
    assert laws.usage_of(laws.read_stream(WIRE, out)) == Usage(input=1, output=2, origin=WIRE.name)
