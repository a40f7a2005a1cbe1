from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from tollbridge.catalog.facts import catalog, facts
from tollbridge.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["models", *words])


def names(said: Result) -> list[str]:
    return [line.split()[0] for line in said.output.splitlines()[1:] if "/" in line.split("  ")[0]]


def test_a_providers_models_are_shown_with_what_they_read_write_and_can() -> None:
    said = run("anthropic")
    assert said.exit_code == 0
    assert said.output.splitlines()[0].split() == ["model", "mode", "reads", "writes", "can"]
    assert all(name.startswith("anthropic/") for name in names(said))
    (line,) = (line for line in said.output.splitlines() if line.startswith("anthropic/claude-sonnet-4-5 "))
    known = facts("anthropic", "claude-sonnet-4-5")
    assert known is not None
    assert known.max_input_tokens is not None
    assert line.split()[1:3] == ["chat", f"{known.max_input_tokens:,}"]
    assert "tools" in line
    assert f"As of {catalog().date}" in said.output


def test_an_alias_stands_for_its_provider() -> None:
    assert names(run("together", "--all"))[0].startswith("together_ai/")


def test_patterns_have_stars_and_parts_do_not_need_them() -> None:
    starred = names(run("anthropic/*opus*"))
    assert starred
    assert all(name.startswith("anthropic/") and "opus" in name for name in starred)
    assert set(starred) <= set(names(run("opus", "--all")))


def test_only_one_mode_is_shown_where_it_is_asked_for() -> None:
    assert {line.split()[1] for line in run("openai", "--mode", "embedding").output.splitlines()[1:-2]} == {"embedding"}


def test_a_mode_that_no_model_has_is_told_with_those_that_there_are() -> None:
    said = run("--mode", "embeding")
    assert said.exit_code == 2
    assert "'embeding'" in said.output
    assert all(f" {mode}" in said.output for mode in ("chat", "embedding", "rerank", "image_generation"))
    assert "did you mean 'embedding'?" in said.output
    of_one = run("groq", "--mode", "rerank")
    assert of_one.exit_code == 1
    assert "groq: no model of the mode 'rerank' is known; there are: audio_" in of_one.output


def test_a_pattern_may_begin_with_another_name_of_a_provider() -> None:
    starred = names(run("together/*", "--all"))
    assert starred == names(run("together_ai/*", "--all"))
    assert starred
    assert names(run("vllm/*")) == names(run("hosted_vllm/*"))
    llamas = names(run("together/meta-llama", "--all"))
    assert llamas
    assert all(name.startswith("together_ai/meta-llama") for name in llamas)


def test_many_are_cut_and_all_are_shown_on_demand() -> None:
    assert "more: see --all" in run("openai").output
    assert len(names(run("openai", "--all"))) > 100


def test_without_a_name_it_says_what_there_is_and_what_no_row_reaches() -> None:
    lines = {line.split()[0]: line for line in run().output.splitlines() if line.startswith("  ")}
    assert lines["groq"].split()[1].isdigit()
    assert len(lines["groq"].split()) == 2
    assert any("no row" in line for line in lines.values())


def test_an_unknown_name_ends_with_1_and_near_names() -> None:
    said = run("claude-sonet-4-5", "groq")
    assert said.exit_code == 1
    assert "claude-sonet-4-5: no model is known; did you mean" in said.output


def test_of_the_offline_model_it_is_said_that_any_name_works() -> None:
    assert run("demo").output.startswith("demo: any name works, `demo/hello`; it answers offline.\n")


def test_json_has_all_that_is_known_in_a_shape_that_is_kept() -> None:
    (model,) = (one for one in json.loads(run("openai/gpt-4o", "--json").output) if one["name"] == "openai/gpt-4o")
    assert set(model) == {
        *("name", "provider", "mode", "max_input_tokens", "max_output_tokens", "features", "lacks"),
        *("served", "priced", "date"),
    }
    assert (model["provider"], model["mode"], model["served"], model["priced"]) == ("openai", "chat", True, True)
    assert (model["max_input_tokens"], model["date"]) == (128_000, catalog().date)
    assert "tools" in model["features"]


@pytest.mark.parametrize("word", ["tollbridge models groq", "Exit codes"])
def test_help_has_an_example(word: str) -> None:
    assert word in run("--help").output
