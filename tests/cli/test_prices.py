from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tollbridge.catalog.facts import catalog, facts
from tollbridge.cli import main
from tollbridge.cli import prices as prices_screen


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["prices", *words])


def test_a_model_is_shown_with_its_tiers_services_date_and_source() -> None:
    said = run("gemini-2.5-pro")
    assert said.exit_code == 0
    lines = [line.split() for line in said.output.splitlines()]
    assert lines[0] == ["gemini/gemini-2.5-pro"]
    assert ["input", "1.25", "$/M"] in lines
    assert ["input,", "from", "200,001", "tokens", "on", "2.5", "$/M"] in lines
    assert ["output,", "batch,", "from", "200,001", "tokens", "on", "7.5", "$/M"] in lines
    assert ["a", "search", "0.035", "$"] in lines
    assert "https://ai.google.dev" in said.output
    assert f"Prices of {catalog().date}, from litellm" in said.output


def test_input_and_output_come_first_and_pieces_last() -> None:
    names = [line.strip().partition("  ")[0] for line in run("gpt-4o").output.splitlines() if line.startswith("  ")]
    prices = names[1:-2]
    assert prices[:3] == ["input", "output", "cache read"]
    assert prices[-1].startswith("a search")
    assert prices.index("cache read") < prices.index("input, batch") < prices.index("output, batch")


def test_a_part_of_a_name_finds_all_that_hold_it() -> None:
    said = run("sonnet-4")
    names = [line.split()[0] for line in said.output.splitlines() if "/" in line.split(" ")[0]]
    assert "anthropic/claude-sonnet-4-5" in names
    assert len(names) > 5
    assert all("sonnet-4" in name for name in names)


def test_many_are_cut_and_all_are_shown_on_demand() -> None:
    cut, whole = run("openai/"), run("openai/", "--all")
    assert "more: see --all" in cut.output
    assert len(whole.output) > len(cut.output)
    assert "see --all" not in whole.output


def test_without_a_name_it_says_what_there_is() -> None:
    said = run()
    assert said.exit_code == 0
    assert "  openai/ " in said.output


def test_an_unknown_price_is_said_plainly_and_near_names_are_told() -> None:
    said = run("gpt-4oo", "gpt-4o")
    assert said.exit_code == 1
    assert "gpt-4oo: no price is known; did you mean gpt-4o" in said.output
    assert "openai/gpt-4o\n" in said.output


def test_a_known_model_without_a_price_is_not_called_free() -> None:
    names = (name.split("/", 1) for name in catalog().full_names() if name.startswith("azure/"))
    known = (facts(provider, name) for provider, name in names)
    unpriced = next(one for one in known if one is not None and one.mode == "chat" and not one.prices)
    said = run(f"azure/{unpriced.name}")
    assert "no price is known" in said.output


@pytest.mark.parametrize("name", ["demo/echo", "demo/", "ollama/nobody-lists-this", "ollama/llama3", "hosted_vllm/x"])
def test_a_local_model_costs_nothing(name: str) -> None:
    said = run(name)
    assert (said.exit_code, "costs nothing: it is local" in said.output) == (0, True)
    assert "no price is known" not in said.output
    assert {row["priced"] for row in json.loads(run(name, "--json").output)} == {"local"}


def test_where_the_provider_tells_the_cost_that_is_said() -> None:
    assert "its provider says with each answer" in run("openrouter/nobody-lists-this").output
    assert "what the provider says that it charged counts instead" in run("perplexity/sonar").output


def test_of_a_server_that_may_be_anybodys_nothing_is_known_and_it_says_what_to_do() -> None:
    said = run("openai_like/x")
    assert said.exit_code == 1
    assert "no price is known. Give it one in the configuration: input_cost_per_token" in said.output


CONFIG = """
model_list:
  - model_name: house
    litellm_params:
      {model: openai_like/m, api_base: "http://127.0.0.1:9/v1", input_cost_per_token: 5e-7, output_cost_per_token: 1e-6}
  - {model_name: timed, litellm_params: {model: hosted_vllm/x, api_base: "http://h/v1", input_cost_per_second: 0.0011}}
  - {model_name: cheaper, litellm_params: {model: gpt-4.1, api_key: k, cache_read_input_token_cost: 1e-7}}
  - {model_name: listed, litellm_params: {model: gpt-4.1, api_key: k}}
  - {model_name: nobody, litellm_params: {model: openai/nobody-knows, api_key: k}}
  - {model_name: "o/*", litellm_params: {model: "ollama/*"}}
  - {model_name: "*", litellm_params: {model: "*"}}
"""


def test_a_configurations_own_prices_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    table = [line.split() for line in run("-c", str(file)).output.splitlines()]
    assert table[1:8] == [
        ["house", "(openai_like/m)", "0.5", "1", "-", "-"],
        ["timed", "(hosted_vllm/x)", "0", "0", "-", "-", "0.0011", "$/s"],
        ["cheaper", "(openai/gpt-4.1)", "2", "8", "0.1", "-"],
        ["listed", "(openai/gpt-4.1)", "2", "8", "0.5", "-"],
        ["nobody", "(openai/nobody-knows)", "unknown"],
        ["o/*", "(ollama/*)", "nothing"],
        ["*", "(*/*)", "of", "each"],
    ]
    assert "priced by the configuration" in run("-c", str(file), "house").output
    rows = json.loads(run("-c", str(file), "--json").output)
    assert [row["priced"] for row in rows] == [*["config"] * 3, catalog().date, "", "local", "each"]
    gone = run("-c", str(file), "house", "no-such-model")
    assert (gone.exit_code, "no-such-model: the configuration has no such model" in gone.output) == (1, True)
    assert run("-c", "nowhere.yaml").exit_code == 2


def test_as_json_the_lists_are_whole_and_in_nano_dollars() -> None:
    said = run("gpt-4o", "--json")
    (row,) = json.loads(said.output)
    assert row["name"] == "openai/gpt-4o"
    assert row["prices"]["input"] == 2_500_000_000
    assert (row["date"], row["listed_by"]) == (catalog().date, "both")
    assert json.loads(run("no-such-model-at-all", "--json").output) == []


def test_the_word_show_may_be_left_out() -> None:
    assert run("show", "gpt-4o").output == run("gpt-4o").output


def test_a_name_that_leaves_no_room_for_its_prices_stands_above_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices_screen, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = CliRunner().invoke(main, ["prices", "anthropic.claude-instant", "--all"]).output.splitlines()
    table = lines[: lines.index("")]
    name = table.index("bedrock/ap-northeast-1/1-month-commitment/anthropic.claude-instant-v1")
    assert table[name + 1].startswith(" " * 20)
    assert max(map(len, table)) == 80
