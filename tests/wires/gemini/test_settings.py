"""The settings of other dialects as Gemini takes them: length, sampling, thinking, output, tools."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.model.parts import CacheMark, Opaque, Text
from tollbridge.model.request import Message, OutputFormat, Reasoning, Request, Sampling, Tool, ToolChoice
from tollbridge.wires.base import FEATURES, Target
from tollbridge.wires.gemini.lacking import _IN_CONFIG, _TOP
from tollbridge.wires.gemini.wire import GEMINI

HI = (Message(role="user", parts=(Text(text="Hi"),)),)
SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
TOOL = Tool(name="f", description="F", schema=SCHEMA)


def written(model: str = "gemini-3-flash", to: dict[str, Any] | None = None, **fields: Any) -> tuple[Any, list[str]]:
    request = Request(model="m", messages=HI, origin="elsewhere", **fields)
    found = GEMINI.write_request(request, Target(model=model, **(to or {})))
    return found.value.body, [f"{caveat.code} {caveat.where}" for caveat in found.caveats]


def test_sampling_has_its_own_names() -> None:
    sampling = Sampling(
        max_tokens=9, temperature=0.5, top_p=0.9, top_k=4, stop=("x",), seed=1, frequency_penalty=0.1,
        presence_penalty=0.2, choices=2, logprobs=True, top_logprobs=3,
    )  # fmt: skip
    body, told = written(sampling=sampling)
    assert body["generationConfig"] == {
        "maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 4, "stopSequences": ["x"], "seed": 1,
        "frequencyPenalty": 0.1, "presencePenalty": 0.2, "candidateCount": 2, "responseLogprobs": True, "logprobs": 3,
    }  # fmt: skip
    assert told == []


def test_a_length_over_the_models_limit_is_cut_and_stops_beyond_five_are_left_out() -> None:
    sampling = Sampling(max_tokens=9000, stop=("a", "b", "", "c", "d", "e", "f"))
    body, told = written(to={"max_output_tokens": 8192}, sampling=sampling)
    assert body["generationConfig"] == {"maxOutputTokens": 8192, "stopSequences": ["a", "b", "c", "d", "e"]}
    assert told == ["approximated $.max_tokens", "dropped_param $.stop"]


@pytest.mark.parametrize(
    ("model", "reasoning", "sent", "codes"),
    [
        ("gemini-3-flash", Reasoning(effort="low"), {"thinkingLevel": "LOW"}, 0),
        ("gemini-3-flash", Reasoning(effort="xhigh"), {"thinkingLevel": "HIGH"}, 1),
        ("gemini-3-pro-preview", Reasoning(effort="medium"), {"thinkingLevel": "HIGH"}, 1),
        ("gemini-3.1-pro-preview", Reasoning(effort="medium"), {"thinkingLevel": "MEDIUM"}, 0),
        ("gemini-3.6-flash", Reasoning(effort="minimal"), {"thinkingLevel": "MINIMAL"}, 0),
        ("gemini-3.8-flash", Reasoning(effort="minimal"), {"thinkingLevel": "LOW"}, 1),
        ("gemini-flash-latest", Reasoning(effort="high"), {"thinkingLevel": "HIGH"}, 0),
        ("gemini-3-flash", Reasoning(budget_tokens=5000, mode="enabled"), {"thinkingLevel": "MEDIUM"}, 1),
        ("gemini-3-flash", Reasoning(mode="adaptive"), {}, 0),
        ("gemini-2.5-flash", Reasoning(effort="medium"), {"thinkingBudget": 8192}, 0),
        ("gemini-2.5-flash", Reasoning(budget_tokens=700, mode="enabled"), {"thinkingBudget": 700}, 0),
        ("gemini-2.5-pro", Reasoning(budget_tokens=7, mode="enabled"), {"thinkingBudget": 128}, 0),
        ("models/gemini-2.5-flash-lite", Reasoning(budget_tokens=7), {"thinkingBudget": 512}, 0),
    ],
)
def test_thinking_is_asked_for_as_the_models_generation_takes_it(
    model: str, reasoning: Reasoning, sent: dict[str, Any], codes: int
) -> None:
    body, told = written(model, reasoning=reasoning)
    assert body["generationConfig"]["thinkingConfig"] == {"includeThoughts": True, **sent}
    assert len(told) == codes


@pytest.mark.parametrize(
    ("model", "sent", "codes"),
    [
        ("gemini-2.5-flash", {"thinkingBudget": 0}, 0),
        ("gemini-2.5-pro", {"thinkingBudget": 128}, 1),
        ("gemini-3-flash", {"thinkingLevel": "MINIMAL"}, 1),
        ("gemini-3-pro-preview", {"thinkingLevel": "LOW"}, 1),
        ("gemini-3.8-flash", {"thinkingLevel": "LOW"}, 1),
        ("gemini-2.0-flash", None, 0),
    ],
)
def test_a_model_that_shall_not_think_thinks_as_little_as_it_can(
    model: str, sent: dict[str, Any] | None, codes: int
) -> None:
    for reasoning in (Reasoning(effort="none"), Reasoning(mode="disabled")):
        body, told = written(model, reasoning=reasoning)
        assert body.get("generationConfig", {}).get("thinkingConfig") == sent
        assert len(told) == codes


def test_a_model_that_cannot_think_is_not_asked_to() -> None:
    for model in ("gemini-2.0-flash", "gemini-2.5-pro-preview-tts", "gemma-3-27b-it"):
        body, told = written(model, reasoning=Reasoning(effort="high"))
        assert "generationConfig" not in body
        assert told == ["dropped_param $.reasoning"]


def test_a_schema_goes_out_as_it_is() -> None:
    body, told = written(output=OutputFormat(kind="schema", schema=SCHEMA, name="n"))
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert told == []
    body, _ = written(output=OutputFormat(kind="json"))
    assert body["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "to", "tools"),
    [("gemini-2.5-flash", {}, (TOOL,)), ("gemini-3-flash", {"lacks": frozenset({"response_schema"})}, ())],
)
def test_where_a_schema_cannot_be_enforced_the_model_is_asked_in_words(
    model: str, to: dict[str, Any], tools: tuple[Tool, ...]
) -> None:
    body, told = written(model, to, output=OutputFormat(kind="schema", schema=SCHEMA), tools=tools)
    assert "$defs" in body["systemInstruction"]["parts"][0]["text"]
    assert "generationConfig" not in body
    assert told == ["approximated $.response_format"]


def test_tools_and_their_choice() -> None:
    for choice, calling in (
        (ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ToolChoice(mode="none"), {"mode": "NONE"}),
        (ToolChoice(mode="required"), {"mode": "ANY"}),
        (ToolChoice(mode="tool", name="f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ):
        body, told = written(tools=(TOOL, Tool(name="bare", schema={"type": "object"})), tool_choice=choice)
        assert body["tools"] == [
            {
                "functionDeclarations": [
                    {"name": "f", "description": "F", "parametersJsonSchema": SCHEMA},
                    {"name": "bare"},
                ]
            }
        ]
        assert body["toolConfig"] == {"functionCallingConfig": calling}
        assert told == []


def test_strict_tools_are_asked_for_together() -> None:
    strict = Tool(name="f", schema=SCHEMA, strict=True)
    body, told = written(tools=(strict,))
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
    assert told == ["approximated $.tools"]
    body, told = written(tools=(strict,), tool_choice=ToolChoice(mode="required"))
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert told == ["approximated $.tools"]
    body, told = written(to={"lacks": frozenset({"strict_tools"})}, tools=(strict,))
    assert "toolConfig" not in body
    assert told == ["dropped_param $.tools[0].strict"]


def test_what_the_format_has_no_place_for_is_told_by_its_name() -> None:
    body, told = written(
        tools=(Opaque(wire="openai_chat", value={}), Tool(name="f", cache=CacheMark())),
        tool_choice=Opaque(wire="openai_chat", value={}),
        output=Opaque(wire="openai_chat", value={}),
        parallel_tools=False,
        user="ann",
        metadata={"a": 1},
        extra={"logit_bias": {}},
    )
    assert body["tools"] == [{"functionDeclarations": [{"name": "f"}]}]
    assert "toolConfig" not in body
    assert told == [
        "dropped_param $.response_format",
        "dropped_part $.tools[0]",
        "dropped_part $.tools[1].cache_control",
        "dropped_param $.tool_choice",
        "dropped_param $.parallel_tools",
        "dropped_param $.user",
        "dropped_param $.metadata",
        "dropped_param $.logit_bias",
    ]


def test_clients_of_other_dialects_may_name_geminis_own_fields() -> None:
    own = {
        "safety_settings": [{"category": "x"}],
        "cachedContent": "c",
        "labels": {"a_b": "c"},
        "image_config": {"a": 1},
    }
    body, told = written(extra=own)
    assert (body["safetySettings"], body["cachedContent"], body["labels"]) == ([{"category": "x"}], "c", {"a_b": "c"})
    assert body["generationConfig"] == {"imageConfig": {"a": 1}}
    assert told == []


def test_what_chat_clients_say_of_sound_search_and_service_has_a_place() -> None:
    said = {"modalities": ["text", "audio"], "audio": {"voice": "Kore", "format": "wav"}, "service_tier": "default"}
    body, told = written(extra={**said, "web_search_options": {}})
    assert body["generationConfig"] == {
        "responseModalities": ["TEXT", "AUDIO"],
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
    }
    assert body["tools"] == [{"googleSearch": {}}]
    assert body["serviceTier"] == "standard"
    assert told == ["approximated $.audio"]
    body, told = written(extra={"service_tier": "auto", "web_search_options": {"search_context_size": "low"}})
    assert "serviceTier" not in body
    assert told == ["approximated $.web_search_options"]
    _, told = written(extra={"service_tier": "scale", "audio": "loud", "modalities": 3})
    assert told == ["dropped_param $.service_tier", "dropped_param $.audio", "dropped_param $.modalities"]


def test_a_tool_of_googles_own_goes_home() -> None:
    body, told = written(tools=(Opaque(wire="gemini", value={"googleSearch": {}}),))
    assert body["tools"] == [{"googleSearch": {}}]
    assert told == []


def test_what_a_target_lacks_is_left_out_of_its_own_requests_too() -> None:
    assert {feature for feature, _ in (*_TOP, *_IN_CONFIG)} <= FEATURES
    own = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
        "systemInstruction": {"parts": [{"text": "Brief."}]},
        "generationConfig": {"temperature": 1, "topK": 3},
    }
    read = GEMINI.read_request(own).value
    found = GEMINI.write_request(read, Target(model="m", lacks=frozenset({"temperature", "system"})))
    assert found.value.body["generationConfig"] == {"topK": 3}
    assert found.value.body["contents"][0] == {"role": "user", "parts": [{"text": "Brief."}]}
    assert [caveat.code for caveat in found.caveats] == ["dropped_param", "approximated"]
    found = GEMINI.write_request(read, Target(model="m", lacks=frozenset({"temperature", "top_k"})))
    assert "generationConfig" not in found.value.body


def test_the_path_names_the_model_and_the_stream() -> None:
    request = Request(model="m", messages=HI)
    assert GEMINI.write_request(request, Target(model="a/b c")).value.path == "/models/a%2Fb%20c:generateContent"
    streamed = GEMINI.write_request(request, Target(model="m", stream=True)).value.path
    assert streamed == "/models/m:streamGenerateContent?alt=sse"
