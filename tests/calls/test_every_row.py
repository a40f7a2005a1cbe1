"""Of every row: a completion to it is prepared for the right address, with its credential and body. No network."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES, Wanted, build
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.prepare import prepare
from tollbridge.providers.address import PORTS
from tollbridge.providers.auth import Bearer, HeaderKey
from tollbridge.providers.resolve import Given
from tollbridge.providers.row import Provider
from tollbridge.providers.table import ROWS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses import OPENAI_RESPONSES

KEY = "key-of-this-test"
ASKED: dict[str, dict[str, Any]] = {
    OPENAI_CHAT.name: {"messages": [{"role": "user", "content": "hi"}]},
    ANTHROPIC_MESSAGES.name: {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9},
    OPENAI_RESPONSES.name: {"input": "hi"},
}
ELSEWHERE = "https://there.example/base"  # for rows whose address somebody must tell
SHAPED = {row.name for row in ROWS.values() if row.shape != "plain" or "{model}" in row.path}
"""These and those with a `place` have tests of their own."""
CHATS = [row for row in ROWS.values() if row.wire == OPENAI_CHAT.name and row.name not in SHAPED and row.place is None]
OTHERS = [(row, wire) for row in ROWS.values() for wire in row.also if row.base_url and wire in ASKED]


def placed(row: Provider) -> Deployment:
    """A model of this provider, with a key and all that its address asks for."""
    extra = {hole.given: f"own-{name}" for name, hole in row.holes.items()}
    base = None if row.base_url else ELSEWHERE
    given = Given(api_key=KEY, api_base=base, extra=extra)
    return build(Wanted(id="d", group="m", model=f"{row.name}/vendor/model-1", given=given), {}, ROWS)


def sent(deployment: Deployment, dialect: Wire) -> tuple[str, dict[str, str], dict[str, Any], bool]:
    """(URL, headers, body, relayed) of what would go out."""
    body = json.dumps({"model": "m", **ASKED[dialect.name]}).encode()
    made = prepare(Ask(dialect, body, peek(body), "m", stream=False), deployment)
    out = made.outgoing
    port = "" if out.origin.port == PORTS[out.origin.scheme] else f":{out.origin.port}"
    url = f"{out.origin.scheme}://{out.origin.host}{port}{out.target}"
    return url, dict(out.headers), json.loads(out.body), made.relayed


def credential(row: Provider) -> tuple[str, str]:
    match row.authentication:
        case Bearer(scheme=scheme):
            return "authorization", f"{scheme} {KEY}"
        case HeaderKey(name=name):
            return name, KEY
    return "", ""


@pytest.mark.parametrize("row", CHATS, ids=[row.name for row in CHATS])
def test_a_chat_goes_where_the_row_says_with_its_key_and_the_clients_body(row: Provider) -> None:
    url, headers, body, relayed = sent(placed(row), OPENAI_CHAT)
    base = re.sub(r"\{(\w+)\}", r"own-\1", row.base_url) or ELSEWHERE
    assert url == base + row.path.removesuffix("/")
    name, value = credential(row)
    if name:
        assert headers[name] == value
    assert sum(KEY in value for value in headers.values()) == bool(name)
    assert headers["content-type"] == "application/json"
    assert body == {"model": f"{row.qualifies if '/' not in 'vendor/model-1' else ''}vendor/model-1", **ASKED[row.wire]}
    assert relayed


@pytest.mark.parametrize(("row", "wire"), OTHERS, ids=[f"{row.name}-{wire}" for row, wire in OTHERS])
def test_a_client_of_another_format_that_the_row_speaks_is_served_in_it(row: Provider, wire: str) -> None:
    url, headers, body, relayed = sent(placed(row).for_dialect(wire), WIRES[wire])
    path = row.also[wire]
    below = re.sub(r"\{(\w+)\}", r"own-\1", row.base_url) + path
    assert url == (path if "://" in path else below)
    assert urlsplit(url).path.endswith({ANTHROPIC_MESSAGES.name: "/messages"}.get(wire, "/responses"))
    assert (headers.get("authorization"), headers.get("x-api-key")) == (f"Bearer {KEY}", None)
    assert ("anthropic-version" in headers) is (wire == ANTHROPIC_MESSAGES.name)
    assert body == {"model": "vendor/model-1", **ASKED[wire]}
    assert relayed


def test_a_format_at_an_address_of_its_own_is_not_guessed_at_somebody_elses() -> None:
    def made(base: str | None) -> Deployment:
        given = Given(api_key=KEY, api_base=base)
        return build(Wanted(id="d", group="m", model="zai/glm-5", given=given), {}, ROWS)

    assert made(None).for_dialect(ANTHROPIC_MESSAGES.name).path == "/api/anthropic/v1/messages"
    there = made("https://proxy.example/zai")
    assert there.for_dialect(ANTHROPIC_MESSAGES.name) is there


@pytest.mark.parametrize(("name", "unsure"), [("aiand", True), ("deepseek", False)])
def test_another_format_that_nobody_compared_may_turn_out_not_to_be_there(name: str, unsure: bool) -> None:
    assert placed(ROWS[name]).also_unsure is unsure
