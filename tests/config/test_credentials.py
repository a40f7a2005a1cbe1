"""`credential_list`: keys and addresses that deployments name."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.config.load import Loaded, load_value

LIST = [{"credential_name": "mine", "credential_values": {"api_key": "sk-mine", "api_base": "http://mine/v1"}}]


def loaded(params: dict[str, Any], credentials: Any = LIST, **environ: str) -> Loaded:
    entry = {"model_name": "m", "litellm_params": {"model": "openai/gpt-4o", **params}}
    return load_value({"model_list": [entry], "credential_list": credentials}, environ, "it")


def test_a_deployment_has_the_values_of_the_credential_that_it_names() -> None:
    config = loaded({"litellm_credential_name": "mine"}).config
    assert config is not None
    (model,) = config.models
    assert model.api_key is not None
    assert (model.api_key.reveal(), model.api_base) == ("sk-mine", "http://mine/v1")


def test_what_a_deployment_says_itself_wins() -> None:
    config = loaded({"litellm_credential_name": "mine", "api_base": "http://own/v1"}).config
    assert config is not None
    assert config.models[0].api_base == "http://own/v1"


def test_a_credential_that_is_not_there_is_an_error_and_no_other_key_is_taken() -> None:
    found = loaded({"litellm_credential_name": "minne"}, OPENAI_API_KEY="sk-of-the-environment")
    assert found.config is None
    (finding,) = found.findings
    assert finding.path == "model_list[0].litellm_params.litellm_credential_name"
    assert finding.message == "there is no credential 'minne' in `credential_list`; did you mean 'mine'?"


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        ({"mine": {}}, "expected a list of credentials"),
        ([{"credential_name": "mine"}], "lacks `credential_values`"),
        ([{"credential_values": {}}], "lacks `credential_name`"),
        ([*LIST, *LIST], "there is a credential 'mine' already"),
        ([{"credential_name": "a", "credential_values": {}, "credential_nam": 1}], "did you mean `credential_name`?"),
    ],
)
def test_a_mistake_in_the_list_is_an_error(credentials: Any, message: str) -> None:
    found = loaded({}, credentials)
    assert found.config is None
    assert any(message in finding.message for finding in found.findings), found.findings
