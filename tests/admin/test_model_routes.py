"""`/model/info`, `/model_group/info`, `/health`, `/utils/*`, `/routes`, `/key/aliases` through a whole gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, PROVIDER_KEY, ask, configuration, entry
from tollbridge.server.routes import ROUTES

SECRET = "sk-canary-in-the-info"


def models(port: int) -> str:
    info = {"id": "fast-1", "max_input_tokens": 1000, "supports_vision": True, "team": "blue", "my_api_key": SECRET}
    return configuration(
        entry("fast", port, info=info, rpm=7, input_cost_per_token=0.000001, output_cost_per_token=0.000002),
        entry("fast", port, model="openai/gpt-4.1", info={"id": "fast-2"}, rpm=3),
        entry("dear", port, "anthropic", info={"id": "dear-1"}),
        entry("any/*", port, model="openai/*"),
        router={"model_group_alias": {"quick": "fast", "hid": {"model": "dear", "hidden": True}}, "num_retries": 0},
    )


async def told(gateway: Accounted, path: str, key: str | None = None, status: int = 200) -> Any:
    answered = await gateway.send("GET", path, **({} if key is None else {"key": key}))
    assert answered.status == status, (path, answered.body)
    assert SECRET not in answered.body.decode()
    assert PROVIDER_KEY not in answered.body.decode()
    assert "127.0.0.1" not in answered.body.decode()
    return answered.json()


@pytest.mark.parametrize("path", ["/model/info", "/v1/model/info"])
async def test_each_deployment_is_told_with_its_limits_and_prices_and_no_secret(tmp_path: Path, path: str) -> None:
    async with accounted(models(9), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]
        rows = (await told(gateway, path))["data"]
        [one] = (await told(gateway, f"{path}?litellm_model_id=fast-1", key))["data"]
        mine = (await told(gateway, path, key))["data"]
        for id in ("dear-1", "nobody"):
            await told(gateway, f"{path}?litellm_model_id={id}", key, status=404)
    named = [(row["model_name"], row["model_info"]["id"]) for row in rows]
    assert named == [
        *(("fast", "fast-1"), ("fast", "fast-2"), ("dear", "dear-1")),
        *(("quick", "fast-1"), ("quick", "fast-2"), ("any/*", None)),
    ]
    assert {row["model_info"]["id"] for row in mine} == {"fast-1", "fast-2"}
    assert one["litellm_params"] == {"model": "openai/fast", "rpm": 7}
    info = one["model_info"]
    assert (info["max_input_tokens"], info["supports_vision"], info["team"]) == (1000, True, "blue")
    assert (info["input_cost_per_token"], info["output_cost_per_token"], info["db_model"]) == (1e-6, 2e-6, False)
    assert rows[1]["model_info"]["max_input_tokens"] > 1_000_000, "what the catalog knows"


async def test_a_group_is_told_as_one(tmp_path: Path) -> None:
    async with accounted(models(9), tmp_path) as gateway:
        key = (await gateway.made(models=["fast", "any/*"]))["key"]
        every = (await told(gateway, "/model_group/info"))["data"]
        mine = (await told(gateway, "/model_group/info", key))["data"]
        [made] = (await told(gateway, "/model_group/info?model_group=any/gpt-4.1-mini", key))["data"]
        for name in ("dear", "hid", "dear-1", "nothing"):
            await told(gateway, f"/model_group/info?model_group={name}", key, status=404)
    assert [one["model_group"] for one in every] == ["fast", "dear", "quick"]
    assert [one["model_group"] for one in mine] == ["fast", "quick"]
    fast = mine[0]
    assert (fast["providers"], fast["rpm"], fast["tpm"]) == (["openai"], 10, None)
    assert fast["input_cost_per_token"] == 2e-6, "the dearer of the two"
    assert fast["supports_vision"] is True
    assert {fast["supports_computer_use"], every[1]["supports_url_context"]} == {None}, "nobody knows"
    assert {"temperature", "tools", "stream"} <= set(fast["supported_openai_params"])
    assert "n" not in every[1]["supported_openai_params"]
    assert made["mode"] == "chat"


async def test_health_tells_who_rests_and_asks_nobody(tmp_path: Path) -> None:
    async with serving() as mock, accounted(models(mock.port), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]
        well = await told(gateway, "/health")
        mock.provider.order("dear", always="status=401")
        assert (await gateway.send("POST", CHAT, ask("dear"))).status == 401
        asked = mock.provider.books.requests
        ill = await told(gateway, "/health")
        mine = await told(gateway, "/health", key)
        await told(gateway, "/health?model=dear", status=503)
        await told(gateway, "/health?model_id=fast-1", key)
        for query in ("model=dear", "model_id=dear-1", "model=none"):
            await told(gateway, f"/health?{query}", key, status=404)
        assert mock.provider.books.requests == asked
    assert (well["healthy_count"], well["unhealthy_count"]) == (3, 0)
    [one] = ill["unhealthy_endpoints"]
    assert (one["model"], one["model_id"], one["error"]) == ("anthropic/dear", "dear-1", "AuthenticationError (401)")
    assert (mine["healthy_count"], mine["unhealthy_count"]) == (2, 0)


async def test_what_is_configured_and_serves_nothing_is_told_everywhere_alike(tmp_path: Path) -> None:
    unset = {"api_key": "os.environ/NOBODY_SET_IT"}
    text = configuration(
        entry("fast", 9, info={"id": "fast-1"}),
        entry("fast", 9, info={"id": "fast-2"}, **unset),
        entry("off", 9, info={"id": "off-1"}, **unset),
        entry("any/*", 9, model="openai/*", info={"id": "any-1"}, **unset),
        router={"model_group_alias": {"quick": "off"}},
    )
    async with accounted(text, tmp_path) as gateway:
        key = (await gateway.made(models=["fast", "any/*"]))["key"]
        every, mine = await told(gateway, "/health"), await told(gateway, "/health", key)
        await told(gateway, "/health?model=off", status=503)
        await told(gateway, "/health?model=any/x", status=503)
        await told(gateway, "/health?model=off", key, status=404)
        names = [one["id"] for one in (await told(gateway, "/v1/models"))["data"]]
        refused = [await gateway.send("POST", CHAT, ask(name)) for name in ("off", "quick", "any/x")]
        unknown = await gateway.send("POST", CHAT, ask("nothing-like-it"))
    assert (every["healthy_count"], every["disabled_count"]) == (1, 3)
    why = "NOBODY_SET_IT is not set"
    assert [(one["model_id"], one["model_name"]) for one in every["disabled_endpoints"]] == [
        *(("fast-2", "fast"), ("off-1", "off"), ("any-1", "any/*"))
    ]
    assert all(why in one["error"] for one in every["disabled_endpoints"])
    assert [one["model_id"] for one in mine["disabled_endpoints"]] == ["fast-2", "any-1"]
    assert why not in json.dumps(mine)
    assert names == ["fast"]
    assert {(one.status, one.json()["error"]["code"]) for one in refused} == {(503, "no_enabled_deployment")}
    assert unknown.json()["error"]["message"].endswith("does not exist here. Known here: fast.")


async def test_tokens_are_counted_for_any_name_and_whose_model_it_is_is_told_to_whom_it_is_for(tmp_path: Path) -> None:
    async with accounted(models(9), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]

        async def counted(status: int = 200, **body: Any) -> Any:
            answered = await gateway.send("POST", "/utils/token_counter", body, key=key)
            assert answered.status == status, answered.body
            return answered.json()

        messages = [{"role": "user", "content": "Hello there"}]
        fast = await counted(model="fast", messages=messages)
        assert fast["total_tokens"] > 2
        assert (fast["request_model"], fast["model_used"]) == ("fast", "fast")
        more = await counted(model="fast", messages=messages, system="Be brief, and polite.")
        assert more["total_tokens"] > fast["total_tokens"]
        assert (await counted(model="gpt-4o", prompt="Hello there"))["total_tokens"] == 2
        contents = [{"role": "user", "parts": [{"text": "Hello there"}]}]
        assert (await counted(model="fast", contents=contents))["total_tokens"] > 2
        assert [(await counted(model=name, prompt="x"))["model_used"] for name in ("dear", "hid", "deaf")] == [
            *("dear", "hid", "deaf")
        ]
        for wrong in ({}, {"model": "fast"}, {"model": "fast", "prompt": 3}, {"model": "fast", "messages": 3}):
            answered = await gateway.send("POST", "/utils/token_counter", wrong, key=key)
            assert answered.status in (400, 422), wrong
        assert (
            await gateway.send("POST", "/utils/token_counter?call_endpoint=true", {"model": "a", "prompt": "x"})
        ).status == 200


async def test_the_fields_that_a_model_takes_are_told_of_the_keys_own_models(tmp_path: Path) -> None:
    async with accounted(models(9), tmp_path) as gateway:
        key = (await gateway.made(models=["fast"]))["key"]
        path = "/utils/supported_openai_params"
        assert "temperature" in (await told(gateway, f"{path}?model=fast", key))["supported_openai_params"]
        found = [await told(gateway, f"{path}?model={name}", key, status=404) for name in ("dear", "deaf")]
        await told(gateway, path, key, status=404)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("model", "takes", "lacks"),
    [
        ("openai/text-embedding-3-small", {"dimensions", "encoding_format", "user"}, {"temperature", "tools"}),
        ("mistral/mistral-embed", {"dimensions"}, {"user", "temperature"}),
        ("bedrock/amazon.titan-embed-text-v1", {"encoding_format"}, {"dimensions", "temperature"}),
        ("voyage/own", {"dimensions", "input_type"}, {"user", "stream"}),
        ("openai/tts-1", {"response_format", "speed", "instructions"}, {"temperature"}),
        ("elevenlabs/eleven_v3", {"speed"}, {"instructions", "top_p"}),
        ("deepgram/nova-3", {"language"}, {"prompt", "tools"}),
        ("openai/whisper-1", {"language", "temperature", "timestamp_granularities"}, {"tools", "top_p"}),
        ("openai/gpt-image-1", {"n", "size", "quality"}, {"tools", "temperature"}),
        ("gemini/imagen-3.0-generate-001", {"n", "size"}, {"background", "temperature"}),
        ("cohere/rerank-v3.5", {"top_n", "return_documents"}, {"temperature"}),
        ("openai/omni-moderation-latest", set(), {"temperature"}),
    ],
)
async def test_of_a_model_for_a_task_the_fields_of_that_task_are_told(
    tmp_path: Path, model: str, takes: set[str], lacks: set[str]
) -> None:
    place = {"api_key": "k", "aws_region_name": "eu-west-1", "vertex_project": "p", "vertex_location": "l"}
    entry = {"model_name": "m", "litellm_params": {"model": model, **place}}
    async with accounted(json.dumps({"model_list": [entry]}), tmp_path) as gateway:
        found = set((await told(gateway, "/utils/supported_openai_params?model=m"))["supported_openai_params"])
        [group] = (await told(gateway, "/model_group/info"))["data"]
    assert takes <= found
    assert not lacks & found
    assert set(group["supported_openai_params"]) == found


async def test_the_routes_are_told_to_the_admin(tmp_path: Path) -> None:
    async with accounted(models(9), tmp_path) as gateway:
        key = (await gateway.made())["key"]
        await told(gateway, "/routes", key, status=403)
        listed = (await told(gateway, "/routes"))["routes"]
    paths = {one["path"] for one in listed}
    assert {route.path for route in ROUTES} | {"/routes", "/key/generate"} <= paths
    assert {"path": "/model/info", "methods": ["GET", "HEAD"], "name": "managed", "access": "self"} in listed


async def test_aliases_are_the_keys_own_or_all_for_the_admin(tmp_path: Path, database_url: str) -> None:
    text = configuration(entry("m", 9), general={"database_url": database_url})
    async with accounted(text, tmp_path) as gateway:
        made = [await gateway.made(key_alias=alias) for alias in ("Team B", "team a", "100%")]
        await gateway.made()
        every = await told(gateway, "/key/aliases?size=2")
        found = [(await told(gateway, f"/key/aliases?search={word}"))["aliases"] for word in ("TEAM", "%25", "_")]
        mine = await told(gateway, "/key/aliases", made[1]["key"])
        await told(gateway, "/key/aliases?size=0", status=422)
    assert (len(every["aliases"]), every["total_count"], every["total_pages"], every["size"]) == (2, 3, 2, 2)
    assert [sorted(one) for one in found] == [["Team B", "team a"], ["100%"], []]
    assert (mine["aliases"], mine["total_count"]) == (["team a"], 1)
