"""Any to any: each golden file is what goes out today, and that is what the vendor's own SDK could have sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import message_create_params as claude
from google.genai import types as google
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from tests.wires.any_to_any.table import DIALECTS, MODELS, deployed, golden, requested, text_of, written
from tests.wires.bedrock_converse import valid
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES
from tollbridge.calls.prepare import prepare

STRICT = ConfigDict(extra="forbid")
OLDER = {"temperature", "top_k", "top_p"}
"""What models that came before the newest SDK's types take."""
PAIRS = [pytest.param(dialect, name, id=f"{dialect}-to-{name}") for dialect in DIALECTS for name in MODELS]
SDK: dict[str, TypeAdapter[Any]] = {
    "openai_chat": TypeAdapter(list[chat.CompletionCreateParamsNonStreaming], config=STRICT),
    "anthropic_messages": TypeAdapter(list[claude.MessageCreateParamsNonStreaming], config=STRICT),
    "openai_responses": TypeAdapter(list[responses.ResponseCreateParamsNonStreaming], config=STRICT),
}
GOOGLE: dict[str, TypeAdapter[Any]] = {
    "contents": TypeAdapter(list[google.Content]),
    "systemInstruction": TypeAdapter(google.Content),
    "tools": TypeAdapter(list[google.Tool]),
    "toolConfig": TypeAdapter(google.ToolConfig),
    "generationConfig": TypeAdapter(google.GenerationConfig),
}
"""A body of Gemini's is put together from these: the SDK has no type for the whole."""
JUDGES = {
    "openai": "openai_chat",
    "openai-reasoning": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic": "anthropic_messages",
    "gemini": "gemini",
}
"""Whose types hold for whom. Who adds to the chat format, or takes from it, has no published types here."""


@pytest.mark.parametrize(("dialect", "name"), PAIRS)
def test_what_goes_out_is_what_was_read(dialect: str, name: str) -> None:
    found = text_of(written(dialect, MODELS[name]))
    assert found == golden(dialect, name).read_text(), "see tests/wires/any_to_any/table.py for how to write it anew"


def test_there_is_no_file_for_what_is_not_in_the_table() -> None:
    expected = {golden(dialect, name).name for dialect in DIALECTS for name in MODELS}
    assert {file.name for file in golden("x", "y").parent.iterdir()} == expected


@pytest.mark.parametrize(
    ("dialect", "name"),
    [pytest.param(dialect, name, id=f"{dialect}-to-{name}") for dialect in DIALECTS for name in JUDGES],
)
def test_the_vendors_own_types_take_it(dialect: str, name: str) -> None:
    out = written(dialect, MODELS[name])
    judge = "openai_responses" if out["sent"].endswith("/responses") else JUDGES[name]
    assert not list(complaints(judge, out["body"]))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_request_itself_is_one_of_its_dialect(dialect: str) -> None:
    """In chat with the fields that carry what it lacks, which the SDK does not know: it stops at the first."""
    told = [complaint.partition(":")[0].rpartition(".")[2] for complaint in complaints(dialect, requested(dialect))]
    assert told == (["cache_control"] if dialect == "openai_chat" else [])


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", MODELS)
def test_nothing_of_weight_is_lost_without_a_word(dialect: str, name: str) -> None:
    """The words of the conversation, its picture and report, its calls and its tools arrive everywhere, or a Caveat
    tells of them."""
    out = written(dialect, MODELS[name])
    sent, caveats = json.dumps(out["body"]), json.dumps(out["caveats"])
    for weight, excuse in (
        ("You compare weather. Be brief.", ""),
        ("Where is it warmer? The picture and the report may help.", ""),
        ("-3 degrees", ""),
        ("No station answers.", ""),
        ("Clear over Rome.", ""),
        ("Then say what you can.", ""),
        ("get_weather", ""),
        ("A picture of an area.", ""),
        ("Where it is warmer", "response_format"),
        ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "image"),
        ("JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZz4", "pdf"),
        ("I need both readings, and the radar picture.", "hinking"),
    ):
        assert weight in sent or (excuse and excuse in caveats), weight


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("tier", [[], {}, 1])
def test_a_service_that_is_no_word_breaks_no_writer(name: str, tier: Any) -> None:
    body = json.dumps({"model": "any", "messages": [{"role": "user", "content": "Hi"}], "service_tier": tier}).encode()
    ask = Ask(WIRES["openai_chat"], body, peek(body), "any", stream=False)
    assert prepare(ask, deployed(MODELS[name]).for_dialect("openai_chat")).outgoing.body


def complaints(judge: str, body: dict[str, Any]) -> list[str]:
    """What the vendor's types do not know or do not take: the field's path, and why."""
    try:
        if judge == "gemini":
            for field, value in body.items():
                GOOGLE[field].validate_python(value)
        else:
            older = OLDER if judge == "anthropic_messages" else set()
            walked(SDK[judge].validate_python([{name: body[name] for name in body if name not in older}]))
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    except ValueError as error:
        return [str(error)]
    return []


def walked(value: Any) -> Any:
    """Iterables are validated only while they are read. A type of an *answer*, which some SDKs take in requests too and
    which allows any field, does not count."""
    if isinstance(value, BaseModel):
        raise ValueError(f"a {type(value).__name__} with fields of no request: {value.model_dump(exclude_unset=True)}")
    if isinstance(value, dict):
        return {key: walked(inner) for key, inner in value.items()}
    return [walked(inner) for inner in value] if hasattr(value, "__iter__") and not isinstance(value, str) else value


@pytest.mark.parametrize("name", ["bedrock-claude", "bedrock-nova"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_body_for_converse_is_one_that_the_services_own_description_takes(dialect: str, name: str) -> None:
    assert not valid.faults(written(dialect, MODELS[name])["body"])
