"""A server of several is seen as if it stood alone, and nothing but its names is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mcp.one_of_many import OneOfMany

SEEN = OneOfMany("everything")


def sent(method: str, **params: Any) -> Any:
    return json.loads(SEEN.sent(json.dumps({"id": 1, "method": method, "params": params}).encode()))["params"]


def received(**message: Any) -> Any:
    return json.loads(SEEN.received(json.dumps(message).encode()))


@pytest.mark.parametrize(
    ("method", "given", "under_the_roof"),
    [
        ("tools/call", {"name": "a", "arguments": {"name": "b"}}, {"name": "everything-a", "arguments": {"name": "b"}}),
        ("prompts/get", {"name": "a"}, {"name": "everything-a"}),
        ("resources/read", {"uri": "test://a"}, {"uri": "mcp://everything/test://a"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "a"}}, None),
        ("tasks/get", {"taskId": "a"}, {"taskId": "a"}),
        ("tools/list", {"cursor": "a"}, {"cursor": "a"}),
    ],
)
def test_names_and_uris_go_out_with_the_server_before_them(method: str, given: Any, under_the_roof: Any) -> None:
    expected = under_the_roof or {"ref": {"type": "ref/prompt", "name": "everything-a"}}
    assert sent(method, **given) == expected


def test_listings_hold_what_is_the_servers_own() -> None:
    tools = [{"name": "everything-a", "title": "everything-a"}, {"name": "tasks-greet"}]
    assert received(result={"tools": tools})["result"]["tools"] == [{"name": "a", "title": "everything-a"}]
    resources = [{"uri": "mcp://everything/test://a"}, {"uri": "mcp://other/test://a"}]
    assert received(result={"resources": resources})["result"]["resources"] == [{"uri": "test://a"}]


def test_uris_come_back_as_the_server_has_them_wherever_they_stand() -> None:
    link = {"type": "resource_link", "uri": "mcp://everything/test://a"}
    assert received(result={"content": [link]})["result"]["content"] == [{**link, "uri": "test://a"}]
    updated = {"uri": "mcp://everything/test://a"}
    assert received(method="notifications/resources/updated", params=updated)["params"] == {"uri": "test://a"}


def test_what_is_no_message_passes_as_it_is() -> None:
    assert SEEN.sent(b"{no json") == b"{no json"
    assert SEEN.received(b"") == b""
