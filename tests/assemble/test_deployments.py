"""`model_list` -> deployments: mocks, also behind a wildcard, and the times of whole answers and of streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.faults import CHAT, ask, configuration
from tests.server.served import served
from tollbridge.assemble.deployments import Maker
from tollbridge.assemble.gateway import provider_rows
from tollbridge.assemble.offline import offline
from tollbridge.calls.deployment import Deployment
from tollbridge.config.load import load
from tollbridge.routing.groups import Groups
from tollbridge.transport.inprocess import ByHost, InProcess


def groups_of(text: str, directory: Path) -> Groups[Deployment]:
    path = directory / "config.yaml"
    path.write_text(text)
    config = load(path, {}).config
    assert config is not None
    return Maker(config, {}, provider_rows(config), ByHost({}, InProcess(offline()))).groups()


@pytest.mark.parametrize(("public", "asked"), [("m", "m"), ("m/*", "m/x")])
@pytest.mark.parametrize(
    ("model", "provider"), [("openai/gpt-4o", "openai"), ("openrouter/openai/gpt-4o", "openrouter")]
)
async def test_a_mock_answers_here_under_the_name_of_its_provider(
    tmp_path: Path, public: str, asked: str, model: str, provider: str
) -> None:
    entry = {"model_name": public, "litellm_params": {"model": model, "mock_response": "said here"}}
    async with served(configuration(entry), tmp_path) as gateway:
        answered = await gateway.post(CHAT, ask(asked))
    assert answered.json()["choices"][0]["message"]["content"] == "said here"
    assert answered.headers["x-tollbridge-provider"] == provider


def test_the_timeout_of_a_deployment_bounds_an_answer_and_a_streams_silence_but_not_its_length(tmp_path: Path) -> None:
    params = {"model": "openai/x", "api_key": "k", "timeout": 30}
    text = configuration({"model_name": "m", "litellm_params": params}, router={"timeout": 900})
    (deployment,) = groups_of(text, tmp_path).resolve("m").members
    assert deployment.timeouts.total_s == 30
    assert (deployment.stream_timeouts.first_byte_s, deployment.stream_timeouts.total_s) == (30, 900)
