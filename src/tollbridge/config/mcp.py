"""`mcp_servers` -> servers: a table by name, or a list of them (decision 33)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from tollbridge.config.document import Array, Entry, Node, Scalar, Table, array, node_of, table
from tollbridge.config.findings import Findings, Place
from tollbridge.config.kinds import At
from tollbridge.config.mcp_doubts import tell_doubts
from tollbridge.config.schema import NOT_RESTRICTED, Filled, not_built, read_section
from tollbridge.config.settings import McpPinning, McpServer, McpTransport
from tollbridge.config.tables.mcp import MCP_SERVER
from tollbridge.config.tables.token_issuers import SIGNATURES
from tollbridge.config.template import escaped, fill, names_variables
from tollbridge.errors import ConfigError
from tollbridge.model.json import JsonObject
from tollbridge.transport.egress import split_url

VERSIONS = ("auto", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
AUTH_TYPES = (
    "none",
    "api_key",
    "bearer_token",
    "basic",
    "authorization",
    "token",
    "oauth2",
    "oauth2_token_exchange",
    "aws_sigv4",
)
TEMPLATES = frozenset(
    {
        *("url", "spec_path", "auth_value", "authentication_token", "static_headers"),
        *("command", "args", "env", "cwd"),
    }
)
"""Keys in whose texts `${NAME}` is a variable."""
FLOWS = ("authorization_code", "client_credentials")
PROFILES = ("rfc8693", "entra_obo")
SIGN_INS = ("each", "shared")
CLIENT_AUTH = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")
EXCHANGE = "oauth2_token_exchange"
URLS = {
    **{name: name for name in ("authorization_url", "token_url", "registration_url", "issuer")},
    "oauth_resource": "upstream_resource",
    "exchange_url": "token_exchange_endpoint",
}
SIGNED = "private_key_jwt"
LATER_AUTH = ("oauth2_id_jag", "true_passthrough", "oauth_delegate")
RESERVED = frozenset(
    {
        *("mcp", "sse", "messages", "tools", "key", "spend", "global", "health", "metrics", "v1", "v1beta"),
        *("sign-in", "callback"),
    }
)
"""First or last parts of paths that are ours."""


def read_mcp_servers(node: Node, at: At) -> tuple[McpServer, ...]:
    servers: list[McpServer] = []
    taken: dict[str, str] = {}
    for name, item, at_item, place in _entries(node, at):
        errors = at.findings.errors
        server = _server(name, settled(item), at_item, place)
        if server is None:
            continue
        for own in {spelled(server.name), spelled(server.alias or server.name)}:
            if own in taken:
                at_item.error(place, f"{own!r} is already the name of the MCP server {taken[own]!r}")
            taken[own] = server.name
        if at.findings.errors == errors:
            servers.append(server)
    return tuple(servers)


def read_said(said: JsonObject) -> tuple[McpServer, tuple[str, ...]]:
    """A server as it is described over the API, and warnings: the same keys, and `credentials` with some of them. What
    is null or empty was not said. Raises ConfigError for what is wrong, and where a key is relied on to restrict
    something and is not built."""
    credentials = said.get("credentials")
    said = {**said, **(credentials if isinstance(credentials, dict) else {})}
    body = {name: value for name, value in said.items() if value not in (None, "", [], {}) and name != "credentials"}
    findings, place = Findings(), Place("the server")
    server = _server("", node_of(body, place), At("", findings), place)
    wrong = [
        finding
        for finding in findings.all()
        if finding.severity == "error" or finding.message.endswith(not_built(NOT_RESTRICTED))
    ]
    told = [f"{finding.path}: {finding.message}" if finding.path else finding.message for finding in wrong]
    if server is None or told:
        raise ConfigError("; ".join(told) or "a server is described by an object")
    return server, tuple(f"{finding.path}: {finding.message}" for finding in findings.all())


def settled(server: Node) -> Node:
    """With values that came from the environment, by `os.environ/NAME`, spelled so that they stay as they are: what
    looks like a variable in a secret is none."""
    if not isinstance(server, Table):
        return server
    return table(
        {
            name: Entry(entry.place, _settled(entry.node)) if name in TEMPLATES else entry
            for name, entry in server.entries.items()
        },
        server.place,
    )


def _settled(node: Node) -> Node:
    match node:
        case Table(entries, place):
            return table({name: Entry(one.place, _literal(one.node)) for name, one in entries.items()}, place)
        case Array(items, place):
            return array([_literal(item) for item in items], place)
    return _literal(node)


def _literal(node: Node) -> Node:
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.variable:
        return msgspec.structs.replace(node, value=escaped(node.value), text=escaped(node.text))
    return node


def is_url(spec: str) -> bool:
    """It is no file."""
    return spec.startswith(("http://", "https://"))


def spelled(name: str) -> str:
    """A space in a name is addressed as `_`."""
    return name.replace(" ", "_")


def _entries(node: Node, at: At) -> Iterator[tuple[str, Node, At, Place]]:
    match node:
        case Table(entries):
            for name, entry in entries.items():
                yield name, entry.node, at.key(name), entry.place
        case Array(items):
            for index, item in enumerate(items):
                yield "", item, at.item(index), item.place
        case Scalar(None):
            return
        case _:
            at.expected("servers by name, or a list of them", node)


def _server(name: str, item: Node, at: At, place: Place) -> McpServer | None:
    filled = read_section(item, MCP_SERVER, at)
    values: dict[str, Any] = {field: found[-1].value for field, found in filled.items()}
    name = values.pop("name", "") or name
    if not isinstance(item, Table):
        return None
    if not name:
        at.error(place, "lacks `server_name`")
        return None
    if spelled(name) in RESERVED:
        reserved = ", ".join(sorted(RESERVED))
        at.error(place, f"{name!r} is reserved: it stands in paths of the gateway's own, as do {reserved}")
        return None
    if "/" in name or "," in name or not name.isprintable() or len(name) > 100:
        at.error(place, f"{name!r} cannot be the name of an MCP server: it stands in paths and before its tools")
        return None
    place_of = {field: found[-1].place for field, found in filled.items()}
    if ("url" in values or "spec" in values) == ("command" in values):
        at.error(place, "needs either a `url` or a `command`, or the `spec_path` of an API")
        return None
    _check_choice(values, "version", VERSIONS, place_of, at.key("protocol_version"))
    _check_choice(values, "pin", get_args(McpPinning), place_of, at.key("pin"))
    _check_choice(values, "transport", get_args(McpTransport), place_of, at.key("transport"))
    if values.get("auth_type") in LATER_AUTH:
        at.key("auth_type").warning(place_of["auth_type"], not_built("the server is asked without a credential"))
        values.pop("auth_type")
    _check_choice(values, "auth_type", AUTH_TYPES, place_of, at.key("auth_type"))
    transport = values.get("transport")
    if transport is not None and "spec" not in values and (transport == "stdio") != ("command" in values):
        at.key("transport").error(place_of["transport"], "`stdio` goes with a `command`, the others with a `url`")
    for field, key in (("url", "url"), ("spec", "spec_path")):
        if field in values and (field == "url" or is_url(values[field].reveal())):
            try:
                if not names_variables(values[field].reveal()):
                    split_url(fill(values[field].reveal(), {}))
            except ValueError as error:
                at.key(key).error(place_of[field], str(error))
    if "spec" in values and values.get("transport", "http") != "http":
        at.key("transport").error(place_of["transport"], "an API with a `spec_path` is asked over `http`")
    for field, key, choices in (
        ("oauth_flow", "oauth2_flow", FLOWS),
        ("oauth_method", "token_endpoint_auth_method", CLIENT_AUTH),
        ("client_algorithm", "client_assertion_signing_alg", SIGNATURES),
        ("exchange_profile", "token_exchange_profile", PROFILES),
        ("sign_in", "sign_in", SIGN_INS),
    ):
        _check_choice(values, field, choices, place_of, at.key(key))
    _check_oauth(values, place_of, at)
    _check_aws(values, place_of, at)
    values["aws"] = {field: values.pop(field) for field in tuple(values) if field.startswith("aws_")}
    if values.get("version") == "auto":
        values.pop("version")
    tell_doubts(item, at)
    return McpServer(name=name, where=str(place), places=_places(filled), **values)


def _places(filled: Mapping[str, list[Filled]]) -> dict[str, Place]:
    """Where the values stand that a start may find wrong: by field, and by the names of a table's or a list's."""
    places: dict[str, Place] = {}
    for field in ("url", "spec", "auth_value", "command", "args", "cwd", "headers", "brings", "env"):
        if field in filled:
            node = filled[field][-1].node
            places[field] = node.place
            if isinstance(node, Table):
                places |= {f"{field}.{name}": entry.node.place for name, entry in node.entries.items()}
            elif isinstance(node, Array) and field == "brings":
                places |= {f"{field}.{item.text}": item.place for item in node.items if isinstance(item, Scalar)}
    return places


def _check_oauth(values: dict[str, Any], place_of: dict[str, Place], at: At) -> None:
    for field, key in URLS.items():
        if field in values:
            try:
                split_url(values[field])
            except ValueError as error:
                at.key(key).error(place_of[field], str(error))
    if values.get("auth_type") not in ("oauth2", EXCHANGE):
        return
    if "command" in values:
        at.key("auth_type").error(place_of["auth_type"], f"`{values['auth_type']}` goes with a `url`")
    if values["auth_type"] == EXCHANGE and "client_id" not in values:
        at.key("auth_type").error(place_of["auth_type"], f"`{EXCHANGE}` needs a `client_id`")
    proven = bool({"client_secret", "client_key"} & set(values)) and "client_id" in values
    if values.get("oauth_flow") == "client_credentials" and not proven:
        needs = "client credentials are a `client_id`, and a `client_secret` or a `client_private_key`"
        at.key("oauth2_flow").error(place_of["oauth_flow"], needs)
    if "client_key" in values and ("client_id" not in values or values.get("oauth_method", SIGNED) != SIGNED):
        at.key("client_private_key").error(place_of["client_key"], f"goes with a `client_id`, and is for `{SIGNED}`")
    if values.get("oauth_method") == SIGNED and "client_key" not in values:
        at.key("token_endpoint_auth_method").error(place_of["oauth_method"], "needs a `client_private_key`")


def _check_aws(values: dict[str, Any], place_of: dict[str, Place], at: At) -> None:
    said = [field for field in values if field.startswith("aws_")]
    if values.get("auth_type") != "aws_sigv4":
        for field in said:
            at.key(field).warning(place_of[field], "nothing is signed without `auth_type: aws_sigv4`")
    elif "command" in values:
        at.key("auth_type").error(place_of["auth_type"], "`aws_sigv4` goes with a `url`")


def _check_choice(
    values: dict[str, Any], field: str, choices: tuple[str, ...], places: dict[str, Place], at: At
) -> None:
    value = values.get(field)
    if value is not None and value not in choices:
        at.error(places[field], f"expected one of {', '.join(choices)}")
        values.pop(field)
