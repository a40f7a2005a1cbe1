"""Rows S53 to S56 of the attack matrix through a whole gateway: bodies that are too large, too deep, too clever.

Below the application the same rows are tested by
  S53   tests/server/http/test_large_bodies.py, test_slow_clients.py (413 at the head, endless chunks, slow bodies)
  S55   tests/server/http/test_body.py (bombs from clients), tests/transport/test_decode.py (from providers)
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.mock_upstream import serving
from tests.server.faults import CHAT, MESSAGES, PAIR_IDS, PAIRS, ask, configuration, entry, error_of, post_large
from tests.server.served import served

PATHS = [CHAT, MESSAGES]
HEAD = json.dumps(ask())[:-1].encode()


def with_field(value: bytes) -> bytes:
    return HEAD + b',"x":' + value + b"}"


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "half": HEAD,
    "a list": b"[1]",
    "a string": b'"m"',
    "null": b"null",
    "two values": b"{} {}",
    "depth of 100,000": with_field(b"[" * 100_000 + b"]" * 100_000),
    "depth of 100,000 objects": with_field(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "NaN": with_field(b"NaN"),
    "Infinity": with_field(b"-Infinity"),
    "a comment": with_field(b"/* */1"),
    "single quotes": with_field(b"'a'"),
    "a trailing comma": HEAD + b",}",
    "leading zeros": with_field(b"007"),
    "a control character": with_field(b'"\x01"'),
    "a lone surrogate in the model": b'{"model":"\\ud800","messages":[]}',
    "half a surrogate pair in a message": with_field(b'{"deep":"\\ud83d\\u0041"}'),
    "no UTF-8": with_field(b'"\xff\xfe"'),
    "an overlong UTF-8 slash": with_field(b'"\xc0\xaf"'),
    "a BOM": b"\xef\xbb\xbf" + HEAD + b"}",
    "UTF-16": json.dumps(ask()).encode("utf-16"),
    "UTF-32": json.dumps(ask()).encode("utf-32"),
    "a number as the model": b'{"model":' + b"1" * 1_000_000 + b"}",
    "multipart": b"--" + b"b" * 100_000 + b"\r\nContent-Disposition: form-data; name=a\r\n\r\n",
    "multipart parts": b"--b\r\n\r\na\r\n" * 50_000,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_s54_s56_what_is_no_clear_json_object_is_a_400(tmp_path: Path, path: str, wire: str, body: bytes) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        answered = await gateway.post(path, body)
        assert mock.provider.books.requests == 0
    assert answered.status == 400
    assert len(error_of(path, answered.json())["message"]) < 400
    assert gateway.records[0].outcome == "client_error"


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_s54_a_million_keys_and_a_number_of_ten_million_digits_do_no_harm(tmp_path: Path, wire: str) -> None:
    """They are legal JSON. A relayed one goes on as it came (the provider judges it); a translated one is read."""
    keys = b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}"
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        for value in (keys, b"9" * 10_000_000):
            assert await post_large(gateway, CHAT, with_field(value)) in (200, 400)
        assert (await gateway.post(CHAT, ask())).status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_s54_of_a_key_that_stands_twice_everybody_sees_the_same_one(tmp_path: Path, path: str) -> None:
    """What is judged here is what the provider gets: one `model`, one of each field, however its name is spelled."""
    body = HEAD + b',"model":"other","mod\\u0065l":"m","max_tokens":7}'
    async with serving() as mock:
        text = configuration(entry("m", mock.port), entry("other", mock.port))
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, body)
        (seen,) = mock.provider.books.captures
    assert answered.status == 200
    pairs = json.loads(seen.body, object_pairs_hook=list)
    assert sorted(name for name, _ in pairs) == sorted({name for name, _ in pairs})
    assert dict(pairs)["model"] == "m"
    assert 7 in dict(pairs).values()


TWICE = b'{"role":"user","content":"first","content":"last"}'


@pytest.mark.parametrize(("path", "wire"), [*PAIRS, (CHAT, "deepseek")], ids=[*PAIR_IDS, "chat-patched"])
async def test_s54_of_a_key_that_stands_twice_within_a_message_nobody_but_the_provider_judges(
    tmp_path: Path, path: str, wire: str
) -> None:
    """A relayed message goes on byte for byte: both are there, and nothing was decided by either. Whoever reads it here
    sends on what it read, and that alone."""
    body = b'{"model":"m","max_tokens":64,"messages":[%b]}' % TWICE
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        answered = await gateway.post(path, body)
        (seen,) = mock.provider.books.captures
    assert answered.status == 200
    relayed = (path == CHAT) == (wire == "openai") and wire != "deepseek"
    assert (TWICE in seen.body) is relayed
    assert (b"first" in seen.body) is relayed
    assert b"last" in seen.body


async def test_s54_of_what_is_read_within_a_field_the_provider_gets_what_was_read(tmp_path: Path) -> None:
    options = b',"stream":true,"stream_options":{"include_usage":true,"x":1,"include_usage":false,"x":2}}'
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        answered = await gateway.post(CHAT, HEAD + options)
        (seen,) = mock.provider.books.captures
    assert b'"stream_options":{"include_usage":true,"x":2}' in seen.body
    assert b'"usage":{' not in answered.body, "the last one counted, and the client did not ask"


@pytest.mark.parametrize("wrong", [{"model": 7}, {"model": ""}, {"model": None}, {"stream": "yes"}, {"stream": 1}])
@pytest.mark.parametrize("path", PATHS)
async def test_a_wrong_type_is_told_with_its_place(tmp_path: Path, path: str, wrong: dict[str, object]) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        answered = await gateway.post(path, ask() | wrong)
        assert mock.provider.books.requests == 0
    assert answered.status == 400
    assert next(iter(wrong)) in error_of(path, answered.json())["message"]


@pytest.mark.parametrize(("path", "wire"), [PAIRS[1], PAIRS[2]], ids=["chat", "messages"])
async def test_a_wrong_type_within_a_translated_body_is_told_with_its_path(
    tmp_path: Path, path: str, wire: str
) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
        for messages in (
            "hi",
            7,
            [7],
            [{"role": "user", "content": 7}],
            [{"content": "a"}],
            [{"role": 7, "content": "a"}],
        ):
            answered = await gateway.post(path, ask() | {"messages": messages})
            assert answered.status == 400, messages
            assert "$.messages" in error_of(path, answered.json())["message"], messages
        assert mock.provider.books.requests == 0


@pytest.mark.parametrize("path", PATHS)
async def test_s53_a_body_over_the_limit_is_a_413_in_the_dialect(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port), general={"max_request_size_mb": 0.01})
        async with served(text, tmp_path) as gateway:
            large = await gateway.post(path, ask(text="x" * 20_000))
            chunked = await gateway.send("POST", path, None, {"transfer-encoding": "chunked"})
            small = await gateway.post(path, ask())
        assert mock.provider.books.requests == 1
    assert (large.status, chunked.status, small.status) == (413, 400, 200)
    error_of(path, large.json())


@pytest.mark.parametrize("path", PATHS)
async def test_s55_a_compressed_request_is_read_and_a_bomb_is_not(tmp_path: Path, path: str) -> None:
    packed = {"content-encoding": "gzip"}
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:
        fine = await gateway.post(path, gzip.compress(json.dumps(ask()).encode()), packed)
        bomb = await gateway.post(path, gzip.compress(with_field(b'"' + b"a" * (32 << 20) + b'"')), packed)
        broken = await gateway.post(path, gzip.compress(HEAD)[:-5], packed)
        odd = await gateway.post(path, b"{}", {"content-encoding": "zstd"})
        assert mock.provider.books.requests == 1
    assert (fine.status, bomb.status, broken.status, odd.status) == (200, 413, 400, 415)
    for refused in (bomb, broken, odd):
        error_of(path, refused.json())
