from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.running import Upstream, configuration, mocking, replaying, serving


@pytest.fixture(scope="session")
def replay_server() -> Iterator[Upstream]:
    with replaying() as replay:
        yield replay


@pytest.fixture(scope="session")
def mock_server() -> Iterator[Upstream]:
    with mocking() as mock:
        yield mock


@pytest.fixture(scope="session")
def gateway(replay_server: Upstream, mock_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `tollbridge serve`."""
    with serving(configuration(replay_server.url, mock_server.url), tmp_path_factory.mktemp("gateway")) as url:
        yield url


@pytest.fixture
def replay(replay_server: Upstream) -> Upstream:
    replay_server.forget()
    return replay_server


@pytest.fixture
def mock(mock_server: Upstream) -> Upstream:
    mock_server.reset()
    return mock_server
