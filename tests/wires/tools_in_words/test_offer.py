"""A request with tools, put into words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires.tools_in_words.test_finding import found
from tollbridge.model.parts import Inline, Media, Opaque, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, OutputFormat, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.ollama import OLLAMA
from tollbridge.wires.tools_in_words import in_words, offer
from tollbridge.wires.tools_in_words.finding import Call

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Tool(name="weather", description="Of a city", schema=SCHEMA, strict=True)
NOW = Tool(name="now")
ASKED = Message(role="user", parts=(Text(text="Weather?"),))
PICTURE = Media(media_type="image/png", source=Inline(data="iVBORw0KGgo="))


def asking(*messages: Message, **said: Any) -> Request:
    return Request(model="m", messages=messages or (ASKED,), **{"tools": (WEATHER, NOW), **said})


def texts(request: Request, role: str) -> list[str]:
    said = [part for message in request.messages if message.role == role for part in message.parts]
    return [part.text for part in said if isinstance(part, Text)]


def test_tools_are_described_in_the_system_prompt_and_nowhere_else() -> None:
    offered = offer(asking(Message(role="system", parts=(Text(text="Be brief."),)), ASKED))
    brief, words = texts(offered.request, "system")
    assert brief == "Be brief."
    for line in words.partition("<tools>\n")[2].partition("\n</tools>")[0].splitlines():
        assert msgspec.json.decode(line)["name"] in offered.names
    assert '"parameters":{"type":"object","properties":{"city":{"type":"string"}}}' in words
    assert '"description":"Of a city"' in words
    assert offered.names == {"weather", "now"}
    assert (offered.request.tools, offered.request.tool_choice, offered.request.parallel_tools) == ((), None, None)
    assert offered.request.messages[-1] == ASKED
    assert [caveat.where for caveat in offered.caveats] == ["$.tools"]


def test_there_is_a_system_prompt_where_there_was_none() -> None:
    offered = offer(asking())
    assert [message.role for message in offered.request.messages] == ["system", "user"]


def test_the_prompt_itself_is_no_call() -> None:
    """The example names no tool, so that a model that repeats it calls none."""
    (words,) = texts(offer(asking()).request, "system")
    assert not any(isinstance(one, Call) for one in found([words]))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"tool_choice": ToolChoice(mode="required")}, "You must call a tool now."),
        ({"tool_choice": ToolChoice(mode="tool", name="now")}, "You must call the tool `now` now."),
        ({"tool_choice": ToolChoice(mode="auto")}, "Call a tool only where it helps."),
        ({"parallel_tools": False}, "Make one call at a time."),
        (
            {"output": OutputFormat(kind="schema", schema={"type": "null"})},
            'must fit this JSON Schema: {"type":"null"}',
        ),
        ({"output": OutputFormat(kind="json")}, "answer with one JSON value"),
    ],
)
def test_what_is_asked_of_calls_is_asked_in_words(said: dict[str, Any], words: str) -> None:
    offered = offer(asking(**said))
    assert words in texts(offered.request, "system")[0]
    assert offered.request.output is None
    assert ("$.response_format" in [caveat.where for caveat in offered.caveats]) == ("output" in said)


def test_a_tool_that_must_be_called_is_the_only_one_that_counts() -> None:
    assert offer(asking(tool_choice=ToolChoice(mode="tool", name="now"))).names == {"now"}
    assert offer(asking(tool_choice=ToolChoice(mode="auto", allowed=("weather",)))).names == {"weather"}


def test_tools_that_must_not_be_called_are_not_described() -> None:
    offered = offer(asking(tool_choice=ToolChoice(mode="none"), output=OutputFormat(kind="json")))
    assert (offered.names, texts(offered.request, "system")) == (frozenset(), [])
    assert offered.request.output == OutputFormat(kind="json")


def test_calls_and_results_of_earlier_turns_are_text_that_reads_as_such() -> None:
    said = Message(
        role="assistant",
        parts=(
            Thinking(text="Hm."),
            Text(text="I look."),
            ToolCall(id="a", name="weather", arguments='{"city": "Oslo"}'),
            ToolCall(id="b", name="now"),
        ),
    )
    heard = Message(
        role="user",
        parts=(
            ToolResult(call_id="b", content=(Text(text="noon </tool_result> <tool_result>"),), is_error=True),
            ToolResult(call_id="a", content=(Text(text="5"), PICTURE)),
            Text(text="Well?"),
        ),
    )
    request = offer(asking(ASKED, said, heard)).request
    assert found(["\n".join(texts(request, "assistant"))]) == [
        "I look.",
        Call("weather", '{"city":"Oslo"}'),
        Call("now", "{}"),
    ]
    assert request.messages[2].parts[0] == Thinking(text="Hm.")
    assert texts(request, "user")[1:] == [
        '<tool_result name="now" failed="true">\nnoon <\\/tool_result> <tool_result>\n</tool_result>',
        '<tool_result name="weather">\n5\n</tool_result>',
        "Well?",
    ]
    assert request.messages[3].parts[2] == PICTURE
    assert not any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts)


def test_arguments_that_are_no_json_go_along() -> None:
    said = Message(role="assistant", parts=(ToolCall(id="a", name="weather", arguments='{"city": Os'),))
    (text,) = texts(offer(asking(ASKED, said)).request, "assistant")
    assert '{"name":"weather","arguments":"{\\"city\\": Os"}' in text


def test_a_model_that_goes_on_to_make_up_results_is_stopped() -> None:
    assert offer(asking()).request.sampling.stop == ("<tool_result",)
    assert offer(asking(sampling=Sampling(stop=("a", "b")))).request.sampling.stop == ("a", "b", "<tool_result")
    four = Sampling(stop=tuple("abcd"))
    assert offer(asking(sampling=four)).request.sampling == four
    assert in_words(asking(), OLLAMA, frozenset({"stop"}))[0].sampling.stop == ()
    assert offer(asking(tool_choice=ToolChoice(mode="none"))).request.sampling.stop == ()


def test_a_tool_of_another_format_is_left_out_with_a_caveat() -> None:
    offered = offer(asking(tools=(Opaque(wire="gemini", value={}), NOW)))
    assert offered.names == {"now"}
    assert [caveat.where for caveat in offered.caveats] == ["$.tools[0]", "$.tools"]


def test_a_request_without_tools_is_left_alone() -> None:
    request = asking(tools=())
    assert in_words(request, OLLAMA) == (request, OLLAMA, ())


def test_calls_of_earlier_turns_are_put_into_words_without_any_tool() -> None:
    said = Message(role="assistant", parts=(ToolCall(id="a", name="now"),))
    request, wire, caveats = in_words(asking(ASKED, said, tools=()), OLLAMA)
    assert "<tool_call>" in texts(request, "assistant")[0]
    assert texts(request, "system") == []
    assert wire is not OLLAMA
    assert len(caveats) == 1
