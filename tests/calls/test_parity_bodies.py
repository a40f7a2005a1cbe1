"""What is sent for the same request as a widely used implementation sends it: each field that differs, and why."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.shared import SHARED
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import prepare
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.openai_chat import OPENAI_CHAT

WATSONX = {"watsonx_region_name": "us-south", "project_id": "PROJECT_ID"}
BEDROCK = Given(api_key="k", extra={"aws_region_name": "us-east-1"})
TARGETS = {
    "watsonx": ("watsonx/ibm/granite-3-8b-instruct", Given(api_key="k", extra=WATSONX)),
    "databricks": (
        "databricks/databricks-claude-sonnet-4",
        Given(api_key="k", api_base="https://workspace.azuredatabricks.net/serving-endpoints"),
    ),
    "huggingface": ("huggingface/deepseek-ai/DeepSeek-R1", Given(api_key="k")),
    "azure_ai": ("azure_ai/grok-3", Given(api_key="k", api_base="https://resource.services.ai.azure.com")),
    "bedrock_claude": ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", BEDROCK),
    "bedrock_nova": ("bedrock/us.amazon.nova-pro-v1:0", BEDROCK),
    "bedrock_llama": ("bedrock/us.meta.llama3-3-70b-instruct-v1:0", BEDROCK),
    "bedrock_invoke_claude": ("bedrock/invoke/anthropic.claude-3-5-sonnet-20240620-v1:0", BEDROCK),
}

KEPT = "a message stays as its client wrote it: `content: null` and texts in lists are OpenAI's own forms"
ASKED = "a stream is asked to tell its usage"
MENDED = (
    "the first turn is the user's; results are in the order of their calls, calls stay calls without tools, nothing is "
    "an empty text; a system message inside the conversation is told in tags"
)
WORDS = "JSON mode, and a schema where nothing else will do, are asked for in words instead of not at all"
CLIENTS = "a field of the client's goes on as it is"
DIFFERS: dict[str, dict[str, str]] = {
    "watsonx": {
        "model": "IBM's field is `model_id`, which both send",
        "stream": "the path says it",
        "max_completion_tokens": "IBM takes it; there it is refused or left out",
        "messages": KEPT,
    },
    "databricks": {
        "messages": KEPT,
        "tools": "a schema that nobody gave is not made up, `strict` stays, and JSON mode is no forced tool",
        "tool_choice": "JSON mode is no forced tool",
        "response_format": "recorded exchanges have it",
    },
    "huggingface": {
        "max_retries": "it is no field of a body",
        "messages": KEPT,
        "reasoning_effort": CLIENTS,
        "stream_options": ASKED,
    },
    "bedrock_claude": {
        "inferenceConfig": "an empty object says nothing; this Claude takes temperature or top_p, not both",
        "messages": MENDED,
        "toolConfig": "a schema stays as it is, references too; tools that only the history knows are declared",
        "additionalModelRequestFields": "`tool_choice: none` is told to Claude; effort `low` is a budget of 2048",
    },
    "bedrock_nova": {
        "inferenceConfig": "an empty object says nothing",
        "messages": MENDED,
        "toolConfig": "`additionalProperties` stays, as recorded; what must not be called is not offered",
        "system": WORDS,
        "requestMetadata": "`metadata` has a place here",
        "serviceTier": "`auto` leaves it to the service",
    },
    "bedrock_llama": {
        "inferenceConfig": "an empty object says nothing",
        "messages": MENDED,
        "toolConfig": "as for Nova; a schema is no tool, for Llama cannot be made to call one",
        "system": WORDS,
        "requestMetadata": "`metadata` has a place here",
        "serviceTier": "`auto` leaves it to the service",
    },
    "bedrock_invoke_claude": {
        "messages": MENDED,
        "tools": "`type: custom` is the default; a schema for the answer is no tool here",
        "tool_choice": "parallel calls are the default; a schema for the answer is no tool here",
        "system": WORDS,
        "max_tokens": "no more than the model's limit",
    },
    "azure_ai": {
        "messages": KEPT,
        "tool_choice": CLIENTS,
        "reasoning_effort": CLIENTS,
        "thinking": CLIENTS,
        "metadata": CLIENTS,
        "user": CLIENTS,
        "stream_options": ASKED,
    },
}


def cases(target: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(request, the body that was sent for it)."""
    found = []
    path = SHARED / "parity" / "requests" / f"chat_{target}.json"
    for case in json.loads(path.read_bytes())["cases"]:
        dropped = case.get("with_drop_params") or {}
        sent = [one for one in case.get("sent") or dropped.get("sent") or () if one["method"] == "POST"]
        if sent:
            found.append((case["request"], sent[-1]["body"]))
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_bodies_are_the_same_but_for_what_is_said_here(target: str) -> None:
    model, given = TARGETS[target]
    deployment = build(Wanted(id="d", group="m", model=model, given=given), {}, ROWS)
    met: Counter[str] = Counter()
    for request, theirs in cases(target):
        body = json.dumps({"model": "m", **request}).encode()
        ask = Ask(OPENAI_CHAT, body, peek(body), "m", stream=bool(request.get("stream")))
        ours = json.loads(prepare(ask, deployment).outgoing.body)
        met.update(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    print(f"\n{target}: {len(cases(target))} requests, {dict(met)}")
    assert set(met) == set(DIFFERS[target])
    assert len(cases(target)) > 30
