from __future__ import annotations

import pytest

from tests.server.http.raw import Stage, connected, get, serving
from tollbridge.errors import ConfigError
from tollbridge.server.forwarded import Forwarding, Origin, public_base, read_root_path, strip_root_path

DIRECT = Origin("10.0.0.1", "http", "gateway:4000")
INNER = Forwarding(["10.0.0.0/8", "::1"])
STANDARD = Forwarding(["10.0.0.0/8"], standard=True)


def customary(addresses: str, scheme: str = "", host: str = "") -> dict[bytes, bytes]:
    pairs = {"x-forwarded-for": addresses, "x-forwarded-proto": scheme, "x-forwarded-host": host}
    return {name.encode(): value.encode() for name, value in pairs.items() if value}


@pytest.mark.parametrize(
    ("addresses", "peer"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("10.2.2.2, 10.1.1.1", "10.2.2.2"),
        ("203.0.113.9:5000", "203.0.113.9"),
        ("[2001:db8::1]:5000", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "10.0.0.1"),
        ("203.0.113.9, unknown", "10.0.0.1"),
        ("'; drop table", "10.0.0.1"),
        ("", "10.0.0.1"),
    ],
)
def test_addresses_are_read_from_the_right_to_the_first_that_is_no_proxy(addresses: str, peer: str) -> None:
    assert INNER.origin(DIRECT, customary(addresses)).peer == peer


def test_scheme_and_host_are_what_the_outermost_trusted_proxy_wrote() -> None:
    headers = customary("198.51.100.1, 203.0.113.9, 10.1.1.1", "http, https, http", "evil, api.example.com, inner")
    assert INNER.origin(DIRECT, headers) == Origin("203.0.113.9", "https", "api.example.com")


def test_a_proxy_that_replaces_leaves_one_value() -> None:
    headers = customary("203.0.113.9, 10.1.1.1", "https", "api.example.com")
    assert INNER.origin(DIRECT, headers) == Origin("203.0.113.9", "https", "api.example.com")


@pytest.mark.parametrize(("scheme", "host"), [("javascript", "a/b"), ("", ""), ("ftp", "x:4000/#@y")])
def test_what_is_no_scheme_or_host_is_not_believed(scheme: str, host: str) -> None:
    origin = INNER.origin(DIRECT, customary("203.0.113.9", scheme, host))
    assert (origin.scheme, origin.host) == ("http", "gateway:4000")


def test_only_one_family_of_headers_is_read() -> None:
    both = customary("203.0.113.9") | {b"forwarded": b'for="[2001:db8::1]:80";proto=https;host=api.example.com'}
    assert INNER.origin(DIRECT, both).peer == "203.0.113.9"
    assert STANDARD.origin(DIRECT, both) == Origin("2001:db8::1", "https", "api.example.com")


def test_the_standard_header_has_one_element_per_proxy() -> None:
    headers = {b"forwarded": b"for=198.51.100.1;proto=http, For=203.0.113.9; Proto=https, for=10.1.1.1;proto=http"}
    assert STANDARD.origin(DIRECT, headers) == Origin("203.0.113.9", "https", "gateway:4000")


def test_who_is_trusted() -> None:
    assert [INNER.trusts(peer) for peer in ("10.9.9.9", "::1", "11.0.0.1", "", "::1%lo")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert not Forwarding().trusts("127.0.0.1")


def test_a_wrong_network_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="neither an address nor a network"):
        Forwarding(["10.0.0.0/99"])


@pytest.mark.parametrize(
    ("path", "rest"),
    [("/gw/v1/models", "/v1/models"), ("/gw", "/"), ("/gw/", "/"), ("/v1/models", "/v1/models"), ("/gwx", "/gwx")],
)
def test_the_root_path_is_stripped_once(path: str, rest: str) -> None:
    assert strip_root_path(path, read_root_path("gw/")) == rest
    assert strip_root_path(path, read_root_path("")) == path


def test_the_public_address() -> None:
    assert public_base("https://llm.example.com/gw/", "http", "x", "/y") == "https://llm.example.com/gw"
    assert public_base("", "https", "api.example.com", "/gw") == "https://api.example.com/gw"


@pytest.mark.parametrize(("trusted", "peer"), [((), "127.0.0.1"), (("127.0.0.0/8",), "203.0.113.9")])
async def test_the_connection_believes_trusted_peers_only(trusted: tuple[str, ...], peer: str) -> None:
    stage = Stage()
    async with serving(stage, forwarding=Forwarding(trusted)) as listener, connected(listener) as wire:
        await wire.send(get("/echo", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"))
        await wire.answer()
    assert stage.seen[0].peer == peer
    assert stage.seen[0].scheme == ("https" if trusted else "http")
