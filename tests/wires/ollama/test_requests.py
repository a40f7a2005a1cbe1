"""Requests of other dialects, as Ollama takes them, and what the Caveats say of the rest."""

from __future__ import annotations

from base64 import b64encode
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
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Role, Sampling, Tool, ToolChoice
from tollbridge.model.response import Caveat
from tollbridge.wires.base import Target
from tollbridge.wires.ollama import OLLAMA

PICTURE = Media(media_type="image/png", source=Inline(data="iVBOR w0KGgo="))
CALL = ToolCall(id="c1", name="weather", arguments='{"city": "Oslo"}')
NOW = Tool(name="now")
WEATHER = Tool(name="weather", schema={"type": "object"}, strict=True)


def said(role: Role, *parts: Part | str) -> Message:
    return Message(role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def written(
    *messages: Message, model: str = "qwen3", lacks: frozenset[str] = frozenset(), modify: bool = False, **fields: Any
) -> tuple[dict[str, Any], tuple[Caveat, ...]]:
    request = Request(model="m", messages=messages or (said("user", "Hi"),), **fields)
    found = OLLAMA.write_request(request, Target(model=model, lacks=lacks, modify=modify))
    return found.value.body, found.caveats


def codes(caveats: tuple[Caveat, ...]) -> list[str]:
    return [f"{caveat.code} {caveat.where}" for caveat in caveats]


def test_texts_are_one_and_pictures_stand_beside_them() -> None:
    note = Media(media_type="text/plain", source=Inline(data=b64encode("Grüße".encode()).decode()), name="a.txt")
    body, caveats = written(said("user", "What?", PICTURE, note, PICTURE))
    assert body["messages"] == [
        {"role": "user", "content": "What?\n\na.txt\n\nGrüße", "images": ["iVBORw0KGgo=", "iVBORw0KGgo="]}
    ]
    assert caveats == ()


@pytest.mark.parametrize(
    "media",
    [
        Media(media_type="image/*", source=Url(url="https://i.example/a.png")),
        Media(media_type="image/png", source=FileRef(id="f")),
        Media(media_type="application/pdf", source=Inline(data="JVBERi0=")),
        Media(media_type="audio/wav", source=Inline(data="UklGRg==")),
    ],
)
def test_what_is_no_picture_in_the_request_is_left_out(media: Media) -> None:
    body, caveats = written(said("user", "What?", media))
    assert body["messages"] == [{"role": "user", "content": "What?"}]
    assert codes(caveats) == ["dropped_part $.messages[0]"]


def test_a_turn_keeps_its_thinking_and_its_calls() -> None:
    thought = Thinking(text="I need it.", signature="s", origin="gemini")
    result = ToolResult(call_id="c1", content=(Text(text="5"), PICTURE), is_error=True)
    body, caveats = written(said("user", "?"), said("assistant", thought, "Look.", CALL), said("user", result, "And?"))
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Look.",
            "thinking": "I need it.",
            "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}],
        },
        {
            "role": "tool",
            "content": "5",
            "images": ["iVBORw0KGgo="],
            "tool_name": "weather",
            "tool_call_id": "c1",
        },
        {"role": "user", "content": "And?"},
    ]
    assert codes(caveats) == ["foreign_signature $.messages[1]", "approximated $.messages[2]"]


def test_results_name_their_tools_in_the_order_of_the_calls() -> None:
    turn = said("assistant", CALL, ToolCall(id="c2", name="now", arguments=""))
    results = [ToolResult(call_id=call_id, content=(Text(text=call_id),)) for call_id in ("c2", "c1")]
    body, _ = written(said("user", "?"), turn, said("user", *results))
    assert [(one["tool_name"], one["content"]) for one in body["messages"][2:]] == [("weather", "c1"), ("now", "c2")]
    assert body["messages"][1]["tool_calls"][1]["function"]["arguments"] == {}


@pytest.mark.parametrize("arguments", ['{"city": Os', "[1]", '"x"', "{" * 100_000])
def test_arguments_that_are_no_object_are_a_text_inside_one(arguments: str) -> None:
    body, caveats = written(said("assistant", ToolCall(id="a", name="now", arguments=arguments)))
    assert body["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"unreadable_arguments": arguments}
    assert codes(caveats) == ["approximated $.messages[0]"]


def test_a_result_without_its_call_is_refused_or_restored() -> None:
    lone = said("user", ToolResult(call_id="c9", content=(Text(text="5"),)))
    with pytest.raises(BadRequestError, match="modify_params"):
        written(lone)
    body, _ = written(lone, modify=True, tools=(NOW,))
    assert [(one["role"], one.get("tool_name")) for one in body["messages"]] == [("assistant", None), ("tool", "now")]


def test_each_thing_that_has_no_place_is_a_caveat() -> None:
    ran = ToolCall(id="s", name="search", runs_on="provider", origin="anthropic_messages")
    body, caveats = written(
        said("system", "Be brief.", PICTURE),
        said("assistant", Refusal(text="No."), ran, Opaque(wire="gemini", value={})),
        said("user", Text(text="Hi", cache=CacheMark(), citations=(Citation(title="t"),))),
        said("user", "\n"),
    )
    assert [one["content"] for one in body["messages"]] == ["Be brief.", "No.", "Hi"]
    assert sorted(codes(caveats)) == [
        "dropped_param $.messages[2].cache_control",
        "dropped_part $.messages[0]",
        "dropped_part $.messages[1]",
        "dropped_part $.messages[1]",
        "dropped_part $.messages[2]",
        "dropped_part $.messages[3]",
    ]


def test_what_a_target_lacks_is_left_out() -> None:
    lacks = frozenset({"system", "images", "tool_images", "reasoning_history", "tools", "top_k", "stop", "logprobs"})
    result = ToolResult(call_id="c1", content=(PICTURE,))
    body, caveats = written(
        said("system", "Be brief."),
        said("user", PICTURE, "Hi"),
        said("assistant", Thinking(text="Hm."), CALL),
        said("user", result),
        lacks=lacks,
        tools=(NOW,),
        sampling=Sampling(top_k=3, top_p=0.5, stop=("x",), logprobs=True),
    )
    assert body["messages"][0] == {"role": "user", "content": "Be brief."}
    assert "images" not in str(body)
    assert "thinking" not in str(body)
    assert "tools" not in body
    assert body["options"] == {"top_p": 0.5}
    assert len(caveats) == 8


def test_settings_are_options_and_its_own_words_come_from_anybody() -> None:
    body, caveats = written(
        sampling=Sampling(max_tokens=9, temperature=2.0, stop=("a", ""), logprobs=True, top_logprobs=2),
        extra={"num_ctx": 4096, "options": {"mirostat": 2, "num_gpu": 1}, "keep_alive": "5m", "think": "low", "foo": 1},
    )
    assert body["options"] == {
        "num_predict": 9,
        "temperature": 2.0,
        "stop": ["a"],
        "num_ctx": 4096,
        "mirostat": 2,
        "num_gpu": 1,
    }
    assert (body["keep_alive"], body["think"], body["logprobs"], body["top_logprobs"]) == ("5m", "low", True, 2)
    assert codes(caveats) == ["dropped_param $.foo"]
    assert body["stream"] is False


def test_what_cannot_be_said_is_a_caveat() -> None:
    _, caveats = written(
        sampling=Sampling(choices=2),
        parallel_tools=False,
        tools=(WEATHER, NOW, Opaque(wire="gemini", value={})),
        user="u",
        metadata={"a": "b"},
    )
    assert sorted(codes(caveats)) == [
        "dropped_param $.metadata",
        "dropped_param $.n",
        "dropped_param $.parallel_tools",
        "dropped_param $.strict_tools",
        "dropped_param $.user",
        "dropped_part $.tools[2]",
    ]


@pytest.mark.parametrize(
    ("choice", "names", "caveat"),
    [
        (None, ["now", "then"], None),
        (ToolChoice(mode="auto"), ["now", "then"], None),
        (ToolChoice(mode="none"), [], "approximated $.tool_choice"),
        (ToolChoice(mode="required"), ["now", "then"], "dropped_param $.tool_choice"),
        (ToolChoice(mode="tool", name="then"), ["then"], "approximated $.tool_choice"),
        (ToolChoice(mode="auto", allowed=("now",)), ["now"], "approximated $.tool_choice"),
        (Opaque(wire="gemini", value={}), ["now", "then"], "dropped_param $.tool_choice"),
    ],
)
def test_how_tools_are_chosen(choice: Any, names: list[str], caveat: str | None) -> None:
    body, caveats = written(tools=(NOW, Tool(name="then")), tool_choice=choice)
    assert [tool["function"]["name"] for tool in body.get("tools", ())] == names
    assert codes(caveats) == ([caveat] if caveat else [])


@pytest.mark.parametrize(
    ("model", "reasoning", "think", "caveat"),
    [
        ("qwen3", Reasoning(mode="enabled"), True, False),
        ("qwen3", Reasoning(effort="high"), True, True),
        ("qwen3", Reasoning(effort="none"), False, False),
        ("qwen3", Reasoning(mode="disabled"), False, False),
        ("qwen3", Reasoning(mode="adaptive"), None, False),
        ("qwen3", Reasoning(mode="enabled", budget_tokens=9), True, True),
        ("gpt-oss:120b", Reasoning(effort="medium"), "medium", False),
        ("me/gpt-oss:20b", Reasoning(effort="minimal"), "low", True),
        ("gpt-oss", Reasoning(effort="max"), "high", True),
    ],
)
def test_how_much_to_think(model: str, reasoning: Reasoning, think: Any, caveat: bool) -> None:
    body, caveats = written(reasoning=reasoning, model=model)
    assert body.get("think") == think
    assert bool(caveats) == caveat


def test_a_model_that_does_not_think_is_not_told_to() -> None:
    lacks = frozenset({"reasoning"})
    assert codes(written(reasoning=Reasoning(effort="high"), lacks=lacks)[1]) == ["dropped_param $.reasoning"]
    assert written(reasoning=Reasoning(effort="none"), lacks=lacks)[1] == ()


def test_a_schema_beside_tools_is_asked_for_in_words() -> None:
    """The server would let the model write nothing but the schema, so that it never called."""
    output = OutputFormat(kind="schema", schema={"type": "object"})
    body, caveats = written(said("system", "Be brief."), said("user", "Hi"), output=output, tools=(NOW,))
    assert "format" not in body
    assert [one["role"] for one in body["messages"]] == ["system", "system", "user"]
    assert '{"type":"object"}' in body["messages"][1]["content"]
    assert codes(caveats) == ["approximated $.response_format"]
    body, _ = written(output=output, tools=(NOW,), tool_choice=ToolChoice(mode="none"))
    assert body["format"] == {"type": "object"}


def test_structured_output_is_a_format() -> None:
    schema = {"type": "object"}
    assert written(output=OutputFormat(kind="schema", schema=schema))[0]["format"] == schema
    assert written(output=OutputFormat(kind="json"))[0]["format"] == "json"
    assert "format" not in written(output=OutputFormat(kind="text"))[0]
    body, caveats = written(output=OutputFormat(kind="schema", schema=schema), lacks=frozenset({"response_schema"}))
    assert body["format"] == "json"
    assert codes(caveats) == ["approximated $.response_format"]
    assert codes(written(output=Opaque(wire="gemini", value={}))[1]) == ["dropped_param $.response_format"]
