"""One path for routing, policy and handlers (S06)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.server.http.target import read_target


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/v1/models", "/v1/models", ""),
        (b"/v1/models?limit=2&after=%2F", "/v1/models", "limit=2&after=%2F"),
        (b"/a?b?c", "/a", "b?c"),
        (b"/v1/models/openai%2Fgpt-4o", "/v1/models/openai/gpt-4o", ""),
        (b"/v1/models/openai/gpt-4o", "/v1/models/openai/gpt-4o", ""),
        (b"/v1/models/llama3%3A8b", "/v1/models/llama3:8b", ""),
        (b"/v1/models/claude%402024", "/v1/models/claude@2024", ""),
        (b"/caf%C3%A9", "/café", ""),
        (b"/a%20b", "/a b", ""),
        (b"/v1/models/gpt-4.1...", "/v1/models/gpt-4.1...", ""),
        (b"/.well-known/x", "/.well-known/x", ""),
        (b"/..a/.b", "/..a/.b", ""),
    ],
)
def test_a_path_is_decoded_once(target: bytes, path: str, query: str) -> None:
    assert read_target(target) == (path, query)


@pytest.mark.parametrize("target", [b"//admin", b"/Admin", b"/admin.", b"/admin;x", b"/admin/", b"/v1//admin"])
def test_what_looks_like_another_path_is_another_path(target: bytes) -> None:
    assert read_target(target) == (target.decode(), "")


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"admin",
        b"http://x/admin",
        b"localhost:4000",
        b"/v1/../admin",
        b"/v1/./admin",
        b"/..",
        b"/.",
        b"/v1/%2e%2e/admin",
        b"/v1/%2E./admin",
        b"/v1/..;/admin",
        b"/v1/..;a=b/admin",
        b"/v1/..%2fadmin",
        b"/v1%2f..%2fadmin",
        b"/v1/%2e%2e",
        b"/v1/%252e%252e/admin",
        b"/v1/%252fadmin",
        b"/v1/%25%32%66admin",
        b"/v1\\admin",
        b"/v1/..\\admin",
        b"/v1/%5cadmin",
        b"/v1/%00",
        b"/v1/%0d%0aX: y",
        b"/v1/%7f",
        b"/v1/%c2%80",
        b"/v1/%3fadmin",
        b"/v1/%23admin",
        b"/v1#admin",
        b"/v1?a#b",
        b"/v1/%",
        b"/v1/%2",
        b"/v1/%zz",
        b"/v1/%u002e",
        b"/v1/%ff",
        b"/v1/%c0%ae%c0%ae/admin",
        b"/v1/%ed%a0%80",
        b"/v1/\xc3\xa9",
        b"/v1/a b",
        b"/v1/\x01",
        b"/v1\t",
    ],
)
def test_an_ambiguous_target_is_refused(target: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_target(target)


@given(st.text(st.sampled_from("/.%25eEfF\\;?#a\x00é"), max_size=24))
def test_no_accepted_path_could_be_read_differently(text: str) -> None:
    try:
        path, _ = read_target(b"/" + text.encode())
    except BadRequestError:
        return
    segments = path.split("/")
    assert not {".", ".."} & {segment.partition(";")[0] for segment in segments}
    assert not set(path) & set("\\?#\x00")
    assert "%2" not in path
    assert "%e" not in path.lower()
