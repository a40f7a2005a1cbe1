"""Every recorded answer and stream of the three formats, asked for by a plain HTTP client: in each *other* dialect it
must say what the recording says (`said.py` reads all), in its own it must come back as it is."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clients import said
from tests.clients.running import Upstream, configuration_of, entries
from tests.clients.said import Said
from tests.server.served import Answered, Served, served

Check = Callable[[Served, dict[str, Any]], Awaitable[list[str]]]

AT_ONCE = 8
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_ASK: dict[str, Any] = {
    "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
    "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}],
}
MESSAGES_ASK: dict[str, Any] = {
    "messages": CHAT_ASK["messages"],
    "tools": [{"name": "get_weather", "input_schema": TOOL}],
    "max_tokens": 1000,
}
GEMINI_ASK: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "What is the weather in Oslo?"}]}],
    "tools": [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": TOOL}]}],
}
DIALECTS = ("chat", "messages", "gemini")
FAILURES = {
    "azure-chat_completions-663eb5451753": "an error of Azure's filter with status 200",
    "groq-chat_completions-eac0d9feaa12": "an error inside a stream",
}


def exchanges() -> Iterator[dict[str, Any]]:
    for entry in entries():
        if entry["status"] == 200 and entry["endpoint"] != "messages.count_tokens":
            yield entry


async def over_all(replay: str, directory: Path, check: Check) -> None:
    """`check` tells what is wrong with one answer. Prints how many there were of each kind."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    gate = asyncio.Semaphore(AT_ONCE)
    async with served(configuration_of(exchanges(), replay), directory, environ={}) as gateway:

        async def one(entry: dict[str, Any]) -> None:
            async with gate:
                told = await check(gateway, entry)
            counts[f"{entry['endpoint']}, {entry['stream_format'] or 'whole'}"] += 1
            wrong.extend(f"{entry['id']} {line}" for line in told)

        await asyncio.gather(*map(one, exchanges()))
    print(f"\n{sum(counts.values())} exchanges: {dict(counts)}; {len(FAILURES)} of them errors")
    assert not wrong, "\n".join(wrong)


async def ask(gateway: Served, entry: Mapping[str, Any], dialect: str) -> Answered:
    streamed = bool(entry["stream_format"])
    if dialect == "gemini":
        method = "streamGenerateContent?alt=sse" if streamed else "generateContent"
        return await gateway.post(f"/v1beta/models/{entry['id']}:{method}", GEMINI_ASK)
    path, body = ("/v1/messages", MESSAGES_ASK) if dialect == "messages" else ("/v1/chat/completions", CHAT_ASK)
    body = {**body, "model": entry["id"]}
    if streamed:
        body["stream"] = True
        if dialect == "chat":
            body["stream_options"] = {"include_usage": True}
    return await gateway.post(path, body)


# In another dialect


def of_chat_stream(answer: Answered) -> Said:
    data = [data for _, data in answer.events()]
    assert data[-1] == "[DONE]", f"it ends with {data[-1][:200]}"
    chunks = [json.loads(item) for item in data[:-1]]
    assert all(chunk["choices"] or chunk["usage"] for chunk in chunks)
    calls: dict[int, str] = {}
    for chunk in chunks:
        for call in (call for choice in chunk["choices"] for call in choice["delta"].get("tool_calls") or ()):
            calls.setdefault(call["index"], call.get("id"))
    names_are_unique(calls.values())
    return said.of_chat_chunks(chunks)


def of_chat_answer(answer: Answered) -> Said:
    body = answer.json()
    calls = body["choices"][0]["message"].get("tool_calls") or ()
    names_are_unique([body["id"]], (call["id"] for call in calls))
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in calls)
    return said.of_chat(body)


def of_messages_stream(answer: Answered) -> Said:
    """Every event is named as its type; blocks come one after the other, each with a beginning and an end."""
    events = answer.events()
    decoded = [json.loads(data) for _, data in events]
    kinds = [event["type"] for event in decoded]
    assert kinds == [name for name, _ in events]
    assert (kinds[0], *kinds[-2:]) == ("message_start", "message_delta", "message_stop"), f"it ends with {kinds[-2:]}"
    borders = [event for event in decoded if event["type"] in ("content_block_start", "content_block_stop")]
    assert [event["index"] for event in borders] == [half // 2 for half in range(len(borders))]
    assert [event["type"] for event in borders[::2]] == ["content_block_start"] * (len(borders) // 2)
    blocks = [event["content_block"] for event in borders[::2]]
    names_are_unique([decoded[0]["message"]["id"]], (block["id"] for block in blocks if block["type"] == "tool_use"))
    return said.of_messages_events(decoded)


def of_messages_answer(answer: Answered) -> Said:
    body = answer.json()
    calls = [block for block in body["content"] if block["type"] == "tool_use"]
    names_are_unique([body["id"]], (call["id"] for call in calls))
    assert all(isinstance(call["input"], dict) for call in calls)
    return said.of_messages(body)


def of_gemini_stream(answer: Answered) -> Said:
    chunks = [json.loads(data) for _, data in answer.events()]
    assert all(chunk["responseId"] == chunks[0]["responseId"] for chunk in chunks)
    ended = ["finishReason" in one for chunk in chunks for one in chunk["candidates"] if one["index"] == 0]
    assert ended == [False] * (len(ended) - 1) + [True], "its end is told elsewhere than at the end"
    return said.of_gemini_chunks(chunks)


def of_gemini_answer(answer: Answered) -> Said:
    body = answer.json()
    calls = [part["functionCall"] for part in body["candidates"][0]["content"]["parts"] if "functionCall" in part]
    assert body["responseId"]
    assert all(isinstance(call["args"], dict) for call in calls)
    return said.of_gemini(body)


def names_are_unique(*names: Iterable[str]) -> None:
    for group in names:
        listed = list(group)
        assert all(listed), "an id is missing"
        assert len(set(listed)) == len(listed), "an id stands twice"


READERS: dict[tuple[str, bool], Callable[[Answered], Said]] = {
    ("chat", True): of_chat_stream,
    ("chat", False): of_chat_answer,
    ("messages", True): of_messages_stream,
    ("messages", False): of_messages_answer,
    ("gemini", True): of_gemini_stream,
    ("gemini", False): of_gemini_answer,
}


def heard(entry: Mapping[str, Any], answer: Answered, dialect: str) -> Said:
    assert answer.status == 200, f"{answer.status}: {answer.body[:300]!r}"
    return READERS[dialect, bool(entry["stream_format"])](answer)


def differences(recorded: Said, found: Said, *, counts: bool = False) -> list[str]:
    """Counts that the provider did not tell are 0 where the dialect cannot leave them out. `counts`: the dialect tells
    our own count there, which is never less than the provider's."""
    told = []
    known = bool(recorded.input and recorded.output)
    for name in ("text", "thinking", "calls", "end", "input", "output"):
        want, have = getattr(recorded, name), getattr(found, name)
        if counts and not known and name in ("input", "output") and have is not None and have >= (want or 0):
            continue
        if want != have and not (want is None and have == 0):
            told.append(f"{name}: {str(want)[:200]!r} became {str(have)[:200]!r}")
    return told


def failed_honestly(answer: Answered) -> list[str]:
    """An error status with a message, or a stream that ends with an error event."""
    if answer.status == 200:
        name, data = answer.events()[-1]
        told = json.loads(data)
        return [] if name in ("error", "") and told.get("error", {}).get("message") else ["a normal end"]
    return [] if answer.json()["error"]["message"] else ["no message"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_recorded_answer_of_another_format_says_the_same_in_this_dialect(
    dialect: str, replay_server: Upstream, tmp_path: Path
) -> None:
    async def check(gateway: Served, entry: dict[str, Any]) -> list[str]:
        if said.format_of(entry) == dialect:
            return []
        answer = await ask(gateway, entry, dialect)
        if entry["id"] in FAILURES:
            return failed_honestly(answer)
        try:
            recorded = said.of(said.recording(entry["id"]))
            return differences(recorded, heard(entry, answer, dialect), counts=dialect == "messages")
        except (AssertionError, KeyError, ValueError) as error:
            return [repr(error)]

    await over_all(replay_server.url, tmp_path, check)


# In its own dialect


MENDED = ("mistral", "openrouter")
"""Rows with `prefers: {mend_answers: "yes"}`: nothing is changed but that `type` and `index` may be added."""


def _parsed(entry: dict[str, Any], recorded: dict[str, Any], answer: Answered) -> tuple[Any, Any]:
    if entry["stream_format"] is None:
        return recorded["response_body"], answer.json()
    lines = [line for line in recorded["response_text"].splitlines() if line.strip()]
    told = [line for line in answer.body.decode().splitlines() if line.strip()]
    return [_event(line) for line in lines], [_event(line) for line in told]


def _event(line: str) -> Any:
    data = line.removeprefix("data:").strip()
    return json.loads(data) if line.startswith("data:") and data.startswith("{") else line.strip()


def _within(recorded: Any, told: Any) -> bool:
    if isinstance(recorded, dict) and isinstance(told, dict):
        added = told.keys() - recorded.keys()
        return added <= {"type", "index"} and all(
            name in told and _within(value, told[name]) for name, value in recorded.items()
        )
    if isinstance(recorded, list) and isinstance(told, list):
        return len(recorded) == len(told) and all(map(_within, recorded, told))
    return bool(recorded == told)


async def unchanged(gateway: Served, entry: dict[str, Any]) -> list[str]:
    answer = await ask(gateway, entry, said.format_of(entry))
    if entry["id"] in FAILURES:
        return []
    recorded = said.recording(entry["id"])
    if entry["provider"] in MENDED:
        return [] if _within(*_parsed(entry, recorded, answer)) else [f"{answer.status}: {answer.body[:200]!r}"]
    if entry["stream_format"] is None:
        same = answer.json() == recorded["response_body"]
    elif entry["stream_format"] == "json-array":  # events were asked for, which this server of the past did not know
        same = [json.loads(data) for _, data in answer.events()] == json.loads(recorded["response_text"])
    else:
        same = answer.body.decode().split() == recorded["response_text"].split()  # ends with one empty line or with two
    return [] if same else [f"{answer.status}: {answer.body[:200]!r} ... {answer.body[-200:]!r}"]


async def test_every_recorded_answer_comes_back_unchanged_in_its_own_dialect(
    replay_server: Upstream, tmp_path: Path
) -> None:
    await over_all(replay_server.url, tmp_path, unchanged)
