from __future__ import annotations

from typing import Any

import pytest
import yaml

from tollbridge.config.document import DEPTH_MAX, Array, Node, Scalar, Table, read_document
from tollbridge.config.findings import Findings

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request: pytest.FixtureRequest) -> Any:
    return request.param


def read(text: str, loader: Any) -> tuple[Node | None, list[str]]:
    findings = Findings()
    node = read_document(text, "f.yaml", findings, loader)
    return node, [str(finding) for finding in findings.all()]


def plain(node: Node | None) -> Any:
    match node:
        case Table(entries):
            return {name: plain(entry.node) for name, entry in entries.items()}
        case Array(items):
            return [plain(item) for item in items]
        case Scalar(value):
            return value
    return None


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: [x, 2.5, true, ~]\n",
        "a: yes\nb: 0x1f\nc: 017\nd: 1_000\ne: .inf\nf: 1e5\ng: 12:30\n",
        "a: 'it''s'\nb: \"tab\\t\"\nc: |\n  two\n  lines\nd: >\n  folded\n  text\n",
        "base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}\nlist: {<<: [{x: 5}, *b], z: 1}\n",
        "a: !!str 12\nb: !!int '12'\n? c\n: d\n",
        '{"json": ["is", "yaml", {"too": null}]}',
    ],
)
def test_values_are_those_of_the_safe_loader(text: str, loader: Any) -> None:
    node, said = read(text, loader)
    assert (plain(node), said) == (yaml.safe_load(text), [])


def test_dates_stay_text_and_odd_numbers_too(loader: Any) -> None:
    node, _ = read("a: 2024-02-01\nb: 2024-02-01 10:00:00\nc: 0x_\nd: 123456789012345678901234567890", loader)
    assert plain(node) == {
        "a": "2024-02-01",
        "b": "2024-02-01 10:00:00",
        "c": "0x_",
        "d": "123456789012345678901234567890",
    }


def test_each_node_and_key_knows_its_place(loader: Any) -> None:
    node, _ = read("a:\n  - x\n  -  é: {b: 1}\n", loader)
    assert isinstance(node, Table)
    items = node.entries["a"].node
    assert isinstance(items, Array)
    inner = items.items[1]
    assert isinstance(inner, Table)
    assert str(items.items[0].place) == "f.yaml:2:5"
    assert str(inner.entries["é"].place) == "f.yaml:3:6"
    assert str(inner.entries["é"].node.place) == "f.yaml:3:9"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: error: `a` stands twice in this table (first on line 1)"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2:"),
        ("a:\n\t- b\n", "f.yaml:2:1: error: a tab stands where YAML wants spaces"),
        ("a: b: c\n", "f.yaml:1:5: error: is no valid YAML: mapping values are not allowed"),
        ("a: *nobody\n", "f.yaml:1:4: error: this alias has no anchor above"),
        ("a: &a [*a]\n", "f.yaml:1:8: error: an anchor contains itself"),
        ("a: !secret x\n", "f.yaml:1:4: error: this tag means nothing here"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4: error: this tag means nothing here"),
        ("a: 1\n---\nb: 1\n", "f.yaml:2:1: error: a second document begins here"),
        ("? [a, b]\n: c\n", "f.yaml:1:3: error: a key must be a plain word"),
        ("a:\n  <<: 5\n", "f.yaml:2:7: error: `<<` merges tables"),
        ("a: x\nb: \x00y\n", "f.yaml:2:4: error: the character '\\x00' cannot stand in YAML"),
        ("[" * 1000, f"f.yaml:1:{DEPTH_MAX + 1}: error: is nested more than {DEPTH_MAX} deep"),
        ('a: "\\UFFFFFFFF"', "f.yaml:1:"),
        ('a: "\\uD800"', "f.yaml:1:"),
    ],
)
def test_what_is_broken_is_named_with_its_place(text: str, expected: str, loader: Any) -> None:
    _, said = read(text, loader)
    assert len(said) == 1
    assert said[0].startswith(expected)


def test_aliases_of_aliases_do_not_grow_without_bound(loader: Any) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, said = read("\n".join(lines), loader)
    assert len(said) == 1
    assert "with the aliases written out" in said[0]


def test_an_empty_document_is_nothing_and_no_error(loader: Any) -> None:
    for text in ("", "   \n", "# only words\n", "---\n", "~"):
        assert read(text, loader) == (None, [])
