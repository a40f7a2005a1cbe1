"""Who asks for a path that is not here is told what is, and it costs the gateway little whatever the path is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.server.faults import configuration, entry
from tests.server.served import served
from tollbridge.server.absent import ABSENT
from tollbridge.server.astray import said_of
from tollbridge.server.routes import RouteTable

TWICE = "is there twice: take it out of the client's base URL."


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/v1/chat/completions", f"/v1 {TWICE} /v1/chat/completions is here."),
        ("/v1/v1/messages", f"/v1 {TWICE} /v1/messages is here."),
        ("/v1beta/v1beta/models/m:generateContent", f"/v1beta {TWICE} /v1beta/models/m:generateContent is here."),
        ("/v1/chat/completions/chat/completions", f"/chat/completions {TWICE} /v1/chat/completions is here."),
        ("/api/v1/chat/completions", "/v1/chat/completions is here."),
        ("/v1/metrics", "/metrics is here."),
        ("/v1/chat/completion", "Did you mean /v1/chat/completions?"),
        ("/v1/models/", "Did you mean /v1/models?"),
    ],
)
async def test_a_path_that_is_nearly_one_is_told_the_one(tmp_path: Path, path: str, told: str) -> None:
    async with served(configuration(entry("m", 9)), tmp_path) as gateway:
        answered = await gateway.post(path, {})
    assert answered.status == 404
    assert answered.json()["error"]["message"] == f"There is no {path} here. {told}"


async def test_a_way_through_that_is_not_set_up_says_what_sets_it_up(tmp_path: Path) -> None:
    async with served(None, tmp_path) as gateway:
        claude = await gateway.post("/anthropic/v1/messages", {})
        google = await gateway.post("/gemini/v1beta/files", {})
        signed = await gateway.post("/bedrock/model/m/converse", {})
    assert claude.status == google.status == signed.status == 404
    told = claude.json()["error"]["message"]
    assert "set ANTHROPIC_API_KEY" in told
    assert "model_list" in told
    assert told.endswith("/v1/messages is here.")
    assert "set GEMINI_API_KEY or GOOGLE_API_KEY" in google.json()["error"]["message"]
    assert "set AWS_BEARER_TOKEN_BEDROCK," in signed.json()["error"]["message"], "with other keys there is no way"


async def test_a_method_of_gemini_that_nobody_knows_is_told_those_that_there_are(tmp_path: Path) -> None:
    async with served(configuration(entry("m", 9)), tmp_path) as gateway:
        answered = await gateway.post("/v1beta/models/m:generateStuff", {})
        read = await gateway.send("DELETE", "/v1beta/models/m")
    assert answered.status == read.status == 405
    told = answered.json()["error"]["message"]
    assert told.startswith("/v1beta/models/{id} takes GET, HEAD. By POST there are {id}:generateContent, ")
    assert "{id}:embedContent" in told
    assert read.json()["error"]["message"] == "/v1beta/models/{id} takes GET, HEAD."


@pytest.mark.parametrize(
    "path", ["/" + "v1/" * 20_000, "/" + "a" * 60_000, "/v1/" + "chat/" * 11, "/" + "a" * 59, "/v1" * 16, "/" * 200]
)
def test_a_path_that_is_not_here_is_looked_at_quickly(path: str) -> None:
    table = RouteTable()

    def told() -> str:
        return said_of(path, table.exact(), lambda other: table.find(other, "POST") is not None)

    told()
    began = time.process_time()
    for _ in range(100):
        assert len(told()) < 500
    assert time.process_time() - began < 2


def test_what_litellm_has_there_goes_before_what_resembles_it() -> None:
    table = RouteTable()
    spelled = [beginning for one in ABSENT for beginning in one.beginnings]
    assert "/health/services" in spelled
    assert "Instead: " in said_of("/health/services", table.exact(), lambda _: False)
