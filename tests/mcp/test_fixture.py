"""The fixture passes the official suite by itself: what fails through the gateway is then the gateway's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

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
