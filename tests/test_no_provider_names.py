"""Which provider it is, is asked in one room only: elsewhere no provider's name decides anything.

Looked at are string literals in comparisons, `match` patterns, keys and members of tables, sets, lists and tuples
that are compared with. A name in a message, a docstring or an annotation decides nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tollbridge.providers.table import ALIASES, ROWS

SOURCE = Path(__file__).resolve().parents[1] / "src/tollbridge"
EXEMPT = (
    "wires",
    "catalog",
    "compat",
    "providers",
    "experimental_mcp_client",
)  # the last: LiteLLM's words for a format
NAMES = frozenset({*ROWS, *ALIASES})


def decisive(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of each string literal that something may hang on."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.Compare(left=left, comparators=comparators):
                parts = [left, *comparators]
            case ast.MatchValue(value=value):
                parts = [value]
            case ast.MatchMapping(keys=keys):
                parts = [*keys]
            case ast.Dict(keys=keys):
                parts = [*keys]
            case ast.Set(elts=elements):
                parts = [*elements]
            case ast.Subscript(slice=index):
                parts = [index]
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "get" | "removeprefix"), args=arguments):
                parts = [*arguments]
            case ast.Call(func=ast.Name(id="frozenset" | "set"), args=arguments):
                parts = [*arguments]
        for part in parts:
            yield from _literals(part)


def _literals(node: ast.AST | None) -> Iterator[tuple[int, str]]:
    match node:
        case ast.Constant(value=str(text)):
            yield node.lineno, text
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            for element in elements:
                yield from _literals(element)


def names_in(source: str) -> list[tuple[int, str]]:
    return [(line, text) for line, text in decisive(ast.parse(source)) if text.lstrip("/-.").rstrip("/-_.") in NAMES]


def test_no_providers_name_decides_anything_outside_its_room() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {text!r}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] not in EXEMPT
        for line, text in names_in(path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "if provider == 'groq': pass",
        "if 'azure' != x: pass",
        "if x in ('openai', 'other'): pass",
        "match x:\n    case 'anthropic' | 'y': pass",
        "match x:\n    case {'mistral': y}: pass",
        "table = {'deepseek': 1}",
        "names = {'xai', 'y'}",
        "names = frozenset(['xai'])",
        "url = table['ollama']",
        "url = table.get('ollama')",
        "if model.startswith('azure/'): pass",
        "if model.startswith(('bedrock_mantle/', 'azure_')): pass",
    ],
)
def test_the_guard_sees_a_name_wherever_it_decides(source: str) -> None:
    assert names_in(source)


@pytest.mark.parametrize("source", ["'''openai is one'''", "print('set groq up')", "x = f'{y} azure'", "x = 'openai'"])
def test_the_guard_leaves_words_alone(source: str) -> None:
    assert not names_in(source)
