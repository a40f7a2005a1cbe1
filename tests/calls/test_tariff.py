"""Whose prices a deployment has."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tollbridge.calls.build import Wanted, build, stands_for
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.tariff import Markup, Markups, tariff
from tollbridge.catalog.facts import catalog, facts
from tollbridge.model.response import Usage
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS

USED = Usage(input=1_000, output=1_000)


def deployment(model: str, **wanted: Any) -> Deployment:
    given = Given(api_key="k", api_base=wanted.pop("api_base", None))
    return build(Wanted(id="1", group="g", model=model, given=given, **wanted), {}, ROWS)


def test_a_known_model_has_the_catalogs_prices_and_their_date() -> None:
    made = deployment("openai/gpt-4o")
    assert made.tariff.priced == catalog().date
    assert made.tariff.cost(USED) == 12_500_000


@pytest.mark.parametrize("model", ["ollama/llama2", "hosted_vllm/x", "lm_studio/x", "llama_cpp/x", "demo/x"])
def test_a_local_model_is_free_and_says_so(model: str) -> None:
    made = deployment(model, api_base="http://10.0.0.5:8000/v1")
    assert (made.tariff.priced, made.tariff.cost(USED)) == ("local", 0)


@pytest.mark.parametrize("model", ["openai/no-such-model", "openai_like/x", "custom_openai/x", "litellm_proxy/x"])
def test_a_model_of_nobody_knows_whom_has_no_price(model: str) -> None:
    made = deployment(model, api_base="http://10.0.0.5:8000/v1")
    assert (made.tariff.priced, made.tariff.cost(USED)) == ("", None)


def test_the_operators_prices_stand_over_all() -> None:
    for model in ("openai/gpt-4o", "ollama/llama2", "openai/no-such-model", "openrouter/openai/gpt-4o"):
        made = deployment(model, prices={"input": 10**9, "output": 2 * 10**9})
        assert made.tariff.priced == "config"
        assert made.tariff.cost(Usage(input=1_000, output=1_000, extra={"cost": 9})) == 3_000_000


def test_a_base_model_says_what_an_azure_deployment_costs() -> None:
    base = "https://r.openai.azure.com"
    assert deployment("azure/ours", api_base=base).tariff.cost(USED) is None
    for said in ("gpt-4o", "azure/gpt-4o", "openai/gpt-4o"):
        assert deployment("azure/ours", api_base=base, info={"base_model": said}).tariff.cost(USED) == 12_500_000, said


def test_a_fine_tune_under_the_name_of_its_base_has_no_price() -> None:
    assert facts("openai", "ft:gpt-4.1-2099-01-01:acme::x") is not None
    assert deployment("openai/ft:gpt-4.1-2099-01-01:acme::x").tariff.cost(USED) is None
    assert deployment("openai/ft:gpt-4o-2024-08-06:acme::x").tariff.cost(USED) == 18_750_000
    said = {"base_model": "gpt-4.1"}
    assert deployment("openai/ft:gpt-4.1-2099-01-01:acme::x", info=said).tariff.cost(USED) == 10_000_000


def test_a_provider_that_tells_its_cost_is_believed() -> None:
    told = Usage(input=1_000, output=1_000, extra={"cost": 0.25})
    known, unknown = deployment("openrouter/openai/gpt-4o"), deployment("openrouter/someone/new")
    assert (known.tariff.priced, known.tariff.cost(told)) == (catalog().date, 250_000_000)
    assert (unknown.tariff.priced, unknown.tariff.cost(told)) == ("provider", 250_000_000)
    assert unknown.tariff.cost(USED) is None
    assert deployment("openai/gpt-4o").tariff.cost(told) == 12_500_000


def test_discounts_come_before_margins_and_a_provider_before_all_others() -> None:
    markups = Markups(
        {"openai": Fraction(1, 10)},
        {"global": Markup(Fraction(3, 2)), "openai": Markup(Fraction(2), 7), "ollama": Markup(Fraction(1), 7)},
    )
    assert deployment("openai/gpt-4o", markups=markups).tariff.cost(USED) == 12_500_000 * 9 // 10 * 2 + 7
    assert deployment("anthropic/claude-sonnet-4-5", markups=markups).tariff.cost(USED) == 27_000_000
    assert deployment("ollama/x", markups=markups).tariff.cost(USED) == 0
    own = deployment("mistral/x", prices={"input": 10**9, "output": 10**9}, markups=markups)
    assert own.tariff.cost(USED) == 3_000_000


def test_a_mock_costs_what_it_stands_for() -> None:
    wanted = Wanted(id="1", group="g", model="demo/gpt-4o")
    assert stands_for("openai", "gpt-4o", wanted, ROWS).cost(USED) == 12_500_000
    assert stands_for("openai", "no-such-model", wanted, ROWS).cost(USED) is None
    assert stands_for("nobody", "gpt-4o", wanted, ROWS).cost(USED) is None
    assert stands_for("demo", "x", wanted, ROWS).cost(USED) == 0


def test_the_catalogs_seconds_are_no_waiting() -> None:
    known = facts("groq", "whisper-large-v3")
    assert known is not None
    assert tariff(ROWS["groq"], "whisper-large-v3", known, {}).cost(USED, seconds=9.0) is None
