"""The fixture passes the official suite by itself: what fails through the gateway is then the gateway's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client

from tests.mcp import conformance
from tests.mcp.relay import relaying
from tests.mcp.serving import Serving, everything

SCORED = {"2025-11-25": 30, "2026-07-28": 37}


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with everything() as running:
        yield running


@pytest.fixture(scope="module")
def reports(server: Serving) -> dict[str, conformance.Report]:
    return asyncio.run(_both(server.url))


async def _both(url: str) -> dict[str, conformance.Report]:
    found = await asyncio.gather(*(conformance.run(url, revision) for revision in conformance.REVISIONS))
    return {report.revision: report for report in found}


@pytest.mark.parametrize("revision", conformance.REVISIONS)
def test_the_fixture_passes_every_scored_scenario(reports: dict[str, conformance.Report], revision: str) -> None:
    report = reports[revision]
    assert report.passed == report.scored == SCORED[revision], report.told()
    assert not {name: scenario.warned for name, scenario in report.scenarios.items() if scenario.warned}


@pytest.mark.parametrize("revision", conformance.REVISIONS)
def test_of_the_rest_it_fails_only_the_extension(reports: dict[str, conformance.Report], revision: str) -> None:
    failed = reports[revision].failures(scored=False)
    assert [name for name in failed if not name.startswith("tasks-")] == []


async def test_the_relay_changes_no_result(server: Serving, reports: dict[str, conformance.Report]) -> None:
    async with relaying(server.origin, {"x-litellm-api-key": "sk-tb-of-a-test"}) as origin:
        relayed = await _both(f"{origin}/mcp")
    for revision, report in relayed.items():
        assert report.passed == report.scored == SCORED[revision], report.told()
        assert report.failures(scored=False).keys() == reports[revision].failures(scored=False).keys()


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_each_session_of_the_older_era_is_told_of_changes(server: Serving) -> None:
    heard: list[str] = []

    async def hear(message: Any) -> None:
        heard.append(type(message).__name__)

    async with Client(server.url, mode="legacy") as gone:
        await gone.list_tools()
    async with (
        Client(server.url, mode="legacy", message_handler=hear) as watching,
        Client(server.url, mode="2026-07-28") as changing,
    ):
        await watching.subscribe_resource("test://watched-resource")
        for tool in ("test_trigger_tool_change", "test_trigger_prompt_change", "test_trigger_resource_update"):
            before = len(heard)
            # The client opens its stream after the handshake, when it pleases: what is told before is lost.
            while len(heard) == before:
                await changing.call_tool(tool)
                await asyncio.sleep(0.01)
    kinds = ("ToolListChangedNotification", "PromptListChangedNotification", "ResourceUpdatedNotification")
    assert [kind in heard for kind in kinds] == [True, True, True]
