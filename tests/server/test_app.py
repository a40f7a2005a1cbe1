"""What the application adds around its handlers."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry
from tests.server.served import served
from tollbridge.routing.engine import Engine


@pytest.mark.parametrize(("path", "header"), [(CHAT, "x-request-id"), (MESSAGES, "request-id")])
async def test_a_fault_of_ours_has_one_id_for_client_log_line_and_traceback(
    tmp_path: Path, path: str, header: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Engine, "run", broken)
    with caplog.at_level(logging.ERROR):
        async with served(configuration(entry("m", 9)), tmp_path) as gateway:
            answered = await gateway.post(path, ask())
    (record,) = gateway.records
    assert (answered.status, record.status, record.error_class) == (500, 500, "ZeroDivisionError")
    assert answered.headers[header] == record.request_id
    assert record.request_id in caplog.text


async def test_a_browser_at_the_root_is_told_what_to_do_next_and_a_program_where_things_are(tmp_path: Path) -> None:
    async with served(configuration(entry("m", 9)), tmp_path) as gateway:
        page = await gateway.send("GET", "/", headers={"accept": "text/html,*/*;q=0.8"}, key=None)
        told = await gateway.send("GET", "/", key=None)
    assert page.headers["content-type"].startswith("text/html")
    assert "docs/index.md" in page.body.decode()
    assert not re.search("https?:|src=|href=|<script", page.body.decode())
    assert told.json().keys() == {"name", "models", "mcp", "docs"}
