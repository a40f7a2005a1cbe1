"""Who gives tokens for a server: RFC 9728 and RFC 8414, with answers from a table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mcp.oauth.errands import run
from tollbridge.mcp.oauth.discovery import canonical, covers, discover, server_candidates
from tollbridge.mcp.oauth.errand import OAuthError, Told
from tollbridge.mcp.oauth.values import Settings

URL = "https://mcp.example/v1/mcp?key=secret"
ISSUER = "https://as.example/tenant"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "code_challenge_methods_supported": ["S256"],
}
RESOURCE = {"resource": "https://mcp.example/v1/mcp", "authorization_servers": [ISSUER], "scopes_supported": ["a"]}
AT_PATH = "https://mcp.example/.well-known/oauth-protected-resource/v1/mcp"
AT_ROOT = "https://mcp.example/.well-known/oauth-protected-resource"
OAUTH = "https://as.example/.well-known/oauth-authorization-server/tenant"
OPENID = "https://as.example/.well-known/openid-configuration/tenant"
OPENID_BELOW = "https://as.example/tenant/.well-known/openid-configuration"


def found(answers: dict[str, Any], metadata_url: str | None = None, **said: Any) -> tuple[Any, list[str]]:
    value, asked = run(discover(URL, metadata_url, Settings(**said)), answers)
    return value, [ask.url for ask in asked]


def test_the_path_is_asked_before_the_root_and_each_form_of_an_issuer_with_a_path_in_turn() -> None:
    value, asked = found({AT_ROOT: RESOURCE, OPENID_BELOW: METADATA})
    assert asked == [AT_PATH, AT_ROOT, OAUTH, OPENID, OPENID_BELOW]
    assert (value.resource, value.scopes, value.server.issuer) == (RESOURCE["resource"], ("a",), ISSUER)


def test_where_the_challenge_names_the_metadata_nothing_else_is_asked() -> None:
    _, asked = found({"https://mcp.example/there": RESOURCE, OAUTH: METADATA}, "https://mcp.example/there")
    assert asked == ["https://mcp.example/there", OAUTH]
    with pytest.raises(OAuthError, match="cannot be read"):
        found({AT_PATH: RESOURCE, OAUTH: METADATA}, "https://mcp.example/there")


def test_whom_it_could_not_reach_is_told_to_the_operator_alone() -> None:
    gone = Told(0, why="the server refused the connection", at="as.internal:8443")
    for candidates, metadata_url in (
        (dict.fromkeys(("https://mcp.example/there",), gone), "https://mcp.example/there"),
        ({AT_PATH: RESOURCE, **dict.fromkeys((OAUTH, OPENID, OPENID_BELOW), gone)}, None),
    ):
        with pytest.raises(OAuthError, match="refused the connection") as told:
            found(candidates, metadata_url)
        assert "as.internal" not in str(told.value.value())
        assert told.value.in_full.endswith("refused the connection. It was as.internal:8443.")


def test_a_server_without_metadata_is_its_own_authorization_server() -> None:
    own = {**METADATA, "issuer": "https://mcp.example"}
    value, _ = found({"https://mcp.example/.well-known/oauth-authorization-server": own})
    assert value.server.issuer == "https://mcp.example"
    assert value.resource == "https://mcp.example/v1/mcp"


def test_what_the_operator_said_needs_no_discovery_and_is_believed() -> None:
    value, asked = found({}, authorization_url="https://a.example/go", token_url="https://a.example/token")
    assert asked == []
    assert value.server.pkce
    assert value.resource == "https://mcp.example/v1/mcp"


@pytest.mark.parametrize(
    ("resource", "server", "told"),
    [
        ({**RESOURCE, "resource": "https://mcp.example/v1/mcp/deeper"}, METADATA, "another server"),
        ({**RESOURCE, "resource": "https://mcp.example:8443/v1/mcp"}, METADATA, "another server"),
        ({**RESOURCE, "resource": "https://mcp.example/v1/mc"}, METADATA, "another server"),
        ({**RESOURCE, "resource": None}, METADATA, "another server"),
        (RESOURCE, {**METADATA, "issuer": ISSUER + "/"}, "another issuer"),
        (RESOURCE, {**METADATA, "token_endpoint": "file:///etc/passwd"}, "no `token_endpoint`"),
        (RESOURCE, {**METADATA, "token_endpoint": None}, "no `token_endpoint`"),
        ({**RESOURCE, "authorization_servers": ["javascript:x"]}, METADATA, "no URL"),
        (RESOURCE, [], "says nothing"),
    ],
)
def test_what_is_about_another_or_cannot_be_read_is_refused(resource: Any, server: Any, told: str) -> None:
    with pytest.raises(OAuthError, match=told):
        found({AT_PATH: resource, OAUTH: server})


def test_an_issuer_of_the_operators_must_be_one_that_the_server_names() -> None:
    with pytest.raises(OAuthError, match="operator"):
        found({AT_PATH: RESOURCE, OAUTH: METADATA}, issuer="https://other.example")


def test_of_an_url_no_query_stands_in_what_a_token_is_for() -> None:
    assert canonical(URL) == "https://mcp.example/v1/mcp"
    assert canonical("https://MCP.example:443/") == "https://mcp.example"


@pytest.mark.parametrize(
    ("resource", "good"),
    [
        ("https://mcp.example", True),
        ("https://mcp.example/", True),
        ("https://mcp.example/v1", True),
        ("https://mcp.example/v1/mcp/", True),
        ("https://mcp.example/v", False),
        ("http://mcp.example/v1/mcp", False),
        ("https://mcp.example.evil.example/v1/mcp", False),
        ("no url", False),
    ],
)
def test_a_resource_covers_what_lies_below_it(resource: str, good: bool) -> None:
    assert covers(resource, URL) is good


def test_an_issuer_without_a_path_has_two_forms() -> None:
    assert server_candidates("https://as.example/") == (
        "https://as.example/.well-known/oauth-authorization-server",
        "https://as.example/.well-known/openid-configuration",
    )
