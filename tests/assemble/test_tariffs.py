"""Prices of what was asked in the past, found without a provider's key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.faults import configuration
from tollbridge.assemble.gateway import assemble, provider_rows, transport
from tollbridge.assemble.tariffs import Tariffs
from tollbridge.catalog.facts import catalog
from tollbridge.catalog.pricing import UNPRICED
from tollbridge.config.load import load
from tollbridge.home import Home
from tollbridge.model.response import Usage
from tollbridge.observe.record import Tried
from tollbridge.server.identify import MasterKey

USAGE = Usage(input=1_000_000, output=0)
DEAR, CHEAP = {"input_cost_per_token": 0.000009}, {"input_cost_per_token": 0.000001}


def entry(name: str, model: str, info: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    said = {"model_name": name, "litellm_params": {"model": model, **params}}
    return said if info is None else {**said, "model_info": info}


def tariffs(directory: Path, *entries: dict[str, Any], **sections: Any) -> Tariffs:
    path = directory / "config.yaml"
    path.write_text(configuration(*entries, **sections))
    loaded = load(path, {})
    assert loaded.config is not None, [str(finding) for finding in loaded.findings]
    config = loaded.config
    return Tariffs(config, loaded.environ, provider_rows(config), transport(config, loaded.environ))


def cost(found: Tariffs, provider: str, model: str, deployment: str = "gone", group: str = "m") -> tuple[Any, str]:
    tariff = found.of(Tried(deployment=deployment, provider=provider, model=model), group)
    return tariff.cost(USAGE), tariff.priced


def test_an_entry_is_found_by_its_id_and_needs_no_key(tmp_path: Path) -> None:
    found = tariffs(
        tmp_path,
        entry("m", "openai/x", {"id": "one"}, api_key="os.environ/NOT_THERE", **DEAR),
        entry("m", "openai/x", {"id": "two"}, **CHEAP),
        entry("all/*", "openai/*", {"id": "any"}, **DEAR),
    )
    assert cost(found, "openai", "x", "one") == (9 * 10**9, "config")
    assert cost(found, "openai", "x", "two") == (10**9, "config")
    assert cost(found, "openai", "y", "any:all/y", "all/*") == (9 * 10**9, "config")
    assert cost(found, "groq", "x", "one")[1] != "config", "another provider's by now"


def test_one_whose_id_changed_is_found_by_what_it_asks(tmp_path: Path) -> None:
    found = tariffs(
        tmp_path,
        entry("m", "openai/x", **DEAR),
        entry("m", "openai/y", **CHEAP),
        entry("n", "openai/x", **CHEAP),
        entry("m", "azure/ours", {"base_model": "azure/gpt-4.1"}, api_base="https://e.openai.azure.com"),
    )
    assert cost(found, "openai", "x") == (9 * 10**9, "config")
    assert cost(found, "openai", "y") == (10**9, "config")
    assert cost(found, "openai", "x", group="n") == (10**9, "config")
    assert cost(found, "azure", "ours")[0] == 2 * 10**9, "by its base model"


def test_between_two_prices_nobody_chooses(tmp_path: Path) -> None:
    found = tariffs(tmp_path, entry("m", "openai/x", **DEAR), entry("m", "openai/x", **CHEAP))
    assert found.of(Tried(deployment="gone", provider="openai", model="x"), "m") is UNPRICED
    same = tariffs(tmp_path, entry("m", "openai/x", **DEAR), entry("m", "openai/x", api_key="k", **DEAR))
    assert cost(same, "openai", "x") == (9 * 10**9, "config")


def test_where_the_deployment_is_gone_the_catalog_is_asked(tmp_path: Path) -> None:
    found = tariffs(tmp_path, litellm={"cost_discount_config": {"openai": 0.5}})
    assert cost(found, "openai", "gpt-4.1")[0] == 10**9, "with the discount of today"
    assert cost(found, "anthropic", "claude-sonnet-4-5")[0] == 3 * 10**9
    assert cost(found, "ollama", "llama3.2") == (0, "local")
    assert cost(found, "openai", "nothing-like-it") == (None, "")
    assert cost(found, "no-such-provider", "gpt-4.1") == (None, "")


@pytest.mark.parametrize("name", ["gpt", "wild/gpt-4.1-mini", "mock", "own"])
def test_it_is_the_price_that_a_running_gateway_charges(tmp_path: Path, name: str) -> None:
    path = tmp_path / "config.yaml"
    entries = [
        entry("gpt", "gpt-4.1", api_key="k"),
        entry("wild/*", "openai/*", api_key="k"),
        entry("mock", "openai/gpt-4.1", mock_response="hi"),
        entry("own", "openai_like/model", api_base="http://127.0.0.1:1/v1", **DEAR),
    ]
    filed = {"openai/gpt-4.1-mini": {"since": "2026-11-26", "prices": {"input": 7}}}
    (tmp_path / "prices.json").write_text(json.dumps({"models": filed}))
    settings = {"litellm": {"cost_margin_config": {"global": 0.1}}, "general": {"prices_file": "prices.json"}}
    path.write_text(configuration(*entries, **settings))
    loaded = load(path, {})
    assert loaded.config is not None
    config = loaded.config
    gateway = assemble(config, {}, Home(tmp_path / "home"), MasterKey("sk-" + "x" * 20)).gateway
    [member] = gateway.engine.routes.groups.resolve(name).members
    found = Tariffs(config, {}, provider_rows(config), transport(config, {}))
    tariff = found.of(
        Tried(deployment=member.id, provider=member.provider, model=member.model),
        gateway.engine.routes.groups.resolve(name).label,
    )
    assert tariff.cost(USAGE) == member.tariff.cost(USAGE) is not None
    assert tariff.priced == member.tariff.priced


def test_a_file_of_prices_takes_the_place_of_the_catalogs_lists(tmp_path: Path) -> None:
    names = ("openai/gpt-4.1", "azure/gpt-4.1", "ollama/ours", "perplexity/sonar", "openai/ft:gpt-4.1:acme")
    names += ("openai/gpt-oss-20b", "azure/gpt-99")
    filed = {name: {"since": "2026-11-26", "prices": {"input": 10**9}} for name in names}
    (tmp_path / "prices.json").write_text(json.dumps({"models": filed}))
    found = tariffs(
        tmp_path,
        entry("own", "openai/gpt-4.1", **DEAR),
        entry("based", "azure/ours", {"base_model": "azure/gpt-4.1"}, api_base="https://e.openai.azure.com"),
        entry("newer", "azure/new", {"base_model": "azure/gpt-99"}, api_base="https://e.openai.azure.com"),
        entry("all/*", "openai/*"),
        general={"prices_file": "prices.json"},
    )
    as_filed = (10**9, "file 2026-11-26")
    assert cost(found, "openai", "gpt-4.1", group="own") == (9 * 10**9, "config")
    assert cost(found, "openai", "gpt-4.1", group="all/*") == as_filed
    assert cost(found, "openai", "gpt-4.1-2027-01-01", group="all/*") == as_filed, "by its plainer name"
    assert cost(found, "azure", "ours", group="based") == as_filed, "by its base model"
    assert cost(found, "azure", "new", group="newer") == as_filed, "which the catalog need not know"
    assert cost(found, "groq", "openai/gpt-oss-20b")[1] == catalog().date, "another provider has prices of its own"
    assert cost(found, "ollama", "ours") == as_filed, "also where the provider is local"
    assert cost(found, "ollama", "others") == (0, "local")
    assert cost(found, "openai", "ft:gpt-4.1:acme") == as_filed
    assert cost(found, "openai", "ft:gpt-4.1:other")[0] is None, "a fine-tune is not what it was made from"
    assert found.of(Tried(deployment="gone", provider="openai", model="gpt-4.1"), "m").cost(USAGE, "batch") is None
    told = Usage(input=1_000_000, extra={"cost": {"total_cost": 0.5}})
    sonar = found.of(Tried(deployment="gone", provider="perplexity", model="sonar"), "m")
    assert (sonar.cost(told), sonar.cost(USAGE)) == (5 * 10**8, 10**9), "what it tells stands over a list"
