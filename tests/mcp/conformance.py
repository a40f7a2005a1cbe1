"""Runs the official conformance suite against a server and tells, scenario by scenario, what it found.

    report = await run("http://127.0.0.1:4000/mcp/everything", "2026-07-28")
    assert report.passed == report.scored == 37, report.told()

What is scored is read from the suite's own list of requirements: of the others (extensions, those that came after the
revision, those that are pending) a report tells as well, and they count nowhere.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.mcp.serving import NODE_MODULES, lacking, node

SUITE = NODE_MODULES / "@modelcontextprotocol" / "conformance"
SCENARIOS = Path(__file__).with_name("scenarios.mjs")
REVISIONS = ("2025-11-25", "2026-07-28")
# A run takes seconds; one scenario that hangs is given up by the suite itself before this.
RUN_S = 100.0
SCENARIO_S = 15.0
# Single scenarios mostly wait: so many run side by side.
AT_ONCE = 4
_STAMP = re.compile(r"-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d+Z$")


@dataclass(frozen=True)
class Check:
    """One thing that a scenario looked at. `status` is the suite's: SUCCESS, FAILURE, WARNING, SKIPPED or INFO."""

    id: str
    status: str
    message: str


@dataclass(frozen=True)
class Scenario:
    name: str
    scored: bool
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """As the suite counts: something was looked at and nothing failed. A warning is no failure."""
        return bool(self.checks) and not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status == "FAILURE")

    @property
    def warned(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status == "WARNING")


@dataclass(frozen=True)
class Report:
    revision: str
    scenarios: Mapping[str, Scenario]

    @property
    def scored(self) -> int:
        return sum(scenario.scored for scenario in self.scenarios.values())

    @property
    def passed(self) -> int:
        """How many of the scored scenarios passed."""
        return sum(scenario.scored and scenario.passed for scenario in self.scenarios.values())

    def failures(self, *, scored: bool = True) -> dict[str, list[str]]:
        """The messages of failed checks by scenario: of the scored ones, or of the others."""
        return {
            scenario.name: [f"{check.id}: {check.message}" for check in scenario.failed] or ["nothing was checked"]
            for scenario in self.scenarios.values()
            if scenario.scored == scored and not scenario.passed
        }

    def told(self) -> str:
        """For the message of an assertion."""
        lines = [f"{self.passed} of {self.scored} scored scenarios passed on {self.revision}"]
        lines += [f"{name}: {'; '.join(messages)}" for name, messages in self.failures().items()]
        return "\n".join(lines)


@cache
def requirements(revision: str) -> dict[str, Any]:
    """The suite's own list for a revision: `server`, `client`, `not_scored`."""
    file = SUITE / "requirements" / f"{revision}.yaml"
    if not file.exists():
        lacking("the MCP conformance suite from npm")
    found: dict[str, Any] = yaml.safe_load(file.read_text())
    return found


async def run(url: str, revision: str) -> Report:
    """Everything that a revision requires of a server, with what is not scored."""
    scored = set(requirements(revision)["server"])
    found = await _run("server", "--url", url, "--requirements", revision)
    scenarios = {name: Scenario(name, name in scored, checks) for name, checks in found.items()}
    for name in scored - scenarios.keys():
        scenarios[name] = Scenario(name, True, ())
    return Report(revision, scenarios)


async def run_scenarios(url: str, revision: str, names: Iterable[str]) -> Report:
    """Single scenarios at a revision, a few at a time: those of an extension, or one to be looked at."""
    return await _run_each("server", ("--url", url), revision, names)


async def run_client(command: str, revision: str, names: Iterable[str] | None = None) -> Report:
    """A client's scenarios: the suite runs `command` with the address of its server behind it, for each one.

    The process finds MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_CONTEXT and MCP_CONFORMANCE_PROTOCOL_VERSION in its
    environment. None: all that the revision requires, with what is not scored.
    """
    if names is not None:
        return await _run_each("client", ("--command", command), revision, names)
    scored = set(requirements(revision)["client"])
    found = await _run("client", "--command", command, "--requirements", revision)
    scenarios = {name: Scenario(name, name in scored, found.get(name, ())) for name in scored | found.keys()}
    return Report(revision, scenarios)


async def _run_each(role: str, target: tuple[str, str], revision: str, names: Iterable[str]) -> Report:
    scored = set(requirements(revision)[role])
    wanted = list(names)
    single = [(role, *target, "--scenario", name, "--spec-version", revision, "--force") for name in wanted]
    found = await _found(role, single) if single else {}
    return Report(revision, {name: Scenario(name, name in scored, found.get(name, ())) for name in wanted})


async def _run(role: str, *arguments: str) -> dict[str, tuple[Check, ...]]:
    return await _found(role, [(role, *arguments)])


async def _found(role: str, runs: Sequence[tuple[str, ...]]) -> dict[str, tuple[Check, ...]]:
    """The checks of each scenario that ran, as the suite left them in its files."""
    program = SUITE / "dist" / "index.js"
    if not program.exists():
        lacking("the MCP conformance suite from npm")
    with tempfile.TemporaryDirectory() as folder:
        more = ("--timeout", str(int(SCENARIO_S * 1000)), "-o", folder)
        process = await asyncio.create_subprocess_exec(
            *(node(), str(SCENARIOS), str(program), str(AT_ONCE), json.dumps([[*run, *more] for run in runs])),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), RUN_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        found = {
            _STAMP.sub("", str(file.parent.relative_to(folder))).removeprefix(f"{role}-"): _checks(file)
            for file in Path(folder).rglob("checks.json")
        }
    if not found:
        raise RuntimeError(f"The conformance suite ran nothing:\n{said.decode(errors='replace')[-2000:]}")
    return found


def _checks(file: Path) -> tuple[Check, ...]:
    listed: list[dict[str, Any]] = json.loads(file.read_text())
    return tuple(Check(check["id"], check["status"], check.get("errorMessage", "")) for check in listed)
