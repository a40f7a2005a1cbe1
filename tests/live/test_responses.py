"""The scenarios of Open Responses over a WebSocket (https://www.openresponses.org/compliance, seen 2026-11-26), before
a provider that speaks the format itself and before one that is translated; and what is particular to the connection."""

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

from tests.server.accounted import Accounted
from tests.server.open_responses import PDF, PNG, PROVIDERS, TOOLS, said, serving, text_of
from tests.server.served import KEY
from tests.wires.openai_responses import grammar
from tollbridge.wires import sse

TERMINAL = ("response.completed", "response.failed", "response.incomplete", "error")


HELLO = said("user", "Say hello.")
IMAGE = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PNG}]
FILE = [{"type": "input_file", "filename": "title.pdf", "file_data": PDF}]
SCENARIOS: dict[str, dict[str, Any]] = {
    "basic": {"input": [HELLO]},
    "text": {"input": "Count to 5."},
    "system-prompt": {"input": [said("system", "Speak like a pirate."), HELLO]},
    "tool-calling": {"input": [said("user", "What is the weather?")], "tools": TOOLS},
    "image-input": {"input": [said("user", IMAGE)]},
    "file-input": {"input": [said("user", FILE)]},
    "multi-turn": {"input": [HELLO, said("assistant", "Hello!"), said("user", "Again.")]},
    "not-stored": {"input": [HELLO], "store": False},
}


@asynccontextmanager
async def connected(gateway: Accounted, key: str = KEY) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    headers = {"authorization": f"Bearer {key}"}
    async with gateway._session.ws_connect(f"{gateway.url}/v1/responses", headers=headers) as socket:
        yield socket


async def turn(socket: aiohttp.ClientWebSocketResponse, **body: Any) -> list[Any]:
    await socket.send_json({"type": "response.create", **body})
    return await heard(socket)


async def heard(socket: aiohttp.ClientWebSocketResponse) -> list[Any]:
    events = []
    while not events or events[-1]["type"] not in TERMINAL:
        events.append(await socket.receive_json())
    return events


def obeyed(events: list[Any]) -> Any:
    """The final response, after a look at each event and their order."""
    framed = b"".join(sse.write(json.dumps(event).encode(), event["type"].encode()) for event in events)
    return grammar.obeys(framed + b"data: [DONE]\n\n")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_scenarios_of_open_responses(tmp_path: Path, provider: str) -> None:
    async with serving(tmp_path) as (vendor, _, gateway):
        async with connected(gateway) as socket:
            for name, asked in SCENARIOS.items():
                final = obeyed(await turn(socket, model=provider, **asked))
                assert final["status"] == "completed", name
                assert final["output"], name
                calls = [item["type"] for item in final["output"]].count("function_call")
                assert calls == (name == "tool-calling"), name
                sent = vendor.asked[-1].body
                assert (b"pirate" in sent) == (name == "system-prompt")
                assert (b"iVBORw0KGgo=" in sent) == (name == "image-input")
                assert (b"JVBERi0xLjQKJSVFT0YK" in sent) == (name == "file-input")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("store", [True, False])
async def test_a_turn_goes_on_from_the_one_before(tmp_path: Path, provider: str, store: bool) -> None:
    async with serving(tmp_path) as (_, behind, gateway):
        async with connected(gateway) as socket:
            last, shown = None, []
            for _ in range(4):
                asked = {"model": provider, "input": [HELLO], "store": store, "previous_response_id": last}
                final = obeyed(await turn(socket, **asked))
                last = final["id"]
                shown.append(text_of(final))
    assert shown == ["shown 1", "shown 3", "shown 5", "shown 7"]
    del behind


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tools_are_called_over_several_turns(tmp_path: Path, provider: str) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        async with connected(gateway) as socket:
            first = obeyed(await turn(socket, model=provider, input="The weather?", tools=TOOLS, store=False))
            [call] = [item for item in first["output"] if item["type"] == "function_call"]
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}
            asked = {"model": provider, "input": [output], "tools": TOOLS, "store": False}
            second = obeyed(await turn(socket, **asked, previous_response_id=first["id"]))
    assert text_of(second) == "shown 3"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_nobody_keeps_ends_with_the_connection(tmp_path: Path, provider: str) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        async with connected(gateway) as socket:
            first = obeyed(await turn(socket, model=provider, input="hi", store=False))
            kept = obeyed(await turn(socket, model=provider, input="hi"))
            gone = await turn(socket, model=provider, input="hi", previous_response_id=first["id"])
            again = obeyed(await turn(socket, model=provider, input="hi", previous_response_id=kept["id"]))
        async with connected(gateway) as socket:
            later = obeyed(await turn(socket, model=provider, input="hi", previous_response_id=kept["id"]))
    assert (gone[0]["type"], gone[0]["status"]) == ("error", 400)
    assert gone[0]["error"]["code"] == "previous_response_not_found"
    assert text_of(again) == text_of(later) == "shown 3"


async def test_a_warm_up_answers_nothing_and_is_gone_on_from(tmp_path: Path) -> None:
    async with serving(tmp_path) as (vendor, _, gateway):
        async with connected(gateway) as socket:
            warm = obeyed(await turn(socket, model="translated", input=[HELLO], generate=False))
            assert vendor.asked == []
            final = obeyed(await turn(socket, model="translated", input="go", previous_response_id=warm["id"]))
    assert (warm["output"], text_of(final)) == ([], "shown 2")


async def test_turns_that_come_at_once_are_answered_in_their_order(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        async with connected(gateway) as socket:
            for count in (1, 2, 3):
                asked = {"type": "response.create", "model": "translated", "input": [HELLO] * count}
                await socket.send_json(asked)
            finals = [obeyed(await heard(socket)) for _ in range(3)]
    assert [text_of(final) for final in finals] == ["shown 1", "shown 2", "shown 3"]


async def test_errors_are_events_and_the_connection_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        async with connected(gateway) as socket:
            for message, status in (
                ("{", 400),
                ("[]", 400),
                ('{"type": "x"}', 400),
                ('{"type": "response.create"}', 400),
                ('{"type": "response.create", "model": "nobody", "input": "hi"}', 404),
                ('{"type": "response.create", "model": "translated", "input": 5}', 400),
            ):
                await socket.send_str(message)
                [told] = await heard(socket)
                assert (told["type"], told["status"]) == ("error", status), message
                assert told["error"]["message"]
            assert obeyed(await turn(socket, model="translated", input="hi"))["status"] == "completed"


async def test_each_turn_is_in_the_ledger_and_held_to_what_the_key_may(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        made = await gateway.made(models=["translated"], rpm_limit=2)
        async with connected(gateway, made["key"]) as socket:
            refused = await turn(socket, model="native", input="hi")
            for _ in range(2):
                obeyed(await turn(socket, model="translated", input="hi"))
            over = await turn(socket, model="translated", input="hi")
        await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
        rows = (await gateway.send("GET", "/spend/logs")).json()
    assert [refused[0]["status"], over[0]["status"]] == [403, 429]
    assert [row["api_key"] for row in rows] == [made["token"]] * 2
    assert all(row["prompt_tokens"] == 10 for row in rows)


async def test_a_revoked_key_ends_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        key = (await gateway.made(models=[]))["key"]
        async with connected(gateway, key) as socket:
            await gateway.send("POST", "/key/delete", {"keys": [key]})
            told = await socket.receive_json()
            last = await socket.receive()
    assert (told["status"], last.data) == (401, 1008)


async def test_openais_client_takes_turns(tmp_path: Path) -> None:
    async with serving(tmp_path) as (_, _, gateway):
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY) as client:
            async with client.responses.connect() as connection:
                await connection.response.create(model="translated", input="hi")
                kinds = []
                while not kinds or kinds[-1] != "response.completed":
                    kinds.append((await connection.recv()).type)
    assert kinds[0] == "response.created"
