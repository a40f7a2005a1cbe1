"""Caveats of a request point into the client's own body, and there is none for what it could have left unsaid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wires.any_to_any.table import DIALECTS, MODELS, deployed, requested
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError, UnsupportedParamsError

HI = [{"role": "user", "content": "hi"}]
SAYS_NOTHING: dict[str, dict[str, Any]] = {
    "openai_chat": {
        "messages": HI,
        **{"metadata": {}, "frequency_penalty": 0, "presence_penalty": 0.0, "n": 1, "logprobs": False},
        **{"top_logprobs": 0, "logit_bias": {}, "stop": [], "tools": [], "functions": [], "modalities": ["text"]},
        **{"service_tier": "auto", "store": False, "parallel_tool_calls": True, "response_format": {"type": "text"}},
        **{"tool_choice": "auto", "verbosity": "medium", "user": None, "seed": None, "prediction": None},
    },
    "openai_responses": {
        "input": "hi",
        **{"metadata": {}, "frequency_penalty": 0, "presence_penalty": 0.0, "top_logprobs": 0, "tools": []},
        **{"service_tier": "default", "store": True, "parallel_tool_calls": True, "tool_choice": "auto"},
        **{"text": {"format": {"type": "text"}, "verbosity": "medium"}, "truncation": "disabled", "include": []},
        **{"background": False, "reasoning": {}, "user": None, "previous_response_id": None},
    },
    "anthropic_messages": {
        "messages": HI,
        "max_tokens": 4096,
        **{"metadata": {}, "stop_sequences": [], "tools": [], "service_tier": "auto", "system": []},
        **{"mcp_servers": [], "context_management": None, "output_config": {}, "stream": False},
    },
    "gemini": {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "generationConfig": {
            **{"candidateCount": 1, "frequencyPenalty": 0, "presencePenalty": 0, "stopSequences": []},
            **{"responseMimeType": "text/plain", "responseModalities": ["TEXT"], "responseLogprobs": False},
            "thinkingConfig": {"includeThoughts": False},
        },
        **{"safetySettings": [], "labels": {}, "tools": [], "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}}},
    },
}
OFF: dict[str, dict[str, Any]] = {
    "openai_chat": {"reasoning_effort": "none"},
    "openai_responses": {"reasoning": {"effort": "none"}},
    "anthropic_messages": {"thinking": {"type": "disabled"}},
    "gemini": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
}
TOOL = {"name": "look", "parameters": {"type": "object", "properties": {}}}


MARK = {"cache_control": {"type": "ephemeral"}}
MARKED: list[tuple[str, dict[str, Any], str]] = [
    (
        "anthropic_messages",
        {"system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", **MARK}], "messages": HI},
        "$.system[1].cache_control",
    ),
    (
        "anthropic_messages",
        {"messages": HI, "tools": [{"name": "look", "input_schema": {"type": "object"}, **MARK}]},
        "$.tools[0].cache_control",
    ),
    (
        "anthropic_messages",
        {"system": "be brief", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **MARK}]}]},
        "$.messages[0].content[0].cache_control",
    ),
    (
        "openai_chat",
        {"messages": [{"role": "system", "content": "a", **MARK}, *HI]},
        "$.messages[0].cache_control",
    ),
    (
        "openai_chat",
        {"messages": HI, "tools": [{"type": "function", "function": {**TOOL, **MARK}}]},
        "$.tools[0].function.cache_control",
    ),
]


def prepared(target: str, dialect: str = "openai_chat", *, strict: bool = False, **fields: Any) -> Prepared:
    body = json.dumps({**({} if dialect == "gemini" else {"model": "m"}), **fields}).encode()
    ask = Ask(WIRES[dialect], body, peek(body), "m", stream=False, strict=strict)
    return prepare(ask, deployed(MODELS.get(target, target)).for_dialect(dialect))


def told(made: Prepared) -> dict[str, str]:
    return {caveat.where: caveat.detail for caveat in made.caveats}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_empty_or_the_vendors_default_is_no_loss(dialect: str, model: str) -> None:
    assert prepared(model, dialect, strict=True, **SAYS_NOTHING[dialect]).caveats == ()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_empty_objects_beside_tools_are_no_loss(dialect: str) -> None:
    said = dict(SAYS_NOTHING[dialect])
    if dialect == "gemini":
        said |= {"generationConfig": {}, "tools": [{"functionDeclarations": [TOOL]}]}
    elif dialect == "anthropic_messages":
        said["tools"] = [{"name": "look", "input_schema": TOOL["parameters"]}]
    else:
        said["tools"] = [{"type": "function", **({"function": TOOL} if dialect == "openai_chat" else TOOL)}]
    for model in ("openai", "anthropic", "gemini", "mistral", "bedrock-claude"):
        assert prepared(model, dialect, strict=True, **said).caveats == ()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_to_switch_off_what_a_model_does_not_do_is_no_loss(dialect: str) -> None:
    body = {**SAYS_NOTHING[dialect], **OFF[dialect]}
    for model in ("openai", "anthropic/claude-3-5-haiku-latest", "gemini/gemini-2.0-flash", "ollama-without-tools"):
        assert prepared(model, dialect, strict=True, **body).caveats == ()


def test_to_switch_off_what_a_model_always_does_is_one() -> None:
    made = prepared("gemini", "anthropic_messages", max_tokens=9, messages=HI, thinking={"type": "disabled"})
    assert [caveat.where for caveat in made.caveats] == ["$.thinking"]


def test_a_search_that_is_asked_for_by_an_empty_object_is_a_wish() -> None:
    with pytest.raises(UnsupportedParamsError, match="web_search_options"):
        prepared("ollama", strict=True, messages=HI, web_search_options={})


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 2), ("frequency_penalty", 0.5), ("logit_bias", {"50256": -100}), ("store", True), ("verbosity", "low")],
)
def test_any_other_value_is_told(field: str, value: Any) -> None:
    assert list(told(prepared("anthropic", messages=HI, **{field: value}))) == [f"$.{field}"]


# A default of the operator's is nobody's field; and what is relayed is told by the same rules.


def test_a_default_that_a_provider_refuses_is_left_out_of_a_relayed_body_without_a_word() -> None:
    made = prepared("openai-reasoning", strict=True, messages=HI, frequency_penalty=0)
    assert (made.caveats, b"frequency_penalty" in made.outgoing.body) == ((), False)
    assert list(told(prepared("openai-reasoning", messages=HI, frequency_penalty=1))) == ["$.frequency_penalty"]


# Places


def test_a_place_is_that_of_the_clients_own_body() -> None:
    made = prepared(
        "openai-reasoning",
        "gemini",
        systemInstruction={"parts": [{"text": "Be brief."}]},
        contents=[
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "user", "parts": [{"fileData": {"fileUri": "gs://b/x.png", "mimeType": "image/png"}}]},
        ],
        generation_config={"top_k": 3, "speechConfig": {"languageCode": "de"}},
    )
    where = told(made)
    assert list(where) == ["$.contents[1]", "$.generationConfig.topK", "$.generationConfig.speechConfig"]
    assert where["$.generationConfig.topK"].startswith("`generationConfig.topK` was left out")


@pytest.mark.parametrize(
    ("dialect", "fields", "places"),
    [
        ("openai_chat", {"messages": HI, "max_completion_tokens": 10**7}, ["$.max_completion_tokens"]),
        ("openai_chat", {"messages": HI, "max_tokens": 10**7}, ["$.max_tokens"]),
        ("openai_responses", {"input": "hi", "max_output_tokens": 10**7}, ["$.max_output_tokens"]),
        ("openai_responses", {"input": "hi", "text": {"verbosity": "low"}}, ["$.text.verbosity"]),
        (
            "gemini",
            {"contents": [], "generationConfig": {"maxOutputTokens": 10**7}},
            ["$.generationConfig.maxOutputTokens"],
        ),
    ],
)
def test_a_setting_is_called_as_the_client_called_it(dialect: str, fields: dict[str, Any], places: list[str]) -> None:
    if fields.get("contents") == []:
        fields = {**fields, "contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    assert list(told(prepared("anthropic", dialect, **fields))) == places


def test_a_setting_that_nobody_here_takes_is_refused_by_the_clients_name() -> None:
    with pytest.raises(UnsupportedParamsError, match=r"\$\.stop_sequences") as refused:
        prepared("openai-reasoning", "anthropic_messages", strict=True, messages=HI, max_tokens=9, stop_sequences=["x"])
    assert refused.value.param == "stop_sequences"


@pytest.mark.parametrize(
    ("dialect", "fields", "place"),
    [
        (
            "openai_responses",
            {"instructions": "x", "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
            "$.input[0]",
        ),
        (
            "anthropic_messages",
            {
                "max_tokens": 9,
                "system": "x",
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "x"}]}
                ],
            },
            "$.messages[0]",
        ),
        (
            "gemini",
            {
                "systemInstruction": {"parts": [{"text": "x"}]},
                "contents": [{"role": "user", "parts": [{"functionResponse": {"name": "n", "response": {}}}]}],
            },
            "$.contents[0]",
        ),
    ],
)
def test_a_refusal_of_a_writer_points_there_too(dialect: str, fields: dict[str, Any], place: str) -> None:
    for model in ("mistral", "cohere", "bedrock-claude"):
        with pytest.raises(BadRequestError) as refused:
            prepared(model, dialect, **fields)
        assert place in refused.value.message
        assert refused.value.param in (None, place.removeprefix("$."))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_place_of_a_rich_request_exists(dialect: str, model: str) -> None:
    body = requested(dialect)
    made = prepared(model, dialect, **body)
    for where in told(made):
        assert exists(body, where), where


def exists(value: Any, where: str) -> bool:
    """`..` as JSONPath has it: somewhere within."""
    before, deep, after = where.partition("..")
    if deep:
        held = [value]
        for inner in held:
            held += list(inner.values()) if isinstance(inner, dict) else inner if isinstance(inner, list) else []
        return exists(value, before) and any(exists(inner, after) for inner in held if isinstance(inner, dict))
    for step in where.removeprefix("$").replace("[", ".").replace("]", "").split("."):
        match value:
            case _ if step == "":
                continue
            case list() if step == "*":
                return True
            case list() if int(step) < len(value):
                value = value[int(step)]
            case dict() if step in value:
                value = value[step]
            case _:
                return False
    return True


FIELDS_OF_A_TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "x_hint": 1}}


def test_each_field_of_a_tool_or_a_part_that_is_lost_is_told_by_its_own_place() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}
    made = prepared(
        "anthropic",
        messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}, picture]}],
        tools=[{**FIELDS_OF_A_TOOL, "x_wish": True, "x_other": [1]}],
    )
    lost = [one.where for one in made.caveats if one.code == "dropped_field"]
    assert sorted(lost) == [
        "$.messages[0]..image_url.detail",
        "$.tools[0].function.x_hint",
        "$.tools[0].x_other",
        "$.tools[0].x_wish",
    ]


def test_of_very_many_lost_fields_the_last_are_told_together() -> None:
    made = prepared("anthropic", messages=HI, tools=[{**FIELDS_OF_A_TOOL, **{f"x_{n}": n + 1 for n in range(50)}}])
    lost = [one for one in made.caveats if one.code == "dropped_field"]
    assert len(lost) == 13
    assert "`x_48`" in lost[-1].detail


@pytest.mark.parametrize("target", ["anthropic", "gemini", "ollama", "openai-responses"])
@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 7, "logit_bias": {"1": 2}, "prediction": {"type": "content", "content": "x"}},
        {"messages": [{"role": "user", "name": "ada", "content": "hi"}]},
        {"tools": [{"type": "telepathy", "telepathy": {"name": "c"}}]},
        {"messages": [{"role": "user", "content": [{"type": "telepathy", "x": 1}, {"type": "text", "text": "hi"}]}]},
    ],
)
def test_what_refuses_a_loss_says_not_that_it_was_left_out(target: str, fields: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParamsError) as refused:
        prepared(target, strict=True, **{"messages": HI, **fields})
    assert "eft out" not in refused.value.message


def test_a_refused_parameter_is_said_not_to_be_taken() -> None:
    with pytest.raises(UnsupportedParamsError, match=r"`seed` is not taken: .* - at `\$\.seed`\. Leave it out"):
        prepared("anthropic", strict=True, messages=HI, seed=7)


@pytest.mark.parametrize("target", ["anthropic", "gemini", "ollama", "cohere", "bedrock-nova"])
def test_a_schema_in_no_known_shape_is_told_with_what_it_lacks(target: str) -> None:
    made = prepared(target, messages=HI, response_format={"type": "json_schema", "schema": {"type": "object"}})
    assert "it lacks `json_schema`" in told(made)["$.response_format"]


@pytest.mark.parametrize("target", ["anthropic", "gemini", "ollama", "cohere", "bedrock-nova", "openai-responses"])
def test_formats_are_called_by_their_names(target: str) -> None:
    made = prepared(target, messages=HI, response_format={"type": "telepathy"}, tools=[{"type": "telepathy", "x": 1}])
    said = " ".join(told(made).values())
    assert "openai_chat" not in said
    assert "the Chat format" in said


@pytest.mark.parametrize("target", ["openai-responses", "gemini", "cohere", "ollama"])
@pytest.mark.parametrize(("dialect", "body", "place"), MARKED)
def test_a_cache_mark_that_is_lost_is_told_at_its_own_place(
    target: str, dialect: str, body: dict[str, Any], place: str
) -> None:
    """Nobody is to believe that the system prompt was left out, or a tool."""
    more: dict[str, Any] = {"max_tokens": 9} if dialect == "anthropic_messages" else {}
    told = [caveat.where for caveat in prepared(target, dialect, **body, **more).caveats if "cache" in caveat.detail]
    assert told == [place]


@pytest.mark.parametrize("target", ["openai", "groq", "watsonx"])
def test_so_it_is_for_a_provider_of_the_chat_format(target: str) -> None:
    for dialect, body, place in MARKED[:3:2]:
        made = prepared(target, dialect, **body, max_tokens=9)
        assert [caveat.where for caveat in made.caveats if "cache" in caveat.detail] == [place]


def test_a_mark_inside_a_tools_result_is_found_where_it_stands() -> None:
    use = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b", **MARK}]
    result = {"type": "tool_result", "tool_use_id": "c", "content": texts}
    messages = [*HI, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    told = prepared("openai-responses", "anthropic_messages", messages=messages, max_tokens=9).caveats
    assert [caveat.where for caveat in told if "cache" in caveat.detail] == [
        "$.messages[2].content[0].content[1].cache_control"
    ]
