"""Which clients the authorization server front knows, and where their answers may go."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mcp.oauth.errands import run
from tollbridge.mcp.front.clients import Client, Clients, check_redirect, described, destination, is_document, may_go_to
from tollbridge.mcp.oauth.errand import OAuthError, Told

KEY = bytes(range(32))
ID = "https://app.example/client.json"
DOCUMENT = {"client_id": ID, "client_name": "App", "redirect_uris": ["https://app.example/back"]}


def test_a_client_is_known_by_what_its_id_holds_and_by_nobody_elses_signature() -> None:
    told = Clients(KEY).register({"client_name": "A\x00pp", "redirect_uris": ["https://app.example/back"]})
    id = told["client_id"]
    assert Clients(KEY).known(id) == Client("App", ("https://app.example/back",))
    assert Clients(bytes(32)).known(id) is None
    for wrong in (id[:-2], id[4:], "tbc-", "", "tbc-" + "A" * 10_000, id.replace("tbc-", "tbc-A"), "tbc-é"):
        assert Clients(KEY).known(wrong) is None


def test_a_description_is_about_the_client_whose_address_it_has() -> None:
    client, asked = run(described(ID), {ID: DOCUMENT})
    assert client == Client("App", ("https://app.example/back",))
    assert [ask.url for ask in asked] == [ID]
    wrong: tuple[Any, ...] = (
        {**DOCUMENT, "client_id": "https://other.example/client.json"},
        {**DOCUMENT, "redirect_uris": ["javascript:x"]},
        {**DOCUMENT, "redirect_uris": []},
        {**DOCUMENT, "redirect_uris": "https://app.example/back"},
        [],
        Told(404),
        Told(0, why="it is private"),
    )
    for told in wrong:
        with pytest.raises(OAuthError):
            run(described(ID), {ID: told})


@pytest.mark.parametrize(
    ("id", "good"),
    [
        (ID, True),
        ("https://app.example", False),
        ("https://app.example/", False),
        ("http://app.example/client.json", False),
        ("tbc-x", False),
        ("https:///client.json", False),
    ],
)
def test_an_id_that_is_an_address_is_https_with_a_path(id: str, good: bool) -> None:
    assert is_document(id) is good


@pytest.mark.parametrize(
    ("redirect", "good"),
    [
        ("http://127.0.0.1:1234/back?x=1", True),
        ("http://127.0.0.1/back?x=1", True),
        ("http://127.0.0.1:1234/back", False),
        ("http://127.0.0.1:1234/back?x=2", False),
        ("http://localhost:1234/back?x=1", False),
        ("https://127.0.0.1:1234/back?x=1", False),
        ("http://127.0.0.1:99999/back?x=1", False),
        ("http://127.0.0.1:1@evil.example/back?x=1", False),
        ("https://app.example/back", True),
        ("https://app.example:8443/back", False),
        ("https://app.example/back/", False),
        ("app:/back", True),
        ("app:/other", False),
        ("", False),
    ],
)
def test_an_answer_goes_where_the_client_said_but_for_the_port_of_a_loopback_address(redirect: str, good: bool) -> None:
    client = Client("App", ("http://127.0.0.1/back?x=1", "https://app.example/back", "app:/back"))
    assert may_go_to(client, redirect) is good


@pytest.mark.parametrize("redirect", ["https://a.example;sandbox/x", "https://a.example'/x", "https://a.example:0/x"])
def test_no_address_says_more_in_the_policy_of_a_page_than_an_origin(redirect: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        check_redirect(redirect)
    assert destination("https://A.example:443/x?y") == "https://a.example"
    assert destination("app:/back") == "app:"
