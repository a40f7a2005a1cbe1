from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tollbridge.cli import main
from tollbridge.providers import vertex
from tollbridge.providers.aws_account import CREDENTIALS, REGION
from tollbridge.providers.table import ROWS

CLOUDS = (*CREDENTIALS, REGION, vertex.CREDENTIALS, vertex.PROJECT)
NOTHING: dict[str, str | None] = {
    name: None
    for names in (*((*row.key_env, *row.base_env, *row.token_env) for row in ROWS.values()), *CLOUDS)
    for name in names
}


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["providers", *words], env={**NOTHING, **environ})


def test_every_provider_is_listed_with_its_kind_formats_and_key() -> None:
    said = run()
    assert said.exit_code == 0
    lines = {line.split()[0]: line for line in said.output.splitlines()}
    assert set(ROWS) < set(lines)
    assert lines["groq"].split() == ["groq", "host", "-", "openai_chat", "GROQ_API_KEY"]
    assert said.output.endswith(f"{len(ROWS)} providers.\n")


def test_one_is_ready_where_the_environment_is_enough_for_it() -> None:
    said = run("--ready", GROQ_API_KEY="k", HOSTED_VLLM_API_BASE="http://127.0.0.1:1", CLOUDFLARE_API_KEY="k")
    assert [line.split()[:3] for line in said.output.splitlines()[1:-1]] == [
        ["groq", "host", "yes"],
        ["hosted_vllm", "local", "yes"],
    ]
    assert (
        run("--ready").output == "No provider is ready: set the key of one, or the address of a server of your own.\n"
    )


def test_one_by_name_or_alias_is_shown_in_full() -> None:
    said = run("together")
    assert said.exit_code == 0
    lines = [line.split(maxsplit=1) for line in said.output.splitlines()]
    assert lines[0] == ["together_ai/<model>,", "also together/"]
    told = {line[0]: line[1] for line in lines[1:]}
    assert told["key"] == "TOGETHER_API_KEY or TOGETHER_AI_API_KEY or TOGETHERAI_API_KEY or TOGETHER_AI_TOKEN"
    assert told["compared"] == "2026-11-26"
    assert "https://docs.together.ai" in told["source"]


def test_no_line_ends_before_it_says_something() -> None:
    for name in ROWS:
        said = run(name)
        assert said.exit_code == 0
        assert all(len(line.split()) > 1 for line in said.output.splitlines()[1:]), name


def test_one_that_is_not_ready_says_what_it_lacks_and_where_it_is() -> None:
    half = run("bedrock", AWS_ACCESS_KEY_ID="a", AWS_REGION="eu-west-1").output
    assert "ready      no: set AWS_SECRET_ACCESS_KEY, too" in half
    assert "bedrock" not in run("--ready", AWS_ACCESS_KEY_ID="a", AWS_REGION="eu-west-1").output
    vertex = run("vertex_ai").output
    assert "pass api_base" not in vertex
    assert "https://{vertex_location}-aiplatform.googleapis.com" in vertex
    assert "wants      vertex_project, or VERTEXAI_PROJECT" in vertex
    assert "vertex_location, or VERTEXAI_LOCATION" in vertex
    assert "wants      account_id, or CLOUDFLARE_ACCOUNT_ID" in run("cloudflare").output
    assert "ready      yes" in run("demo").output


def test_what_nobody_compared_is_said_plainly() -> None:
    said = run("kyma").output
    assert "source     litellm 1.109.1, not compared with the vendor's pages" in said
    assert "compared   no" in said


def test_a_part_of_a_name_finds_all_that_hold_it() -> None:
    said = run("azure", "qwen")
    names = [line.split()[0] for line in said.output.splitlines()]
    assert {"qwencloud", "qwen_ai_platform"} <= set(names)
    assert "azure/<model>" in said.output  # an exact name is that one alone
    assert "azure_ai" not in names


def test_an_unknown_name_ends_with_1_and_near_names() -> None:
    said = run("grok", "groqq")
    assert said.exit_code == 1
    assert "groqq: there is no such provider; did you mean groq" in said.output


def test_json_has_the_rows_whole_in_a_shape_that_is_kept() -> None:
    rows = {row["name"]: row for row in json.loads(run("--json").output)}
    assert set(rows) == set(ROWS)
    assert rows["zai"] == {
        "name": "zai",
        "kind": "vendor",
        "aliases": [],
        "formats": ["openai_chat", "anthropic_messages"],
        "address": "https://api.z.ai/api/paas/v4",
        "address_variables": ["ZAI_API_BASE"],
        "key_variables": ["ZAI_API_KEY"],
        "needs_key": True,
        "wants": {},
        "lacks": ["response_schema", "tool_choice"],
        "drops": [],
        "renames": {"max_completion_tokens": "max_tokens"},
        "thinking": "thinking_type",
        "schema": "json",
        "patches": ["developer_is_system"],
        "models": [
            {"models": r"glm-5\.[2-9]", "lacks": [], "drops": [], "renames": {}, "thinking": "thinking", "patches": []}
        ],
        "local": False,
        "tells_cost": False,
        "source": "https://docs.z.ai/api-reference/llm/chat-completion",
        "checked": "2026-11-26",
    }
    assert {row["kind"] for row in rows.values()} == {"vendor", "host", "cloud", "gateway", "local", "alone"}
    assert sum(not row["checked"] for row in rows.values()) == sum(not row.checked for row in ROWS.values())


def test_the_operators_own_rows_are_shown_with_a_configuration(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "providers:\n"
        "  - {name: mine, base_url: 'http://10.0.0.5:8000/v1', api_key_env: [MINE_KEY], lacks: [images]}\n"
        "  - {name: groq, base_url: 'http://10.0.0.6/v1'}\n"
    )
    (mine,) = json.loads(run("mine", "--json", "--config", str(config)).output)
    assert (mine["kind"], mine["lacks"], mine["key_variables"]) == ("own", ["images"], ["MINE_KEY"])
    (groq,) = json.loads(run("groq", "--json", "-c", str(config)).output)
    assert (groq["kind"], groq["address"]) == ("own", "http://10.0.0.6/v1")
    assert "mine" in run("--ready", "--config", str(config), MINE_KEY="k").output
    assert run("mine").exit_code == 1
    assert run("mine", "--config", str(tmp_path / "none.yaml")).exit_code == 2


def test_no_key_is_shown() -> None:
    assert "sk-of-this-test" not in run("groq", "--json", GROQ_API_KEY="sk-of-this-test").output
    assert "sk-of-this-test" not in run("groq", GROQ_API_KEY="sk-of-this-test").output


@pytest.mark.parametrize("word", ["tollbridge providers --ready", "Exit codes"])
def test_help_has_an_example(word: str) -> None:
    assert word in run("--help").output
