"""examples/README.md lists all that is there, and what it says of models holds for each program."""

from __future__ import annotations

import re

import pytest

from tests.examples.programs import EXAMPLES
from tollbridge.config.load import load

LISTED = {EXAMPLES / path for path in re.findall(r"\]\(([\w./-]+)\)", (EXAMPLES / "README.md").read_text())}
PROGRAMS = sorted(path for path in EXAMPLES.rglob("*.py") if "__pycache__" not in path.parts)
FILES = [*PROGRAMS, *EXAMPLES.rglob("*.yaml"), *EXAMPLES.rglob("*.conf")]


def test_each_program_and_configuration_is_listed() -> None:
    behind_its_readme = {EXAMPLES / "customer_service/server.py"}
    assert set(FILES) - behind_its_readme <= LISTED
    assert all(path.exists() for path in LISTED)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_program_says_first_how_it_is_run(path: object) -> None:
    text = (EXAMPLES / str(path)).read_text()
    head = text[: text.index('"""', 3)]
    assert head.startswith('"""')
    assert "python " in head


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_configuration_has_no_error_without_any_key(path: object) -> None:
    needed = {"TOOLS_URL": "http://127.0.0.1:4001/mcp", "TOOLS_KEY": "k" * 20, "METRICS_TOKEN": "metrics-0123456789"}
    loaded = load(EXAMPLES / str(path), needed)
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    assert all("is not set" in finding.message for finding in loaded.findings)
