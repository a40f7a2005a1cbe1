"""The ten scenarios over HTTP of the Open Responses suite (https://github.com/openresponses/openresponses,
`bin/compliance-test.ts`, seen 2026-11-26) and its two optional ones, of a provider that speaks the format itself and of
one that is translated. What each asks is ours, what it looks for is the suite's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.server.accounted import Accounted, accounted
from tests.server.faults import configuration, entry
from tests.server.open_responses import PDF, PNG, PROVIDERS, TOOLS, said, serving, text_of
from tests.server.served import KEY
from tests.vendor import Vendor
from tests.wires.openai_responses import grammar

HELLO = said("user", "Say hello.")
IMAGE = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PNG}]
FILE = [
    {"type": "input_text", "text": "What is its title?"},
    {"type": "input_file", "filename": "title.pdf", "file_data": PDF},
]
WEATHER = [said("user", "What is the weather?")]
ONE_REQUEST: dict[str, tuple[dict[str, Any], bytes]] = {
    "basic-response": ({"input": [HELLO]}, b"Say hello."),
    "streaming-response": ({"input": [HELLO], "stream": True}, b"Say hello."),
    "system-prompt": ({"input": [said("system", "Speak like a pirate."), HELLO]}, b"pirate"),
    "tool-calling": ({"input": WEATHER, "tools": TOOLS}, b"get_weather"),
    "tool-calling-streaming": ({"input": WEATHER, "tools": TOOLS, "stream": True}, b"get_weather"),
    "image-input": ({"input": [said("user", IMAGE)]}, PNG.encode()),
    "file-input": ({"input": [said("user", FILE)]}, PDF.partition(",")[2].encode()),
    "multi-turn": ({"input": [HELLO, said("assistant", "Hello!"), said("user", "Again.")]}, b"Hello!"),
}
"""By the suite's name: what is asked, and what of it must reach the model."""


async def asked(gateway: Accounted, **body: Any) -> Any:
    """The final response, after a look at all of its fields, and at each event where it streams."""
    headers = {"authorization": f"Bearer {KEY}"}
    async with gateway._session.post(f"{gateway.url}/v1/responses", json=body, headers=headers) as answer:
        told = await answer.read()
        assert answer.status == 200, told
        if body.get("stream"):
            return grammar.obeys(told)
        final = await answer.json()
        grammar.valid(final)
        return final


def calls_of(final: Any) -> list[Any]:
    return [item for item in final["output"] if item["type"] == "function_call"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_scenarios_of_one_request(tmp_path: Path, provider: str) -> None:
    async with serving(tmp_path) as (vendor, _, gateway):
        for name, (body, heard) in ONE_REQUEST.items():
            final = await asked(gateway, model=provider, **body)
            assert final["status"] == "completed", name
            assert final["output"], name
            assert provider == "native" or final["completed_at"] >= final["created_at"], name
            assert len(calls_of(final)) == ("tools" in body), name
            assert heard in vendor.asked[-1].body, name


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_function_is_called_and_its_output_answered(tmp_path: Path, provider: str) -> None:
    """function-call-roundtrip: the call and its output are sent together, and nothing is kept that they lean on."""
    forced = {"type": "function", "name": "get_weather"}
    async with serving(tmp_path) as (vendor, _, gateway):
        first = await asked(gateway, model=provider, input=WEATHER, tools=TOOLS, tool_choice=forced)
        [call] = calls_of(first)
        assert call["name"] == "get_weather"
        assert call["arguments"] == "{}"
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "18 degrees"}
        second = await asked(gateway, model=provider, input=[*WEATHER, call, output], tools=TOOLS)
        assert second["status"] == "completed"
        assert text_of(second) == "shown 3"
        assert b"18 degrees" in vendor.asked[-1].body


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_turn_goes_on_from_a_response_that_is_kept(tmp_path: Path, provider: str) -> None:
    """previous-response-id: the second request says the name of the first alone, and the model is shown both."""
    async with serving(tmp_path) as (vendor, _, gateway):
        first = await asked(gateway, model=provider, input="The word is papaya.")
        second = await asked(gateway, model=provider, input="Which word?", previous_response_id=first["id"])
        assert second["status"] == "completed"
        assert text_of(second) == "shown 3"
        assert second["previous_response_id"] == first["id"]
        assert b"papaya" in vendor.asked[-1].body


async def searches(request: web.Request) -> web.StreamResponse:
    """A provider that runs the tool that it is told to, and says what it found."""
    body = await request.json()
    call = {"type": f"{body['tool_choice']['type']}_call", "id": "call_1", "status": "completed"}
    found = {"type": "output_text", "text": "Found.", "annotations": [], "logprobs": []}
    told = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [found]}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": body["model"]}
    return web.json_response({**head, "output": [call, told], "usage": None})


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "web_search", "external_web_access": False},
    ],
    ids=["file-search", "offline-web-search"],
)
async def test_a_tool_that_the_provider_runs_is_its_own_affair(tmp_path: Path, tool: dict[str, Any]) -> None:
    """Optional in the suite, which looks for the tool's call in the output."""
    async with Vendor({("POST", "/v1/responses"): searches}) as vendor:
        text = configuration(entry("searcher", vendor.port, info={"mode": "responses"}))
        async with accounted(text, tmp_path) as gateway:
            body = {"model": "searcher", "input": "Look.", "tools": [tool], "tool_choice": {"type": tool["type"]}}
            headers = {"authorization": f"Bearer {KEY}"}
            async with gateway._session.post(f"{gateway.url}/v1/responses", json=body, headers=headers) as answer:
                final = await answer.json()
        assert final["status"] == "completed"
        assert [item["type"] for item in final["output"]] == [f"{tool['type']}_call", "message"]
        assert vendor.asked[-1].json()["tools"] == [tool]
