"""Servers that misbehave: each harms nobody but itself, and what went wrong is said under the request's own id."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.mcp import serving
from tests.mcp.fixtures.broken import MANY
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.raw import Raw, raw
from tests.mcp.serving import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS = (
    *("good", "malformed", "malformed-kinds", "many", "endless-pages", "same-name", "schema-bomb", "hidden"),
    *("unknown-fields", "vendor", "wrong-type", "wrong-id", "twice", "junk", "nested", "huge", "lost-session", "cut"),
    *("unknown-revision", "foreign-revision"),
    *("cut-body", "hang-up-at-once", "never", "silent", "failing", "unavailable", "unauthorized", "redirect"),
)
UPSTREAM_FAILED = -31001
ERAS = ("legacy", "modern")


@pytest.fixture(scope="module")
def broken() -> Iterator[Serving]:
    with serving.broken() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(broken: Serving, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    servers = {
        fault.replace("-", "_"): {"url": f"{broken.at(f'/mcp/{fault}')}?token=hidden-in-a-query", "timeout": 1}
        for fault in FAULTS
    }
    for fault in ("huge", "many", "lost_session"):  # they take work, and what is said of them is no time
        servers[fault]["timeout"] = 30
    directory = tmp_path_factory.mktemp("hazards")
    async with gateway({"mcp_servers": servers}, directory) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", params=ERAS)
async def era(served: Gateway, request: pytest.FixtureRequest) -> AsyncIterator[Raw]:
    """A client of either era."""
    async with raw(served.url, modern=request.param == "modern") as one:
        yield one


async def tools(era: Raw, fault: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await era.ask(fault, "tools/list"))["result"]["tools"]
    return listed


async def call(era: Raw, fault: str, said: Any = "hello") -> dict[str, Any]:
    return await era.ask(fault, "tools/call", {"name": "echo", "arguments": {"text": said}})


# listings


async def test_a_malformed_tool_is_left_out_and_the_others_work(era: Raw) -> None:
    assert [tool["name"] for tool in await tools(era, "malformed")] == ["echo", "add"]
    assert (await call(era, "malformed"))["result"]["content"][0]["text"] == "hello"
    names = [tool["name"] for tool in await tools(era, "malformed_kinds")]
    assert [name for name in names if name.startswith("good_")] == [f"good_{number}" for number in range(12)]
    assert not {"", "no schema", "no_schema", "schema_is_a_list", "header_twice", "header_with_blank"} & set(names)
    assert not {"schema_is_an_array", "description_is_a_number"} & set(names)


async def test_five_thousand_tools_are_listed_page_by_page(era: Raw) -> None:
    """R51."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await era.ask("many", "tools/list", cursor))["result"]
        found += [tool["name"] for tool in page["tools"]]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert found == [f"tool_{number:04}" for number in range(MANY)]


async def test_five_thousand_tools_of_one_of_several_servers_are_listed_too(era: Raw) -> None:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    pages = 0
    async with asyncio.timeout(60):  # who is not listed in two seconds is left out, and is there in a later list
        while "many" in str((await era.ask("", "tools/list", servers="many,good"))["result"].get("_meta")):
            await asyncio.sleep(0.1)
    while "cursor" in cursor or not pages:
        page = (await era.ask("", "tools/list", cursor, servers="many,good"))["result"]
        found += [tool["name"] for tool in page["tools"]]
        cursor = {"cursor": page["nextCursor"]} if "nextCursor" in page else {}
        pages += 1
    assert found == ["good-echo", "good-add", *(f"many-tool_{number:04}" for number in range(MANY))]
    assert pages == 6


async def test_a_server_whose_pages_never_end_is_missing_and_the_rest_is_there(era: Raw) -> None:
    told = (await era.ask("", "tools/list", servers="endless_pages,good"))["result"]
    assert {tool["name"] for tool in told["tools"]} >= {"good-echo", "good-add"}
    assert "endless_pages" in told["_meta"]["tollbridge/absent"]


async def test_of_two_tools_of_one_name_the_first_is_listed(era: Raw) -> None:
    listed = await tools(era, "same_name")
    assert [(tool["name"], tool["description"]) for tool in listed] == [("twin", "The first")]


async def test_schemas_that_are_bombs_pass_unread_and_delay_nobody(era: Raw) -> None:
    began = time.monotonic()
    listed = {tool["name"]: tool["inputSchema"] for tool in await tools(era, "schema_bomb")}
    assert time.monotonic() - began < 5
    assert len(listed["wide"]["properties"]) == 20_000
    assert listed["loop"]["$defs"]["a"]["allOf"][0] == {"$ref": "#/$defs/a"}
    assert listed["away"]["properties"]["a"]["$ref"].startswith("http://169.254")
    assert (await call(era, "schema_bomb"))["result"]["content"][0]["text"] == "hello"


async def test_what_nobody_here_knows_is_kept(era: Raw) -> None:
    (tool,) = await tools(era, "unknown_fields")
    assert tool["vendorField"] == {"kept": True}
    assert tool["annotations"] == {"readOnlyHint": True, "vendorHint": "x"}
    assert (tool["inputSchema"]["$defs"], tool["inputSchema"]["x-vendor"]) == ({"a": {"$anchor": "a"}}, [1, 2])
    result = (await call(era, "unknown_fields"))["result"]
    assert result["vendorResult"] == {"deep": [{"kept": 1}]}
    assert result["content"][0]["annotations"] == {"priority": 0.5, "vendorHint": "x"}
    result = (await call(era, "vendor"))["result"]
    assert result["content"][1]["points"] == [[0, 1.5], [1, 2**60], [2, 1e300]]
    assert result["structuredContent"] == [1, "two", None]
    assert result["_meta"]["vendor/tokens"] == 12


# results


@pytest.mark.parametrize("kind", ["html", "plain", "stream as json", "json as stream", "empty"])
async def test_an_answer_of_a_wrong_type_is_an_error_of_the_call(era: Raw, kind: str) -> None:
    told = await call(era, "wrong_type", kind)
    assert told["error"]["code"] == UPSTREAM_FAILED
    assert "log in" not in told["error"]["message"]


@pytest.mark.parametrize(
    "fault",
    [
        *("junk", "nested", "wrong_id", "cut", "cut_body", "hang_up_at_once", "never", "silent", "failing"),
        *("unavailable", "unauthorized", "redirect"),
    ],
)
async def test_what_goes_wrong_is_an_error_with_the_id_of_the_request(
    era: Raw, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """R51."""
    caplog.set_level(logging.DEBUG, "tollbridge")
    told = await call(era, fault)
    assert told["error"]["code"] == UPSTREAM_FAILED
    for secret in ("/mcp/", "hidden-in-a-query", "hunter2", "169.254", "Traceback"):
        assert secret not in str(told) + caplog.text


async def test_the_first_of_two_answers_is_the_answer(era: Raw) -> None:
    assert (await call(era, "twice"))["result"]["content"][0]["text"] == "first"


async def test_a_huge_result_passes_and_one_that_is_too_large_is_refused(era: Raw) -> None:
    assert len((await call(era, "huge", 32))["result"]["content"][0]["text"]) == 32 * 2**20
    assert (await call(era, "huge", 80))["error"]["code"] == UPSTREAM_FAILED


async def test_a_session_that_was_forgotten_is_begun_anew_once_for_each_call(era: Raw) -> None:
    """R51."""
    texts = [(await call(era, "lost_session"))["result"]["content"][0]["text"] for _ in range(3)]
    numbers = [int(told.removeprefix("Handshake ")) for told in texts]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_a_server_that_speaks_no_revision_that_is_known_is_hung_up_on(era: Raw) -> None:
    told = (await call(era, "unknown_revision"))["error"]
    assert told["code"] == UPSTREAM_FAILED, told
    assert told["message"] == (
        "The MCP server 'unknown_revision' speaks the revision '1999-01-01'; "
        "with a handshake there are 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25."
    )


async def test_a_handshake_that_ends_with_the_revision_without_one_is_none(era: Raw) -> None:
    """It speaks the newer era, and is spoken to so."""
    assert (await call(era, "foreign_revision"))["result"]["content"][0]["text"] == "hello"


# one among others


async def test_a_silent_server_delays_a_list_by_two_seconds_at_most_and_its_absence_is_said(
    broken: Serving, tmp_path: Path
) -> None:
    """R51."""
    listed = ["good", "silent", "failing"]
    servers = {name: {"url": broken.at(f"/mcp/{name}")} for name in listed}
    async with gateway({"mcp_servers": servers}, tmp_path) as running:
        for modern in (True, False):
            async with raw(running.url, modern=modern) as one:
                began = time.monotonic()
                told = (await one.ask("", "tools/list"))["result"]
                assert time.monotonic() - began < 3.5  # two for the server, the rest for a machine that is busy
                assert [tool["name"] for tool in told["tools"]] == ["good-echo", "good-add"]
                assert set(told["_meta"]["tollbridge/absent"]) == {"silent", "failing"}
