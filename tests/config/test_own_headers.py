"""Headers of pass-through endpoints, as LiteLLM's documentation writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.loading import config_of, load_text, said

ENDPOINT = """
    general_settings:
      pass_through_endpoints:
        - path: /rerank-ext
          target: https://api.example.com/v1/rerank
          headers: {headers}
"""


def sent(directory: Path, headers: str, environ: dict[str, str]) -> dict[str, str]:
    loaded = load_text(directory, ENDPOINT.replace("{headers}", headers), environ)
    assert said(loaded) == []
    (path,) = config_of(loaded).general.own_paths
    return {name: value.reveal() for name, value in path.headers.items()}


def test_a_variable_may_stand_within_a_value(tmp_path: Path) -> None:
    headers = (
        '{Authorization: "bearer os.environ/RANK_KEY", x-both: "os.environ/A", x-two: "a=os.environ/A; os.environ/B"}'
    )
    assert sent(tmp_path, headers, {"RANK_KEY": "k-1", "A": "1", "B": "os.environ/A"}) == {
        "Authorization": "bearer k-1",
        "x-both": "1",
        "x-two": "a=1; os.environ/A",
    }


def test_a_header_whose_variable_is_not_set_is_left_out_and_told(tmp_path: Path) -> None:
    text = ENDPOINT.replace("{headers}", '{Authorization: "bearer os.environ/RANK_KEY", x-fixed: "1"}')
    loaded = load_text(tmp_path, text)
    at = "general_settings.pass_through_endpoints[0].headers.Authorization"
    assert said(loaded) == [f"config.yaml:6:32: warning: {at}: RANK_KEY is not set: this is left out"]
    (path,) = config_of(loaded).general.own_paths
    assert [*path.headers] == ["x-fixed"]


def test_both_keys_of_langfuse_are_one_header(tmp_path: Path) -> None:
    headers = "{LANGFUSE_PUBLIC_KEY: os.environ/PK, LANGFUSE_SECRET_KEY: os.environ/SK, x-fixed: a}"
    expected = {"x-fixed": "a", "Authorization": "Basic cGstMTpzay0y"}
    assert sent(tmp_path, headers, {"PK": "pk-1", "SK": "sk-2"}) == expected
    loaded = load_text(tmp_path, ENDPOINT.replace("{headers}", "{LANGFUSE_PUBLIC_KEY: pk-1}"))
    assert loaded.config is None
    assert "make one header together, and one of them is missing" in said(loaded)[0]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/rerank", "all below `/v1` is the gateway's own; another path will do, such as `/own/rerank`"),
        ("/mcp", "all below `/mcp` is the gateway's own; another path will do, such as `/own/mcp`"),
        ("rerank", "'rerank' is no path: it begins with `/`, and has letters, digits and `_.~-` between slashes"),
        ("/a//b", "'/a//b' is no path: it begins with `/`, and has letters, digits and `_.~-` between slashes"),
    ],
)
def test_a_path_that_cannot_be_had_is_told_with_its_reason(tmp_path: Path, path: str, told: str) -> None:
    loaded = load_text(tmp_path, ENDPOINT.replace("/rerank-ext", path).replace("{headers}", "{}"))
    assert said(loaded) == [f"config.yaml:4:13: error: general_settings.pass_through_endpoints[0].path: {told}"]
