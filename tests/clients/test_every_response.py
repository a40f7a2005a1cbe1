"""The Responses format through the server, over every recording: each recorded response comes back unchanged to a
client of its own dialect and says the same to those of the others, and each recorded answer of the other formats is
told to a client of this one in the states that the specification wants."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.clients import said
from tests.clients.running import Upstream, chat_entries, deployment, messages_entries, responses_entries
from tests.clients.said import Said
from tests.clients.test_every_recording import (
    CHAT_ASK,
    FAILURES,
    MESSAGES_ASK,
    differences,
    of_chat_answer,
    of_chat_stream,
    of_messages_answer,
    of_messages_stream,
)
from tests.server.served import Answered, Served, served
from tests.wires.openai_responses import grammar

Check = Callable[[Served, dict[str, Any]], Awaitable[list[str]]]

AT_ONCE = 8
TOOL = CHAT_ASK["tools"][0]["function"]
ASK: dict[str, Any] = {"input": CHAT_ASK["messages"], "tools": [{"type": "function", **TOOL}]}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
ASKS = {"chat": CHAT_ASK, "messages": MESSAGES_ASK, "responses": ASK}


def configuration(replay: str, entries: Iterable[Mapping[str, Any]], *, form: str = "", mode: str = "") -> str:
    """`form`: put before the model's name, as LiteLLM writes it; `mode`: of `model_info`."""
    models = []
    for entry in entries:
        model = deployment(entry, replay)
        provider, _, name = model["litellm_params"]["model"].partition("/")
        model["litellm_params"]["model"] = f"{provider}/{form}{name}"
        models.append({**model, "model_info": {"mode": mode}} if mode else model)
    return json.dumps({"model_list": models, "router_settings": {"disable_cooldowns": True}})


async def over(text: str, directory: Path, entries: list[dict[str, Any]], check: Check) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    gate = asyncio.Semaphore(AT_ONCE)
    async with served(text, directory, environ={}) as gateway:

        async def one(entry: dict[str, Any]) -> None:
            async with gate:
                try:
                    told = await check(gateway, entry)
                except Exception as error:  # noqa: BLE001 each is told with the recording's name
                    told = [f"{type(error).__name__}: {str(error)[:300]}"]
            counts[f"{entry['endpoint']}, {entry['stream_format'] or 'whole'}"] += 1
            wrong.extend(f"{entry['id']} {line}" for line in told)

        await asyncio.gather(*map(one, entries))
        used = [record for record in gateway.records if record.status == 200]
        assert len(used) >= len(entries) - len(FAILURES)
        assert [record.request_id for record in used if not record.answer_id] == []
    print(f"\n{sum(counts.values())} exchanges: {dict(counts)}")
    assert not wrong, "\n".join(wrong)


async def ask(gateway: Served, entry: Mapping[str, Any], dialect: str) -> Answered:
    body = {**ASKS[dialect], "model": entry["id"]}
    if entry["stream_format"]:
        body["stream"] = True
        if dialect == "chat":
            body["stream_options"] = {"include_usage": True}
    return await gateway.post(PATHS[dialect], body)


def answered() -> list[dict[str, Any]]:
    """Without the one that was begun in the background, which says nothing yet."""
    found = [entry for entry in responses_entries() if entry["status"] == 200]
    return [entry for entry in found if said.of(said.recording(entry["id"])).end is not None]


async def test_every_recorded_response_comes_back_unchanged(replay_server: Upstream, tmp_path: Path) -> None:
    async def unchanged(gateway: Served, entry: dict[str, Any]) -> list[str]:
        answer = await ask(gateway, entry, "responses")
        recorded = said.recording(entry["id"])
        if entry["stream_format"] is None:
            same = answer.json() == recorded["response_body"]
        else:
            same = answer.body.decode().split() == recorded["response_text"].split()
        wanted = said.of(recorded)
        told = gateway.records
        (record,) = [record for record in told if record.model_requested == entry["id"]]
        assert record.relayed
        if wanted.input:  # of some the counts were made unreadable; those are estimated
            assert (record.tokens.get("input"), record.tokens.get("output")) == (wanted.input, wanted.output)
        return [] if same else [f"{answer.status}: {answer.body[:200]!r} ... {answer.body[-200:]!r}"]

    entries = answered()
    await over(configuration(replay_server.url, entries), tmp_path, entries, unchanged)


async def _says_the_same(
    entry: dict[str, Any], answer: Answered, read: Callable[[Answered], Said], *, counts: bool = False
) -> list[str]:
    assert answer.status == 200, f"{answer.status}: {answer.body[:300]!r}"
    return differences(said.of(said.recording(entry["id"])), read(answer), counts=counts)


async def test_every_recorded_response_says_the_same_in_chat(replay_server: Upstream, tmp_path: Path) -> None:
    async def in_chat(gateway: Served, entry: dict[str, Any]) -> list[str]:
        read = of_chat_stream if entry["stream_format"] else of_chat_answer
        return await _says_the_same(entry, await ask(gateway, entry, "chat"), read)

    entries = answered()
    await over(configuration(replay_server.url, entries, form="responses/"), tmp_path, entries, in_chat)


async def test_every_recorded_response_says_the_same_in_messages(replay_server: Upstream, tmp_path: Path) -> None:
    async def in_messages(gateway: Served, entry: dict[str, Any]) -> list[str]:
        read = of_messages_stream if entry["stream_format"] else of_messages_answer
        return await _says_the_same(entry, await ask(gateway, entry, "messages"), read, counts=True)

    entries = answered()
    await over(configuration(replay_server.url, entries, mode="responses"), tmp_path, entries, in_messages)


async def test_every_recorded_answer_of_the_other_formats_is_a_response(
    replay_server: Upstream, tmp_path: Path
) -> None:
    async def as_response(gateway: Served, entry: dict[str, Any]) -> list[str]:
        answer = await ask(gateway, entry, "responses")
        if entry["id"] in FAILURES:
            return _failed_honestly(answer)
        assert answer.status == 200, f"{answer.status}: {answer.body[:300]!r}"
        if entry["stream_format"]:
            final = grammar.obeys(answer.body)
        else:
            final = answer.json()
            grammar.valid(final)
        assert final["tools"][0]["name"] == "get_weather"
        return differences(said.of(said.recording(entry["id"])), said.of_response(final))

    entries = [
        entry
        for entry in (*chat_entries(), *messages_entries())
        if entry["status"] == 200 and entry["endpoint"] != "messages.count_tokens"
    ]
    await over(configuration(replay_server.url, entries, mode="chat"), tmp_path, entries, as_response)


def _failed_honestly(answer: Answered) -> list[str]:
    """An error status with a message, or a stream that ends as failed."""
    if answer.status != 200:
        return [] if answer.json()["error"]["message"] else ["no message"]
    names = [name for name, _ in answer.events()]
    return [] if names[-1] in ("response.failed", "error") else ["a normal end"]
