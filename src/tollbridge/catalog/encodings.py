"""Two byte-pair encodings of OpenAI's, from the package's own rank files; never from the network.

The rank files and split patterns are tiktoken's (MIT, (c) OpenAI), checked 2026-11-21 against tiktoken 0.14. A file
whose digest differs is refused: a wrong count is worse than none. Loading costs 0.2 s and 60 MB (o200k) or half of
that (cl100k), once, on the first count.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from binascii import a2b_base64
from importlib import resources
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from tiktoken import Encoding

Name = Literal["o200k_base", "cl100k_base"]


class _Source(msgspec.Struct, frozen=True):
    sha256: str
    pattern: str


_SOURCES: dict[Name, _Source] = {
    "o200k_base": _Source(
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        "|".join(
            (
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
                r"\s+(?!\S)",
                r"\s+",
            )
        ),
    ),
    "cl100k_base": _Source(
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        "|".join(
            (
                r"'(?i:[sdmt]|ll|ve|re)",
                r"[^\r\n\p{L}\p{N}]?+\p{L}++",
                r"\p{N}{1,3}+",
                r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
                r"\s++$",
                r"\s*[\r\n]",
                r"\s+(?!\S)",
                r"\s",
            )
        ),
    ),
}


_loaded: dict[Name, Encoding] = {}
_loading = threading.Lock()


def encoding(name: Name) -> Encoding:
    """The encoding, without special tokens: `<|endoftext|>` in a text is a text. Loaded once, whoever asks at once."""
    found = _loaded.get(name)
    if found is not None:
        return found
    with _loading:
        if name not in _loaded:
            _loaded[name] = _load(name)
        return _loaded[name]


def is_loaded(name: Name) -> bool:
    return name in _loaded


def _load(name: Name) -> Encoding:
    from tiktoken import Encoding  # 20 ms, and only who counts needs it

    source = _SOURCES[name]
    packed = (resources.files(__package__) / "tokenizers" / f"{name}.tiktoken.gz").read_bytes()
    return Encoding(name, pat_str=source.pattern, mergeable_ranks=ranks(packed, source.sha256), special_tokens={})


def ranks(packed: bytes, sha256: str) -> dict[bytes, int]:
    """The rank of each token. Raises ValueError where the unpacked file is not the one with this digest."""
    raw = gzip.decompress(packed)
    found = hashlib.sha256(raw).hexdigest()
    if found != sha256:
        raise ValueError(f"A tokenizer file is damaged: its sha256 is {found}, not {sha256}. Install Tollbridge again.")
    table: dict[bytes, int] = {}
    for line in raw.splitlines():
        token, _, rank = line.partition(b" ")
        table[a2b_base64(token)] = int(rank)
    return table
