"""Rows S35 (in part), S36 and S75 of the attack matrix through a whole gateway: a canary is followed through
everything a client, a log or a metric can show; a provider whose certificate is wrong is not spoken to.

Below the application: tests/calls/test_redact.py (spellings), tests/test_secret.py (the type), tests/transport/
test_tls.py (each kind of wrong certificate), tests/transport/test_egress.py (no URL is quoted).
"""

from __future__ import annotations

import json
import logging
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.server.faults import (
    CHAT,
    EVENTS_HEAD,
    LAST,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    STOP,
    WHOLE,
    always,
    ask,
    chunk,
    configuration,
    entry,
    error_body,
    error_of,
    hasten,
    stream,
    word,
)
from tests.server.served import KEY, Served, served
from tests.transport.certificates import Authority
from tests.transport.upstream import Upstream, always_ok, answer, chunked
from tollbridge.config.load import load

CANARY = "canary/Q1w2E3r4+T5y6U7i8=="
ESCAPED = CANARY.replace("/", "\\/")
QUICK = {"timeouts": {"first_byte_s": 1, "gap_s": 1}}
SHOWN = f"the key {CANARY} or {quote(CANARY, safe='')} or Bearer {CANARY}"


def told(wire: str) -> dict[str, bytes]:
    error = error_body(wire, SHOWN)
    escaped = error.replace(CANARY.encode(), ESCAPED.encode())
    fields = json.dumps({"type": "error", "error": {"message": "no", "type": CANARY, "code": CANARY, "param": CANARY}})
    event = b"event: error\ndata: %b\n\n" % error
    failed = {"index": 0, "finish_reason": "error", "error": {"code": 502, "message": SHOWN}}
    said = {"role": "assistant", "content": "half of it"}
    first = word("Hello") if wire == "openai" else b'event: ping\ndata: {"type":"ping"}\n\n'
    return {
        "a refusal": answer(error, status="400 No"),
        "a refusal with escaped slashes": answer(escaped, status="403 No"),
        "a refusal in every field": answer(fields.encode(), status="400 No"),
        "a page": answer(f"<title>{SHOWN}</title>".encode(), status="401 No"),
        "text": answer(SHOWN.encode(), status="500 No"),
        "a validation error": answer(
            json.dumps({"detail": [{"loc": [CANARY], "msg": SHOWN}]}).encode(), status="422 No"
        ),
        "an error in a 200": answer(error),
        "no JSON": answer(SHOWN.encode()),
        "an error as the first event": stream(event),
        "an error after words": EVENTS_HEAD + chunked(first) + chunked(event) + LAST,
        "an error and words at once": stream(first + event + STOP),
        "an error in a choice": answer(json.dumps({**WHOLE, "choices": [{**failed, "message": said}]}).encode()),
        "an error in a choice of a stream": stream(first, chunk(choices=[{**failed, "delta": {}}])),
        "an error beside choices": answer(json.dumps({**WHOLE, "error": {"message": SHOWN}}).encode()),
        "a redirect": answer(b"", f"location: http://127.0.0.1/{CANARY}", status="302 There"),
        "no HTTP": SHOWN.encode() + b"\r\n\r\n",
        "a status line": f"HTTP/1.1 999 {CANARY}\r\n{CANARY}\r\n\r\n".encode(),
    }


async def everything(gateway: Served, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> str:
    """All that a reader of logs and metrics sees."""
    metrics = (await gateway.send("GET", "/metrics", key=None)).body.decode()
    lines = [msgspec.json.encode(record).decode() for record in gateway.records]
    printed = capsys.readouterr()
    return "\n".join((*lines, metrics, caplog.text, printed.out, printed.err))


def assert_no_secret(text: str) -> None:
    for secret in (CANARY, ESCAPED, quote(CANARY, safe=""), CANARY[7:20], KEY):
        assert secret not in text


@pytest.mark.parametrize("name", told("openai"))
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_s35_s36_a_providers_key_in_its_own_words_shows_nowhere(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    path: str,
    wire: str,
    streamed: bool,
    name: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Upstream(always(told(wire)[name])) as upstream:
        text = configuration(entry("m", upstream.port, wire, api_key=CANARY), router={"num_retries": 0}, general=QUICK)
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=streamed))
            resting = await gateway.post(path, ask(stream=streamed))
            seen = await everything(gateway, caplog, capsys)
        assert CANARY in upstream.requests[0].decode("latin-1"), "it was used"
    assert_no_secret(seen)
    for one in (answered, resting):
        assert_no_secret(one.body.decode() + repr(one.headers))


async def test_s35_a_traceback_holds_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug at the worst place: with the request in hand, which prints itself."""
    async with Upstream(always_ok) as upstream:
        text = configuration(entry("m", upstream.port, api_key=CANARY))
        async with served(text, tmp_path) as gateway:

            async def send(request: Any, timeouts: Any) -> Any:
                raise RuntimeError(f"{request!r} {timeouts!r} {gateway.gateway.engine.routes.groups.resolve('m')!r}")

            gateway.gateway.engine.transport.send = send  # type: ignore[method-assign]
            answered = await gateway.post(CHAT, ask())
            seen = await everything(gateway, caplog, capsys)
    assert answered.status == 500
    assert "RuntimeError" in seen
    assert "Traceback" in seen
    assert_no_secret(seen + answered.body.decode())


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_s35_what_was_asked_and_answered_is_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    said = stream(word("answer-canary"), STOP)
    async with (
        Upstream(always(said)) as upstream,
        served(configuration(entry("m", upstream.port)), tmp_path) as gateway,
    ):
        answered = await gateway.post(path, ask(stream=True, text="prompt-canary"))
        await gateway.post(path, ask("nobody", text="prompt-canary"))
        await gateway.post(path, b'{"model": "m", "messages": "prompt-canary"')
        seen = await everything(gateway, caplog, capsys)
    assert b"answer-canary" in answered.body
    assert "-canary" not in seen


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def server_context(authority: Authority, *hosts: str, expired: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(*hosts, expired=expired))
    return context


CERTIFICATES: dict[str, tuple[tuple[str, ...], bool, bool]] = {
    "right": (("127.0.0.1",), False, True),
    "of a stranger": (("127.0.0.1",), False, False),
    "of another host": (("other.example",), False, True),
    "expired": (("127.0.0.1",), True, True),
}


@pytest.mark.parametrize("name", CERTIFICATES)
async def test_s75_a_provider_with_a_wrong_certificate_is_not_spoken_to(
    tmp_path: Path, authority: Authority, name: str
) -> None:
    hosts, expired, trusted = CERTIFICATES[name]
    litellm = {"ssl_verify": str(authority.file)} if trusted else {}
    context = server_context(authority, *hosts, expired=expired)
    async with Upstream(always(answer(b'{"choices":[]}')), tls=context) as upstream:
        text = configuration(entry("m", upstream.port, scheme="https"), router={"num_retries": 0}, litellm=litellm)
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(CHAT, ask())
        assert len(upstream.requests) == (name == "right"), "no byte of the request before the certificate is believed"
    if name == "right":
        assert answered.status == 200
    else:
        assert answered.status == 502
        assert error_of(CHAT, answered.json())["code"] == "tls_failure"


async def test_s75_not_to_verify_is_the_operators_word_and_said_aloud(tmp_path: Path, authority: Authority) -> None:
    context = server_context(authority, "other.example")
    async with Upstream(always(answer(b'{"choices":[]}')), tls=context) as upstream:
        text = configuration(entry("m", upstream.port, scheme="https"), litellm={"ssl_verify": False})
        async with served(text, tmp_path) as gateway:
            assert (await gateway.post(CHAT, ask())).status == 200
            by_request = await gateway.post(CHAT, ask(ssl_verify=False))
    loaded = load(tmp_path / "config.yaml", {})
    assert [finding for finding in loaded.findings if "ssl_verify" in str(finding) and finding.severity == "warning"]
    assert by_request.status in (200, 400), "a field like any other: it changes nothing here"
