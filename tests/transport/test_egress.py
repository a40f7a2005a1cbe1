from __future__ import annotations

import contextlib
import socket

import pytest

from tests.transport.upstream import PATIENT, Upstream, always_ok, post
from tollbridge.errors import APIConnectionError
from tollbridge.transport.base import Origin
from tollbridge.transport.dial import Dialer
from tollbridge.transport.egress import METADATA, TRUSTED, UNTRUSTED, Verdict, judge, split_url
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.tls import TlsSettings

VERDICTS: list[tuple[str, Verdict]] = [
    ("8.8.8.8", "public"),
    ("1.1.1.1", "public"),
    ("172.15.255.255", "public"),
    ("172.32.0.0", "public"),
    ("2606:4700:4700::1111", "public"),
    ("::ffff:8.8.8.8", "public"),
    ("64:ff9b::8.8.8.8", "public"),
    ("2002:808:808::1", "public"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("::1", "loopback"),
    ("::", "loopback"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::127.0.0.1", "loopback"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b:1::7f00:1", "loopback"),
    ("2002:7f00:1::", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "private"),
    ("::ffff:10.0.0.1", "private"),
    ("2002:c0a8:101::1", "private"),
    ("fd12:3456::1", "private"),
    ("fec0::1", "private"),
    ("169.254.1.1", "link_local"),
    ("fe80::1", "link_local"),
    ("fe80::1%eth0", "link_local"),
    ("::ffff:169.254.1.1", "link_local"),
    ("100.64.0.1", "shared"),
    ("0.0.0.0", "reserved"),
    ("0.1.2.3", "reserved"),
    ("192.0.2.1", "reserved"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("2001:db8::1", "reserved"),
    ("100::1", "reserved"),
    ("4000::1", "reserved"),
    ("224.0.0.1", "multicast"),
    ("ff02::1", "multicast"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("100.100.100.200", "metadata"),
    ("168.63.129.16", "metadata"),
    ("fd00:ec2::254", "metadata"),
    ("::ffff:169.254.169.254", "metadata"),
    ("::169.254.169.254", "metadata"),
    ("64:ff9b::a9fe:a9fe", "metadata"),
    ("2002:a9fe:a9fe::", "metadata"),
]


@pytest.mark.parametrize(("address", "verdict"), VERDICTS)
def test_addresses_are_judged_by_what_they_carry(address: str, verdict: Verdict) -> None:
    assert judge(address) == verdict


def test_teredo_is_judged_by_its_client() -> None:
    """The client's address is the complement of the last 32 bits."""
    assert judge("2001:0:4136:e378:8000:63bf:80ff:fffe") == "loopback"


PRIVATE_URLS = r"""
http://127.0.0.1/ http://127.0.0.1./ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/
http://0x7f.1/ http://0x7f.0.0.1/ http://0177.0.0.1/ http://0177.1/ http://017700000001/ http://00000177.0.0.1/
http://127.000.000.1/ http://127.0.0.0x1/ http://0/ http://0.0.0.0/ http://0x0/ http://4294967295/ http://[::1]/
http://[::]/ http://[0:0:0:0:0:0:0:1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/
http://[0:0:0:0:0:ffff:127.0.0.1]/ http://[::127.0.0.1]/ http://[64:ff9b::127.0.0.1]/ http://[2002:7f00:1::]/
http://[fe80::1%25eth0]/ http://[fe80::1%eth0]/ http://[fd00::1]/ http://[::1]:80/ http://[::1 http://::1/
http://[::1]a/ http://[127.0.0.1]/ http://[v1.a]/ http://localhost/ http://localhost./ http://LOCALHOST/
http://LocalHost./ http://a.localhost/ http://router.local/ http://db.internal/ http://metadata.google.internal/
http://metadata.google.internal./ http://METADATA/ http://metadata.goog/ http://instance-data/ http://169.254.169.254/
http://0xa9fea9fe/ http://2852039166/ http://0251.0376.0251.0376/ http://[::ffff:a9fe:a9fe]/ http://[fd00:ec2::254]/
http://100.100.100.200/ http://10.0.0.1/ http://10.1/ http://192.168.1.1/ http://192.168.257/ http://172.16.0.1/
http://100.64.1.1/ http://8.8.8.8:22/ http://8.8.8.8:8080/ http://8.8.8.8:0/ http://8.8.8.8:99999/ http://8.8.8.8:80a/
http://8.8.8.8:-80/ http://user@8.8.8.8/ http://8.8.8.8@127.0.0.1/ http://a:b@c/ http://8.8.8.8#@127.0.0.1/
http://8.8.8.8\@127.0.0.1/ http://127.0.0.1%00.example.com/ http://127.0.0.1%2f.example.com/ http://%31%32%37.0.0.1/
http:///127.0.0.1/ http:// http:/127.0.0.1/ //127.0.0.1/ 127.0.0.1 ftp://8.8.8.8/ file:///etc/passwd gopher://8.8.8.8/
unix:///var/run/docker.sock javascript:alert(1) data:text/plain,a http://a..b/ http://.a/ http://-a/ http://a-/
http://a_b*c/ http://a,b/ http://!/
"""
UNICODE_URLS = [
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://localhosᵗ/",
    "http://exаmple.com/",
    "http://8.8.8.8 /",
    "http://8.8.8.8\t/",
    "http://8.8.8.8\r\nhost: a/",
    "http://8.8.8.8\x00/",
]


@pytest.mark.parametrize("url", PRIVATE_URLS.split() + UNICODE_URLS)
def test_s16_a_url_that_is_not_the_operators_reaches_nothing_private_in_any_spelling(url: str) -> None:
    origin = None
    with contextlib.suppress(ValueError):
        origin, _ = split_url(url)
    assert origin is None or UNTRUSTED.refuses(origin)


def test_an_error_about_a_url_does_not_quote_it() -> None:
    for url in (
        "http://a b/?key=secret",
        "http://secret@a/",
        "http://a:99999/secret",
        "ftp://a/secret",
        "http://0x7f.1/secret",
    ):
        with pytest.raises(ValueError) as caught:
            split_url(url)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://api.example.com", Origin("https", "api.example.com", 443), "/"),
        ("HTTPS://API.Example.com./v1?k=2", Origin("https", "api.example.com", 443), "/v1?k=2"),
        ("http://127.0.0.1:11434/v1", Origin("http", "127.0.0.1", 11434), "/v1"),
        ("http://[::1]:8080/v1", Origin("http", "::1", 8080), "/v1"),
        ("http://my_ollama:11434", Origin("http", "my_ollama", 11434), "/"),
        ("https://xn--bcher-kva.example/a%2Fb", Origin("https", "xn--bcher-kva.example", 443), "/a%2Fb"),
    ],
)
def test_urls_are_split(url: str, origin: Origin, target: str) -> None:
    assert split_url(url) == (origin, target)
    assert TRUSTED.refuses(origin) == ""


@pytest.mark.parametrize("url", ["https://api.example.com/", "http://8.8.8.8/", "http://[2606:4700::1]:443/"])
def test_public_urls_pass(url: str) -> None:
    assert UNTRUSTED.refuses(split_url(url)[0]) == ""


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
async def test_metadata_is_refused_even_to_the_operator(transport: HttpTransport, address: str) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(Origin("http", address, 80)), PATIENT)
    assert caught.value.code == "egress_refused"
    assert not caught.value.retryable


@pytest.mark.parametrize("name", ["metadata.google.internal", "metadata.google.internal.", "metadata", "instance-data"])
async def test_metadata_by_name_is_refused_before_it_is_looked_up(transport: HttpTransport, name: str) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(Origin("http", name, 80)), PATIENT)
    assert caught.value.code == "egress_refused"


class Names:
    """A resolver whose answers change from call to call; connections may only go to what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers = list(answers)
        monkeypatch.setattr("tollbridge.transport.dial._look_up", self.look_up)

    async def look_up(self, host: str) -> list[str]:
        return self.answers.pop(0)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"])
async def test_a_name_that_leads_to_metadata_is_refused_to_everybody(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    Names(monkeypatch, ["127.0.0.1", address])
    async with Upstream(always_ok) as upstream:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream.origin("innocent.example")), PATIENT)
        assert caught.value.code == "egress_refused"
        assert upstream.peers == []  # one bad address spoils the name


async def test_s14_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: whatever the name says a moment later, nobody asks it again."""
    names = Names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    dialled: list[str] = []

    async def first(self: Dialer, addresses: list[str], protocol: object, origin: Origin) -> None:
        dialled.extend(addresses)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(Dialer, "_first", first)
    dialer = Dialer(TlsSettings(), UNTRUSTED)
    for code in ("connect_refused", "egress_refused"):
        with pytest.raises(APIConnectionError) as caught:
            await dialer.connect(lambda: None, Origin("http", "rebind.example", 80))  # type: ignore[arg-type, return-value]
        assert caught.value.code == code
    assert dialled == ["93.184.216.34"]
    assert names.answers == []


async def test_an_untrusted_transport_never_reaches_this_machine() -> None:
    transport = HttpTransport(egress=UNTRUSTED)
    async with Upstream(always_ok) as upstream:
        for host in ("127.0.0.1", "localhost", socket.gethostname(), "::1"):
            with pytest.raises(APIConnectionError):
                await transport.send(post(upstream.origin(host)), PATIENT)
        assert upstream.peers == []
    await transport.close()
