"""How recorded answers are read, beside how a widely used client reads them: where a field differs, docs/parity.md says
why. Each answer comes over a real socket, its stream cut at awkward places, and is asked for as a program would."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.replay import Replay, recorded
from tests.shared import SHARED
from tollbridge import completion, stream_chunk_builder
from tollbridge.errors import APIError
from tollbridge.sdk.objects import ModelResponse

PAGE = Path(__file__).resolve().parents[2] / "docs/parity.md"
SECTION = re.compile(r"^## How answers are read\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `([\w. ]+)` \| ([\w ,]+) \| (.+) \|$", re.MULTILINE)
ASK = [{"role": "user", "content": "Hello"}]
WHERE: Mapping[str, dict[str, str]] = {
    "azure": {"api_version": "2024-10-21"},
    "bedrock": {"aws_region_name": "us-east-1"},
    "vertex_ai": {"vertex_project": "PROJECT_ID", "vertex_location": "us-central1"},
}
FOLDERS = {"openai": "/v1"}
OTHERS = frozenset(
    {".choices.content_filter_results", ".choices.message.annotations", ".choices.message.provider_specific_fields"}
    | {".choices.provider_specific_fields", ".latency_checkpoint", ".sla_metrics", ".time_info", ".trace", ".x_groq"}
    | {".usage.cost_details", ".usage.server_tool_use_details"}
)
"""Objects that are compared whole: each side has its own things in them, or they tell about the serving."""
NOTHING = (None, "", 0, [], {})
"""What is absent, null, empty and zero says the same, and both sides mix them."""

pytestmark = pytest.mark.usefixtures("no_keys")


def said_on_the_page() -> dict[str, dict[str, int]]:
    """By field: how many answers of each provider differ in it."""
    (section,) = SECTION.findall(PAGE.read_text())
    rows = {}
    for field, counts, _ in ROW.findall(section):
        rows[field] = {name: int(count) for name, count in (one.split() for one in counts.split(", "))}
    return rows


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((SHARED / "parity" / "responses").glob("*.json")):
        for case in json.loads(path.read_bytes())["cases"]:
            yield path.stem, case


def ours(replay: Replay, case: dict[str, Any]) -> ModelResponse | APIError:
    """The whole answer, of a stream the chunks put together."""
    model = case["litellm_model"]
    where = model.split("/", 1)[0]
    asked: dict[str, Any] = {
        "api_base": replay.base(case["id"], FOLDERS.get(where, "")),
        "api_key": "k",
        "num_retries": 0,
        **WHERE.get(where, {}),
    }
    if recorded(case["id"]).get("stream_format") is not None:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    try:
        answer: Any = completion(model, ASK, **asked)
        return stream_chunk_builder(list(answer)) if asked.get("stream") else answer
    except APIError as error:
        return error


def differing(case: dict[str, Any], mine: ModelResponse | APIError) -> set[str]:
    theirs = case.get("response") or case.get("assembled")
    if isinstance(mine, APIError) or theirs is None:
        told = case.get("error")
        if not isinstance(mine, APIError):
            return {"read here alone"}
        if told is None:
            return {"read there alone"}
        same = (
            ("error class", type(mine).__name__, told["class"]),
            ("error status", mine.status_code, told["status_code"]),
        )
        return {name for name, left, right in same if left != right}
    left = as_read(mine)
    found = set(_differing(left, theirs, ""))
    return {path.removeprefix(".") for path in found} - {"created"}


def as_read(answer: ModelResponse) -> dict[str, Any]:
    """With what a program reads as an attribute, though the JSON has it by another name or not at all."""
    plain = answer.model_dump()
    for choice, whole in zip(plain["choices"], answer.choices, strict=True):
        if whole.message is not None:
            choice["message"]["reasoning_content"] = whole.message.reasoning_content
            for call, read in zip(
                choice["message"].get("tool_calls") or (), whole.message.tool_calls or (), strict=True
            ):
                call["type"] = read.type
    return plain


def _differing(mine: Any, theirs: Any, path: str) -> Iterator[str]:
    if mine in NOTHING and theirs in NOTHING:
        return
    if path.count(".") < 5 and _object(mine) and _object(theirs) and (mine or theirs) and path not in OTHERS:
        mine, theirs = mine or {}, theirs or {}
        for name in {*mine, *theirs}:
            yield from _differing(mine.get(name), theirs.get(name), f"{path}.{name}")
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for left, right in zip(mine, theirs, strict=True):
            yield from _differing(left, right, path)
    elif path.endswith(".arguments"):
        if _json(mine) != _json(theirs):
            yield path
    elif mine != theirs:
        yield path


def _object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _json(arguments: Any) -> Any:
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


def test_answers_are_read_the_same_but_for_what_the_page_says(replay: Replay) -> None:
    met: dict[str, Counter[str]] = {}
    for provider, case in cases():
        for field in differing(case, ours(replay, case)):
            met.setdefault(field, Counter())[provider] += 1
    assert {field: dict(counts) for field, counts in met.items()} == said_on_the_page()
