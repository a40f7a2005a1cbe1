"""examples/customer_service: the same question by each SDK, and by none, answered from the server's computation."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

import tollbridge
from tests.examples.gateways import DESK, KEY, serving
from tests.examples.programs import EXAMPLES, Desk

TOTAL = '"total": 523.75'


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `make serve` serves."""
    with serving(tmp_path_factory.mktemp("home"), "--mcp", DESK) as url:
        asyncio.run(begun(url))
        yield url


async def begun(url: str) -> None:
    """The desk's process runs: an SDK gives a list five seconds, on a busy machine it takes longer to start."""
    async with asyncio.timeout(60):
        while True:
            async with tollbridge.tools(f"{url}/mcp", key=KEY) as tools:
                if any(name.endswith("calculate_account_value") for name in tools.names):
                    return
            await asyncio.sleep(0.1)


def test_the_loop_of_tollbridge_is_run_with_two_models(desk: Desk) -> None:
    said = desk.run("customer_service/with_tollbridge.py")
    for model in ("demo/first", "demo/second"):
        assert f"{model} called calculate_account_value with {{'customer_id': 'C-1001'}}" in said
    assert said.count(TOTAL) == said.count("$0.0000 in 2 rounds") == 2


def test_a_reply_is_asked_for_with_the_servers_prompt_and_resource(desk: Desk) -> None:
    said = desk.run("customer_service/reply.py")
    assert "What we know of the customer:" in said
    assert "hana.kobayashi@sakuradesk.example" in said


def test_litellms_program_runs_under_the_shim() -> None:
    command = [sys.executable, "-W", "error", "-m", "tollbridge.compat.litellm"]
    program = str(EXAMPLES / "customer_service/with_litellm.py")
    done = subprocess.run([*command, program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(TOTAL) == done.stdout.count("$0.0000") == 2


@pytest.mark.parametrize("sdk", ["openai", "responses", "anthropic"])
def test_a_vendors_sdk_is_answered_by_the_gateway(sdk: str, desk: Desk, gateway: str) -> None:
    said = desk.run(f"customer_service/with_{sdk}.py", TOLLBRIDGE_URL=gateway, TOLLBRIDGE_KEY=KEY)
    assert TOTAL in said.rpartition("The tool answered: ")[2]
    if sdk == "responses":
        assert 'calculate_account_value({"customer_id":"C-1001"}) gave' in said


def test_an_orchestrator_needs_plain_http_alone(desk: Desk, gateway: str) -> None:
    answer = desk.run("deployments/orchestrator.py", TOLLBRIDGE_URL=gateway, TOLLBRIDGE_KEY=KEY)
    assert TOTAL in answer
