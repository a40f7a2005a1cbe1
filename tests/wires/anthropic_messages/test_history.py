"""Histories of another dialect become turns that Anthropic accepts."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, Request, Role, Tool
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import Target

NEW = "claude-opus-4-8"
OLD = "claude-sonnet-4-5"


def say(role: Role, *parts: Part | str, name: str | None = None) -> Message:
    return Message(role=role, parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), name=name)


def call(call_id: str, name: str = "look", arguments: str = "{}") -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments)


def result(call_id: str, text: str) -> ToolResult:
    return ToolResult(call_id=call_id, content=(Text(text=text),))


def write(
    *messages: Message, model: str = OLD, modify: bool = False, tools: tuple[Tool, ...] = ()
) -> tuple[dict[str, Any], tuple[Caveat, ...]]:
    request = Request(model="any", messages=messages, tools=tools, origin="openai_chat")
    written = WIRE.write_request(request, Target(model=model, modify=modify))
    return written.value.body, written.caveats


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def test_leading_system_messages_become_the_system_prompt() -> None:
    body, caveats = write(say("system", "Be brief."), say("system", "Be kind."), say("user", "Hi"))
    assert body["system"] == [text("Be brief."), text("Be kind.")]
    assert body["messages"] == [{"role": "user", "content": [text("Hi")]}]
    assert caveats == ()


def test_adjacent_messages_of_one_role_are_joined() -> None:
    body, _ = write(say("user", "One"), say("user", "Two"), say("assistant", "A"), say("assistant", "B"))
    assert [(m["role"], len(m["content"])) for m in body["messages"]] == [("user", 2), ("assistant", 2)]


def test_a_later_system_message_stays_in_place_where_the_model_takes_it() -> None:
    body, caveats = write(say("user", "Hi"), say("assistant", "Yes?"), say("user", "Go"), say("system", "Now French."),
                          model=NEW)  # fmt: skip
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "system"]
    assert caveats == ()


def test_a_system_message_before_the_users_turn_moves_behind_it() -> None:
    body, _ = write(say("user", "Hi"), say("assistant", "Yes?"), say("system", "Now French."), say("user", "Go"),
                    say("user", "on"), model=NEW)  # fmt: skip
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "system"]
    assert body["messages"][2]["content"] == [text("Go"), text("on")]


def test_a_later_system_message_is_text_of_the_user_for_an_older_model() -> None:
    body, caveats = write(say("user", "Hi"), say("assistant", "Yes?"), say("system", "Now French."), say("user", "Go"))
    assert body["messages"][-1]["content"] == [text("<system>\nNow French.\n</system>"), text("Go")]
    assert [c.code for c in caveats] == ["approximated"]
    assert caveats[0].where == "$.messages[2]"


def test_results_stand_first_in_the_next_user_turn_in_the_order_of_the_calls() -> None:
    body, _ = write(
        say("user", "Both"),
        say("assistant", call("a"), call("b")),
        say("user", "Meanwhile"),
        say("user", result("b", "2")),
        say("user", result("a", "1")),
    )
    blocks = body["messages"][2]["content"]
    assert [b.get("tool_use_id") for b in blocks] == ["a", "b", None]
    assert [b["content"] for b in blocks[:2]] == [[text("1")], [text("2")]]


def test_a_result_that_comes_turns_later_moves_to_its_call() -> None:
    body, _ = write(
        say("user", "Go"),
        say("assistant", call("a")),
        say("user", "Wait"),
        say("assistant", "Waiting"),
        say("user", result("a", "1"), "Now"),
    )
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert body["messages"][2]["content"][0]["tool_use_id"] == "a"
    assert body["messages"][4]["content"] == [text("Now")]


def test_ids_are_made_fit_and_unique_and_results_follow_their_calls() -> None:
    body, _ = write(
        say("user", "Go"),
        say("assistant", call("f.a:0"), call("f_a_0"), call("")),
        say("user", result("f.a:0", "1"), result("f_a_0", "2"), result("", "3")),
        say("assistant", call("f.a:0")),
        say("user", result("f.a:0", "4")),
    )
    calls = [b["id"] for m in body["messages"] for b in m["content"] if b["type"] == "tool_use"]
    results = {b["tool_use_id"]: b["content"][0]["text"] for m in body["messages"] for b in m["content"]
               if b["type"] == "tool_result"}  # fmt: skip
    assert len(set(calls)) == 4
    assert all(c.replace("_", "").replace("-", "").isalnum() for c in calls)
    assert [results[c] for c in calls] == ["1", "2", "3", "4"]


def test_a_result_without_its_call_is_an_error_that_says_how_to_mend_it() -> None:
    with pytest.raises(BadRequestError, match=r"messages\[1\].*'gone'.*modify_params") as caught:
        write(say("user", "Go"), say("user", result("gone", "1")))
    assert caught.value.code == "tool_call_missing"


def test_modify_restores_the_call_of_a_result() -> None:
    tool = Tool(name="look")
    body, caveats = write(say("user", "Go"), say("user", result("gone", "1")), modify=True, tools=(tool,))
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == [{"type": "tool_use", "id": "gone", "name": "look", "input": {}}]
    assert "restored" in caveats[0].detail


def test_a_call_without_a_result_is_left_and_with_modify_answered() -> None:
    messages = (say("user", "Go"), say("assistant", call("a")), say("user", "Never mind"))
    body, _ = write(*messages)
    assert [b["type"] for b in body["messages"][2]["content"]] == ["text"]
    body, caveats = write(*messages, modify=True, tools=(Tool(name="look"),))
    first = body["messages"][2]["content"][0]
    assert (first["type"], first["tool_use_id"], first["is_error"]) == ("tool_result", "a", True)
    assert any("no result" in c.detail for c in caveats)


def test_modify_declares_the_tools_that_the_history_calls_where_none_are() -> None:
    messages = (say("user", "Go"), say("assistant", call("a")), say("user", result("a", "1")))
    assert "tools" not in write(*messages)[0]
    body, _ = write(*messages, modify=True)
    assert [tool["name"] for tool in body["tools"]] == ["look"]
    assert body["tool_choice"] == {"type": "none"}


def test_blank_text_is_left_out_and_a_blank_message_is_said() -> None:
    body, caveats = write(say("user", "Hi", "", " \n"), say("assistant", ""), say("user", "There?"))
    assert body["messages"] == [{"role": "user", "content": [text("Hi"), text("There?")]}]
    assert [c.code for c in caveats] == ["dropped_part"]


def test_a_history_that_begins_with_the_assistant_gets_a_user_turn_before_it() -> None:
    body, caveats = write(say("assistant", "Welcome!"), say("user", "Hi"))
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert [c.code for c in caveats] == ["approximated"]


def test_a_lone_system_message_is_sent_as_the_users() -> None:
    body, caveats = write(say("system", "Write a haiku."))
    assert body["messages"] == [{"role": "user", "content": [text("Write a haiku.")]}]
    assert "system" not in body
    assert [c.code for c in caveats] == ["approximated"]


def test_the_text_that_claude_continues_does_not_end_in_white_space() -> None:
    body, _ = write(say("user", "Count"), say("assistant", "1, 2, \n"))
    assert body["messages"][-1]["content"] == [text("1, 2,")]


def test_thinking_goes_back_to_its_signer_alone() -> None:
    own = Thinking(text="hm", signature="sig", origin="anthropic_messages")
    hidden = Thinking(signature="data", redacted=True, origin="anthropic_messages")
    foreign = Thinking(text="hm", signature="other", origin="openai_responses")
    unsigned = Thinking(text="hm", origin="openai_chat")
    body, caveats = write(say("user", "Why"), say("assistant", own, hidden, foreign, unsigned, "So"))
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "data"},
        text("So"),
    ]
    assert [c.code for c in caveats] == ["foreign_signature"] * 2


def test_thinking_of_another_account_stays_here() -> None:
    part = Thinking(text="hm", signature="sig", origin="anthropic_messages", account="one")
    request = Request(model="x", messages=(say("user", "Hi"), say("assistant", part, "So")), origin="openai_chat")
    same = WIRE.write_request(request, Target(model=OLD, account="one"))
    other = WIRE.write_request(request, Target(model=OLD, account="two"))
    assert same.caveats == ()
    assert [c.code for c in other.caveats] == ["foreign_signature"]
    assert other.value.body["messages"][1]["content"] == [text("So")]


def test_media_that_claude_does_not_read_is_said() -> None:
    sound = Media(media_type="audio/wav", source=Url(url="https://a.example/x.wav"))
    body, caveats = write(say("user", sound, "What is it?"))
    assert body["messages"][0]["content"] == [text("What is it?")]
    assert "audio/wav" in caveats[0].detail


def test_a_refusal_in_the_history_is_text() -> None:
    body, _ = write(say("user", "Hi"), say("assistant", Refusal(text="No.")), say("user", "Why?"))
    assert body["messages"][1]["content"] == [text("No.")]


def test_arguments_that_are_no_object_are_wrapped_and_none_are_an_empty_object() -> None:
    body, _ = write(say("user", "Go"), say("assistant", call("a", arguments='{"x": '), call("b", arguments="")))
    assert [b["input"] for b in body["messages"][1]["content"]] == [{"INVALID_JSON": '{"x": '}, {}]


def test_what_another_provider_ran_is_not_replayed() -> None:
    ran = ToolCall(id="ws_1", name="web_search", arguments="{}", runs_on="provider", origin="openai_responses")
    body, caveats = write(say("user", "News"), say("assistant", ran, "Calm."))
    assert body["messages"][1]["content"] == [text("Calm.")]
    assert [c.code for c in caveats] == ["dropped_part"]


def test_a_call_of_anthropics_own_tools_goes_back_with_its_result_or_not_at_all() -> None:
    ran = ToolCall(id="srvtoolu_1", name="web_search", arguments="{}", runs_on="provider", origin="anthropic_messages")
    found = Opaque(wire="anthropic_messages", value={"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1"})
    body, caveats = write(say("user", "News"), say("assistant", ran, found, "Calm."), say("user", "More"))
    assert [b["type"] for b in body["messages"][1]["content"]] == ["server_tool_use", "web_search_tool_result", "text"]
    assert caveats == ()
    body, caveats = write(say("user", "News"), say("assistant", ran, "Calm."), say("user", "More"))
    assert [b["type"] for b in body["messages"][1]["content"]] == ["text"]
    assert [c.code for c in caveats] == ["dropped_part"]


def test_a_paused_turn_goes_back_with_the_call_that_still_runs() -> None:
    ran = ToolCall(id="srvtoolu_1", name="web_search", arguments="{}", runs_on="provider", origin="anthropic_messages")
    body, caveats = write(say("user", "News"), say("assistant", ran))
    assert body["messages"][1]["content"][0]["type"] == "server_tool_use"
    assert caveats == ()


def test_a_system_message_after_the_assistants_last_turn_is_text_of_the_user() -> None:
    body, caveats = write(say("user", "Hi"), say("assistant", "Yes?"), say("system", "Say bye."), model=NEW)
    assert body["messages"][-1] == {"role": "user", "content": [text("<system>\nSay bye.\n</system>")]}
    assert [c.code for c in caveats] == ["approximated"]


def test_a_system_message_after_the_results_stays_one() -> None:
    body, caveats = write(
        say("user", "Go"),
        say("assistant", call("a")),
        say("system", "Be quick."),
        say("user", result("a", "1")),
        model=NEW,
    )
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "system"]
    assert caveats == ()
