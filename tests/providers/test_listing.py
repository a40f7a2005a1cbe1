"""What a model costs is found by the same names whether a deployment of it is made or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tollbridge import UnknownPrice, completion_cost, cost_per_token, get_model_info
from tollbridge.calls.build import Wanted, build
from tollbridge.catalog.facts import catalog, facts
from tollbridge.catalog.price_names import field_of
from tollbridge.cli import main
from tollbridge.errors import APIError
from tollbridge.model.response import Usage
from tollbridge.providers.listing import Listing, listing, region_of
from tollbridge.providers.names import find, locate
from tollbridge.providers.resolve import Given, resolve
from tollbridge.providers.table import ROWS
from tollbridge.sdk.price_list import PRICES

REGION = {"AWS_REGION": "us-east-1"}
NAMES = [
    "gpt-4o",
    "openai/responses/gpt-5",
    "azure/o_series/o3",
    "azure/gpt5_series/gpt-5",
    "bedrock/anthropic.claude-v2:1",
    "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock/invoke/us-west-2/anthropic.claude-v2:1",
    "bedrock/us-west-2/6-month-commitment/anthropic.claude-v2:1",
    "bedrock/ap-northeast-1/anthropic.claude-instant-v1",
    "bedrock/arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-v2:1",
    "bedrock_converse/amazon.nova-lite-v1:0",
    "fireworks_ai/deepseek-v3",
    "fireworks_ai/deepseek-r1-0528",
    "openrouter/openai/gpt-4o",
    "together/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "replicate/deployments/meta/llama-2-70b-chat",
    "ai21/jamba-mini-1.7",
    "ai21_chat/jamba-mini-1.7",
    "vertex_ai/gemini-2.5-flash",
]
GIVEN = Given(api_key="k", api_base="https://a.example.com")
PLAIN = Given(api_key="k")
MUCH = Usage(input=100_000, output=100_000)


@pytest.fixture(autouse=True)
def _in_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION_NAME", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", REGION["AWS_REGION"])


@pytest.mark.parametrize("model", NAMES)
def test_the_sdk_and_the_command_find_the_price_that_the_gateway_uses(model: str) -> None:
    given = GIVEN if model.startswith("azure") else PLAIN
    deployment = build(Wanted(id="x", group="x", model=model, given=given), REGION, ROWS)
    tariff = PRICES.tariff(PRICES.named(model))
    assert (tariff.priced, tariff.cost(MUCH)) == (deployment.tariff.priced, deployment.tariff.cost(MUCH))
    said = CliRunner().invoke(main, ["prices", "show", model, "--json"], env={"AWS_REGION": "us-east-1"})
    (listed,) = json.loads(said.output)
    assert deployment.facts is not None
    assert listed["prices"] == dict(deployment.facts.prices)
    assert (listed["priced"], listed["name"]) == (
        deployment.tariff.priced,
        f"{deployment.provider if facts(deployment.provider, deployment.facts.name) else deployment.facts.provider}"
        f"/{deployment.facts.name}",
    )
    if not tariff.covers:  # paid by time
        return
    rate = deployment.facts.prices["input"] / 1e15
    assert get_model_info(model)["input_cost_per_token"] == rate
    assert field_of("input") == "input_cost_per_token"
    assert cost_per_token(model, prompt_tokens=100_000)[0] == pytest.approx(rate * 1e5, rel=1e-9)
    told = {"usage": {"prompt_tokens": 100_000, "completion_tokens": 0}}
    assert completion_cost(told, model=model) == pytest.approx(rate * 1e5, rel=1e-9)


def test_a_region_that_is_said_goes_before_the_environments() -> None:
    here, there = (cost_per_token("bedrock/anthropic.claude-v2:1", 1_000_000, region_name=one)[0]
                   for one in (None, "ap-northeast-1"))  # fmt: skip
    known = [facts("bedrock", f"{region}/anthropic.claude-v2:1") for region in ("us-east-1", "ap-northeast-1")]
    assert all(known)
    assert [here, there] == [one.prices["input"] / 1e9 for one in known if one]
    told = {"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0}}
    assert completion_cost(told, model="bedrock/anthropic.claude-v2:1", region_name="ap-northeast-1") == there


def test_a_model_is_listed_as_a_deployment_is_asked() -> None:
    compared = 0
    for name in catalog().full_names():
        row = find(name.partition("/")[0], ROWS)
        if row is None:
            continue
        for region in ("us-east-1", "eu-west-1"):
            try:
                location = resolve(name, given=PLAIN, environ={"AWS_REGION": region}, rows=ROWS)
            except APIError:  # what an address needs besides
                continue
            compared += 1
            assert listing(row, locate(name, ROWS)[1], region=region) == Listing(location.model, location.listed), name
    assert compared > 5_000


def test_each_model_of_the_catalog_is_found_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    for name in list(catalog().full_names())[::5]:
        provider, _, model = name.partition("/")
        found, row = PRICES.facts(PRICES.named(name)), find(provider, ROWS)
        assert found is not None, name
        assert found == facts(provider, model) or (row is not None and row.qualifies), name


def test_a_region_is_told_by_a_deployment_its_address_or_the_environment() -> None:
    host = "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert region_of({"aws_region_name": "sa-east-1"}, REGION, host) == "sa-east-1"
    assert region_of({}, REGION, host) == "eu-west-1"
    assert region_of({}, REGION, "https://example.com") == "us-east-1"
    assert region_of({}, {}) == ""


def test_a_price_that_nobody_knows_stays_unknown() -> None:
    with pytest.raises(UnknownPrice):
        cost_per_token("bedrock/us-east-1/of-tomorrow", 1, 1)


def test_what_a_configurations_model_costs_is_shown_for_its_region(tmp_path: Path) -> None:
    said = {"model": "bedrock/anthropic.claude-v2:1", "aws_region_name": "us-west-2"}
    entries = [{"model_name": "here", "litellm_params": said}]
    (tmp_path / "c.yaml").write_text(json.dumps({"model_list": entries}))
    shown = CliRunner().invoke(main, ["prices", "show", "--config", str(tmp_path / "c.yaml"), "--json", "here"]).output
    known = facts("bedrock", "us-west-2/anthropic.claude-v2:1")
    assert known is not None
    assert json.loads(shown)[0]["prices"]["input"] == known.prices["input"]
