from __future__ import annotations

import gzip
import hashlib

import pytest

from tollbridge.catalog.encodings import Name, encoding, ranks


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        # the published examples of tiktoken's own documentation
        ("o200k_base", "hello world", [24912, 2375]),
        ("cl100k_base", "hello world", [15339, 1917]),
        ("cl100k_base", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
    ],
)
def test_the_encodings_are_openais(name: Name, text: str, tokens: list[int]) -> None:
    assert encoding(name).encode_ordinary(text) == tokens


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_what_is_encoded_can_be_decoded(name: Name) -> None:
    for text in ("", "naïve 日本語 🙂", " \n\t x", "<|endoftext|>", "a" * 1000):
        assert encoding(name).decode(encoding(name).encode_ordinary(text)) == text


def test_a_damaged_rank_file_is_refused() -> None:
    whole = b"IQ== 0\nIg== 1\n"
    digest = hashlib.sha256(whole).hexdigest()
    assert ranks(gzip.compress(whole), digest) == {b"!": 0, b'"': 1}
    with pytest.raises(ValueError, match="damaged"):
        ranks(gzip.compress(whole + b"Iw== 2\n"), digest)
