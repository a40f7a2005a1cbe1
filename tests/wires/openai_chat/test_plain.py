"""A request without the fields that strict providers refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.plain import extended, plain

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"index": 1}'}}
THOUGHT = {"role": "assistant", "content": "Yes.", "reasoning_content": "Hm."}


def prepared(model: str, messages: list[Any], given: Given | None = None, **fields: Any) -> tuple[Prepared, Any]:
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    deployment = build(Wanted(id="d", group="m", model=model, given=given or Given(api_key="k")), {}, ROWS)
    made = prepare(Ask(OPENAI_CHAT, body, peek(body), "m", stream=False), deployment)
    return made, json.loads(made.outgoing.body)


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "groq/llama-3.3-70b-versatile", "cerebras/gpt-oss-120b"])
def test_a_message_of_another_providers_turn_is_sent_without_what_this_one_refuses(model: str) -> None:
    turn = {
        **{"role": "assistant", "content": None, "annotations": [], "reasoning_content": "Hm."},
        "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
        "provider_specific_fields": {"text_breaks": [1]},
        "tool_calls": [{**CALL, "index": 0, "position": 2, "provider_specific_fields": {"thought_signature": "s"}}],
    }
    made, sent = prepared(model, [turn, {"role": "tool", "tool_call_id": "c1", "content": "1"}])
    assert sent["messages"][0] == {"role": "assistant", "content": None, "tool_calls": [CALL]}
    assert [(caveat.code, caveat.where) for caveat in made.caveats] == [("dropped_part", "$.messages[0]")]
    assert made.relayed


def test_cache_marks_are_left_out_wherever_they_stand_and_told_once() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief.", **mark}]},
        {"role": "user", "content": "Hi", **mark},
    ]
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    made, sent = prepared("openai/gpt-4.1", messages, tools=[{**tool, **mark}])
    assert "cache_control" not in made.outgoing.body.decode()
    assert sent["messages"][1] == {"role": "user", "content": "Hi"}
    assert sent["tools"] == [tool]
    assert [caveat.detail.split(" ", 1)[0] for caveat in made.caveats] == ["3"]


@pytest.mark.parametrize("model", ["openai/gpt-4.1", "groq/llama-3.3-70b-versatile"])
def test_a_cache_mark_inside_a_tools_function_is_left_out_and_told_too(model: str) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    function = {"name": "f", "parameters": {"type": "object", "properties": {"cache_control": {"type": "string"}}}}
    user = [{"role": "user", "content": "Hi"}]
    made, sent = prepared(model, user, tools=[{"type": "function", **mark, "function": {**function, **mark}}])
    assert sent["tools"] == [{"type": "function", "function": function}]
    told = [(caveat.code, caveat.where, caveat.detail.split(" ", 1)[0]) for caveat in made.caveats]
    assert told == [("dropped_param", "$.tools[*].cache_control", "2")]
    made, sent = prepared(model, user, functions=[{**function, **mark}])
    assert sent["functions"] == [function]
    assert [caveat.where for caveat in made.caveats] == ["$.functions[*].cache_control"]


def test_a_server_that_speaks_like_openai_gets_what_the_client_said() -> None:
    made, sent = prepared("openai/x", [THOUGHT], Given(api_key="k", api_base="http://127.0.0.1:9/v1"))
    assert sent["messages"] == [THOUGHT]
    assert made.caveats == ()


def test_a_request_of_the_format_alone_is_not_looked_into() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": 'Say "assistant" and "index".'}]}).encode()
    assert not extended(body)
    assert extended(json.dumps({"messages": [THOUGHT]}).encode())


@pytest.mark.parametrize("messages", [None, "x", [], [1, None, []], [{"role": "assistant", "tool_calls": "x"}]])
def test_what_has_another_shape_is_left_to_the_provider(messages: Any) -> None:
    assert plain({"messages": messages}).value == {"messages": messages}


def test_it_changes_nothing_that_it_is_given_and_may_run_twice() -> None:
    body = {"messages": [{**THOUGHT, "tool_calls": [{**CALL, "index": 0}]}]}
    before = json.dumps(body)
    once = plain(body).value
    assert json.dumps(body) == before
    assert plain(once).value == once


@pytest.mark.parametrize(
    ("model", "fields", "sent", "caveats"),
    [
        ("gpt-5.1", {"thinking": {"type": "enabled", "budget_tokens": 4000}}, "medium", ["approximated $.thinking"]),
        ("gpt-5.1", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, "low", []),
        ("gpt-5.1", {"thinking": {"type": "disabled"}}, None, ["dropped_param $.thinking"]),
        ("gpt-4.1", {"thinking": {"type": "enabled", "budget_tokens": 9}}, None, ["dropped_param $.thinking"]),
        ("gpt-4.1", {"reasoning_effort": "low"}, None, ["dropped_param $.reasoning_effort"]),
    ],
)
def test_how_much_to_think_is_said_as_the_model_takes_it(
    model: str, fields: dict[str, Any], sent: str | None, caveats: list[str]
) -> None:
    made, body = prepared(f"openai/{model}", [{"role": "user", "content": "Hi"}], **fields)
    assert body.get("reasoning_effort") == sent
    assert "thinking" not in body
    assert [f"{caveat.code} {caveat.where}" for caveat in made.caveats] == caveats


def test_a_picture_that_a_tool_answered_with_follows_in_a_users_message() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "format": "image/png"}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "c2"}]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "here"}, picture]},
        {"role": "tool", "tool_call_id": "c2", "content": "2"},
        {"role": "user", "content": "and?"},
    ]
    made, sent = prepared("openai/gpt-4.1", messages)
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "tool", "user", "user"]
    assert [part["type"] for part in sent["messages"][2]["content"]] == ["text", "text"]
    assert sent["messages"][4]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AAAA"},
    }
    assert [(caveat.code, caveat.where) for caveat in made.caveats] == [("approximated", "$.messages[2]")]
    assert made.relayed


def test_the_format_of_a_picture_that_litellms_clients_name_is_not_sent() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "format": "image/png"}}
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "format": "application/pdf"}}
    made, sent = prepared("openai/gpt-4.1", [{"role": "user", "content": [picture, file]}])
    assert "format" not in json.dumps(sent)
    assert made.caveats == ()
