"""Each row is well-formed, and says where its facts are from and when they were compared."""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tollbridge.calls.build import wire_named
from tollbridge.providers.address import read_base
from tollbridge.providers.row import Provider
from tollbridge.providers.rows.alike import LITELLM, hosted
from tollbridge.providers.table import ALIASES, BARE, KINDS, ROWS
from tollbridge.wires.base import FEATURES
from tollbridge.wires.openai_chat.thinking import STYLES

ROOT = Path(__file__).resolve().parents[2]
PREFERENCES = {"max_tokens", "reasoning_field", "reasoning", "cache_control", "system_role", "seed", "content"} | {
    "response_schema",
    "document_url",
    "mend_answers",
}

rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


@rows
def test_a_row_has_a_usable_address_or_says_where_one_is_from(row: Provider) -> None:
    if not row.base_url:
        assert row.base_env, "nobody can say where it is"
        return
    base = read_base(re.sub(r"\{\w+\}", "x", row.base_url), row.name)
    assert base.scheme == "https" or row.local
    assert not row.base_url.endswith("/")
    assert {*re.findall(r"\{(\w+)\}", row.base_url)} == set(row.holes)


@rows
def test_a_row_names_its_source_and_the_day_it_was_compared_or_that_nobody_did(row: Provider) -> None:
    assert row.source
    if row.source == LITELLM:
        assert not row.checked, "another gateway's list is no vendor's page"
    if row.checked:
        assert datetime.date.fromisoformat(row.checked) <= datetime.datetime.now(datetime.UTC).date()


@rows
def test_a_row_speaks_a_wire_that_exists_in_words_that_the_wires_know(row: Provider) -> None:
    assert wire_named(row.wire).name == row.wire
    for rule in (row, *row.models):
        assert rule.lacks <= FEATURES
        assert set(rule.prefers) <= PREFERENCES
        assert rule.prefers.get("reasoning", "reasoning_effort") in STYLES
    assert row.path.startswith("/")


@rows
def test_a_row_names_environment_variables_that_can_exist(row: Provider) -> None:
    values = [*row.holes.values(), *row.header_values.values()]
    names = [*row.key_env, *row.base_env, *row.token_env, *(name for value in values for name in value.environ)]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]+", name) for name in names), names
    assert row.key_env or not row.needs_key


@rows
def test_header_names_are_lower_case_and_sendable(row: Provider) -> None:
    for name in (*(name for name, _ in row.fixed_headers), *row.header_values):
        assert re.fullmatch(r"[a-z0-9-]+", name)


def test_aliases_and_bare_names_lead_to_rows() -> None:
    assert set(ALIASES.values()) <= set(ROWS)
    assert not set(ALIASES) & set(ROWS)
    assert {name for _, name in BARE} <= set(ROWS)


def test_names_are_keys_and_hold_no_slash() -> None:
    for name, row in ROWS.items():
        assert row.name == name
        assert re.fullmatch(r"[a-z0-9_-]+", name)


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("o3", {"temperature", "stop"}),
        ("o3-mini", {"temperature"}),
        ("o1-2024-12-17", {"temperature"}),
        ("gpt-5-mini", {"temperature", "stop"}),
        ("gpt-5-chat-latest", set()),
        ("gpt-5.2", set()),
        ("gpt-4o", set()),
    ],
)
def test_reasoning_models_refuse_what_they_refuse(model: str, refused: set[str]) -> None:
    assert ROWS["openai"].for_model(model).drops & {"temperature", "stop"} == refused


@pytest.mark.parametrize(
    ("model", "name"),
    [("gpt-4o", None), ("o4-mini", "max_completion_tokens"), ("gpt-5.2", "max_completion_tokens")],
)
def test_reasoning_models_want_the_newer_name_of_max_tokens(model: str, name: str | None) -> None:
    row = ROWS["openai"].for_model(model)
    assert row.prefers.get("max_tokens") == row.renames.get("max_tokens") == name


def test_the_busiest_rows_have_no_patches() -> None:
    for name, model in (
        ("openai", "gpt-4o"),
        ("openai", "gpt-5"),
        ("azure", "o3"),
        ("anthropic", "claude-sonnet-4-5"),
        ("openrouter", "x-ai/grok-4"),
    ):
        assert not ROWS[name].for_model(model).patches


def test_a_row_without_rules_for_a_model_is_itself() -> None:
    assert ROWS["openai"].for_model("gpt-5.2") is not ROWS["openai"]
    assert ROWS["mistral"].for_model("ministral-8b") is ROWS["mistral"]


def test_there_are_at_least_120_and_each_stands_in_one_file_only() -> None:
    assert len(ROWS) >= 120
    assert len(ROWS) == sum(map(len, KINDS.values()))


def test_the_list_of_providers_in_the_documentation_is_made_from_the_rows() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "scripts.provider_list", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr


def test_a_vendor_of_one_line_was_compared_on_the_day_that_its_row_says_and_else_by_nobody() -> None:
    page = "https://docs.example.com/api"
    assert hosted("example", "https://api.example.com/v1", source=page).checked == ""
    assert hosted("example", "https://api.example.com/v1", source=page, checked="2027-01-02").checked == "2027-01-02"


def test_the_page_about_providers_lists_every_row_and_what_nobody_compared() -> None:
    page = (ROOT / "docs/providers.md").read_text()
    lines = {
        line.split("`")[1].rstrip("/"): line
        for line in page.splitlines()
        if re.match(r"\| `[a-z0-9_-]+/` \|.*\| .+ \|$", line) and line.count(" | ") == 5
    }
    assert set(lines) == set(ROWS)
    for name, row in ROWS.items():
        assert lines[name].endswith("| no |") is not bool(row.checked)
        assert all(f"`{variable}`" in lines[name] for variable in row.key_env)
