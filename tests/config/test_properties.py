"""No text makes `load` raise, and everything it says has a place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.config.test_document import LOADERS
from tollbridge.config.document import read_document
from tollbridge.config.findings import Findings
from tollbridge.config.load import PRECEDENCE, TOP, Loaded, load
from tollbridge.config.tables.deployment import ENTRY, PARAMS

KEYS = sorted(
    {name for section in (*PRECEDENCE, TOP, ENTRY, PARAMS) for name in section.keys}
    | {"<<", "cert", "origins", "model", "hidden", "name", "base_url", "wire", "id"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["os.environ/SET", "os.environ/NOT", "os.environ/", "openai/*", "*", "simple-shuffle", "a.yaml"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(sorted(TOP.keys)), VALUES, max_size=5)
PIECES = "model_list:| |  |- |{|}|[|]|: |&a |*a|<<: |!!int |\"|'|>|# |\t|? |---|%YAML 9.9|api_key|os.environ/|0x|1_|é"
FRAGMENTS = st.lists(
    st.sampled_from([*PIECES.split("|"), "|", "\n", "\\U00110000", "\x85", "\ufeff"]), max_size=40
).map("".join)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load_bytes(directory: Path, raw: bytes) -> Loaded:
    file = directory / "config.yaml"
    file.write_bytes(raw)
    return load(file, {"SET": "7"})


def check(loaded: Loaded) -> None:
    assert (loaded.config is None) == any(finding.severity == "error" for finding in loaded.findings)
    for finding in loaded.findings:
        assert finding.file
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.message
        assert "\n" not in str(finding)
    repr(loaded)


@QUICK
@given(st.binary(max_size=200))
@example(b"\xff\xfea")
@example(b"\xef\xbb\xbfa: 1")
def test_no_bytes_make_it_raise(tmp_path: Path, raw: bytes) -> None:
    check(load_bytes(tmp_path, raw))


@QUICK
@given(FRAGMENTS)
def test_no_pieces_of_yaml_make_it_raise(tmp_path: Path, text: str) -> None:
    check(load_bytes(tmp_path, text.encode()))


@QUICK
@given(DOCUMENTS)
def test_no_values_of_whatever_type_make_it_raise(tmp_path: Path, document: dict[str, Any]) -> None:
    check(load_bytes(tmp_path, yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "replace")))


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader.__name__)
@QUICK
@given(text=st.one_of(FRAGMENTS, st.text(max_size=60)))
def test_both_parsers_are_held_in_check(loader: Any, text: str) -> None:
    findings = Findings()
    read_document(text, "f", findings, loader)
    assert all(finding.line >= 1 for finding in findings.all())
