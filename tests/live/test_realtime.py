"""`/v1/realtime`: a session goes through as it is, each response is metered, and a key that does not hold ends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from tests.server.accounted import Accounted, accounted
from tests.server.faults import PROVIDER_KEY, configuration, entry
from tests.server.served import KEY
from tests.vendor import Vendor, answered_with

USAGE = {
    "total_tokens": 150,
    "input_tokens": 100,
    "output_tokens": 50,
    "input_token_details": {"text_tokens": 40, "audio_tokens": 60, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 40},
}
PRICES = {
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 2e-6,
    "input_cost_per_audio_token": 1e-5,
    "output_cost_per_audio_token": 2e-5,
}
COST = 40 * 1000 + 60 * 10_000 + 10 * 2000 + 40 * 20_000


class Model:
    """Answers `response.create`, speaks by itself at `speak`, and keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.closed: list[int | None] = []
        self.count = 0
        self.answers = True

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": "session.created", "session": {"model": request.query.get("model")}})
        async for message in socket:
            event = json.loads(message.data)
            self.told.append(event)
            if event["type"] == "response.create" or event["type"] == "speak":
                await self.respond(socket)
            elif event["type"] == "leave":
                await socket.close(code=4001, message=b"enough")
        self.closed.append(socket.close_code)
        return socket

    async def respond(self, socket: web.WebSocketResponse) -> None:
        self.count += 1
        id = f"resp_{self.count}"
        await socket.send_json({"type": "response.created", "response": {"id": id, "status": "in_progress"}})
        if self.answers:
            done = {"id": id, "object": "realtime.response", "status": "completed", "output": [], "usage": USAGE}
            await socket.send_json({"type": "response.done", "event_id": "e", "response": done})


@asynccontextmanager
async def realtime(directory: Path, **general: Any) -> AsyncIterator[tuple[Model, Vendor, Accounted]]:
    model = Model()
    async with Vendor({("GET", "/v1/realtime"): model}) as vendor:
        said = entry("live", vendor.port, **PRICES)
        said["litellm_params"]["model"] = "openai/gpt-realtime"
        async with accounted(configuration(said, general=general), directory) as gateway:
            yield model, vendor, gateway


@asynccontextmanager
async def session(
    gateway: Accounted, key: str | None, query: str = "?model=live", **options: Any
) -> AsyncIterator[Any]:
    headers = {**({"authorization": f"Bearer {key}"} if key else {}), **options.pop("headers", {})}
    async with gateway._session.ws_connect(f"{gateway.url}/v1/realtime{query}", headers=headers, **options) as socket:
        yield socket


async def rows(gateway: Accounted) -> list[dict[str, Any]]:
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    told: list[dict[str, Any]] = (await gateway.send("GET", "/spend/logs")).json()
    return told


async def test_openais_client_has_a_session(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, vendor, gateway):
        made = await gateway.made(models=["live"])
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=made["key"]) as client:
            async with client.realtime.connect(model="live") as connection:
                first = await connection.recv()
                await connection.session.update(session={"type": "realtime", "instructions": "Be brief."})
                await connection.response.create()
                kinds = [(await connection.recv()).type for _ in range(2)]
        [row] = await rows(gateway)
    assert first.type == "session.created"
    assert kinds == ["response.created", "response.done"]
    assert [event["type"] for event in model.told] == ["session.update", "response.create"]
    [asked] = vendor.asked
    assert asked.target == "/v1/realtime?model=gpt-realtime"
    assert asked.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert made["key"] not in str(asked.headers)
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == COST
    assert (row["prompt_tokens"], row["completion_tokens"], row["api_key"]) == (100, 50, made["token"])


async def test_a_page_shows_its_key_among_the_protocols(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (_, vendor, gateway):
        key = (await gateway.made(models=["live"]))["key"]
        protocols = ("realtime", f"openai-insecure-api-key.{key}")
        async with session(gateway, None, protocols=protocols) as socket:
            assert socket.protocol == "realtime"
            assert (await socket.receive_json())["session"]["model"] == "gpt-realtime"
    assert key not in str(vendor.asked[0].headers)


@pytest.mark.parametrize(
    ("query", "key", "headers", "status"),
    [
        ("?model=live", None, {}, 401),
        ("?model=live", "sk-tb-nobody", {}, 401),
        (f"?model=live&key={KEY}", None, {}, 401),
        ("?model=live", KEY, {"origin": "https://evil.example"}, 403),
        ("", KEY, {}, 400),
        ("?model=nobody", KEY, {}, 404),
        ("?model=live", KEY, {"sec-websocket-protocol": "openai-insecure-api-key.sk-other"}, 400),
    ],
)
async def test_s67_who_is_turned_away(
    tmp_path: Path, query: str, key: str | None, headers: dict[str, str], status: int
) -> None:
    async with realtime(tmp_path) as (_, vendor, gateway):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with session(gateway, key, query, headers=headers):
                pass
        assert refused.value.status == status
        assert gateway.gateway.load.streams == 0
    assert vendor.asked == []


async def test_an_origin_that_the_operator_allows_comes_in(tmp_path: Path) -> None:
    async with realtime(tmp_path, cors={"origins": ["https://app.example"]}) as (_, _, gateway):
        for origin in ("https://app.example", gateway.url):
            async with session(gateway, KEY, headers={"origin": origin}) as socket:
                await socket.receive_json()


async def test_s64_a_key_has_sessions_with_its_models_alone(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, _, gateway):
        key, other = [(await gateway.made(models=[name]))["key"] for name in ("live", "other")]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with session(gateway, other):
                pass
        assert refused.value.status == 403
        async with session(gateway, key) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "session.update", "session": {"model": "gpt-other"}})
            told = await socket.receive_json()
            await socket.send_json({"type": "session.update", "session": {"model": "live", "voice": "x"}})
            await socket.send_json({"type": "speak"})
            await socket.receive_json()
    assert (told["type"], told["error"]["param"]) == ("error", "session.model")
    assert model.told[0]["session"] == {"model": "gpt-realtime", "voice": "x"}


@pytest.mark.parametrize(
    "said",
    [
        {"input_audio_transcription": {"model": "gpt-4o-transcribe"}},
        {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}},
    ],
    ids=["as it was", "as it is"],
)
async def test_s64_a_session_names_no_model_beside_its_own_that_the_key_may_not_ask_for(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    tool = {"type": "function", "name": "car", "parameters": {"properties": {"model": {"type": "string"}}}}
    event = {"type": "session.update", "session": {"model": "live", "tools": [tool], **said}}
    async with realtime(tmp_path) as (model, _, gateway):
        lists = (["live"], ["live", "openai/gpt-4o-transcribe"], [])
        told = []
        for models in lists:
            key = (await gateway.made(models=models))["key"]
            async with session(gateway, key) as socket:
                await socket.receive_json()
                await socket.send_json(event)
                await socket.send_json({"type": "speak"})
                told.append(await socket.receive_json())
    assert [one["type"] for one in told] == ["error", "response.created", "response.created"]
    assert "transcription.model" in told[0]["error"]["message"]
    assert [one["type"] for one in model.told].count("session.update") == 2


async def test_s63_a_response_that_the_key_cannot_pay_stays_here(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, _, gateway):
        key = (await gateway.made(models=["live"], max_budget=COST / 1e9))["key"]
        async with session(gateway, key) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "response.create"})
            first = [(await socket.receive_json())["type"] for _ in range(2)]
            await socket.send_json({"type": "response.create"})
            refused = await socket.receive_json()
            await socket.send_json({"type": "speak"})
            spoken = [await socket.receive_json() for _ in range(3)]
        while gateway.accounts.book.flying:
            await asyncio.sleep(0.01)
        assert gateway.accounts.limiter.flying == 0
    assert first == ["response.created", "response.done"]
    assert (refused["type"], refused["error"]["code"]) == ("error", "budget_exceeded")
    assert sorted(event["type"] for event in spoken) == ["error", "response.created", "response.done"]
    assert [event["type"] for event in model.told] == ["response.create", "speak", "response.cancel"]


async def test_limits_count_responses(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (_, _, gateway):
        key = (await gateway.made(models=["live"], rpm_limit=1))["key"]
        async with session(gateway, key) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "response.create"})
            await socket.receive_json()
            await socket.receive_json()
            await socket.send_json({"type": "response.create"})
            refused = await socket.receive_json()
    assert (refused["status"], refused["error"]["code"]) == (429, "rate_limit_exceeded")


async def test_a_revoked_key_ends_its_session(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, _, gateway):
        key = (await gateway.made(models=["live"]))["key"]
        async with session(gateway, key) as socket:
            await socket.receive_json()
            await gateway.send("POST", "/key/delete", {"keys": [key]})
            told = await socket.receive_json()
            last = await socket.receive()
        while not model.closed:
            await asyncio.sleep(0.01)
        assert gateway.gateway.load.streams == 0
    assert (told["status"], last.type, last.data) == (401, aiohttp.WSMsgType.CLOSE, 1008)
    assert model.closed == [1008]


async def test_whoever_closes_the_other_is_told(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, _, gateway):
        async with session(gateway, KEY) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "leave"})
            last = await socket.receive()
        async with session(gateway, KEY) as socket:
            await socket.receive_json()
            await socket.close(code=4002)
        while len(model.closed) < 2:
            await asyncio.sleep(0.01)
    assert (last.type, last.data, last.extra) == (aiohttp.WSMsgType.CLOSE, 4001, "enough")
    assert model.closed[1] == 4002


async def test_a_client_that_leaves_within_a_response_has_an_entry_without_a_cost(tmp_path: Path) -> None:
    async with realtime(tmp_path) as (model, _, gateway):
        model.answers = False
        key = (await gateway.made(models=["live"], max_budget=1))["key"]
        async with session(gateway, key) as socket:
            await socket.receive_json()
            await socket.send_json({"type": "response.create"})
            await socket.receive_json()
        while gateway.accounts.book.flying:
            await asyncio.sleep(0.01)
        [row] = await rows(gateway)
    assert row["metadata"]["tollbridge"]["cost_nanousd"] is None


async def test_messages_of_any_size_go_through_as_they_are(tmp_path: Path) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            await (socket.send_bytes if message.type == aiohttp.WSMsgType.BINARY else socket.send_str)(message.data)
        return socket

    sizes = [0, 1, 125, 126, 65535, 65536, 3_000_000]
    async with realtime(tmp_path) as (_, vendor, gateway):
        vendor.handlers["GET", "/v1/realtime"] = echo
        async with session(gateway, KEY, max_msg_size=0) as socket:
            for size in sizes:
                await socket.send_str("é" * size)
                assert await socket.receive_str() == "é" * size
                await socket.send_bytes(b"\xff" * size)
                assert await socket.receive_bytes() == b"\xff" * size


async def test_a_provider_that_does_not_switch_is_told_as_its_error(tmp_path: Path) -> None:
    told = {"error": {"message": f"bad key {PROVIDER_KEY}", "type": "x", "code": "invalid_api_key"}}
    async with realtime(tmp_path) as (_, vendor, gateway):
        vendor.handlers["GET", "/v1/realtime"] = answered_with(told, 403)
        headers = {
            "authorization": f"Bearer {KEY}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        answered = await gateway.send("GET", "/v1/realtime?model=live", headers=headers, key=None)
        plain = await gateway.send("GET", "/v1/realtime?model=live")
        elsewhere = await gateway.send("GET", "/v1/models", headers=headers, key=None)
    assert (answered.status, answered.json()["error"]["code"]) == (403, "invalid_api_key")
    assert PROVIDER_KEY.encode() not in answered.body
    assert [plain.status, elsewhere.status] == [426, 426]
    assert plain.json()["error"]["code"] == "websocket_required"


async def test_s64_of_two_names_in_a_query_the_one_that_is_checked_is_asked_for(tmp_path: Path) -> None:
    """Azure names the deployment."""
    model = Model()
    async with Vendor({("GET", "/openai/realtime"): model}) as vendor:
        said = entry("live", vendor.port)
        said["litellm_params"] |= {
            "model": "azure/gpt-realtime",
            "api_base": f"http://127.0.0.1:{vendor.port}",
            "api_version": "2025-04-01-preview",
        }
        async with accounted(configuration(said), tmp_path) as gateway:
            key = (await gateway.made(models=["live"]))["key"]
            async with session(gateway, key, "?model=live&deployment=gpt-dear") as socket:
                assert (await socket.receive_json())["type"] == "session.created"
    [asked] = vendor.asked
    assert "deployment=gpt-realtime" in asked.target
    assert "gpt-dear" not in asked.target
