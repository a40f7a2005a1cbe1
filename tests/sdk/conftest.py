from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.replay import Replay, replaying


@pytest.fixture(scope="session")
def replay_server() -> Iterator[Replay]:
    with replaying() as replay:
        yield replay


@pytest.fixture
def replay(replay_server: Replay) -> Replay:
    replay_server.captures()
    return replay_server


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without keys and addresses of providers; its state directory."""
    for name in os.environ:
        if name.upper().endswith(("_API_KEY", "_BASE_URL", "_API_BASE", "_PROXY", "_AUTH_TOKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
