"""Tools that take free text, between a chat client and the other formats: they see a function of one string, and the
client the text, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from tests.calls.test_told import prepared
from tests.wires.openai_chat.test_functions import FUNCTION, LOOK, answer, ask, streamed
from tollbridge.calls.asked import write
from tollbridge.model.fold import fold
from tollbridge.model.parts import Text, ToolCall
from tollbridge.wires.base import SseEvent, Target
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

TEXT = 'print("ü\\n")\n'
CODE: dict[str, Any] = {"type": "custom", "custom": {"name": "code", "description": "Runs code"}}
BOTH = [CODE, {"type": "function", "function": FUNCTION}]
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "Run it."},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "custom", "custom": {"name": "code", "input": TEXT}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "1"},
]
CALL = ToolCall(id="toolu_1", name="code", arguments=json.dumps({"input": TEXT}), origin="anthropic_messages")
GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[0-9]+"}}


def sent(target: str, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    made = prepared(target, messages=HISTORY, **fields)
    return json.loads(made.outgoing.body), [caveat.detail for caveat in made.caveats]


def test_to_another_format_it_is_a_function_of_one_string() -> None:
    body, caveats = sent("anthropic", tools=[CODE], tool_choice={"type": "custom", "custom": {"name": "code"}})
    (tool,) = body["tools"]
    assert (tool["name"], tool["description"]) == ("code", "Runs code")
    assert tool["input_schema"]["properties"] == {"input": {"type": "string"}}
    assert body["tool_choice"] == {"type": "tool", "name": "code"}
    (called,) = body["messages"][1]["content"]
    assert (called["name"], called["input"]) == ("code", {"input": TEXT})
    assert caveats == []


@pytest.mark.parametrize("target", ["anthropic", "gemini", "openai-responses", "ollama"])
def test_that_its_grammar_holds_nobody_is_told(target: str) -> None:
    tool = {"type": "custom", "custom": {"name": "code", "format": GRAMMAR}}
    assert any("no grammar" in detail for detail in sent(target, tools=[tool])[1])
    plain = {"type": "custom", "custom": {"name": "code", "format": {"type": "text"}}}
    assert not any("grammar" in detail for detail in sent(target, tools=[plain])[1])


def test_the_grammar_of_a_responses_client_is_told_too() -> None:
    format = {"type": "grammar", "syntax": "regex", "definition": "[0-9]+"}
    request = {"input": "x", "tools": [{"type": "custom", "name": "code", "format": format}]}
    made = prepared("anthropic", OPENAI_RESPONSES.name, **request)
    assert any("no grammar" in caveat.detail for caveat in made.caveats)


def test_the_client_gets_the_text() -> None:
    written = write(ask(tools=BOTH), answer(Text(text="So:"), CALL, LOOK))
    (choice,) = ChatCompletion.model_validate(written.value, strict=True).choices
    first, second = choice.message.tool_calls or ()
    assert first.type == "custom"
    assert (first.id, first.custom.name, first.custom.input) == ("toolu_1", "code", TEXT)
    assert second.type == "function"
    assert second.function.arguments == LOOK.arguments
    assert choice.finish_reason == "tool_calls"


def test_it_gets_it_in_a_stream_too() -> None:
    chunks, caveats = streamed(ask(tools=BOTH), CALL, LOOK)
    events = [
        event
        for reader in [OPENAI_CHAT.stream_reader()]
        for event in [
            *(event for chunk in chunks for event in reader.feed(SseEvent(json.dumps(chunk)))),
            *reader.feed(SseEvent("[DONE]")),
            *reader.close(),
        ]
    ]
    first, second = fold(events).choices[0].parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.name, json.loads(first.arguments)) == ("code", {"input": TEXT})
    assert (second.name, second.arguments) == ("look", LOOK.arguments)
    inputs = [
        call["custom"]["input"]
        for chunk in chunks
        for call in chunk["choices"][0]["delta"].get("tool_calls", ())
        if "custom" in call
    ]
    assert "".join(inputs) == TEXT
    assert caveats == []


def test_a_model_that_calls_it_with_something_else_is_passed_on() -> None:
    odd = ToolCall(id="c", name="code", arguments='{"code":1}', origin="gemini")
    message = write(ask(tools=[CODE]), answer(odd)).value["choices"][0]["message"]
    assert message["tool_calls"][0]["custom"]["input"] == '{"code":1}'


def test_a_tool_of_an_unknown_shape_takes_no_answer_down() -> None:
    """It is left out of what the model is offered, with a Caveat."""
    odd = {"type": "custom", "custom": "code"}
    message = write(ask(tools=[odd, BOTH[1]]), answer(LOOK)).value["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["name"] == "look"
    assert streamed(ask(tools=[odd]), LOOK)[0]


def test_a_client_that_offers_functions_alone_gets_arguments() -> None:
    call = ToolCall(id="c", name="look", arguments='{"input":"x"}', origin="gemini")
    message = write(
        ask(tools=[{"type": "function", "function": {**FUNCTION, "description": '"custom"'}}]), answer(call)
    )
    assert message.value["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"input":"x"}'


@pytest.mark.parametrize(
    "choice",
    [{"type": "custom", "custom": {"name": "code"}}, {"type": "function", "function": {"name": "look"}}],
)
def test_in_its_own_format_it_is_as_it_was(choice: dict[str, Any]) -> None:
    tools = [{"type": "custom", "custom": {"name": "code", "format": GRAMMAR}}, BOTH[1]]
    body = {"model": "m", "messages": HISTORY, "tools": tools, "tool_choice": choice}
    read = OPENAI_CHAT.read_request(body)
    assert OPENAI_CHAT.write_request(read.value, Target(model="m")).value.body == body


def test_one_call_at_a_time_is_asked_for_beside_a_choice_that_cannot_be_told() -> None:
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "telepathy"}]}}
    body, caveats = sent("anthropic", tools=BOTH, tool_choice=choice, parallel_tool_calls=False)
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert len(caveats) == 1
