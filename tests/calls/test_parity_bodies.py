"""What is sent for the same request as a widely used client sends: where a field differs, docs/parity.md says why."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.shared import SHARED
from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.prepare import prepare
from tollbridge.errors import BadRequestError
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.openai_chat import OPENAI_CHAT

PAGE = Path(__file__).resolve().parents[2] / "docs/parity.md"
SECTION = re.compile(r"^## (\w+)\n\n`(.+?)`, (\d+) requests\n\n\| field .+\n.+\n((?:\|.+\n)*)", re.MULTILINE)
ROW = re.compile(r"\| `(\w+)` \| (\d+) \| (.+) \|")
GIVEN = {
    "azure": Given(api_key="k", api_base="https://resource.openai.azure.com", api_version="2024-10-21"),
    "azure_ai": Given(api_key="k", api_base="https://resource.services.ai.azure.com"),
    "databricks": Given(api_key="k", api_base="https://workspace.azuredatabricks.net/serving-endpoints"),
    "perplexity": Given(api_key="k", api_base="https://perplexity.example"),  # at its own address its chat is gone
    "ollama_chat": Given(api_base="http://localhost:11434"),
    "vertex_claude": Given(api_key="ya29.k", extra={"vertex_project": "PROJECT_ID", "vertex_location": "us-east5"}),
    "vertex_gemini": Given(api_key="ya29.k", extra={"vertex_project": "PROJECT_ID", "vertex_location": "us-central1"}),
    "watsonx": Given(api_key="k", extra={"watsonx_region_name": "us-south", "project_id": "PROJECT_ID"}),
    **{
        f"bedrock_{name}": Given(api_key="k", extra={"aws_region_name": "us-east-1"})
        for name in ("claude", "invoke_claude", "llama", "nova")
    },
}


def sections() -> dict[str, tuple[str, int, dict[str, int]]]:
    """By target: model, requests, and how often each field differs."""
    found = SECTION.findall(PAGE.read_text() + "\n")
    return {
        target: (model, int(count), {field: int(times) for field, times, _ in ROW.findall(rows)})
        for target, model, count, rows in found
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


def camel(value: Any) -> Any:
    """Gemini takes both spellings of a name."""
    if isinstance(value, dict):
        return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name): camel(one) for name, one in value.items()}
    return [camel(one) for one in value] if isinstance(value, list) else value


def ours(target: str, model: str, request: dict[str, Any]) -> dict[str, Any] | None:
    """None of what is refused here."""
    given = GIVEN.get(target, Given(api_key="k"))
    deployment = build(Wanted(id="d", group="m", model=model, given=given), {}, ROWS)
    body = json.dumps({"model": "m", **request}).encode()
    ask = Ask(OPENAI_CHAT, body, peek(body), "m", stream=bool(request.get("stream")))
    try:
        sent: dict[str, Any] = json.loads(prepare(ask, deployment).outgoing.body)
    except BadRequestError:
        return None
    return sent


@pytest.mark.parametrize("target", sections())
def test_bodies_are_the_same_but_for_what_the_page_says(target: str) -> None:
    model, count, said = sections()[target]
    met: Counter[str] = Counter()
    compared = 0
    for request, theirs in cases(target):
        mine = ours(target, model, request)
        if mine is None:
            continue
        if "gemini" in target:
            mine, theirs = camel(mine), camel(theirs)
        compared += 1
        met.update(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    assert dict(met) == said
    assert compared == count


def test_each_target_has_its_section() -> None:
    folder = SHARED / "parity" / "requests"
    assert set(sections()) == {path.stem.removeprefix("chat_") for path in folder.glob("chat_*.json")}
