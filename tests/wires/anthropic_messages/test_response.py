"""Answers of other providers, shown in this format, and what comes home on the next turn."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.errors import BadGatewayError
from tollbridge.model.parts import Citation, Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)


def answer(*parts: Part, finish: Finish | None = None, **fields: Any) -> Response:
    choice = Choice(parts=parts, finish=finish or Finish(reason="stop", raw="stop"))
    return Response(
        **{"id": "r1", "model": "m", "choices": (choice,), "origin": "openai_chat", "account": "acc", **fields}
    )


def shown(response: Response) -> tuple[dict[str, Any], list[str]]:
    written = WIRE.write_response(response, SEALS)
    return written.value, [caveat.code for caveat in written.caveats]


def replayed(content: list[dict[str, Any]], seals: Seals = SEALS) -> tuple[tuple[Part, ...], list[str]]:
    """What a client's next request says, which carries that content."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": content}]}
    read = WIRE.read_request(body, seals)
    return read.value.messages[0].parts, [caveat.code for caveat in read.caveats]


def test_foreign_thinking_is_sealed_and_comes_home() -> None:
    part = Thinking(text="hm", signature="enc", origin="openai_responses")
    body, caveats = shown(answer(part, Text(text="So")))
    assert body["content"][0]["signature"].startswith("tb1.openai_responses.acc.")
    assert caveats == []
    parts, caveats = replayed(body["content"])
    assert parts == (
        Thinking(text="hm", signature="enc", origin="openai_responses", account="acc"),
        Text(text="So"),
    )
    assert caveats == []


def test_foreign_thinking_without_a_signature_is_known_as_foreign_when_it_returns() -> None:
    body, _ = shown(answer(Thinking(text="hm", origin="openai_chat")))
    parts, _ = replayed(body["content"])
    assert parts == (Thinking(text="hm", origin="openai_chat", account="acc"),)


def test_redacted_foreign_thinking_comes_home() -> None:
    body, _ = shown(answer(Thinking(signature="enc", redacted=True, origin="gemini")))
    assert body["content"][0]["type"] == "redacted_thinking"
    parts, _ = replayed(body["content"])
    assert parts == (Thinking(signature="enc", redacted=True, origin="gemini", account="acc"),)


def test_a_seal_of_another_key_is_dropped_with_a_caveat() -> None:
    part = Thinking(text="hm", signature="enc", origin="gemini")
    hidden = Thinking(signature="enc", redacted=True, origin="gemini")
    body, _ = shown(answer(part, hidden))
    parts, caveats = replayed(body["content"], Seals(b"x" * 32))
    assert parts == (Thinking(text="hm"),)
    assert caveats == ["foreign_signature", "foreign_signature"]


def test_the_signature_of_a_tool_call_travels_beside_it() -> None:
    call = ToolCall(id="c1", name="look", arguments='{"x":1}', signature="thought", origin="gemini")
    body, _ = shown(answer(call))
    assert [block["type"] for block in body["content"]] == ["redacted_thinking", "tool_use"]
    parts, _ = replayed(body["content"])
    assert parts == (msgspec.structs.replace(call, account="acc"),)


def test_a_foreign_page_citation_is_shown_and_comes_home() -> None:
    citation = Citation(url="https://a.example", title="A", start=0, end=4, origin="openai_chat", raw={"type": "url"})
    body, caveats = shown(answer(Text(text="Calm", citations=(citation,))))
    seen = body["content"][0]["citations"][0]
    assert (seen["type"], seen["url"], seen["title"]) == ("web_search_result_location", "https://a.example", "A")
    assert caveats == ["approximated"]
    parts, _ = replayed(body["content"])
    assert parts == (Text(text="Calm", citations=(citation,)),)


def test_a_citation_of_no_page_is_said() -> None:
    body, caveats = shown(answer(Text(text="Calm", citations=(Citation(title="a file", origin="openai_chat"),))))
    assert "citations" not in body["content"][0]
    assert caveats == ["dropped_part"]


def test_arguments_that_are_no_object_come_home_as_they_were() -> None:
    body, _ = shown(answer(ToolCall(id="c", name="f", arguments='{"x": ')))
    assert body["content"][0]["input"] == {"INVALID_JSON": '{"x": '}
    assert replayed(body["content"])[0] == (ToolCall(id="c", name="f", arguments='{"x": '),)


def test_empty_and_repeated_ids_are_replaced() -> None:
    calls = [ToolCall(id=i, name="f", arguments="{}") for i in ("", "c", "c")]
    body, _ = shown(answer(*calls, id=""))
    ids = [block["id"] for block in body["content"]]
    assert ids[1] == "c"
    assert len(set(ids)) == 3
    assert all(ids)
    assert body["id"].startswith("msg_")


@pytest.mark.parametrize(
    ("finish", "parts", "reason", "caveats"),
    [
        (Finish(reason="stop"), (), "end_turn", 0),
        (Finish(reason="stop", stop="END"), (), "stop_sequence", 0),
        (Finish(reason="length"), (), "max_tokens", 0),
        (Finish(reason="tool_calls"), (), "tool_use", 0),
        (Finish(reason="stop"), (ToolCall(id="a", name="f"),), "tool_use", 0),
        (Finish(reason="refusal"), (), "refusal", 0),
        (Finish(reason="stop"), (Refusal(text="No."),), "refusal", 0),
        (Finish(reason="content_filter"), (), "refusal", 1),
        (Finish(reason="other", raw="odd"), (), "end_turn", 1),
        (Finish(reason="context_window"), (), "model_context_window_exceeded", 0),
    ],
)
def test_the_end_is_said_in_this_formats_words(
    finish: Finish, parts: tuple[Part, ...], reason: str, caveats: int
) -> None:
    body, said = shown(answer(*parts, finish=finish))
    assert body["stop_reason"] == reason
    assert len(said) == caveats


def test_input_tokens_leave_out_the_cache() -> None:
    usage = Usage(input=100, output=9, cache_read=60, cache_write=30, reasoning=4, origin="openai_chat")
    body, _ = shown(answer(usage=usage))
    assert body["usage"] == {
        "input_tokens": 10,
        "output_tokens": 9,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    read = WIRE.read_response(body).usage
    assert read is not None
    assert (read.input, read.output, read.cache_read, read.cache_write, read.reasoning) == (100, 9, 60, 30, 4)


def test_the_top_level_is_the_usage_and_iterations_are_kept_beside() -> None:
    body = {"content": [], "usage": {"input_tokens": 5, "output_tokens": 2, "iterations": [{"input_tokens": 99}]}}
    usage = WIRE.read_response(body).usage
    assert usage is not None
    assert usage.input == 5
    assert usage.extra == {"iterations": [{"input_tokens": 99}]}


def test_what_compacting_took_is_counted_and_goes_back_as_it_was_told() -> None:
    """A paused answer says nothing of its own; the iterations are billed."""
    compaction = {
        "type": "compaction",
        "input_tokens": 83555,
        "output_tokens": 139,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 0,
    }
    for told in (
        {"input_tokens": 0, "output_tokens": 0, "iterations": [compaction]},
        {
            "input_tokens": 20,
            "output_tokens": 3,
            "cache_read_input_tokens": 1,
            "iterations": [compaction, {"type": "message", "input_tokens": 20, "output_tokens": 3}, "odd"],
        },
    ):
        read = WIRE.read_response({"content": [], "usage": told})
        assert read.usage is not None
        assert read.usage.input == 83560 + told["input_tokens"] + told.get("cache_read_input_tokens", 0)
        assert read.usage.output == 139 + told["output_tokens"]
        assert WIRE.write_response(read).value["usage"] == told


def test_kinds_of_cache_writing_that_are_no_sum_of_the_total_come_back_as_they_were() -> None:
    """As after searches on the server: the total grows, the kinds are those of the first round."""
    told = {
        "input_tokens": 17,
        "output_tokens": 594,
        "cache_creation_input_tokens": 24164,
        "cache_creation": {"ephemeral_5m_input_tokens": 2474, "ephemeral_1h_input_tokens": 0},
    }
    read = WIRE.read_response({"content": [], "usage": told})
    assert read.usage is not None
    assert (read.usage.input, read.usage.cache_write, read.usage.cache_write_1h) == (24181, 24164, 0)
    assert WIRE.write_response(read).value["usage"] == told


@pytest.mark.parametrize("count", [-1, 10**12 + 1, 2**63])
def test_a_count_that_cannot_be_is_no_word_and_stays_as_it_came(count: int) -> None:
    body = {"content": [], "usage": {"input_tokens": 5, "output_tokens": count}}
    usage = WIRE.read_response(body).usage
    assert usage is not None
    assert (usage.input, usage.output, usage.extra) == (5, 0, {"output_tokens": count})


def test_what_this_format_cannot_show_is_said() -> None:
    picture = Media(media_type="image/png", source=Inline(data="AA=="))
    response = answer(picture, Opaque(wire="gemini", value={}), Text(text="x"), extra={"citations": [], "object": "x"})
    choices = (msgspec.structs.replace(response.choices[0], logprobs={"content": []}), Choice(index=1))
    body, caveats = shown(msgspec.structs.replace(response, choices=choices))
    assert [block["type"] for block in body["content"]] == ["text"]
    assert sorted(caveats) == ["dropped_choice", "dropped_field", "dropped_part", "dropped_part", "dropped_part"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"content": None},
        {"content": "plain text", "usage": None},
        {"content": [{"type": "text", "text": ""}], "stop_reason": None, "id": None, "model": None},
        {"content": [{"type": "never_seen", "deep": [1]}], "usage": {}},
    ],
)
def test_odd_answers_are_read(body: dict[str, Any]) -> None:
    assert WIRE.read_response(body).origin == WIRE.name


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"content": [{"type": "text", "text": 5}]}, "$.content[0].text"),
        ({"content": [{"type": "tool_use", "name": "f", "input": {}}]}, "$.content[0]"),
        ({"content": [7]}, "$.content[0]"),
        ([], "$"),
        ("<html>", "$"),
    ],
)
def test_garbage_is_a_gateway_error_that_names_the_place(body: Any, place: str) -> None:
    with pytest.raises(BadGatewayError) as caught:
        WIRE.read_response(body)
    assert f"`{place}`" in caught.value.message


def test_no_block_of_another_providers_answer_is_empty() -> None:
    body, _ = shown(answer(Thinking(), Text(text=""), Refusal(text=""), Text(text="x")))
    assert body["content"] == [{"type": "text", "text": "x"}]


def test_another_gateways_seal_in_an_answer_stays_closed() -> None:
    sealed = SEALS.close("gemini", "acc", "enc")
    content = [{"type": "redacted_thinking", "data": sealed}, {"type": "thinking", "thinking": "", "signature": sealed}]
    parts = WIRE.read_response({"content": content}).choices[0].parts
    assert [getattr(part, "signature", None) for part in parts] == [sealed, sealed]


def test_a_total_that_is_smaller_than_its_cached_part_was_no_total() -> None:
    body, _ = shown(answer(usage=Usage(input=31, output=9, cache_read=161, origin="openai_chat")))
    assert (body["usage"]["input_tokens"], body["usage"]["cache_read_input_tokens"]) == (31, 161)
