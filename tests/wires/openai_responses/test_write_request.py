"""Requests of other dialects for a provider of this format, and requests of this one with what came home."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque, Text, ToolCall, ToolResult
from tollbridge.model.request import Message
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Target
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)
USER = {"role": "user", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def from_chat(target: Target | None = None, **body: Any) -> tuple[JsonObject, tuple[Caveat, ...]]:
    read = OPENAI_CHAT.read_request({"model": "m", "messages": [USER], **body}, SEALS).value
    written = WIRE.write_request(read, target or Target(model="m"))
    return written.value.body, written.caveats


def codes(caveats: tuple[Caveat, ...]) -> dict[str, str]:
    return {caveat.where: caveat.code for caveat in caveats}


def test_nothing_is_stored_and_reasoning_is_asked_for_encrypted() -> None:
    body, caveats = from_chat()
    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert caveats == ()


def test_a_chat_client_may_have_it_stored() -> None:
    body, caveats = from_chat(store=True, metadata={"team": "a"})
    assert (body["store"], body["metadata"]) == (True, {"team": "a"})
    assert caveats == ()


def test_a_conversation_becomes_items() -> None:
    body, _ = from_chat(
        messages=[
            {"role": "system", "content": "Be kind."},
            USER,
            {"role": "assistant", "content": "Looking.", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "A cat"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "And?"},
                    {"type": "image_url", "image_url": {"url": "https://e.com/a"}},
                ],
            },
        ]
    )
    assert body["input"] == [
        {"type": "message", "role": "system", "content": "Be kind."},
        {"type": "message", "role": "user", "content": "Hi"},
        {"type": "message", "role": "assistant", "content": "Looking."},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "A cat"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "And?"},
                {"type": "input_image", "image_url": "https://e.com/a", "detail": "auto"},
            ],
        },
    ]


def test_functions_are_not_strict_unless_the_client_says_so() -> None:
    strict = {"type": "function", "function": {"name": "b", "strict": True}}
    body, _ = from_chat(tools=[TOOL, strict], tool_choice={"type": "function", "function": {"name": "look"}})
    assert [tool["strict"] for tool in body["tools"]] == [False, True]
    assert body["tool_choice"] == {"type": "function", "name": "look"}


def test_settings_have_their_names_here() -> None:
    body, caveats = from_chat(
        max_completion_tokens=100,
        reasoning_effort="high",
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
        verbosity="low",
        service_tier="flex",
        prompt_cache_key="k",
        logprobs=True,
        top_logprobs=2,
        user="u",
        parallel_tool_calls=False,
        tools=[TOOL],
    )
    assert body["max_output_tokens"] == 100
    assert body["reasoning"] == {"effort": "high"}
    assert body["text"]["format"] == {"type": "json_schema", "name": "a", "schema": {"type": "object"}}
    assert body["text"]["verbosity"] == "low"
    assert (body["service_tier"], body["prompt_cache_key"], body["user"]) == ("flex", "k", "u")
    assert (body["top_logprobs"], "message.output_text.logprobs" in body["include"]) == (2, True)
    assert body["parallel_tool_calls"] is False
    assert caveats == ()


def test_what_the_format_cannot_say_is_a_caveat() -> None:
    body, caveats = from_chat(stop=["x"], seed=1, n=2, presence_penalty=1, logit_bias={"1": 2}, metadata={"a": "b"})
    assert set(codes(caveats)) == {"$.stop", "$.seed", "$.n", "$.presence_penalty", "$.logit_bias", "$.metadata"}
    assert not {"stop", "seed", "n", "presence_penalty", "logit_bias", "metadata"} & body.keys()


def test_fewer_tokens_than_the_format_takes_are_rounded_up() -> None:
    body, caveats = from_chat(max_tokens=5)
    assert body["max_output_tokens"] == 16
    assert codes(caveats) == {"$.max_tokens": "approximated"}


def test_an_output_without_its_call_is_refused_or_restored() -> None:
    messages = [USER, {"role": "tool", "tool_call_id": "c9", "content": "x"}]
    with pytest.raises(BadRequestError, match="modify_params"):
        from_chat(messages=messages)
    body, caveats = from_chat(Target(model="m", modify=True), messages=messages)
    assert [item["type"] for item in body["input"]] == ["message", "function_call", "function_call_output"]
    assert [caveat.code for caveat in caveats] == ["restored_turn"]


def test_an_id_over_the_limit_is_shortened_on_both_sides() -> None:
    call = {**CALL, "id": "c" * 90}
    body, _ = from_chat(
        messages=[
            USER,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c" * 90, "content": "x"},
        ]
    )
    made, answered = body["input"][1]["call_id"], body["input"][2]["call_id"]
    assert made == answered
    assert len(made) <= 64


def test_what_a_target_lacks_is_left_out_with_a_caveat() -> None:
    target = Target(model="m", lacks=frozenset({"images", "temperature", "tools", "reasoning", "response_json"}))
    body, caveats = from_chat(
        target,
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://e.com/a"}}]}],
        temperature=1,
        tools=[TOOL],
        reasoning_effort="low",
        response_format={"type": "json_object"},
    )
    assert not {"temperature", "tools", "reasoning", "text"} & body.keys()
    assert len(caveats) == 5


def test_a_result_with_a_picture_keeps_it() -> None:
    read = ANTHROPIC_MESSAGES.read_request(
        {
            "model": "m",
            "max_tokens": 99,
            "messages": [
                {"role": "user", "content": "Look"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t1",
                            "is_error": True,
                            "content": [
                                {"type": "text", "text": "See"},
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"},
                                },
                            ],
                        }
                    ],
                },
            ],
        }
    ).value
    written = WIRE.write_request(read, Target(model="m"))
    output = written.value.body["input"][2]["output"]
    assert output == [
        {"type": "input_text", "text": "See"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
    ]
    assert [caveat.code for caveat in written.caveats] == ["approximated"]


# What comes home


def test_openais_reasoning_comes_home_through_chat() -> None:
    answer = {
        "id": "resp_1",
        "model": "m",
        "status": "completed",
        "output": [
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "Hm."}],
                "encrypted_content": "enc",
            },
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": "{}"},
        ],
    }
    shown = OPENAI_CHAT.write_response(WIRE.read_response(answer), SEALS).value["choices"][0]["message"]
    body, caveats = from_chat(messages=[USER, shown, {"role": "tool", "tool_call_id": "c1", "content": "x"}])
    assert body["input"][1] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "enc",
    }
    assert caveats == ()


def own(*items: JsonObject) -> tuple[list[JsonObject], list[str]]:
    read = WIRE.read_request({"model": "m", "input": [USER, *items]}, SEALS)
    written = WIRE.write_request(read.value, Target(model="m", account="mine"))
    caveats = (*read.caveats, *written.caveats)
    return written.value.body["input"][1:], [caveat.code for caveat in caveats]


def reasoning(encrypted: str) -> JsonObject:
    return {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": encrypted,
    }


def test_thinking_of_another_provider_does_not_go_to_this_one() -> None:
    assert own(reasoning(SEALS.close("anthropic_messages", "acc", "sig"))) == ([], ["foreign_signature"])
    assert own(reasoning(SEALS.close("", "", ""))) == ([], ["foreign_signature"])


def test_reasoning_of_another_account_does_not_go_to_this_one() -> None:
    sealed = SEALS.close("openai_responses", "theirs", "rs_9\nenc")
    assert own(reasoning(sealed)) == ([], ["foreign_signature"])
    mine, caveats = own(reasoning(SEALS.close("openai_responses", "mine", "rs_9\nenc")))
    assert (mine[0]["id"], mine[0]["encrypted_content"], caveats) == ("rs_9", "enc", [])


def test_a_seal_that_was_changed_is_a_caveat() -> None:
    sealed = SEALS.close("anthropic_messages", "acc", "sig")
    items, caveats = own(reasoning(sealed[:-2] + "xx"))
    assert items == []
    assert caveats == ["foreign_signature", "foreign_signature"]


def test_a_signature_on_a_calls_id_is_taken_off_and_the_output_finds_its_call() -> None:
    seal = SEALS.close("gemini", "acc", "thought")
    call = {"type": "function_call", "call_id": f"c1~{seal}", "name": "look", "arguments": "{}"}
    read = WIRE.read_request(
        {"model": "m", "input": [USER, call, {"type": "function_call_output", "call_id": f"c1~{seal}", "output": "x"}]},
        SEALS,
    ).value
    part = read.messages[1].parts[0]
    assert (part.id, part.signature, part.origin) == ("c1", "thought", "gemini")  # type: ignore[union-attr]
    sent = WIRE.write_request(read, Target(model="m")).value.body["input"]
    assert [item.get("call_id") for item in sent[1:]] == ["c1", "c1"]


def test_a_custom_tool_is_a_function_of_one_string_elsewhere() -> None:
    body = {
        "model": "m",
        "input": [
            USER,
            {"type": "custom_tool_call", "call_id": "c1", "name": "apply", "input": "a\nb"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        ],
        "tools": [{"type": "custom", "name": "apply", "description": "Applies", "format": {"type": "text"}}],
    }
    written = OPENAI_CHAT.write_request(WIRE.read_request(body).value, Target(model="m")).value.body
    assert written["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert written["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"input":"a\\nb"}'
    assert written["messages"][2]["content"] == "done"


def test_a_choice_among_some_tools_is_said_or_made_by_offering_no_others() -> None:
    tools: list[Any] = [{"type": "function", "name": name} for name in ("look", "go")]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "go"}]}
    read = WIRE.read_request({"model": "m", "input": "Hi", "tools": tools, "tool_choice": choice}).value
    assert WIRE.write_request(read, Target(model="m")).value.body["tool_choice"] == choice
    chat = OPENAI_CHAT.write_request(read, Target(model="m"))
    assert [tool["function"]["name"] for tool in chat.value.body["tools"]] == ["go"]
    assert (chat.value.body["tool_choice"], [c.code for c in chat.caveats]) == ("required", ["approximated"])
    claude = ANTHROPIC_MESSAGES.write_request(read, Target(model="claude-sonnet-4-5")).value.body
    assert ([tool["name"] for tool in claude["tools"]], claude["tool_choice"]) == (["go"], {"type": "any"})


def test_a_chat_clients_choice_among_some_tools_is_said_here() -> None:
    allowed = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]}
    body, caveats = from_chat(tools=[TOOL], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert body["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "look"}],
    }
    assert caveats == ()


def test_a_round_of_tools_that_was_added_to_a_request_of_this_format_is_an_item_for_each() -> None:
    read = WIRE.read_request({"model": "m", "input": "Hi"}, SEALS).value
    calls = [ToolCall(id=f"c{number}", name="look", arguments="{}") for number in range(2)]
    results = [ToolResult(call_id=call.id, content=(Text(text="seen"),)) for call in calls]
    search = Opaque(wire="openai_responses", value={"type": "web_search_call", "id": "ws"})
    said = Message(role="assistant", parts=(Text(text="I look"), Text(text=" twice"), search, *calls))
    added = (*read.messages, said, Message(role="user", parts=tuple(results)))
    body = WIRE.write_request(replace(read, messages=added), Target(model="m")).value.body
    assert [item["type"] for item in body["input"]] == [
        *("message", "message", "web_search_call", "function_call", "function_call"),
        *("function_call_output", "function_call_output"),
    ]
    assert [part["text"] for part in body["input"][1]["content"]] == ["I look", " twice"]
    assert [item["call_id"] for item in body["input"][3:]] == ["c0", "c1", "c0", "c1"]
