"""A provider that does not tell what was used: a client of Anthropic's format, which has no word for that, is told our
own count, the same that the ledger enters; the others are told nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.faults import (
    CHAT,
    DONE,
    MESSAGES,
    STOP,
    USAGE,
    WHOLE,
    ask,
    configuration,
    entry,
    recorded,
    stream,
    word,
)
from tests.server.served import Answered, served
from tests.transport.upstream import Peer, Script, Upstream, answer


def saying(usage: Any, *, streams: bool = True) -> Script:
    body = {name: value for name, value in WHOLE.items() if name != "usage"} | (
        {} if usage is None else {"usage": usage}
    )
    whole = answer(json.dumps(body).encode(), "content-type: application/json", status="200 OK")
    told = b"" if usage is None else b"data: %b\n\n" % json.dumps({"choices": [], "usage": usage}).encode()

    async def script(peer: Peer) -> None:
        while asked := await peer.request():
            peer.send(stream(word("hello"), STOP, told, DONE) if streams and b'"stream":true' in asked else whole)

    return script


def usage_of(told: Answered) -> dict[str, Any]:
    if told.headers["content-type"].startswith("application/json"):
        return told.json()["usage"]  # type: ignore[no-any-return]
    (delta,) = [json.loads(data) for event, data in told.events() if event == "message_delta"]
    return delta["usage"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("streams", "answers_whole"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("usage", [None, {**USAGE, "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
async def test_it_is_what_the_ledger_has(tmp_path: Path, usage: Any, streams: bool, answers_whole: bool) -> None:
    async with Upstream(saying(usage, streams=not answers_whole)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            told = await gateway.post(MESSAGES, ask(stream=streams, text="How many words are these?"))
            record = await recorded(gateway)
    shown = usage_of(told)
    assert shown["input_tokens"] > 0
    assert shown["output_tokens"] > 0
    assert (shown["input_tokens"], shown["output_tokens"]) == (record.tokens["input"], record.tokens["output"])
    assert record.estimated
    assert "estimated $.usage" in record.caveats


async def test_what_was_told_is_told(tmp_path: Path) -> None:
    async with Upstream(saying(USAGE)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            told = await gateway.post(MESSAGES, ask(stream=True))
            record = await recorded(gateway)
    shown = usage_of(told)
    assert (shown["input_tokens"], shown["output_tokens"]) == (USAGE["prompt_tokens"], USAGE["completion_tokens"])
    assert not record.estimated
    assert record.caveats == ()


async def test_a_format_with_a_word_for_not_known_tells_nothing(tmp_path: Path) -> None:
    async with Upstream(saying(None)) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            whole = await gateway.post(CHAT, ask())
            responses = await gateway.post("/v1/responses", {"model": "m", "input": "hi"})
            gemini = await gateway.post(
                "/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
            )
    assert "usage" not in whole.json()
    assert responses.json().get("usage") is None
    assert "usageMetadata" not in gemini.json()
