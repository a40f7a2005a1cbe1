"""A client of before tools is answered in its own words, whole and streamed, whoever answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.calls.test_told import prepared
from tests.wires.any_to_any.table import MODELS
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.asked import asked, write
from tollbridge.model.events import Began, Closed, Event, Finished, Grew, Opened
from tollbridge.model.fold import fold
from tollbridge.model.parts import Part, Text, ToolCall
from tollbridge.model.response import Choice, Finish, Response
from tollbridge.wires.base import Head, SseEvent
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_chat.stream_reader import ChatStreamReader
from tollbridge.wires.sse import SseParser

FUNCTION = {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}
HISTORY = [
    {"role": "user", "content": "Look."},
    {"role": "assistant", "content": None, "function_call": {"name": "look", "arguments": '{"at": "sky"}'}},
    {"role": "function", "name": "look", "content": "blue"},
]
LOOK = ToolCall(id="toolu_1", name="look", arguments='{"at":"sky"}', origin="anthropic_messages")
OTHER = ToolCall(id="toolu_2", name="listen", arguments="{}", origin="anthropic_messages")


def ask(**fields: Any) -> Ask:
    body = json.dumps({"model": "m", "messages": [], **fields}).encode()
    return Ask(OPENAI_CHAT, body, peek(body), "m", stream=False)


def answer(*parts: Part) -> Response:
    choice = Choice(parts=parts, finish=Finish(reason="tool_calls", raw="tool_use"))
    return Response(id="r", model="m", created=1, choices=(choice,), origin="anthropic_messages")


def streamed(asking: Ask, *parts: Part) -> tuple[list[dict[str, Any]], list[Any]]:
    writer = OPENAI_CHAT.stream_writer(Head(id="r", model="m", created=1, origin="gemini", asked=asked(asking)))
    events: list[Event] = [Began(id="r", model="m")]
    for index, part in enumerate(parts):
        if isinstance(part, ToolCall):
            empty = ToolCall(id=part.id, name=part.name, arguments="", origin=part.origin)
            text = part.arguments
            events += [
                Opened(0, index, empty),
                *(Grew(0, index, piece, "arguments") for piece in (text[:3], text[3:]) if piece),
                Closed(0, index),
            ]
        else:
            events += [Opened(0, index, part), Closed(0, index)]
    events.append(Finished(0, Finish(reason="tool_calls", raw="tool_use")))
    written = b"".join([*map(writer.write, events), writer.close()])
    told = [event.data for event in SseParser().feed(written)]
    return [json.loads(data) for data in told if data != "[DONE]"], writer.caveats


def test_a_call_is_a_function_call() -> None:
    written = write(ask(functions=[FUNCTION]), answer(Text(text="So:"), LOOK))
    (choice,) = ChatCompletion.model_validate(written.value, strict=True).choices
    assert choice.message.function_call is not None
    assert (choice.message.function_call.name, choice.message.function_call.arguments) == ("look", LOOK.arguments)
    assert (choice.message.content, choice.message.tool_calls, choice.finish_reason) == ("So:", None, "function_call")
    assert written.caveats == ()


def test_it_is_one_in_a_stream_too() -> None:
    chunks, caveats = streamed(ask(functions=[FUNCTION]), LOOK)
    deltas = [ChatCompletionChunk.model_validate(chunk).choices[0] for chunk in chunks]
    calls = [delta.delta.function_call for delta in deltas if delta.delta.function_call is not None]
    assert [call.name for call in calls if call.name] == ["look"]
    assert "".join(call.arguments or "" for call in calls) == LOOK.arguments
    assert deltas[-1].finish_reason == "function_call"
    assert not any(delta.delta.tool_calls for delta in deltas)
    assert caveats == []


@pytest.mark.parametrize("arguments", ["", "{}"])
def test_a_call_without_arguments_can_be_parsed(arguments: str) -> None:
    call = ToolCall(id="c", name="look", arguments=arguments, origin="gemini")
    chunks, _ = streamed(ask(functions=[FUNCTION]), call)
    told = [chunk["choices"][0]["delta"].get("function_call", {}).get("arguments", "") for chunk in chunks]
    assert "".join(told) == "{}"
    whole = write(ask(functions=[FUNCTION]), answer(call)).value["choices"][0]["message"]
    assert whole["function_call"]["arguments"] == "{}"


def test_a_second_call_is_told_as_left_out() -> None:
    written = write(ask(functions=[FUNCTION]), answer(LOOK, OTHER))
    assert written.value["choices"][0]["message"]["function_call"]["name"] == "look"
    assert ["listen" in caveat.detail for caveat in written.caveats] == [True]
    chunks, caveats = streamed(ask(functions=[FUNCTION]), LOOK, OTHER)
    assert "listen" not in json.dumps(chunks)
    assert ["listen" in caveat.detail for caveat in caveats] == [True]


def test_the_stream_and_the_whole_answer_say_the_same() -> None:
    chunks, _ = streamed(ask(functions=[FUNCTION]), LOOK)
    reader = ChatStreamReader()
    events = [event for chunk in chunks for event in reader.feed(SseEvent(json.dumps(chunk)))]
    events += [*reader.feed(SseEvent("[DONE]")), *reader.close()]
    (part,) = fold(events).choices[0].parts
    assert isinstance(part, ToolCall)
    assert (part.name, part.arguments) == ("look", LOOK.arguments)


@pytest.mark.parametrize(
    "fields", [{}, {"functions": []}, {"functions": None}, {"tools": [FUNCTION], "functions": [FUNCTION]}]
)
def test_all_other_clients_get_tool_calls(fields: dict[str, Any]) -> None:
    message = write(ask(**fields), answer(LOOK)).value["choices"][0]["message"]
    assert "function_call" not in message
    assert message["tool_calls"][0]["function"]["name"] == "look"


@pytest.mark.parametrize("model", MODELS)
def test_one_call_at_a_time_is_asked_for_without_a_caveat(model: str) -> None:
    made = prepared(model, messages=HISTORY, functions=[FUNCTION], function_call="auto")
    assert not [caveat for caveat in made.caveats if "parallel" in caveat.where]
    if model in ("anthropic", "bedrock-claude"):
        assert b'"disable_parallel_tool_use":true' in made.outgoing.body
