"""Requests for providers: another dialect's, and what a provider lacks or prefers."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import (
    CacheMark,
    Citation,
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    Url,
)
from tollbridge.model.parts import ToolResult as Result
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.base import FEATURES, HttpRequest, Target, Written
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE
from tollbridge.wires.seal import Seals

CLAUDE = "anthropic_messages"
PLAIN = Target(model="gpt-test")
IMAGE = Media(media_type="image/png", source=Inline(data="aWk="))
CALL = ToolCall(id="c1", name="f", arguments="{}")
CITED = Text(text="a", citations=(Citation(url="u"),))
OPAQUE = Opaque(wire=CLAUDE, value={"type": "x"})


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Part) -> Message:
    return Message(role="assistant", parts=parts)


def write(*messages: Message, to: Target = PLAIN, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """The body, and the codes of the Caveats, of a request that another dialect wrote."""
    written = WIRE.write_request(Request(model="x", messages=messages, origin=CLAUDE, **fields), to)
    return written.value.body, [caveat.code for caveat in written.caveats]


def own(body: dict[str, Any], to: Target = PLAIN) -> tuple[dict[str, Any], list[str]]:
    written = WIRE.write_request(WIRE.read_request({"model": "x", **body}).value, to)
    return written.value.body, [caveat.code for caveat in written.caveats]


def test_the_plainest_form_is_written() -> None:
    body, caveats = write(
        Message(role="system", parts=(Text(text="Be brief."),)),
        user(Text(text="Hi")),
        assistant(Text(text="Yo"), Text(text="!")),
        user(Text(text="See"), IMAGE),
        tools=(Tool(name="f", schema={"type": "object"}, strict=True), Tool(name="g")),
        tool_choice=ToolChoice(mode="required"),
        sampling=Sampling(max_tokens=9, top_k=3, stop=("END",)),
        stream=True,
        include_usage=True,
    )
    assert body == {
        "model": "gpt-test",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Yo!"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWk="}},
                ],
            },
        ],
        "top_k": 3,
        "stop": ["END"],
        "max_tokens": 9,
        "tools": [
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}},
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ],
        "tool_choice": "required",
        "stream": False,
    }
    assert caveats == []


def test_usage_is_asked_for_in_streams_alone() -> None:
    body, _ = write(user(Text(text="Hi")), to=Target(model="m", stream=True), include_usage=True)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    lacking = Target(model="m", stream=True, lacks=frozenset({"stream_usage"}))
    assert "stream_options" not in write(user(Text(text="Hi")), to=lacking, include_usage=True)[0]


def test_results_follow_their_calls_and_pictures_follow_the_results() -> None:
    body, caveats = write(
        assistant(Text(text="Look"), CALL, ToolCall(id="c2", name="g")),
        user(
            Result(call_id="c2", content=(Text(text="two"),)), Result(call_id="c1", content=(Text(text="see"), IMAGE))
        ),
        user(Text(text="And?")),
    )
    assert [message["role"] for message in body["messages"]] == ["assistant", "tool", "tool", "user", "user"]
    assert body["messages"][0]["tool_calls"][1]["function"] == {"name": "g", "arguments": "{}"}
    assert body["messages"][2]["content"] == "see\n\n[image/png: see the next user message]"
    assert body["messages"][3]["content"][0] == {"type": "text", "text": "From the result of tool call c1:"}
    assert body["messages"][3]["content"][1]["type"] == "image_url"
    assert caveats == ["approximated"]


def test_text_beside_results_comes_after_them() -> None:
    body, _ = write(assistant(CALL), user(Text(text="By the way"), Result(call_id="c1", content=(Text(text="ok"),))))
    assert [(message["role"], message["content"]) for message in body["messages"]] == [
        ("assistant", None),
        ("tool", "ok"),
        ("user", "By the way"),
    ]


def test_a_failed_result_is_sent_with_a_caveat() -> None:
    _, caveats = write(assistant(CALL), user(Result(call_id="c1", content=(Text(text="boom"),), is_error=True)))
    assert caveats == ["approximated"]


def test_a_result_without_its_call_is_a_400_that_says_how_to_mend_it() -> None:
    with pytest.raises(
        BadRequestError,
        match=r"`c9` has no tool call before it - at `\$\.messages\[0\]`.*modify_params.*litellm_settings",
    ):
        write(user(Result(call_id="c9", content=(Text(text="ok"),))))
    with pytest.raises(BadRequestError, match="no tool call before it"):
        own({"messages": [{"role": "tool", "tool_call_id": "c9", "content": "ok"}]})


def test_modify_puts_the_missing_call_there() -> None:
    body, caveats = own(
        {"messages": [{"role": "tool", "tool_call_id": "c9", "name": "weather", "content": "ok"}]},
        Target(model="m", modify=True),
    )
    assert body["messages"][0] == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
    }
    assert caveats == ["restored_turn"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (assistant(Thinking(text="hm", signature="s", origin=CLAUDE), Text(text="a")), "foreign_signature"),
        (assistant(ToolCall(id="s", name="search", runs_on="provider", origin=CLAUDE)), "dropped_part"),
        (assistant(OPAQUE), "dropped_part"),
        (assistant(CITED), "dropped_part"),
        (assistant(IMAGE), "dropped_part"),
        (user(OPAQUE), "dropped_part"),
        (user(CITED), "dropped_part"),
        (user(Text(text="a", cache=CacheMark())), "dropped_param"),
        (user(Media(media_type="image/*", source=FileRef(id="f1"))), "dropped_part"),
        (user(Media(media_type="application/pdf", source=Url(url="https://e.org/a.pdf"))), "dropped_part"),
        (user(Media(media_type="audio/wav", source=Url(url="https://e.org/a.wav"))), "dropped_part"),
        (user(Media(media_type="audio/ogg", source=Inline(data="YQ=="))), "dropped_part"),
        (assistant(ToolCall(id="c", name="f", signature="s", origin="gemini")), "foreign_signature"),
    ],
)
def test_what_cannot_be_said_is_a_caveat(message: Message, code: str) -> None:
    assert code in write(message)[1]


def test_documents_are_files_and_text_files_are_text() -> None:
    pdf = Media(media_type="application/pdf", source=Inline(data="JVBERi0="))
    note = Media(media_type="text/plain", source=Inline(data="SGk="), name="note.txt")
    body, caveats = write(user(pdf, note))
    assert body["messages"][0]["content"] == [
        {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "text", "text": "note.txt\n\nHi"},
    ]
    assert caveats == []


def test_another_dialects_unknown_fields_metadata_and_tools_are_dropped_by_name() -> None:
    written = WIRE.write_request(
        Request(model="x", origin=CLAUDE, extra={"container": "c"}, metadata={"a": "b"}, tools=(OPAQUE,)), PLAIN
    )
    assert written.value.body == {"model": "gpt-test", "messages": []}
    assert sorted(caveat.where for caveat in written.caveats) == ["$.container", "$.metadata", "$.tools"]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("reasoning_content", {"reasoning_content": "hm"}),
        ("reasoning", {"reasoning": "hm"}),
        ("reasoning_details", {"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
        ("thinking_blocks", {"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}),
    ],
)
def test_thinking_goes_where_the_provider_wants_it(field: str, wanted: dict[str, Any]) -> None:
    to = Target(model="m", prefers={"reasoning_field": field})
    body, _ = write(assistant(Thinking(text="hm", signature="s", origin=CLAUDE), Text(text="a")), to=to)
    assert body["messages"][0] == {"role": "assistant", "content": "a", **wanted}


def test_our_clients_thinking_blocks_never_reach_a_provider_as_they_are() -> None:
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}]
    body, caveats = own({"messages": [{"role": "assistant", "content": "a", "thinking_blocks": blocks}]})
    assert body["messages"] == [{"role": "assistant", "content": "a"}]
    assert caveats == ["foreign_signature", "dropped_part"]


def test_a_signature_goes_back_to_the_account_that_made_it_alone() -> None:
    seals = Seals(b"k" * 32)
    block = {"type": "thinking", "thinking": "hm", "signature": seals.close("openai_chat", "acc-1", "sig")}
    request = WIRE.read_request({"model": "m", "messages": [{"role": "assistant", "thinking_blocks": [block]}]}, seals)
    for account, kept in (("acc-1", True), ("", True), ("acc-2", False)):
        to = Target(model="m", account=account, prefers={"reasoning_field": "reasoning_details"})
        written = WIRE.write_request(request.value, to)
        detail = written.value.body["messages"][0]["reasoning_details"][0]
        assert ("signature" in detail, not written.caveats) == (kept, kept)


def test_what_is_ours_alone_does_not_reach_a_provider() -> None:
    body, caveats = own(
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": "ab",
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "position": 0}
                    ],
                    "provider_specific_fields": {
                        "text_breaks": [{"position": 1, "offset": 0}],
                        "server_tools": [
                            {"position": 2, "id": "s", "name": "search", "arguments": "{}", "origin": CLAUDE}
                        ],
                    },
                }
            ]
        }
    )
    assert body["messages"] == [
        {
            "role": "assistant",
            "content": "ab",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]
    assert caveats == ["dropped_part"]


LACKING: dict[str, dict[str, Any]] = {
    "tools": {"tools": (Tool(name="f"),)},
    "strict_tools": {"tools": (Tool(name="f", strict=True),)},
    "tool_choice": {"tools": (Tool(name="f"),), "tool_choice": ToolChoice(mode="required")},
    "parallel_tools": {"parallel_tools": False},
    "response_json": {"output": OutputFormat(kind="json")},
    "response_schema": {"output": OutputFormat(kind="schema", schema={})},
    "reasoning": {"reasoning": Reasoning(effort="low")},
    "user": {"user": "u"},
    "images": {"messages": (user(IMAGE),)},
    "files": {"messages": (user(Media(media_type="application/pdf", source=Inline(data="JVBERi0="))),)},
    "audio": {"messages": (user(Media(media_type="audio/wav", source=Inline(data="YQ=="))),)},
    "video": {"messages": (user(Media(media_type="video/*", source=Url(url="https://e.org/v"))),)},
    "system": {"messages": (Message(role="system", parts=(Text(text="Be brief."),)),)},
    "reasoning_history": {"messages": (assistant(Thinking(text="hm")),)},
    **{
        name: {"sampling": Sampling(**{name: value})}
        for name, value in {
            "max_tokens": 1,
            "temperature": 1.0,
            "top_p": 1.0,
            "top_k": 1,
            "stop": ("x",),
            "seed": 1,
            "frequency_penalty": 1.0,
            "presence_penalty": 1.0,
            "choices": 2,
            "logprobs": True,
            "top_logprobs": 1,
        }.items()
    },
}


@pytest.mark.parametrize("feature", LACKING)
def test_what_a_provider_lacks_is_left_out_with_a_caveat(feature: str) -> None:
    for origin in (CLAUDE, "openai_chat"):
        request = Request(model="x", origin=origin, **LACKING[feature])
        has = WIRE.write_request(request, PLAIN)
        lacks = WIRE.write_request(request, Target(model="gpt-test", lacks=frozenset({feature})))
        assert lacks.caveats != ()
        assert lacks.value.body != has.value.body or feature == "reasoning_history"


def test_each_feature_is_tried_here() -> None:
    elsewhere = {"file_names", "metadata", "stream_usage", "tool_images"}
    assert set(LACKING) | elsewhere == FEATURES


def test_a_picture_in_a_result_is_moved_for_a_provider_that_takes_none_there() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": [picture]},
    ]
    body, caveats = own({"messages": messages}, Target(model="m", lacks=frozenset({"tool_images"})))
    assert body["messages"][1]["content"] == "[image/*: see the next user message]"
    assert body["messages"][2]["content"][1] == picture
    assert caveats == ["approximated"]


def test_spellings_are_the_providers() -> None:
    to = Target(
        model="m",
        prefers={
            "max_tokens": "max_completion_tokens",
            "seed": "random_seed",
            "system_role": "developer",
            "cache_control": "yes",
        },
    )
    system = Message(role="system", parts=(Text(text="a", cache=CacheMark(ttl="1h")),))
    body, caveats = write(system, to=to, sampling=Sampling(max_tokens=5, seed=1))
    assert body == {
        "model": "m",
        "messages": [
            {
                "role": "developer",
                "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            }
        ],
        "random_seed": 1,
        "max_completion_tokens": 5,
    }
    assert caveats == []


def test_texts_are_joined_for_a_provider_that_takes_strings_alone() -> None:
    message = user(Text(text="a"), Text(text="b"))
    assert write(message)[0]["messages"][0]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert write(message, to=Target(model="m", prefers={"content": "string"}))[0]["messages"][0]["content"] == "a\n\nb"


@pytest.mark.parametrize(
    ("reasoning", "prefers", "wanted", "caveats"),
    [
        (Reasoning(effort="low"), {}, {"reasoning_effort": "low"}, []),
        (Reasoning(effort="max"), {}, {"reasoning_effort": "xhigh"}, ["approximated"]),
        (Reasoning(budget_tokens=2000, mode="enabled"), {}, {"reasoning_effort": "low"}, ["approximated"]),
        (Reasoning(budget_tokens=9000, mode="enabled"), {}, {"reasoning_effort": "medium"}, ["approximated"]),
        (Reasoning(budget_tokens=32000, mode="enabled"), {}, {"reasoning_effort": "high"}, ["approximated"]),
        (Reasoning(mode="adaptive"), {}, {}, []),
        (Reasoning(mode="disabled"), {}, {}, ["dropped_param"]),
        (Reasoning(budget_tokens=2000), {"reasoning": "reasoning"}, {"reasoning": {"max_tokens": 2000}}, []),
        (Reasoning(effort="low", budget_tokens=1), {"reasoning": "reasoning"}, {"reasoning": {"effort": "low"}}, []),
        (Reasoning(mode="disabled"), {"reasoning": "reasoning"}, {"reasoning": {"enabled": False}}, []),
        (Reasoning(mode="disabled"), {"reasoning": "thinking"}, {"thinking": {"type": "disabled"}}, []),
        (Reasoning(effort="none"), {"reasoning": "thinking"}, {"thinking": {"type": "disabled"}}, []),
    ],
)
def test_reasoning_is_asked_for_in_the_providers_words(
    reasoning: Reasoning, prefers: dict[str, str], wanted: dict[str, Any], caveats: list[str]
) -> None:
    body, found = write(to=Target(model="m", prefers=prefers), reasoning=reasoning)
    assert body == {"model": "m", "messages": [], **wanted}
    assert found == caveats


def test_a_limit_over_the_models_is_lowered_for_another_dialect_with_a_caveat() -> None:
    to = Target(model="m", max_output_tokens=100)
    body, caveats = write(to=to, sampling=Sampling(max_tokens=500))
    assert (body["max_tokens"], caveats) == (100, ["approximated"])
    assert own({"messages": [], "max_tokens": 500}, to) == ({"model": "m", "messages": [], "max_tokens": 500}, [])


def written_thinking(origin: str, field: str, *thoughts: Thinking, account: str = "here") -> Written[HttpRequest]:
    parts = (*thoughts, Text(text="4"))
    turns = (Message(role="user", parts=(Text(text="2+2?"),)), Message(role="assistant", parts=parts))
    request = Request(model="m", messages=turns, origin=origin)
    return WIRE.write_request(request, Target(model="m", account=account, prefers={"reasoning_field": field}))


def signed(signature: str | None, **more: Any) -> Thinking:
    return Thinking(text="Two and two.", signature=signature, origin="openai_chat", account="here", **more)


def summary(**piece: str) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [piece]}


def test_thinking_goes_back_as_parts_with_the_signature_of_the_same_account() -> None:
    withheld = Thinking(signature="ENC", redacted=True, origin="openai_chat", account="here")
    written = written_thinking("anthropic_messages", "reasoning_parts", signed("SIG"), withheld)
    assert written.value.body["messages"][1]["content"] == [
        summary(type="summary_text", text="Two and two.", signature="SIG"),
        summary(type="summary_encrypted_text", data="ENC"),
        {"type": "text", "text": "4"},
    ]
    assert written.caveats == ()


def test_a_signature_of_another_account_or_vendor_is_left_out_of_thinking_parts() -> None:
    for foreign in (signed("SIG"), Thinking(text="Two and two.", signature="SIG", origin="gemini", account="there")):
        written = written_thinking("anthropic_messages", "reasoning_parts", foreign, account="there")
        assert written.value.body["messages"][1]["content"][0] == summary(type="summary_text", text="Two and two.")
        assert [caveat.code for caveat in written.caveats] == ["foreign_signature"]


def test_what_was_withheld_by_another_vendor_is_no_part() -> None:
    withheld = Thinking(signature="ENC", redacted=True, origin="gemini")
    written = written_thinking("anthropic_messages", "reasoning_parts", withheld)
    assert written.value.body["messages"][1]["content"] == "4"


def test_magistrals_parts_have_no_signature() -> None:
    written = written_thinking("anthropic_messages", "thinking_parts", signed("SIG"))
    assert written.value.body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Two and two."}]},
        {"type": "text", "text": "4"},
    ]
