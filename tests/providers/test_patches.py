from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tollbridge.calls.build import WIRES
from tollbridge.providers import patches
from tollbridge.providers.row import Patch
from tollbridge.providers.table import ROWS
from tollbridge.wires.base import Target

PATCHES = sorted(
    {patch for row in ROWS.values() for rule in (row, *row.models) for patch in rule.patches}, key=lambda p: p.__name__
)

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "Be brief.", "name": "ops"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "ann"},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
            "annotations": [],
            "tool_calls": [
                {"id": "call_abcdefghijk", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_abcdefghijk", "content": "1", "name": "f"},
        {"role": "assistant", "content": "One.", "tool_calls": None},
    ],
}

ODD: list[dict[str, Any]] = [
    {},
    {"messages": None},
    {"messages": "hi"},
    {"messages": [None, 3, "x", {}]},
    {"messages": [{"role": 3, "content": {"a": 1}, "tool_calls": "x", "tool_call_id": 4, "thinking_blocks": "x"}]},
    {"messages": [{"role": "assistant", "tool_calls": [None, {"id": None}, {"id": 5}], "reasoning_content": 3}]},
    {"messages": [{"role": "assistant", "content": [], "reasoning_content": "x", "thinking_blocks": [None, {}]}]},
    {"messages": [{"role": "assistant", "content": 5, "reasoning_content": "x", "tool_calls": 5}]},
    {"messages": [{"role": "assistant", "content": {"a": 1}, "reasoning_content": "x"}]},
    {"messages": [{"role": "assistant", "content": "x", "thinking_blocks": 5}]},
]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_a_patch_is_pure_and_harmless_when_run_twice(patch: Patch) -> None:
    for body in (BODY, *ODD):
        before = copy.deepcopy(body)
        once = patch(body)
        assert body == before
        assert patch(copy.deepcopy(once)) == once
        json.dumps(once)


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.__name__)
def test_a_patch_names_its_source(patch: Patch) -> None:
    assert patch.__doc__
    told = " ".join(patch.__doc__.split())
    assert "seen 2026" in told or "OpenAI" in told or "LiteLLM" in told


def test_mistral_gets_short_ids_that_still_belong_together() -> None:
    messages = patches.short_tool_ids(BODY)["messages"]
    short = messages[2]["tool_calls"][0]["id"]
    assert len(short) == 9
    assert short.isalnum()
    assert messages[3]["tool_call_id"] == short
    assert patches.short_id("aB3dE5gH1") == "aB3dE5gH1"
    assert patches.short_id("call_1") != patches.short_id("call_2")


def test_mistral_gets_no_field_that_it_refuses_and_magistral_its_thinking_as_parts() -> None:
    body: dict[str, Any] = BODY
    for patch in ROWS["mistral"].for_model("magistral-medium-latest").patches:
        body = patch(body)
    system, user, called, answered, said = body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert set(user) == {"role", "content"}
    assert called["content"] == [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    assert set(called) == {"role", "content", "tool_calls"}
    assert answered["name"] == "f"
    assert said == {"role": "assistant", "content": "One."}


def test_mistral_gets_a_file_as_a_link_that_holds_it_and_one_of_its_store_by_its_own_word() -> None:
    url = "data:application/pdf;base64,JVBERi0="
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Read"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
        {"type": "file", "file": {"file_data": url}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "file", "file_id": "f"},
        {"type": "file", "file": 5},
    ]
    [sent] = patches.mistral_messages({"messages": [{"role": "user", "content": parts}]})["messages"]
    assert sent["content"] == [
        parts[0],
        {"type": "document_url", "document_url": url, "document_name": "a.pdf"},
        {"type": "document_url", "document_url": url},
        parts[4],
        *parts[4:],
    ]


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
            "data:application/pdf;base64,JVBERi0=",
        ),
        ({"type": "url", "url": "https://x.example/a.pdf"}, "https://x.example/a.pdf"),
    ],
)
def test_mistral_gets_a_document_of_another_dialect_likewise(source: dict[str, Any], url: str) -> None:
    asked = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [{"type": "document", "source": source}]}],
    }
    request = WIRES["anthropic_messages"].read_request(asked).value
    written = WIRES["openai_chat"].write_request(request, Target(model="m", prefers=ROWS["mistral"].prefers))
    [part] = written.value.body["messages"][0]["content"]
    assert (part["type"], part["document_url"]) == ("document_url", url)
    assert not written.caveats


def test_deepseek_gets_its_reasoning_back_in_turns_with_tools_even_an_empty_one() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    body = {
        "messages": [
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "kept"},
            {"role": "assistant", "content": "", "thinking_blocks": [{"thinking": "from "}, {"thinking": "Claude"}]},
            {"role": "assistant", "content": "plain"},
        ]
    }
    first, second, third, last = patches.keep_reasoning_of_tool_turns(body)["messages"]
    assert first["reasoning_content"] == ""
    assert second["reasoning_content"] == "kept"
    assert third == {"role": "assistant", "content": "", "reasoning_content": "from Claude"}
    assert "reasoning_content" not in last


def test_lists_of_texts_become_one_text_and_pictures_stay() -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    mixed = {"role": "user", "content": [{"type": "text", "text": "a"}, picture]}
    body = {"messages": [BODY["messages"][1], mixed]}
    first, second = patches.texts_as_strings(body)["messages"]
    assert first["content"] == "a\nb"
    assert second == mixed


def test_strict_providers_get_only_what_everybody_knows() -> None:
    messages = patches.standard_messages(BODY)["messages"]
    assert {name for message in messages for name in message} == {"role", "content", "tool_calls", "tool_call_id"}


def test_perplexity_is_told_a_preset_the_kind_of_each_item_and_a_schema_in_its_own_places() -> None:
    form = {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": True}
    items = [{"role": "user", "content": "hi"}, {"type": "function_call_output", "call_id": "c", "output": "1"}, "x"]
    sent = patches.perplexity_agent(
        {"model": "preset/fast", "input": items, "text": {"format": form, "verbosity": "low"}}
    )
    assert sent == {
        "preset": "fast",
        "input": [{"type": "message", **items[0]}, *items[1:]],  # type: ignore[dict-item]
        "text": {"verbosity": "low"},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True},
        },
    }
    assert patches.perplexity_agent(
        {"model": "perplexity/sonar", "input": "hi", "text": {"format": {"type": "text"}}, "include": ["x"]}
    ) == {"model": "perplexity/sonar", "input": "hi"}
    assert patches.perplexity_agent({"input": "hi", "text": {"format": {"type": "json_object"}}}) == {
        "input": "hi",
        "response_format": {"type": "json_object"},
    }
    chat = {"model": "preset/fast", "messages": []}
    assert patches.perplexity_agent(chat) is chat
