"""Adding an entry to the text of a configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tollbridge.config.insert import as_yaml, with_entry
from tollbridge.errors import ConfigError

ENTRY: dict[str, Any] = {"command": "uvx", "args": ["a b", "#c"], "env": {"X": "yes"}}

FILES = {
    "nothing": "",
    "another section": "model_list: []  # none\n",
    "no end of line": "model_list: []",
    "an empty section": "mcp_servers:  # later\ngeneral_settings: {strict: true}\n",
    "the last section": "# top\nmcp_servers:\n  one: {url: https://a.example}   # kept\n",
    "a section with others behind": "mcp_servers:\n    one:\n        url: https://a.example\n\n# about b\nb: 1\n",
    "comments inside": "mcp_servers:\n  one:\n    url: https://a.example\n    # of one\n  # of the section\n\nb: 1\n",
    "a text in a block": "mcp_servers:\n  one:\n    url: https://a.example\n    text: |\n      a\n\n      b\n\nb: 1\n",
    "a list": "mcp_servers:\n  - server_name: one\n    url: https://a.example\nb: 1\n",
    "a list at the margin": "mcp_servers:\n- server_name: one\n  url: https://a.example\nb: 1\n",
    "the ends of lines of another system": "mcp_servers:\r\n  one: {url: https://a.example}\r\nb: 1\r\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_the_new_text_says_the_old_and_the_entry_and_keeps_its_lines(text: str) -> None:
    changed = with_entry(text, "mcp_servers", "new", ENTRY)
    before, after = yaml.safe_load(text) or {}, yaml.safe_load(changed)
    servers = after.pop("mcp_servers")
    former = before.pop("mcp_servers", None)
    assert after == before
    if isinstance(servers, list):
        assert servers == [*former, {"server_name": "new", **ENTRY}]
    else:
        assert servers == {**(former or {}), "new": ENTRY}
    rest = iter(changed.splitlines())
    assert all(line in rest for line in text.splitlines()), "in their order"
    assert ("\r\n" in changed) == ("\r\n" in text)


def test_a_comment_that_belongs_to_the_last_entry_stays_with_it() -> None:
    changed = with_entry(FILES["comments inside"], "mcp_servers", "new", {"url": "https://b.example"})
    assert changed.index("# of one") < changed.index("new:") < changed.index("# of the section")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mcp_servers: {one: {url: x}}\n", "add the entry by hand"),
        ("mcp_servers: [{server_name: one, url: x}]\n", "add the entry by hand"),
        ("mcp_servers:\n  new: {url: x}\n", "has an entry 'new' already"),
        ("mcp_servers:\n- {server_name: new}\n", "has an entry 'new' already"),
        ("mcp_servers: text\n", "is no table"),
        ("- a\n", "no table of sections"),
        ("a: [\n", "no valid YAML"),
    ],
)
def test_what_cannot_be_added_to_is_left_alone(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        with_entry(text, "mcp_servers", "new", ENTRY)


def test_a_snippet_reads_back() -> None:
    assert yaml.safe_load(as_yaml({"mcp_servers": {"new": ENTRY}})) == {"mcp_servers": {"new": ENTRY}}
