from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.providers.address import Base, join, read_base


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://API.example.com/v1/", Base("https", "api.example.com", 443, "/v1")),
        ("http://localhost:11434", Base("http", "localhost", 11434, "")),
        ("http://[::1]:8000/v1", Base("http", "::1", 8000, "/v1")),
        (" https://h/a?b=c ", Base("https", "h", 443, "/a", "b=c")),
        ("https://bücher.example", Base("https", "xn--bcher-kva.example", 443, "")),
    ],
)
def test_an_address_is_taken_apart(url: str, base: Base) -> None:
    assert read_base(url, "x") == base


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000",
        "api.example.com/v1",
        "ftp://h/",
        "https://",
        "https:///v1",
        "https://user:secret@h/v1",
        "https://h/v1#x",
        "https://h:99999/",
        "https://h:port/",
        "https://h/a b",
        "https://h/\r\nx: y",
        "https://h\\@evil/",
        "https://[::1/",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_base(url, "acme")
    assert "acme" in caught.value.message
    assert "secret" not in caught.value.message
    assert caught.value.fault == "operator"


@pytest.mark.parametrize(
    ("base", "path", "joined"),
    [
        ("/v1", "/chat/completions", "/v1/chat/completions"),
        ("", "/chat/completions", "/chat/completions"),
        ("/v1", "/v1/messages", "/v1/messages"),
        ("/v1/messages", "/v1/messages", "/v1/messages"),
        ("/v1/chat/completions", "/chat/completions", "/v1/chat/completions"),
        ("/a/v1", "/v1/messages", "/a/v1/messages"),
        ("/chat", "/chat/completions", "/chat/completions"),
        ("/team/chatty", "/chat/completions", "/team/chatty/chat/completions"),
    ],
)
def test_a_path_is_put_to_a_base_once(base: str, path: str, joined: str) -> None:
    assert join(base, path) == joined


segments = st.lists(st.sampled_from(["v1", "chat", "completions", "a"]), max_size=4)


@given(segments, segments.filter(bool))
def test_joining_twice_is_joining_once(base: list[str], path: list[str]) -> None:
    whole = "".join(f"/{segment}" for segment in base)
    added = "".join(f"/{segment}" for segment in path)
    once = join(whole, added)
    assert once.endswith(added)
    assert join(once, added) == once
