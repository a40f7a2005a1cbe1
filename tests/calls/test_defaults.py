"""An operator's defaults, in chat's words, tell a provider the same whoever asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import prepare
from tollbridge.model.json import JsonObject
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.dialects import DIALECTS, load

ASKED: dict[str, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"model": "m", "input": "Hi"},
    "anthropic_messages": {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9000},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}
MODELS = {
    "openai_chat": "openai/gpt-4.1",
    "openai_responses": "openai/responses/gpt-4.1",
    "anthropic_messages": "anthropic/claude-sonnet-4-5",
    "gemini": "gemini/gemini-2.5-flash",
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
DEFAULTS: dict[str, Any] = {
    **{"temperature": 0.5, "top_p": 0.9, "top_k": 7, "stop": ["END"], "seed": 1, "n": 2, "logit_bias": {"1": 2}},
    **{"frequency_penalty": 0.1, "presence_penalty": 0.2, "user": "u1", "verbosity": "low", "store": True},
    **{"service_tier": "flex", "prediction": {"type": "content", "content": "x"}, "prompt_cache_key": "k"},
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": SCHEMA, "strict": True}},
    "tools": [TOOL],
}
OTHERWISE = {
    **{(client, "openai_chat", "top_k"): "told to be lost on OpenAI's" for client in DIALECTS},
    ("openai_responses", "openai_responses", "tools"): "written as its own format writes it",
    ("gemini", "gemini", "tools"): "written as its own format writes it",
    ("anthropic_messages", "anthropic_messages", "service_tier"): "is a word of this format too",
}


def sent(client: str, wire: str, defaults: JsonObject) -> tuple[JsonObject, list[str]]:
    place = build(Wanted(id="d", group="m", model=MODELS[wire], given=Given(api_key="k"), defaults=defaults), {}, ROWS)
    body = json.dumps(ASKED[client]).encode()
    made = prepare(Ask(load(client), body, peek(body), "m", stream=False), place)
    return json.loads(made.outgoing.body), [caveat.where for caveat in made.caveats]


def added(client: str, wire: str, name: str) -> JsonObject:
    """What a default adds to the body. A setting that stands beside others of the request is itself."""
    plain, _ = sent(client, wire, {})
    said, caveats = sent(client, wire, {name: DEFAULTS[name]})
    found: JsonObject = {}
    for field, value in said.items():
        before = plain.get(field)
        if isinstance(value, dict) and isinstance(before, dict):
            value = {inner: one for inner, one in value.items() if before.get(inner) != one}
        if value != before and value != {}:
            found[field] = value
    assert found or caveats, "nothing is lost without a word"
    return found


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("wire", DIALECTS)
def test_whoever_asks_the_provider_is_told_the_same(wire: str, name: str) -> None:
    expected = added("openai_chat", wire, name)
    for client in DIALECTS:
        if (client, wire, name) not in OTHERWISE:
            assert added(client, wire, name) == expected, client


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ("openai_chat", {"tool_choice": "none"}),
        ("openai_responses", {"tool_choice": "none"}),
        ("anthropic_messages", {"tool_choice": {"type": "none"}}),
        ("gemini", {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}),
    ],
)
def test_a_choice_of_tools_is_that_of_the_defaults_too(client: str, wire: str, field: JsonObject) -> None:
    body, _ = sent(client, wire, {"tools": [TOOL], "tool_choice": "none"})
    assert {name: body.get(name) for name in field} == field


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("wire", ["anthropic_messages", "gemini"])
def test_a_budget_of_thinking_is_told_too(client: str, wire: str) -> None:
    body, _ = sent(client, wire, {"thinking": {"type": "enabled", "budget_tokens": 2000}})
    if wire == "gemini":
        assert body["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 2000
    else:
        assert body["thinking"] == {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("wire", DIALECTS)
def test_what_the_client_says_itself_holds(client: str, wire: str) -> None:
    own = {
        "openai_chat": {"temperature": 0.1, "user": "me"},
        "openai_responses": {"temperature": 0.1, "user": "me"},
        "anthropic_messages": {"temperature": 0.1, "metadata": {"user_id": "me"}},
        "gemini": {"generationConfig": {"temperature": 0.1}},
    }
    before = ASKED[client]
    place = build(
        Wanted(
            id="d",
            group="m",
            model=MODELS[wire],
            given=Given(api_key="k"),
            defaults={"temperature": 0.9, "user": "operator"},
        ),
        {},
        ROWS,
    )
    body = json.dumps({**before, **own[client]}).encode()
    made = prepare(Ask(load(client), body, peek(body), "m", stream=False), place)
    said = json.loads(made.outgoing.body)
    assert said.get("temperature", said.get("generationConfig", {}).get("temperature")) == 0.1
    if client != "gemini":
        assert b'"operator"' not in made.outgoing.body


@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}])
def test_what_the_client_says_in_an_object_leaves_room_for_a_default_in_it(beside: JsonObject) -> None:
    said, asked = sent_with("openai_responses", {"verbosity": "low", **beside}, {"text": {"format": {"type": "text"}}})
    assert said["text"] == {"format": {"type": "text"}, "verbosity": "low"}, asked
    said, _ = sent_with("openai_responses", {"verbosity": "low", **beside}, {"text": {"verbosity": "high"}})
    assert said["text"] == {"verbosity": "high"}
    said, _ = sent_with("anthropic_messages", {"user": "u", **beside}, {"metadata": {"x": "y"}})
    assert said["metadata"] == {"x": "y", "user_id": "u"}
    said, _ = sent_with("anthropic_messages", {"user": "u", **beside}, {"metadata": {"user_id": "me"}})
    assert said["metadata"] == {"user_id": "me"}


def sent_with(dialect: str, defaults: JsonObject, more: JsonObject) -> tuple[JsonObject, list[str]]:
    given = Given(api_key="k")
    place = build(Wanted(id="d", group="m", model=MODELS[dialect], given=given, defaults=defaults), {}, ROWS)
    body = json.dumps({**ASKED[dialect], **more}).encode()
    made = prepare(Ask(load(dialect), body, peek(body), "m", stream=False), place)
    return json.loads(made.outgoing.body), [caveat.where for caveat in made.caveats]


@pytest.mark.parametrize("wire", ["anthropic_messages", "gemini", "openai_responses"])
@pytest.mark.parametrize("name", ["stream_options", "functions", "function_call"])
def test_a_word_of_chat_alone_is_left_out_and_told(wire: str, name: str) -> None:
    body, caveats = sent(wire, wire, {name: {"include_usage": True}})
    assert (name in body, caveats) == (False, [f"$.{name}"])


def test_of_two_limits_the_newer_word_counts_whoever_asks() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    defaults = {"max_tokens": 33, "max_completion_tokens": 44}
    given = Given(api_key="k")
    place = build(
        Wanted(id="d", group="m", model=MODELS["anthropic_messages"], given=given, defaults=defaults), {}, ROWS
    )
    for client in ("openai_chat", "anthropic_messages"):
        raw = json.dumps(body).encode()
        made = prepare(Ask(load(client), raw, peek(raw), "m", stream=False), place)
        assert json.loads(made.outgoing.body)["max_tokens"] == 44, client


@pytest.mark.parametrize("client", DIALECTS)
def test_a_tool_of_chats_is_not_strict_in_a_format_where_tools_are(client: str) -> None:
    body, _ = sent(client, "openai_responses", {"tools": [TOOL]})
    assert body["tools"][0]["strict"] is False


@pytest.mark.parametrize("name", ["thinking", "tools", "response_format"])
def test_a_word_of_chats_that_means_something_else_to_a_provider_is_its_own(name: str) -> None:
    body, caveats = sent("openai_chat", "openai_chat", {name: "so"})
    assert name in body or caveats == [f"$.{name}"]
    assert sent("gemini", "openai_chat", {name: "so"})[1] in ([], [f"$.{name}"])


def asked(client: str, model: str, defaults: JsonObject, more: JsonObject, **wanted: Any) -> tuple[JsonObject, Any]:
    """What goes out to a model, and the Caveats."""
    place = build(
        Wanted(id="d", group="m", model=model, given=Given(api_key="k"), defaults=defaults, **wanted), {}, ROWS
    )
    body = json.dumps({**ASKED[client], **more}).encode()
    made = prepare(Ask(load(client), body, peek(body), "m", stream=False), place)
    return json.loads(made.outgoing.body), [caveat.where for caveat in made.caveats]


@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}])
@pytest.mark.parametrize("said", ["serviceTier", "service_tier"])
def test_a_service_that_a_client_of_gemini_asks_for_holds(said: str, beside: JsonObject) -> None:
    body, caveats = asked("gemini", MODELS["gemini"], {"service_tier": "flex", **beside}, {said: "priority"})
    assert (body.get("serviceTier"), "service_tier" in body, caveats) == ("priority", False, [])


@pytest.mark.parametrize(
    ("client", "default", "more", "told"),
    [
        ("gemini", {"service_tier": "flex"}, {"serviceTier": "priority"}, "$.serviceTier"),
        ("openai_responses", {"verbosity": "low"}, {"text": {"verbosity": "high"}}, "$.text.verbosity"),
        ("openai_responses", {"metadata": {"d": "1"}}, {"metadata": {"c": "2"}}, "$.metadata"),
    ],
)
def test_where_a_clients_word_is_lost_no_default_takes_its_place(
    client: str, default: JsonObject, more: JsonObject, told: str
) -> None:
    body, caveats = asked(client, MODELS["openai_chat"], default, more)
    assert caveats == [told]
    assert body.keys().isdisjoint(default)


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}, {"thinking": {"type": "disabled"}}])
@pytest.mark.parametrize("default", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
@pytest.mark.parametrize("model", ["openai/gpt-4.1", "openai/o3", "mistral/mistral-large-latest", *MODELS.values()])
def test_a_clients_limit_is_the_only_one_by_whatever_name(
    client: str, model: str, default: str, beside: JsonObject
) -> None:
    if default == "max_output_tokens" and model != MODELS["openai_responses"]:
        default = "max_tokens"
    limits: list[JsonObject] = {
        "openai_chat": [{"max_tokens": 2077}, {"max_completion_tokens": 2077}],
        "openai_responses": [{"max_output_tokens": 2077}],
        "anthropic_messages": [{"max_tokens": 2077}],
        "gemini": [{"generationConfig": {"maxOutputTokens": 2077}}],
    }[client]
    for limit in limits:
        body, _ = asked(client, model, {default: 1033, **beside}, limit)
        said = {**body, **body.get("generationConfig", {})}
        names = {name: said[name] for name in said if name.startswith("max")}
        assert list(names.values()) == [2077], names


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("model", ["openai/gpt-4.1", "openai/o3", "mistral/mistral-large-latest", *MODELS.values()])
def test_of_two_limits_among_the_defaults_the_newer_is_the_only_one(model: str, order: int) -> None:
    defaults = dict([("max_tokens", 1033), ("max_completion_tokens", 2044)][::order])
    for client in ("openai_chat", "openai_responses", "gemini"):
        body, _ = asked(client, model, defaults, {})
        said = {**body, **body.get("generationConfig", {})}
        assert [said[name] for name in said if name.startswith("max")] == [2044], client


@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}])
@pytest.mark.parametrize(
    ("client", "default", "own"),
    [
        (
            "openai_responses",
            {"stream_options": {"include_usage": True}},
            {"stream_options": {"include_obfuscation": False}},
        ),
        ("openai_responses", {"seed": 1}, {"seed": 2}),
        ("anthropic_messages", {"prompt_cache_key": "k"}, {"prompt_cache_key": "c"}),
        ("gemini", {"store": True}, {"store": False}),
    ],
)
def test_a_default_that_the_format_has_no_word_for_takes_no_field_of_the_clients(
    client: str, default: JsonObject, own: JsonObject, beside: JsonObject
) -> None:
    body, caveats = asked(client, MODELS[client], {**default, **beside}, own)
    assert {name: body.get(name) for name in own} == own
    assert caveats == []


@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}])
def test_what_a_client_says_of_thinking_stands_alone(beside: JsonObject) -> None:
    for model, default in (
        ("dashscope/qwen3-max", {"enable_thinking": False, "thinking_budget": 9}),
        ("baseten/deepseek-ai/deepseek-v3.1", {"chat_template_args": {"enable_thinking": False, "x": 1}}),
        ("deepseek/deepseek-chat", {"thinking": {"type": "disabled"}}),
    ):
        for client, own in (
            ("openai_chat", {"reasoning_effort": "high"}),
            ("anthropic_messages", {"thinking": {"type": "enabled", "budget_tokens": 8000}}),
        ):
            with_default, _ = asked(client, model, {**default, **beside}, own)
            without, _ = asked(client, model, beside, own)
            template = with_default.get("chat_template_args")
            if template is not None:
                assert template.pop("x") == 1
            assert with_default == without, (client, model)


@pytest.mark.parametrize("beside", [{}, {"tools": [TOOL]}])
def test_what_the_operator_forces_wins_by_whatever_name(beside: JsonObject) -> None:
    for model, name in (("openai/gpt-4.1", "max_tokens"), ("openai/gpt-4.1", "max_completion_tokens")):
        for own in ("max_tokens", "max_completion_tokens"):
            for default in ("max_tokens", "max_completion_tokens"):
                body, _ = asked("openai_chat", model, {default: 1, **beside}, {own: 2}, forced={name: 3})
                assert {field: body[field] for field in body if field.startswith("max")} == {name: 3}


@pytest.mark.parametrize("wire", DIALECTS)
@pytest.mark.parametrize("client", DIALECTS)
def test_who_says_that_there_are_none_has_none(client: str, wire: str) -> None:
    """No tools, no words to stop at."""
    stop: JsonObject = {
        "openai_chat": {"stop": []},
        "anthropic_messages": {"stop_sequences": []},
        "gemini": {"generationConfig": {"stopSequences": []}},
    }.get(client, {})
    defaults = {"tools": [TOOL], "tool_choice": "required", **({"stop": ["DEFAULT"]} if stop else {})}
    body, _ = asked(client, MODELS[wire], defaults, {"tools": [], **stop})
    assert not body.get("tools")
    assert "DEFAULT" not in json.dumps(body)
    assert body.keys().isdisjoint({"tool_choice", "toolConfig"})


def test_functions_of_a_client_are_its_tools() -> None:
    function = {"name": "g", "parameters": {"type": "object"}}
    body, _ = asked("openai_chat", MODELS["openai_chat"], {"tools": [TOOL]}, {"functions": [function]})
    assert (body["functions"], "tools" in body) == ([function], False)
