"""What was made over the API, as a file says it: `mcp_servers`, as every configuration has them, and `x-keys`.

Keys are no part of a configuration: a gateway passes over `x-keys` (as over all that begins with `x-`), and only
`tollbridge config apply` reads it. An entry there is a key's settings in the words of `/key/generate`, by its alias.

Secrets are never written. Where one stood, `os.environ/NAME` stands, with a name that says whose it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from tollbridge.config.kinds import SECRET_NAME
from tollbridge.config.tables.mcp import MCP_SERVER
from tollbridge.model.json import Json, JsonObject
from tollbridge.secret import without_keys
from tollbridge.transport.egress import split_url

SERVERS, KEYS = "mcp_servers", "x-keys"
PREFIX = "os.environ/"
SECRET_FIELDS = frozenset(
    {
        *("auth_value", "authentication_token", "client_secret", "client_private_key", "spec_path"),
        *("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    }
)
HEADERS, VARIABLES, ARGUMENTS = "static_headers", "env", "args"
"""Their names are shown, their values never."""
FREE = frozenset({"mcp_info", "metadata"})
"""In which anything may stand, under any name."""
PLAIN_PATHS = frozenset({"", "mcp", "sse", "api", "v1", "v2"})
"""Of a URL, what holds no key."""
KEY_FIELDS: Mapping[str, Json] = {
    "models": [],
    "aliases": {},
    "max_budget": None,
    "budget_duration": None,
    "rpm_limit": None,
    "tpm_limit": None,
    "max_parallel_requests": None,
    "default_estimated_output_tokens": None,
    "default_estimated_output_tokens_per_model": {},
    "object_permission": {},
    "blocked": False,
    "metadata": {},
}
"""What a key may be given, and what it has where nothing is said."""


Placed = Callable[[str], str]
"""The placeholder of what is called so."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """`variables`: that stand where secrets stood. `remarks`: what is not in it, and why, as sentences."""

    servers: Mapping[str, JsonObject]
    keys: Mapping[str, JsonObject]
    variables: tuple[str, ...]
    remarks: tuple[str, ...]


class Placeholders:
    """Names of variables, each given once."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def for_(self, *words: str) -> str:
        name = base = re.sub(r"[^A-Z0-9]+", "_", "_".join(words).upper()).strip("_")
        number = 1
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.append(name)
        return PREFIX + name


def written(servers: Iterable[tuple[str, JsonObject]], keys: Iterable[JsonObject], now: str = "") -> Written:
    """`servers`: what was said of each by name, with its secrets. `keys`: as `/key/list` shows them. `now`: a moment as
    they are told there; keys that expired before are left out."""
    placeholders, remarks = Placeholders(), []
    said = {name: _server(name, one, placeholders) for name, one in sorted(servers, key=lambda pair: pair[0])}
    listed: dict[str, JsonObject] = {}
    nameless = 0
    for key in sorted(keys, key=lambda one: str(one["key_alias"])):
        alias = key["key_alias"]
        if not alias:
            nameless += 1
            continue
        expires = str(key["expires"] or "").partition(".")[0]
        if expires and str(key["expires"]) <= now:
            remarks.append(f"The key {alias} expired at {expires} (UTC): it is not in here.")
            continue
        text = placeholders.for_("key", alias)
        listed[alias] = {"key": text, **_settings(key, partial(placeholders.for_, "key", alias))}
        if expires:
            remarks.append(f"The key {alias} expires at {expires} (UTC): that is not in here (`duration` begins anew).")
    if nameless:
        remarks.append(f"Keys without an alias are not in here: {nameless:,}.")
    return Written(servers=said, keys=listed, variables=tuple(placeholders.names), remarks=tuple(remarks))


_UNSAID: tuple[Json, ...] = (None, "", [], {})
"""No number is one of them: a budget of 0 is a budget."""


def settings_of(key: Mapping[str, Json]) -> dict[str, Json]:
    """All that a key may be given, with nothing where nothing is said. `key`: of a file, or as the gateway shows it."""
    said = {field: key.get(field) for field in KEY_FIELDS}
    return {field: KEY_FIELDS[field] if value in _UNSAID else value for field, value in said.items()}


def _settings(key: JsonObject, placed: Placed) -> JsonObject:
    said = {field: value for field, value in settings_of(key).items() if value != KEY_FIELDS[field]}
    return {field: without_secrets(field, value, placed) for field, value in said.items()}


def _server(name: str, said: JsonObject, placeholders: Placeholders) -> JsonObject:
    """What means something in a file, without secrets."""
    credentials = said.get("credentials")
    whole = {**said, **(credentials if isinstance(credentials, dict) else {})}
    entry: JsonObject = {}
    for field, value in whole.items():
        key = MCP_SERVER.key(field)
        if key is None or key.sort != "fills" or key.fills == "name" or value in (None, "", [], {}):
            continue
        entry[field] = _hidden(name, field, value, placeholders)
    return entry


def _hidden(name: str, field: str, value: Any, placeholders: Placeholders) -> Json:
    placed = partial(placeholders.for_, "mcp", name)
    if field in SECRET_FIELDS or (field == "url" and not _plain_url(str(value))):
        return placed(field)
    match field, value:
        case (("static_headers" | "env"), dict()):
            word = "header" if field == HEADERS else field
            return {one: placed(word, str(one)) for one in value}
        case "args", list():
            return [placed("arg", str(number)) for number, _ in enumerate(value, 1)]
    return without_secrets(field, value, placed)


def without_secrets(field: str, value: Json, placed: Placed) -> Json:
    """Words may hold some too: what looks like a key, a URL that says more than where something is, and in free tables
    what is named like a secret."""

    def hidden(name: str, value: Json) -> Json:
        match value:
            case str():
                telling = value.startswith(("http://", "https://")) and ("@" in value or "?" in value)
                named = field in FREE and SECRET_NAME.search(name) is not None
                return placed(name) if telling or named or without_keys(value) != value else value
            case dict():
                return {one: hidden(str(one), below) for one, below in value.items()}
            case list():
                return [hidden(name, below) for below in value]
        return value

    return hidden(field, value)


def _plain_url(url: str) -> bool:
    """It holds nothing but where the server is."""
    try:
        _, target = split_url(url)
    except ValueError:
        return False
    return "@" not in url and "?" not in target and PLAIN_PATHS.issuperset(target.split("/"))
