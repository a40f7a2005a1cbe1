"""A plugin of pytest: one line of JSON for each test that ran, to the file that OUTCOMES names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    if report.when != "call" and not report.failed:
        return
    error = "" if call.excinfo is None else f"{call.excinfo.typename}: {call.excinfo.value}"
    told = {"test": item.nodeid, "outcome": report.outcome, "error": error[:2000]}
    with Path(os.environ["OUTCOMES"]).open("a") as file:
        file.write(json.dumps(told) + "\n")
