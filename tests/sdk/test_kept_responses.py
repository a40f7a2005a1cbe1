"""Responses that their provider keeps, as functions of a program and of a `Router`, at a vendor on a real socket."""

from __future__ import annotations

import base64
import inspect
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

import tollbridge
from tests.vendor import Vendor, answered_with
from tollbridge import Router
from tollbridge.sdk.response_ids import ResponseId, read_id, write_id

RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "gpt-4.1",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}
ITEMS = {"object": "list", "data": [{"id": "msg_0", "type": "message", "role": "user"}], "has_more": False}
GONE = {"id": "resp_1", "object": "response", "deleted": True}


async def created(request: web.Request) -> web.StreamResponse:
    if not (await request.json()).get("stream"):
        return web.json_response(RESPONSE)
    told = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await told.prepare(request)
    for kind in ("created", "completed"):
        event = web.json_response({"type": f"response.{kind}", "sequence_number": 0, "response": RESPONSE}).text
        await told.write(f"event: response.{kind}\ndata: {event}\n\n".encode())
    return told


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    handlers = {
        ("POST", "/v1/responses"): created,
        ("GET", "/v1/responses/resp_1"): answered_with(RESPONSE),
        ("DELETE", "/v1/responses/resp_1"): answered_with(GONE),
        ("POST", "/v1/responses/resp_1/cancel"): answered_with({**RESPONSE, "status": "cancelled"}),
        ("GET", "/v1/responses/resp_1/input_items"): answered_with(ITEMS),
    }
    async with Vendor(handlers) as vendor:
        yield vendor


def at(vendor: Vendor, key: str = "k") -> dict[str, Any]:
    return {"api_key": key, "api_base": f"{vendor.url}/v1"}


LITELLMS = "resp_" + base64.b64encode(b"litellm:custom_llm_provider:openai;model_id:None;response_id:resp_1").decode()


@pytest.mark.parametrize("id", ["resp_1", LITELLMS, write_id("openai", "d", "resp_1")], ids=["own", "litellm", "ours"])
async def test_a_response_is_shown_its_input_listed_it_is_cancelled_and_forgotten(vendor: Vendor, id: str) -> None:
    here = at(vendor) | {"num_retries": 0}
    found = await tollbridge.aget_responses(id, **here)
    assert (found.id, found.output_text, found.usage.input_tokens) == (id, "Hello", 3)
    items = await tollbridge.alist_input_items(id, after="a b", include=["x", "y"], limit=3, order="asc", **here)
    assert (items.data[0].role, items.has_more) == ("user", False)
    assert (await tollbridge.acancel_responses(id, **here)).status == "cancelled"
    assert (await tollbridge.adelete_responses(id, **here)).deleted is True
    asked = [f"{one.method} {one.target}" for one in vendor.asked]
    assert asked == [
        "GET /v1/responses/resp_1",
        "GET /v1/responses/resp_1/input_items?after=a+b&include%5B%5D=x&include%5B%5D=y&limit=3&order=asc",
        "POST /v1/responses/resp_1/cancel",
        "DELETE /v1/responses/resp_1",
    ]
    assert {one.headers["authorization"] for one in vendor.asked} == {"Bearer k"}


async def test_one_goes_on_from_another_by_the_providers_own_id(vendor: Vendor) -> None:
    await tollbridge.aresponses("openai/gpt-4.1", "Hi", previous_response_id=LITELLMS, **at(vendor))
    assert vendor.asked[0].json()["previous_response_id"] == "resp_1"


async def test_what_is_no_id_is_refused_and_what_is_not_there_is_told(vendor: Vendor) -> None:
    for wrong in (None, "", "a/b", 3):
        with pytest.raises(tollbridge.BadRequestError, match="must be an id"):
            await tollbridge.aget_responses(wrong, **at(vendor))  # type: ignore[arg-type]
    with pytest.raises(tollbridge.NotFoundError):
        await tollbridge.aget_responses("resp_2", **at(vendor))
    with pytest.raises(tollbridge.BadRequestError, match="anthropic keeps no"):
        await tollbridge.aget_responses(write_id("anthropic", "", "resp_1"))


def test_each_name_works_without_async_and_has_a_twin_of_the_same_parameters() -> None:
    for name in ("get_responses", "delete_responses", "cancel_responses", "list_input_items"):
        whole, twin = getattr(tollbridge, name), getattr(tollbridge, f"a{name}")
        assert inspect.signature(whole).parameters == inspect.signature(twin).parameters, name
        with pytest.raises(tollbridge.NotFoundError, match="no provider 'x'"):
            whole("resp_1", custom_llm_provider="x")


async def test_an_id_of_a_routers_says_which_deployment_has_the_response(vendor: Vendor) -> None:
    def entry(id: str) -> dict[str, Any]:
        params = {"model": "openai/gpt-4.1", **at(vendor, f"key-{id}")}
        return {"model_name": "m", "litellm_params": params, "model_info": {"id": id}}

    router = Router([entry("one"), entry("two")], num_retries=0)
    seen: dict[str, tuple[str, str]] = {}
    while len(seen) < 2:
        answered = await router.aresponses("m", "Hi")
        told = read_id(answered.id)
        seen[told.deployment] = (answered.id, vendor.asked[-1].headers["authorization"])
        assert told == ResponseId("openai", told.deployment, "resp_1")
    for deployment, (id, key) in seen.items():
        assert key == f"Bearer key-{deployment}"
        vendor.asked.clear()
        found = await router.aget_responses(id)
        found = await router.aget_responses(found.id)  # as who waits for it asks again
        await router.alist_input_items(found.id, limit=1)
        found = await router.acancel_responses(found.id)
        await router.adelete_responses(found.id)
        await router.aresponses("m", "And now?", previous_response_id=id)
        assert {one.headers["authorization"] for one in vendor.asked} == {key}
        assert vendor.asked[-1].json()["previous_response_id"] == "resp_1"
    events = [event async for event in await router.aresponses("m", "Hi", stream=True)]
    assert {read_id(event.response.id).id for event in events} == {"resp_1"}
    assert {read_id(event.response.id).deployment for event in events} < {"one", "two"}
    assert router.delete_deployment("one")
    with pytest.raises(tollbridge.APIError):
        await router.aresponses("m", "Hi", previous_response_id=seen["one"][0])


async def test_an_id_that_names_a_provider_alone_is_sent_as_the_providers(vendor: Vendor) -> None:
    entry = {"model_name": "m", "litellm_params": {"model": "openai/gpt-4.1", **at(vendor)}}
    await Router([entry]).aresponses("m", "Hi", previous_response_id=write_id("openai", "None", "resp_1"))
    assert vendor.asked[-1].json()["previous_response_id"] == "resp_1"


async def test_who_answers_first_is_one_of_names_however_these_are_given(vendor: Vendor) -> None:
    entry = {"model_name": "m", "litellm_params": {"model": "openai/gpt-4.1", "mock_response": "Hello"}}
    messages = [{"role": "user", "content": "Hi"}]
    router = Router([entry])
    for names in ("m", ["m", "m"], ("m",)):
        answered = await router.abatch_completion_fastest_response(names, messages)
        assert answered.choices[0].message.content == "Hello"
    for wrong in (None, 3, [3], ",", []):
        with pytest.raises(tollbridge.BadRequestError, match="`model`"):
            await router.abatch_completion_fastest_response(wrong, messages)  # type: ignore[arg-type]


async def test_a_router_answers_in_the_format_of_responses_whoever_is_asked() -> None:
    router = Router([{"model_name": "m", "litellm_params": {"model": "demo/one"}}])
    answered = await router.aresponses("m", "Hi")
    assert answered.output_text.endswith("You said: Hi")
    assert read_id(answered.id).deployment == ""
    assert Router([{"model_name": "m", "litellm_params": {"model": "demo/one"}}]).responses("m", "Hi").output_text


@pytest.mark.parametrize(
    "id", ["resp_", "resp_!", "resp_\u00e9", "resp_abcd", "x", "resp_" + base64.b64encode(b"a;b;c").decode()]
)
def test_an_id_that_says_nothing_is_the_providers(id: str) -> None:
    assert read_id(id) == ResponseId("", "", id)


def test_an_id_is_read_as_it_was_written() -> None:
    assert read_id(write_id("azure", "a/b;c?", "resp_~1")) == ResponseId("azure", "a/b;c?", "resp_~1")


@pytest.mark.parametrize("id", ["resp_\u00e9", "resp_a", "resp_/w==", "resp_!", "resp_", "\u00e9"])
def test_an_id_that_says_nothing_is_the_providers_own(id: str) -> None:
    assert read_id(id) == ResponseId("", "", id)
