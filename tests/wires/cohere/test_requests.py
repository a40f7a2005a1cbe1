"""Requests of other dialects, as Cohere takes them, and what the Caveats say of the rest."""

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
from tollbridge.wires.cohere import COHERE

PLAIN, REASONING = "command-a-03-2025", "command-a-reasoning-08-2025"
PICTURE = Media(media_type="image/png", source=Inline(data="iVBOR w0KGgo="))
CALL = ToolCall(id="c1", name="weather", arguments='{"city": "Oslo"}')
WEATHER = Tool(name="weather", schema={"type": "object", "properties": {"city": {"type": "string"}}})
NOW = Tool(name="now")


def said(role: Role, *parts: Part | str) -> Message:
    return Message(role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def written(
    *messages: Message, model: str = PLAIN, lacks: frozenset[str] = frozenset(), modify: bool = False, **fields: Any
) -> tuple[dict[str, Any], tuple[Caveat, ...]]:
    request = Request(model="m", messages=messages or (said("user", "Hi"),), **fields)
    found = COHERE.write_request(request, Target(model=model, lacks=lacks, modify=modify))
    return found.value.body, found.caveats


def codes(caveats: tuple[Caveat, ...]) -> list[str]:
    return [f"{caveat.code} {caveat.where}" for caveat in caveats]


# Messages


def test_a_turn_with_calls_says_what_it_thought_and_said_as_its_plan() -> None:
    turn = said("assistant", Thinking(text="I need it."), "Let me look.", CALL)
    body, caveats = written(said("user", "?"), turn, said("user", ToolResult(call_id="c1", content=(Text(text="5"),))))
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "tool_plan": "I need it.\n\nLet me look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
    ]
    assert codes(caveats) == ["approximated $.messages[1]"]


def test_a_model_that_reasons_gets_it_as_thinking() -> None:
    turn = said("assistant", Thinking(text="I need it."), "Let me look.", CALL)
    body, _ = written(said("user", "?"), turn, model=REASONING)
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "I need it."},
        {"type": "thinking", "thinking": "Let me look."},
    ]
    assert "tool_plan" not in body["messages"][1]
    body, _ = written(said("user", "?"), turn, model=REASONING, reasoning=Reasoning(effort="none"))
    assert body["messages"][1]["tool_plan"] == "I need it.\n\nLet me look."
    assert body["thinking"] == {"type": "disabled"}


def test_thinking_of_other_turns_goes_back_to_models_that_reason_alone() -> None:
    turn = said("assistant", Thinking(text="Easy."), "Hello.")
    body, caveats = written(said("user", "?"), turn, model=REASONING)
    assert body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Easy."},
        {"type": "text", "text": "Hello."},
    ]
    assert caveats == ()
    for model, fields in ((PLAIN, {}), (REASONING, {"reasoning": Reasoning(mode="disabled")})):
        body, caveats = written(said("user", "?"), turn, model=model, **fields)
        assert body["messages"][1] == {"role": "assistant", "content": "Hello."}
        assert codes(caveats) == ["dropped_part $.messages[1]"]


def test_a_signature_stays_here() -> None:
    turn = said("assistant", Thinking(text="Easy.", signature="s", origin="anthropic_messages"), "Hello.")
    _, caveats = written(said("user", "?"), turn, model=REASONING)
    assert codes(caveats) == ["foreign_signature $.messages[1]"]
    assert "the Messages format" in caveats[0].detail


def test_results_follow_their_turn_in_the_order_of_its_calls() -> None:
    turn = said("assistant", CALL, ToolCall(id="c2", name="now"))
    late = ToolResult(call_id="c1", content=(Text(text="5"),))
    first = ToolResult(call_id="c2", content=(Text(text="noon"), Text(text="sharp")))
    body, _ = written(said("user", "?"), turn, said("user", first, "And?"), said("user", late))
    assert [(one["role"], one.get("tool_call_id")) for one in body["messages"]] == [
        ("user", None),
        ("assistant", None),
        ("tool", "c1"),
        ("tool", "c2"),
        ("user", None),
    ]
    assert body["messages"][3]["content"] == [{"type": "text", "text": "noon"}, {"type": "text", "text": "sharp"}]
    assert body["messages"][1]["tool_calls"][1]["function"]["arguments"] == "{}"


def test_calls_of_the_same_id_are_told_apart() -> None:
    turn, result = said("assistant", CALL), said("user", ToolResult(call_id="c1", content=(Text(text="5"),)))
    body, _ = written(said("user", "?"), turn, result, turn, result)
    assert [one["tool_call_id"] for one in body["messages"] if one["role"] == "tool"] == ["c1", "c1_2"]


def test_a_result_without_its_call_is_refused_or_restored() -> None:
    lone = said("user", ToolResult(call_id="c9", content=(Text(text="5"),)))
    with pytest.raises(BadRequestError, match="modify_params"):
        written(said("user", "?"), lone)
    body, caveats = written(said("user", "?"), lone, modify=True, tools=(WEATHER,))
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
    assert body["messages"][2]["tool_call_id"] == "c9"
    assert codes(caveats) == ["approximated $.messages[1]"]


def test_a_call_without_its_result_gets_one_that_says_so() -> None:
    turn = said("assistant", CALL, ToolCall(id="c2", name="now"))
    result = said("user", ToolResult(call_id="c1", content=(Text(text="5"),)))
    body, _ = written(said("user", "?"), turn, result, modify=True)
    assert [one["tool_call_id"] for one in body["messages"] if one["role"] == "tool"] == ["c1", "c2"]
    body, _ = written(said("user", "?"), turn, modify=True)
    assert [one["role"] for one in body["messages"]] == ["user", "assistant"]  # they may still come


def test_pictures_of_a_result_follow_it() -> None:
    turn, result = said("assistant", CALL), ToolResult(call_id="c1", content=(Text(text="See"), PICTURE), is_error=True)
    body, caveats = written(said("user", "?"), turn, said("user", result, "And?"))
    tool, picture, user = body["messages"][2:]
    assert tool["content"][1] == {"type": "text", "text": "(The media of this result follow.)"}
    assert picture["content"][0] == {"type": "text", "text": "From the result of tool call c1:"}
    assert picture["content"][1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    assert user == {"role": "user", "content": "And?"}
    assert len(caveats) == 2
    body, caveats = written(said("user", "?"), turn, said("user", result), lacks=frozenset({"tool_images"}))
    assert len(body["messages"]) == 3
    assert "dropped_part $.messages[2]" in codes(caveats)


def test_a_text_document_is_text_and_other_files_are_left_out() -> None:
    note = Media(media_type="text/plain", source=Inline(data=b64encode("Grüße".encode()).decode()), name="a.txt")
    pdf = Media(media_type="application/pdf", source=Inline(data="JVBERi0="))
    file = Media(media_type="image/*", source=FileRef(id="f"))
    link = Media(media_type="image/*", source=Url(url="https://i.example/a.png"), extra={"detail": "high"})
    body, caveats = written(said("user", note, pdf, file, link))
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "a.txt\n\nGrüße"},
        {"type": "image_url", "image_url": {"url": "https://i.example/a.png", "detail": "high"}},
    ]
    assert codes(caveats) == ["dropped_part $.messages[0]"] * 2


def test_blank_messages_are_left_out_and_others_say_what_they_can() -> None:
    ran = ToolCall(id="s", name="search", runs_on="provider", origin="anthropic_messages")
    body, caveats = written(
        said("system", "Be brief.", "And kind."),
        said("user", " "),
        said("assistant", Refusal(text="No."), ran, Opaque(wire="gemini", value={})),
        said(
            "user",
            Text(text="Hi", cache=CacheMark()),
            Opaque(wire="cohere", value={"type": "text", "text": "as it is"}),
        ),
    )
    assert body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "And kind."}]},
        {"role": "assistant", "content": "No."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "as it is"}]},
    ]
    assert codes(caveats) == [
        "dropped_part $.messages[1]",
        "dropped_part $.messages[2]",
        "dropped_part $.messages[2]",
        "dropped_param $.messages[3].cache_control",
    ]


def test_somebody_must_speak() -> None:
    body, caveats = written(said("system", "Be brief."), said("system", "Say hi."))
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert codes(caveats) == ["approximated $.messages"]


def test_own_citations_go_home_once_each_and_others_do_not() -> None:
    raw = {"start": 0, "end": 2, "text": "It", "sources": [{"id": "a"}, {"id": "b"}], "content_index": 5}
    own = [Citation(title=name, origin="cohere", raw=raw) for name in "ab"]
    text = Text(text="It is.", citations=(*own, Citation(url="https://x.example")))
    body, caveats = written(said("user", "?"), said("assistant", Thinking(text="Hm."), text), model=REASONING)
    assert body["messages"][1]["citations"] == [{**raw, "content_index": 1}]
    assert codes(caveats) == ["dropped_part $.messages[1]"]


def test_a_target_without_system_messages_or_images() -> None:
    body, caveats = written(
        said("system", "Be brief."), said("user", PICTURE, "Hi"), lacks=frozenset({"system", "images"})
    )
    assert body["messages"] == [{"role": "user", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert codes(caveats) == ["approximated $.messages[0]", "dropped_part $.messages[1]"]


# Settings


def test_values_are_kept_to_what_the_vendor_takes() -> None:
    sampling = Sampling(
        temperature=1.5,
        top_p=1.0,
        top_k=900,
        frequency_penalty=-1.0,
        presence_penalty=1.5,
        stop=tuple("abcdef"),
        seed=3,
    )
    body, caveats = written(sampling=sampling)
    assert {key: body[key] for key in ("temperature", "p", "k", "frequency_penalty", "presence_penalty", "seed")} == {
        "temperature": 1.5,
        "p": 0.99,
        "k": 500,
        "frequency_penalty": 0.0,
        "presence_penalty": 1.0,
        "seed": 3,
    }
    assert body["stop_sequences"] == list("abcde")
    assert codes(caveats) == [
        "approximated $.top_p",
        "approximated $.top_k",
        "approximated $.frequency_penalty",
        "approximated $.presence_penalty",
        "dropped_param $.stop",
    ]


def test_what_the_format_does_not_have_is_left_out_and_said() -> None:
    body, caveats = written(
        sampling=Sampling(choices=2, logprobs=True, top_logprobs=3),
        parallel_tools=False,
        user="u",
        metadata={"a": "b"},
        extra={"logit_bias": {"1": 2}},
        tools=(WEATHER, Opaque(wire="gemini", value={})),
    )
    assert body["logprobs"] is True
    assert sorted(codes(caveats)) == [
        "dropped_param $.logit_bias",
        "dropped_param $.metadata",
        "dropped_param $.n",
        "dropped_param $.parallel_tools",
        "dropped_param $.top_logprobs",
        "dropped_param $.user",
        "dropped_part $.tools[1]",
    ]


def test_the_formats_own_words_are_taken_from_anybody() -> None:
    own = {"documents": ["a"], "citation_options": {"mode": "OFF"}, "safety_mode": "OFF", "priority": 2, "k": 4}
    body, caveats = written(extra=own)
    assert {key: body[key] for key in own} == own
    assert caveats == ()


@pytest.mark.parametrize(
    ("choice", "expected", "names"),
    [
        (None, None, ["weather", "now"]),
        (ToolChoice(mode="auto"), None, ["weather", "now"]),
        (ToolChoice(mode="none"), "NONE", ["weather", "now"]),
        (ToolChoice(mode="required"), "REQUIRED", ["weather", "now"]),
        (ToolChoice(mode="tool", name="now"), "REQUIRED", ["now"]),
        (ToolChoice(mode="required", allowed=("weather",)), "REQUIRED", ["weather"]),
    ],
)
def test_how_tools_are_chosen(choice: ToolChoice | None, expected: str | None, names: list[str]) -> None:
    body, caveats = written(tools=(WEATHER, NOW), tool_choice=choice)
    assert body.get("tool_choice") == expected
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body["tools"][-1]["function"]["parameters"]["type"] == "object"
    assert bool(caveats) == (len(names) == 1)


def test_a_model_that_cannot_be_made_to_call_is_asked_nothing() -> None:
    body, caveats = written(tools=(NOW,), tool_choice=ToolChoice(mode="required"), lacks=frozenset({"tool_choice"}))
    assert "tool_choice" not in body
    assert codes(caveats) == ["dropped_param $.tool_choice"]


def test_strict_is_said_where_all_tools_are() -> None:
    strict = Tool(name="s", schema={"type": "object"}, strict=True)
    assert written(tools=(strict,))[0]["strict_tools"] is True
    body, caveats = written(tools=(strict, NOW))
    assert "strict_tools" not in body
    assert codes(caveats) == ["approximated $.strict_tools"]
    assert "strict_tools" not in written(tools=(strict,), lacks=frozenset({"strict_tools"}))[0]


def test_a_schema_is_said_or_asked_for_in_words() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    output = OutputFormat(kind="schema", name="n", schema=schema, strict=True)
    assert written(output=output)[0]["response_format"] == {"type": "json_object", "json_schema": schema}
    assert written(output=OutputFormat(kind="json"))[0]["response_format"] == {"type": "json_object"}
    assert "response_format" not in written(output=OutputFormat(kind="text"))[0]
    for fields in ({"tools": (NOW,)}, {"extra": {"documents": ["a"]}}, {"lacks": frozenset({"response_schema"})}):
        body, caveats = written(output=output, **fields)  # type: ignore[arg-type]
        assert "response_format" not in body
        assert body["messages"][0]["role"] == "system"
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert '"integer"' in body["messages"][0]["content"]
        assert codes(caveats) == ["approximated $.response_format"]


@pytest.mark.parametrize(
    ("reasoning", "thinking", "caveat"),
    [
        (Reasoning(mode="enabled"), {"type": "enabled"}, False),
        (Reasoning(mode="enabled", budget_tokens=77), {"type": "enabled", "token_budget": 77}, False),
        (Reasoning(effort="low"), {"type": "enabled", "token_budget": 2048}, True),
        (Reasoning(effort="high"), {"type": "enabled"}, False),
        (Reasoning(effort="none"), {"type": "disabled"}, False),
        (Reasoning(mode="adaptive"), None, False),
        (Reasoning(mode="adaptive", effort="minimal"), {"type": "enabled", "token_budget": 1024}, True),
    ],
)
def test_how_much_to_think(reasoning: Reasoning, thinking: dict[str, Any] | None, caveat: bool) -> None:
    body, caveats = written(reasoning=reasoning, model=REASONING)
    assert body.get("thinking") == thinking
    assert bool(caveats) == caveat


def test_a_model_that_does_not_think_is_not_told_to() -> None:
    for model in (PLAIN, "command-r-08-2024", "command-a-vision-07-2025", "c4ai-aya-expanse-32b", "command"):
        body, caveats = written(reasoning=Reasoning(effort="high"), model=model)
        assert "thinking" not in body
        assert codes(caveats) == ["dropped_param $.reasoning"]
        assert written(reasoning=Reasoning(effort="none"), model=model)[1] == ()
    assert written(reasoning=Reasoning(effort="high"), model="command-b-01-2027")[0]["thinking"] == {"type": "enabled"}
