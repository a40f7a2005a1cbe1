"""What a client says in another format's words reaches the vendor whose words they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wires.any_to_any.table import MODELS, deployed
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

CLAUDE, GOOGLES = "anthropic_messages", "gemini"


def prepared(wire: str, dialect: Wire = OPENAI_CHAT, headers: Any = (), **fields: Any) -> Prepared:
    model = next((model for model in MODELS.values() if deployed(model).wire.name == wire), wire)
    if not {"contents", "input"} & set(fields):
        fields = {"messages": [{"role": "user", "content": "hi"}], **fields}
    body = json.dumps({"model": "m", **fields}).encode()
    return prepare(Ask(dialect, body, peek(body), "m", stream=False, headers=headers), deployed(model))


def sent(made: Prepared) -> Any:
    return json.loads(made.outgoing.body)


def betas(made: Prepared) -> list[str]:
    told = dict(made.outgoing.headers).get("anthropic-beta", "")
    head = made.outgoing.head.decode()
    assert not told or f"anthropic-beta: {told}" in head
    return told.split(",") if told else []


@pytest.mark.parametrize(
    ("tool", "goes", "beta"),
    [
        ({"type": "bash_20250124", "name": "bash"}, None, []),
        ({"type": "code_execution_20250825", "name": "code_execution"}, None, ["code-execution-2025-08-25"]),
        ({"type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 2}, None, ["web-fetch-2025-09-10"]),
        ({"type": "memory_20250818", "name": "memory"}, None, ["context-management-2025-06-27"]),
        ({"name": "f", "input_schema": {"type": "object"}}, None, []),
        (
            {
                "type": "computer_20250124",
                "function": {"name": "computer", "parameters": {"display_width_px": 10, "display_height_px": 10}},
            },
            {"type": "computer_20250124", "name": "computer", "display_width_px": 10, "display_height_px": 10},
            ["computer-use-2025-01-24"],
        ),
    ],
)
def test_anthropics_tools_among_those_of_a_chat_client(tool: Any, goes: Any, beta: list[str]) -> None:
    made = prepared(CLAUDE, tools=[tool])
    assert sent(made)["tools"] == [goes or tool]
    assert made.caveats == ()
    assert betas(made) == beta


def test_a_clients_own_betas_and_the_needed_ones_go_together() -> None:
    tool = {"type": "memory_20250818", "name": "memory"}
    made = prepared(CLAUDE, headers=(("anthropic-beta", "x-1, context-management-2025-06-27"),), tools=[tool])
    assert sorted(betas(made)) == ["context-management-2025-06-27", "x-1"]


@pytest.mark.parametrize("tool", [{"googleSearch": {}}, {"url_context": {}}, {"codeExecution": {}, "googleMaps": {}}])
def test_googles_tools_among_those_of_a_chat_client(tool: Any) -> None:
    made = prepared(GOOGLES, tools=[tool])
    assert (sent(made)["tools"], made.caveats) == ([tool], ())


def test_a_tool_of_a_vendor_that_is_not_asked_is_left_out_and_told() -> None:
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for wire, tool in ((CLAUDE, {"urlContext": {}}), (GOOGLES, {"type": "bash_20250124", "name": "bash"})):
        made = prepared(wire, tools=[function, tool])
        assert [caveat.where for caveat in made.caveats] == ["$.tools[1]"]


def test_functions_declared_in_googles_words_are_functions_everywhere() -> None:
    declared = {"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "properties": {}}}]}
    for wire in (CLAUDE, GOOGLES):
        made = prepared(wire, tools=[declared])
        assert made.caveats == ()
        assert '"f"' in json.dumps(sent(made)["tools"])


ANTHROPICS = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.example"]}
OPENAIS = {"type": "web_search", "search_context_size": "low", "filters": {"allowed_domains": ["a.example"]}}
PLACE = {"type": "approximate", "city": "Bern"}


@pytest.mark.parametrize(
    ("dialect", "tool", "wire", "goes", "told"),
    [
        (OPENAI_CHAT, {"type": "web_search"}, GOOGLES, {"googleSearch": {}}, 0),
        (OPENAI_CHAT, {"type": "web_search_preview"}, CLAUDE, {"type": "web_search_20250305", "name": "web_search"}, 0),
        (OPENAI_CHAT, {"google_search": {}}, "openai_responses", {"type": "web_search"}, 0),
        (OPENAI_CHAT, OPENAIS, CLAUDE, {**ANTHROPICS, "max_uses": 1}, 0),
        (ANTHROPIC_MESSAGES, ANTHROPICS, GOOGLES, {"googleSearch": {}}, 1),
        (
            ANTHROPIC_MESSAGES,
            {**ANTHROPICS, "user_location": PLACE},
            "openai_responses",
            {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}, "user_location": PLACE},
            1,
        ),
        (GEMINI, {"googleSearch": {}}, CLAUDE, {"type": "web_search_20250305", "name": "web_search"}, 0),
    ],
)
def test_a_search_of_the_web_is_one_in_every_format(dialect: Wire, tool: Any, wire: str, goes: Any, told: int) -> None:
    fields: dict[str, Any] = {"max_tokens": 99} if dialect is ANTHROPIC_MESSAGES else {}
    if dialect is GEMINI:
        fields = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    made = prepared(wire, dialect, tools=[tool], **fields)
    assert sent(made)["tools"] == [goes]
    assert [caveat.code for caveat in made.caveats] == ["approximated"] * told


def test_a_search_that_a_responses_client_wants_reaches_claude() -> None:
    made = prepared(CLAUDE, OPENAI_RESPONSES, input="hi", tools=[OPENAIS])
    assert sent(made)["tools"] == [{**ANTHROPICS, "max_uses": 1}]


def test_a_search_of_what_a_vendor_keeps_is_no_search_of_the_web() -> None:
    made = prepared(CLAUDE, OPENAI_RESPONSES, input="hi", tools=[{"type": "web_search", "external_web_access": False}])
    assert "tools" not in sent(made)
    assert [caveat.code for caveat in made.caveats] == ["dropped_part"]


SERVER = {"type": "url", "url": "https://tools.example/mcp", "name": "tools"}
TOOLSET = {"type": "mcp_toolset", "mcp_server_name": "tools"}
MCP = {"type": "mcp", "server_label": "tools", "server_url": "https://tools.example/mcp", "require_approval": "never"}


@pytest.mark.parametrize(
    ("fields", "servers", "toolset"),
    [
        ({"mcp_servers": [SERVER]}, [SERVER], TOOLSET),
        ({"tools": [SERVER]}, [SERVER], TOOLSET),
        (
            {"tools": [{**MCP, "authorization": "t", "allowed_tools": ["a"]}]},
            [{**SERVER, "authorization_token": "t"}],
            {**TOOLSET, "default_config": {"enabled": False}, "configs": {"a": {"enabled": True}}},
        ),
        ({"mcp_servers": [SERVER], "tools": [TOOLSET]}, [SERVER], TOOLSET),
    ],
)
def test_servers_of_tools_reach_claude_with_a_toolset_each(fields: Any, servers: Any, toolset: Any) -> None:
    made = prepared(CLAUDE, **fields)
    assert (sent(made)["mcp_servers"], sent(made)["tools"]) == (servers, [toolset])
    assert (betas(made), made.caveats) == (["mcp-client-2025-11-20"], ())


def test_a_server_whose_calls_want_approval_is_not_given_to_who_asks_for_none() -> None:
    made = prepared(CLAUDE, tools=[{**MCP, "require_approval": "always"}])
    assert "mcp_servers" not in sent(made)
    assert "require_approval" in made.caveats[0].detail


def test_fields_of_anthropics_bring_the_betas_they_need() -> None:
    made = prepared(CLAUDE, container={"skills": [{"type": "anthropic", "skill_id": "xlsx"}]})
    assert betas(made) == ["code-execution-2025-08-25", "skills-2025-10-02"]
    made = prepared(CLAUDE, context_management={"edits": [{"type": "compact_20260112"}]})
    assert betas(made) == ["compact-2026-01-12"]
    assert betas(prepared(CLAUDE)) == []


CITED = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "The sky is green."},
    "title": "Sky",
    "citations": {"enabled": True},
}


def test_anthropics_parts_of_a_chat_clients_message() -> None:
    said = [{"type": "text", "text": "hi"}, CITED]
    made = prepared(CLAUDE, messages=[{"role": "user", "content": said}])
    assert (sent(made)["messages"][0]["content"], made.caveats) == (said, ())
    made = prepared(GOOGLES, messages=[{"role": "user", "content": said}])
    assert "VGhlIHNreSBpcyBncmVlbi4=" in made.outgoing.body.decode() or b"The sky is green." in made.outgoing.body


def test_a_file_that_a_document_names_brings_its_beta() -> None:
    document = {"type": "document", "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}}
    made = prepared(CLAUDE, messages=[{"role": "user", "content": [document, {"type": "text", "text": "hi"}]}])
    assert (betas(made), made.caveats) == (["files-api-2025-04-14"], ())


def test_thinking_with_its_signature_among_the_parts_goes_home() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [thought, hidden, {"type": "text", "text": "ho"}]},
        {"role": "user", "content": "and?"},
    ]
    made = prepared(CLAUDE, messages=turns)
    assert sent(made)["messages"][1]["content"][:2] == [thought, hidden]
    assert made.caveats == ()


def test_tool_turns_in_anthropics_words() -> None:
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "2"}]},
    ]
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    for wire in (CLAUDE, GOOGLES):
        made = prepared(wire, messages=turns, tools=[function])
        assert made.caveats == ()
        assert made.outgoing.body.count(b'"f"') + made.outgoing.body.count(b"toolu_1") >= 2


def test_an_effort_with_a_summary_beside_it() -> None:
    wish = {"effort": "low", "summary": "auto"}
    made = prepared("openai_responses", reasoning_effort=wish)
    assert (sent(made)["reasoning"], made.caveats) == (wish, ())
    made = prepared("openai/gpt-5-mini", reasoning_effort=wish)
    assert sent(made)["reasoning_effort"] == "low"
    assert [caveat.where for caveat in made.caveats] == ["$.reasoning_effort"]
    for wire, field in ((CLAUDE, "thinking"), (GOOGLES, "generationConfig")):
        assert field in sent(prepared(wire, reasoning_effort=wish))
    assert sent(prepared("openai/gpt-5-mini", reasoning_effort={"effort": "low"}))["reasoning_effort"] == "low"


@pytest.mark.parametrize("name", ["response_schema", "schema"])
def test_a_schema_beside_json_object_is_one(name: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    made = prepared(GOOGLES, response_format={"type": "json_object", name: schema})
    assert sent(made)["generationConfig"]["responseJsonSchema"] == schema
    assert made.caveats == ()


def test_what_is_said_in_a_vendors_own_fields() -> None:
    made = prepared(GOOGLES, response_mime_type="application/json", response_schema={"type": "OBJECT"})
    config = sent(made)["generationConfig"]
    assert (config["responseMimeType"], config["responseSchema"]) == ("application/json", {"type": "OBJECT"})
    made = prepared(CLAUDE, output_config={"effort": "low"})
    assert (sent(made)["output_config"], made.caveats) == ({"effort": "low"}, ())


@pytest.mark.parametrize(
    ("tool", "where"),
    [
        ({**MCP, "headers": {"x-team": "a"}}, "$.tools[0].headers"),
        ({**MCP, "allowed_tools": {"read_only": True}}, "$.tools[0]"),
    ],
)
def test_what_a_server_of_tools_cannot_be_told_at_anthropic_is_said(tool: Any, where: str) -> None:
    made = prepared(CLAUDE, tools=[tool])
    assert [caveat.where for caveat in made.caveats] == [where]
    assert ("mcp_servers" in sent(made)) is where.endswith("headers")


def test_servers_without_a_label_have_names_of_their_own() -> None:
    plain = {name: value for name, value in MCP.items() if name != "server_label"}
    made = prepared(CLAUDE, tools=[plain, {**plain, "server_url": "https://other.example/mcp"}])
    assert [server["name"] for server in sent(made)["mcp_servers"]] == ["server_0", "server_1"]


def test_the_name_of_a_file_goes_where_it_is_taken() -> None:
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}
    said = [{"role": "user", "content": [file, {"type": "text", "text": "hi"}]}]
    made = prepared("gemini/gemini-2.5-flash", messages=said)
    assert "displayName" not in made.outgoing.body.decode()
    assert [(caveat.code, caveat.where) for caveat in made.caveats] == [("dropped_field", "$.messages[0]")]


def test_fields_of_a_tool_that_anthropic_has_reach_it() -> None:
    function = {"name": "f", "parameters": {"type": "object"}}
    own = {"defer_loading": True, "input_examples": [{}]}
    for tool in (
        {"type": "function", "function": function, **own},
        {"type": "function", "function": {**function, **own}},
    ):
        made = prepared(CLAUDE, tools=[tool])
        assert sent(made)["tools"] == [{"name": "f", "input_schema": {"type": "object"}, **own}]
        assert (betas(made), made.caveats) == (["advanced-tool-use-2025-11-20"], ())


def test_more_fields_of_anthropics_from_chat() -> None:
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    made = prepared(CLAUDE, cache_control={"type": "ephemeral"}, stop_sequences=["x"], output_format=schema)
    body = sent(made)
    assert (body["cache_control"], body["stop_sequences"]) == ({"type": "ephemeral"}, ["x"])
    assert (body["output_config"], made.caveats) == ({"format": schema}, ())
