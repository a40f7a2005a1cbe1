"""The customer service assistant of examples/ with frameworks that take minutes to install: the programs as they are,
before `tollbridge serve` with the offline model and the example's own MCP server."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import msgspec

from tests.clients.others.programs import Outcome, python, python_version
from tests.clients.running import KEY, REPOSITORY, serving
from tests.mcp.serving import CUSTOMER_SERVICE

PATIENCE_S = 120
TOLD = '"total": 523.75'
"""What the server computes for the customer who is asked about."""


class Assistant(msgspec.Struct, frozen=True):
    """`environment`: where it is installed, `program`: in examples/customer_service."""

    package: str
    environment: str
    program: str

    def ask(self, url: str, home: str) -> str | None:
        """What is wrong; None where nothing is."""
        program = REPOSITORY / "examples/customer_service" / self.program
        environ = {"TOLLBRIDGE_URL": url, "TOLLBRIDGE_KEY": KEY, "HOME": home}
        try:
            done = subprocess.run(
                [python(self.environment), program], capture_output=True, text=True, env=environ, timeout=PATIENCE_S
            )
        except subprocess.TimeoutExpired:
            return f"no answer within {PATIENCE_S} s"
        if done.returncode:
            return " ".join(done.stderr.split())[-400:]
        return None if TOLD in done.stdout else f"{done.stdout[-200:]!r}, without {TOLD}"


ASSISTANTS = (
    Assistant("openai-agents", "openai_agents", "with_openai_agents.py"),
    Assistant("langchain", "langchain_agent", "with_langchain.py"),
    Assistant("dspy", "dspy", "with_dspy.py"),
)


def run(only: str) -> Outcome:
    """Each whose name holds `only`, or all where it is `assistants`."""
    chosen = [one for one in ASSISTANTS if only in f"{one.package} assistants"]
    outcome = Outcome(["assistant of examples/", "version", "answers with the tool's result"])
    outcome.missing = [one.package for one in chosen if not python(one.environment).exists()]
    present = [one for one in chosen if python(one.environment).exists()]
    if not present:
        return outcome
    models = [{"model_name": "demo/*", "litellm_params": {"model": "demo/*"}}]
    servers = {"customer-service": CUSTOMER_SERVICE.configured()}
    with tempfile.TemporaryDirectory() as directory:
        with serving(json.dumps({"model_list": models, "mcp_servers": servers}), Path(directory)) as url:
            for one in present:
                problem = one.ask(url, directory)
                outcome.asked += 1
                if problem is not None:
                    outcome.wrong.append(f"{one.package}, {one.program}: {problem}")
                version = python_version(one.environment, one.package)
                outcome.rows.append([one.program, version, "yes" if problem is None else "no"])
    return outcome
