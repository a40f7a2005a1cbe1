"""The official suite, run through the gateway with a virtual key, its policy and the ledger on.

The servers behind it pass the suite by themselves (`test_fixture.py`, `test_peers.py`), so what fails here is the
gateway's. One server by its own path, and the same as one of two behind one endpoint, where the relay maps the names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.mcp import conformance
from tests.mcp.gateway import Gateway, gateway
from tests.mcp.one_of_many import OneOfMany
from tests.mcp.relay import relaying
from tests.mcp.serving import Serving, everything, tasks

SCORED = {"2025-11-25": 30, "2026-07-28": 37}
MODERN = "2026-07-28"


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Serving]]:
    with everything() as server, tasks() as extension:
        yield {"everything": server, "tasks": extension}


@asynccontextmanager
async def served(servers: dict[str, Serving], directory: Path) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway in front of the two, and a key that may use both and has a budget."""
    config = {"mcp_servers": {name: {"url": server.url} for name, server in servers.items()}}
    async with gateway(config, directory) as running:
        key = await running.key(permission={"mcp_servers": list(servers)}, max_budget=5, rpm_limit=100_000)
        yield running, key


@asynccontextmanager
async def shown(running: Gateway, key: str, seen: OneOfMany | None = None) -> AsyncIterator[str]:
    """The gateway's address for who cannot show a key."""
    async with relaying(running.url, {"x-litellm-api-key": key}, seen) as origin:
        yield origin


async def reports(url: str) -> dict[str, conformance.Report]:
    found = await asyncio.gather(*(conformance.run(url, revision) for revision in conformance.REVISIONS))
    return {report.revision: report for report in found}


def check(found: dict[str, conformance.Report]) -> None:
    for revision, report in found.items():
        assert report.passed == report.scored == SCORED[revision], report.told()
        warned = {name: [check.message for check in one.warned] for name, one in report.scenarios.items() if one.warned}
        assert not warned
        # what is not scored, but for the extension, which this server does not have
        assert [name for name in report.failures(scored=False) if not name.startswith("tasks-")] == []


async def test_one_server_by_its_path_passes_every_scored_scenario(servers: dict[str, Serving], tmp_path: Path) -> None:
    async with served(servers, tmp_path) as (running, key), shown(running, key) as origin:
        check(await reports(f"{origin}/mcp/everything"))
        entries = await running.entries(1)
        assert {entry["model"] for entry in entries} >= {"test_simple_text"}


async def test_the_same_server_as_one_of_two_passes_them_under_its_prefix(
    servers: dict[str, Serving], tmp_path: Path
) -> None:
    async with (
        served(servers, tmp_path) as (running, key),
        shown(running, key, OneOfMany("everything")) as origin,
    ):
        check(await reports(f"{origin}/mcp"))


@pytest.mark.parametrize("roof", [False, True], ids=["alone", "one of two"])
async def test_the_tasks_extension_passes_its_scenarios(
    servers: dict[str, Serving], tmp_path: Path, roof: bool
) -> None:
    listed = [entry["scenario"] for entry in conformance.requirements(MODERN)["not_scored"]]
    wanted = [name for name in listed if name.startswith("tasks-")]
    seen = OneOfMany("tasks") if roof else None
    async with served(servers, tmp_path) as (running, key), shown(running, key, seen) as origin:
        report = await conformance.run_scenarios(f"{origin}/mcp{'' if roof else '/tasks'}", MODERN, wanted)
    assert len(wanted) == 10
    assert report.failures(scored=False) == {}
