"""A provider that speaks two formats: which one a deployment is asked in, and what goes out."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.own_row import row_from_config
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

CHAT, RESPONSES = OPENAI_CHAT.name, OPENAI_RESPONSES.name


def deployment(model: str, **wanted: Any) -> Deployment:
    return build(Wanted(id="d", group="m", model=model, given=Given(api_key="k"), **wanted), {}, ROWS)


def prepared(place: Deployment, dialect: Wire = OPENAI_RESPONSES, **fields: Any) -> tuple[Prepared, Any]:
    given: Any = {"input": "hi"} if dialect is OPENAI_RESPONSES else {"messages": [{"role": "user", "content": "hi"}]}
    body = json.dumps({"model": "m", **given, **fields}).encode()
    ask = Ask(dialect, body, peek(body), "m", stream=bool(fields.get("stream")))
    made = prepare(ask, place.for_dialect(dialect.name))
    return made, json.loads(made.outgoing.body)


@pytest.mark.parametrize(
    ("model", "info", "chat", "responses"),
    [
        ("openai/gpt-4o", {}, CHAT, RESPONSES),
        ("openai/responses/gpt-4o", {}, RESPONSES, RESPONSES),
        ("openai/gpt-4o", {"mode": "responses"}, RESPONSES, RESPONSES),
        ("openai/gpt-4o", {"mode": "chat"}, CHAT, CHAT),
        ("openai/o1-pro", {}, RESPONSES, RESPONSES),  # the catalog says so
        ("xai/grok-4", {}, CHAT, RESPONSES),
        ("groq/llama", {}, CHAT, CHAT),
        ("groq/llama", {"mode": "responses"}, RESPONSES, RESPONSES),
        ("anthropic/claude-sonnet-4-5", {}, "anthropic_messages", "anthropic_messages"),
    ],
)
def test_each_client_is_served_in_its_format_where_the_provider_has_it(
    model: str, info: dict[str, str], chat: str, responses: str
) -> None:
    place = deployment(model, info=info)
    assert place.for_dialect(CHAT).wire.name == chat
    found = place.for_dialect(RESPONSES)
    assert (found.wire.name, found.id, found.model) == (responses, place.id, place.model)
    assert found.path.endswith("/responses") is (responses == RESPONSES)
    assert found.tariff is place.tariff


def test_a_native_request_goes_on_as_it_is() -> None:
    made, sent = prepared(deployment("openai/gpt-4o"), previous_response_id="resp_1", store=True, vendor=1, stream=True)
    assert made.relayed
    assert not made.hides_usage
    assert sent == {
        "model": "gpt-4o",
        "input": "hi",
        "previous_response_id": "resp_1",
        "store": True,
        "vendor": 1,
        "stream": True,
    }


def test_the_operators_defaults_have_the_names_of_the_format() -> None:
    place = deployment("openai/gpt-5.2", defaults={"max_tokens": 50, "temperature": 0.5, "reasoning_effort": "low"})
    _, sent = prepared(place)
    assert (sent["max_output_tokens"], sent["temperature"], sent["reasoning"]) == (50, 0.5, {"effort": "low"})
    _, sent = prepared(place, max_output_tokens=7)
    assert sent["max_output_tokens"] == 7
    _, sent = prepared(deployment("openai/responses/gpt-5.2", defaults={"reasoning_effort": "low"}), OPENAI_CHAT)
    assert sent["reasoning"] == {"effort": "low"}


def test_models_that_take_no_sampling_get_none_in_this_format_either() -> None:
    made, sent = prepared(deployment("openai/gpt-5-mini"), temperature=1)
    assert "temperature" not in sent
    assert [caveat.where for caveat in made.caveats] == ["$.temperature"]


def test_patches_of_chat_bodies_leave_this_format_alone() -> None:
    place = deployment("deepseek/deepseek-chat")
    assert place.patches
    assert place.for_dialect(RESPONSES).patches == ()


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_what_nobody_keeps_is_refused_where_it_would_be_translated(field: str) -> None:
    with pytest.raises(BadRequestError, match=field) as raised:
        prepared(deployment("groq/llama"), **{field: "x"})
    assert raised.value.param == field
    made, _ = prepared(deployment("groq/llama"), **{field: None})
    assert not made.relayed


@pytest.mark.parametrize("model", ["openai/gpt-4o", "groq/llama"])
def test_nothing_runs_in_the_background(model: str) -> None:
    with pytest.raises(BadRequestError, match="background"):
        prepared(deployment(model), background=True)
    prepared(deployment(model), background=False)


def test_a_row_of_ones_own_may_speak_both() -> None:
    values = {"name": "own", "base_url": "https://own.example/v1", "also": {RESPONSES: "/more/responses"}}
    rows = {"own": row_from_config(values)}
    place = build(Wanted(id="d", group="m", model="own/m"), {}, rows)
    assert (place.path, place.for_dialect(RESPONSES).path) == ("/v1/chat/completions", "/v1/more/responses")
    first = {"name": "own", "base_url": "https://own.example/v1", "wire": RESPONSES}
    place = build(
        Wanted(id="d", group="m", model="own/m", defaults={"max_tokens": 5}), {}, {"own": row_from_config(first)}
    )
    assert (place.path, list(place.defaults_raw)) == ("/v1/responses", ["max_output_tokens"])


def test_fields_that_the_operator_forces_win() -> None:
    _, sent = prepared(deployment("openai/gpt-4o", forced={"store": False}), store=True)
    assert sent["store"] is False


def test_a_deployment_with_two_formats_is_not_changed_by_reading_it() -> None:
    place = deployment("openai/gpt-4o")
    assert place.for_dialect("anthropic_messages") is place
    assert msgspec.structs.replace(place, also={}).for_dialect(RESPONSES).wire.name == CHAT


def test_snowflakes_claude_is_told_the_effort_in_an_object_and_its_other_models_as_clients_say_it() -> None:
    given = Given(api_key="k", extra={"account_id": "a"})
    for model, sent in (("claude-sonnet-4-6", {"reasoning": {"effort": "low"}}), ("x", {"reasoning_effort": "low"})):
        place = build(Wanted(id="d", group="m", model=f"snowflake/{model}", given=given), {}, ROWS)
        made, body = prepared(place, OPENAI_CHAT, reasoning_effort="low")
        assert made.relayed
        assert {name: value for name, value in body.items() if name.startswith("reasoning")} == sent


def test_defaults_in_chats_words_that_this_format_has_not_are_left_out_and_told() -> None:
    said = {"seed": 7, "n": 1, "top_k": 5, "response_format": {"type": "json_object"}, "verbosity": "low"}
    made, sent = prepared(deployment("openai/gpt-5.2", defaults=said))
    assert sent["text"] == {"verbosity": "low", "format": {"type": "json_object"}}
    assert said.keys().isdisjoint(sent)
    assert {caveat.where for caveat in made.caveats} >= {"$.seed", "$.n", "$.top_k"}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("perplexity/perplexity/sonar", {"model": "perplexity/sonar"}),
        ("perplexity/openai/gpt-5.4", {"model": "openai/gpt-5.4"}),
        ("perplexity/openai/not-listed", {"model": "openai/not-listed"}),
        ("perplexity/responses/preset/fast", {"preset": "fast"}),
        ("perplexity/preset/fast", {"preset": "fast"}),
        ("perplexity/sonar", {"model": "perplexity/sonar", "preset": "fast"}),
        ("perplexity/sonar-pro", {"model": "perplexity/sonar", "preset": "low"}),
        ("perplexity/sonar-deep-research", {"model": "perplexity/sonar", "preset": "medium"}),
        ("sonar-reasoning-pro", {"model": "perplexity/sonar", "preset": "low"}),
    ],
)
def test_what_perplexity_has_in_this_format_alone_is_asked_in_it_by_all(model: str, said: dict[str, str]) -> None:
    place = deployment(model)
    assert (place.wire.name, place.path) == (RESPONSES, "/v1/responses")
    for dialect in (OPENAI_CHAT, OPENAI_RESPONSES):
        _, sent = prepared(place, dialect)
        assert {name: sent.get(name) for name in ("model", "preset") if name in sent} == said
        assert "include" not in sent


def test_who_asks_perplexity_for_a_preset_gets_it_and_what_the_operator_forces_goes_before_it() -> None:
    place = deployment("perplexity/sonar-pro")
    for said, preset in (("high", "high"), (None, "low")):
        made, sent = prepared(place, preset=said)
        assert (sent["model"], sent["preset"], made.caveats) == ("perplexity/sonar", preset, ())
    _, sent = prepared(deployment("perplexity/sonar-pro", defaults={"preset": "medium"}))
    assert sent["preset"] == "medium"
    forcing = deployment("perplexity/sonar-pro", forced={"preset": "xhigh"})
    for dialect in (OPENAI_CHAT, OPENAI_RESPONSES):
        assert prepared(forcing, dialect, preset="high")[1]["preset"] == "xhigh"


LOCATION = {"country": "FR", "city": "Paris"}


@pytest.mark.parametrize(
    ("said", "tools", "lost"),
    [
        (
            {"search_domain_filter": ["a.com"], "search_recency_filter": "week"},
            [{"type": "web_search", "filters": {"search_domain_filter": ["a.com"], "search_recency_filter": "week"}}],
            [],
        ),
        ({"num_search_results": 3, "search_domain_filter": []}, [{"type": "web_search", "max_results": 3}], []),
        ({"web_search_options": {}}, [{"type": "web_search"}], []),
        (
            {
                "web_search_options": {
                    "search_context_size": "high",
                    "search_type": "pro",
                    "user_location": {"type": "approximate", "approximate": {**LOCATION, "timezone": "Europe/Paris"}},
                }
            },
            [{"type": "web_search", "search_context_size": "high", "user_location": LOCATION}],
            ["$.web_search_options.search_type", "$.web_search_options.user_location.approximate.timezone"],
        ),
        ({"web_search_options": {"user_location": LOCATION}}, [{"type": "web_search", "user_location": LOCATION}], []),
        (
            {"web_search_options": {"user_location": "Paris"}},
            [{"type": "web_search"}],
            ["$.web_search_options.user_location"],
        ),
        (
            {"web_search_options": True, "num_search_results": 3},
            [{"type": "web_search", "max_results": 3}],
            ["$.web_search_options"],
        ),
    ],
)
def test_what_a_chat_says_of_the_search_stands_in_perplexitys_tool_for_it(
    said: dict[str, Any], tools: list[Any], lost: list[str]
) -> None:
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for dialect in (OPENAI_CHAT, OPENAI_RESPONSES):
        made, sent = prepared(deployment("perplexity/sonar-pro"), dialect, **said)
        assert (sent["tools"], sent["preset"]) == (tools, "low")
        assert [caveat.where for caveat in made.caveats] == lost
        assert said.keys().isdisjoint(sent)
    _, sent = prepared(deployment("perplexity/sonar"), OPENAI_CHAT, tools=[function], **said)
    assert (sent["tools"][0]["name"], sent["tools"][1:]) == ("f", tools)
    _, sent = prepared(deployment("perplexity/sonar", defaults=said), OPENAI_RESPONSES)
    assert sent["tools"] == tools


def test_a_search_among_the_tools_goes_before_what_stands_beside_them() -> None:
    tool = {"type": "web_search", "filters": {"search_domain_filter": ["b.com"]}}
    said = {"search_domain_filter": ["a.com"], "search_recency_filter": "day"}
    _, sent = prepared(deployment("perplexity/sonar"), tools=[tool], **said)
    assert sent["tools"] == [
        {"type": "web_search", "filters": {"search_domain_filter": ["b.com"], "search_recency_filter": "day"}}
    ]
    _, sent = prepared(deployment("perplexity/sonar"), tools=[{**tool, "filters": None}], **said)
    assert sent["tools"] == [{"type": "web_search", "filters": said}]  # null says nothing


@pytest.mark.parametrize(
    "end", ["", "/", "/v1", "/chat/completions", "/v1/chat/completions", "/v1/responses", "/v1/agent"]
)
def test_perplexitys_own_address_is_the_same_however_it_is_written(end: str) -> None:
    given = Given(api_key="k", api_base=f"https://api.perplexity.ai{end}")
    place = build(Wanted(id="d", group="m", model="perplexity/sonar-pro", given=given), {}, ROWS)
    for found in (place, place.for_dialect(CHAT), place.for_dialect(RESPONSES)):
        assert (found.wire.name, found.path, found.model) == (RESPONSES, "/v1/responses", "perplexity/sonar")


def test_perplexity_at_another_address_is_asked_for_a_chat_under_the_name_that_is_said() -> None:
    given = Given(api_key="k", api_base="https://ours.example/pplx")
    place = build(Wanted(id="d", group="m", model="perplexity/sonar-pro", given=given), {}, ROWS)
    assert (place.wire.name, place.path, place.model) == (CHAT, "/pplx/chat/completions", "sonar-pro")
    assert place.for_dialect(RESPONSES).path == "/pplx/v1/responses"
