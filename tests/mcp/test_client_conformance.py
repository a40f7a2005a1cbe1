"""The official suite's client scenarios, played through the gateway's upstream side (`player.py`): the suite's server
is an MCP server of the gateway, and what it judges is what the gateway asks of it, signing in included."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.mcp import conformance
from tests.mcp.gateway import gateway
from tests.mcp.player import PUBLIC
from tests.server.served import KEY

SCORED = {"2025-11-25": 18, "2026-07-28": 32}
PLAYER = Path(__file__).with_name("player.py")
CONFIG = {"general_settings": {"public_url": PUBLIC, "mcp_api_hosts": ["localhost", "127.0.0.1"]}}
NOT_PLAYED = {
    "auth/dpop",
    "auth/dpop-nonce",
    "auth/enterprise-managed-authorization",
    "auth/wif-jwt-bearer",
}
"""Extensions that the gateway does not speak; none is scored."""


@pytest.mark.parametrize("revision", conformance.REVISIONS)
async def test_the_gateway_as_a_client_passes_every_scored_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    async with gateway(CONFIG, tmp_path) as served:
        monkeypatch.setenv("TOLLBRIDGE_PLAYED", served.url)
        monkeypatch.setenv("TOLLBRIDGE_PLAYED_KEY", KEY)
        report = await conformance.run_client(f"{sys.executable} {PLAYER}", revision)
        # All at once on two cores, one that measures time (`sse-retry`) may be late: it has to pass alone.
        alone = await conformance.run_client(f"{sys.executable} {PLAYER}", revision, report.failures())
    assert report.scored == SCORED[revision]
    assert alone.failures() == {}, report.told()
    assert set(report.failures(scored=False)) == NOT_PLAYED
