from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import msgspec
import pytest

from scripts import config_reference
from tests.shared import SHARED
from tollbridge.config import tables
from tollbridge.config.load import PRECEDENCE, TOP
from tollbridge.config.schema import Section, nearest
from tollbridge.config.settings import GeneralSettings, ModelEntry, RouterSettings, Settings
from tollbridge.config.tables.deployment import PARAMS, PRICE
from tollbridge.config.tables.general import GENERAL, OURS
from tollbridge.config.tables.litellm import LITELLM
from tollbridge.config.tables.mcp import MCP_SERVER
from tollbridge.config.tables.router import ROUTER

PAGE = (SHARED / "compat" / "litellm-config.md").read_text()
DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def part(number: int) -> str:
    return PAGE.split(f"\n## {number}. ")[1].split("\n## ")[0]


def rows(text: str) -> set[str]:
    return set(re.findall(r"^\| ([a-z]\w+) \|", text, re.MULTILINE)) - {"key", "arg"}


def curated(title: str) -> set[str]:
    """The keys of a table of part 1; its cells list several, with remarks in brackets and braces."""
    table = part(1).split(f"\n### {title}")[1].split("\n### ")[0]
    cells = [c for c in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)[1:] if not c.startswith("cache_params.")]
    found: set[str] = set()
    for cell in cells:
        plain = re.sub(r"\{[^}]*\}?|\([^)]*\)|\[\]|\.\.\.", " ", cell)
        found |= {name.strip(" *+") for name in re.split(r"[/,]| \+ ", plain)}
    return {name for name in found if re.fullmatch(r"[a-z]\w{2,}", name)}


@pytest.mark.parametrize(
    ("section", "known"),
    [(GENERAL, rows(part(2))), (MCP_SERVER, rows(part(3))), (ROUTER, rows(part(4)))],
    ids=lambda value: value.name if isinstance(value, Section) else "",
)
def test_every_key_of_the_complete_lists_is_known(section: Section, known: set[str]) -> None:
    assert len(known) > 50
    assert sorted(known - section.keys.keys()) == []


@pytest.mark.parametrize(
    ("section", "title", "remarks"),
    [
        (LITELLM, "litellm_settings", {"gcs", "forward_client_headers_to_llm_api", "model_group_settings.forward"}),
        (ROUTER, "router_settings", {"password", "port", "url"}),
        (GENERAL, "general_settings", {"max_time", "custom_ui_"}),
        (MCP_SERVER, "mcp_servers", {"id_jag_"}),
    ],
)
def test_every_curated_key_is_known(section: Section, title: str, remarks: set[str]) -> None:
    assert sorted(curated(title) - section.keys.keys() - remarks) == []


def test_every_curated_parameter_of_a_model_is_known() -> None:
    table = part(1).split("\n### model_list[]")[1].split("\n### ")[0]
    cells = re.findall(r"^\| litellm_params\.([^|]+) \|", table, re.MULTILINE)
    names = {name for cell in cells for name in re.findall(r"[a-z]\w{2,}", re.sub(r"\(.*?\)", "", cell))}
    assert len(names) > 50
    assert sorted(name for name in names - {"any", "param", "penAI"} if PARAMS.key(name) is None) == []


def test_every_price_of_the_price_list_is_known() -> None:
    models = msgspec.json.decode((SHARED / "data" / "model_prices_litellm.json").read_bytes())
    named = {key for facts in models.values() if isinstance(facts, dict) for key in facts if "_cost" in key}
    assert len(named) > 100
    assert sorted(named - {key for key in named if PRICE.fullmatch(key)}) == ["search_context_cost_per_query"]


def test_every_top_level_key_is_known() -> None:
    listed = re.search(r"^Top-level keys: (.*)$", PAGE, re.MULTILINE)
    assert listed is not None
    assert sorted(set(re.findall(r"`(\w+)`", listed[1])) - TOP.keys.keys()) == []


def test_every_field_that_a_key_fills_exists_and_every_field_is_filled() -> None:
    values = {"settings": Settings, "router": RouterSettings, "general": GeneralSettings}
    expected = {f"{name}.{field}" for name, type_ in values.items() for field in type_.__struct_fields__}
    filled = {key.fills for section in PRECEDENCE for key in section.keys.values() if key.sort == "fills"}
    assert filled == expected
    made = {"id", "model_name", "where", "disabled", "model_info"}
    filled = {key.fills for key in PARAMS.keys.values() if key.sort == "fills"} - {"credential"}
    assert filled | {"prices"} == (set(ModelEntry.__struct_fields__) - made)


def test_keys_of_our_own_are_no_keys_of_the_other_format() -> None:
    assert {key.name for key in OURS} & rows(part(2)) == set()


def test_the_nearest_key_forgives_case_and_hyphens() -> None:
    assert nearest("Num-Retries", ["num_retries", "timeout"]) == "num_retries"
    assert nearest("xyz", ["num_retries"]) is None


def test_every_key_that_does_something_is_documented() -> None:
    text = DOCUMENTED.read_text()
    keys = [key.name for section in (*PRECEDENCE, TOP) for key in section.keys.values() if key.sort == "fills"]
    assert [name for name in keys if f"`{name}`" not in text] == []


def test_every_key_of_an_mcp_server_is_documented_and_nothing_else_is() -> None:
    page = (DOCUMENTED.parent / "mcp.md").read_text()
    table = page.split("## The keys of a server")[1].split("\n## ")[0]
    told = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert told == {key.name for key in MCP_SERVER.keys.values() if key.sort == "fills"}


def test_every_key_that_does_something_says_what() -> None:
    sections = [section for found in config_reference.SECTIONS.values() for section in found]
    keys = [key for section in sections for key in (*section.keys.values(), *(key for _, key in section.patterns))]
    assert [key.name for key in keys if key.sort == "fills" and not key.about] == []


def test_every_table_of_keys_is_in_the_reference() -> None:
    modules = [
        importlib.import_module(f"tollbridge.config.tables.{one.name}") for one in pkgutil.iter_modules(tables.__path__)
    ]
    there = {value.name for module in modules for value in vars(module).values() if isinstance(value, Section)}
    assert there == {section.name for found in config_reference.SECTIONS.values() for section in found}


def test_the_reference_is_what_its_script_writes() -> None:
    text = config_reference.PART.file.read_text()
    assert text == config_reference.PART.written(text), "run `python -m scripts.config_reference`"
