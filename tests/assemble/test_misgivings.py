from __future__ import annotations

from pathlib import Path

from tests.config.loading import GOOD_KEY, config_of, load_text
from tollbridge.assemble.gateway import assemble
from tollbridge.config.settings import Config
from tollbridge.home import Home
from tollbridge.server.identify import MasterKey


def problems(directory: Path, text: str) -> list[str]:
    loaded = load_text(directory, text)
    found = assemble(config_of(loaded), loaded.environ, Home(directory / "home"), MasterKey(GOOD_KEY)).problems
    return [one.replace(f"{directory}/", "") for one in found]


def test_a_start_that_serves_nothing_says_what_to_do(tmp_path: Path) -> None:
    [told] = problems(tmp_path, "model_list:\n")
    assert told.startswith("config.yaml:1:1: warning: serves nothing")
    assert "tollbridge init" in told


def test_a_start_without_a_file_tells_of_a_key_that_is_not_enough(tmp_path: Path) -> None:
    environ = {"AZURE_API_KEY": "k"}
    [told] = assemble(Config(), environ, Home(tmp_path / "home"), MasterKey(GOOD_KEY)).problems
    assert told.startswith("the environment: warning: azure/* does not serve, though AZURE_API_KEY is set: ")
