"""What is to be done so that a gateway holds what a file says (pure, but for making servers that are not asked).

1. A server, or a key, that is not there is added; one that differs is changed, whole: what the file does not say of it
   is taken away. What is there and not in the file stays.
2. Secrets cannot be compared: a gateway shows none. Where nothing else differs, nothing is done, and it is told that
   they were not looked at; `with_secrets` sends them.
3. A server of the gateway's own configuration is not changed from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import msgspec

from tollbridge.assemble.mcp import definition
from tollbridge.cli.config_kept import (
    ARGUMENTS,
    HEADERS,
    KEY_FIELDS,
    SECRET_FIELDS,
    VARIABLES,
    settings_of,
    without_secrets,
)
from tollbridge.config.mcp import read_said
from tollbridge.config.tables.mcp import MCP_SERVER
from tollbridge.config.template import names_variables
from tollbridge.errors import ConfigError
from tollbridge.mcp.shape import NEVER_SHOWN, NOTHING, TOLD, shape
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json, JsonObject
from tollbridge.secret import MASK
from tollbridge.transport.http1 import HttpTransport

Action = Literal["add", "change", "same", "refuse"]
_NOT_COMPARED = TOLD | {"server_id", "server_name"}


class Difference(msgspec.Struct, frozen=True):
    """`before`, `after`: as the gateway shows them, without secrets."""

    field: str
    before: Json
    after: Json


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: `mcp_server` or `key`. `why`: it is refused. `unseen`: what a gateway does not show of it. `method`,
    `path`, `body`: what is sent."""

    kind: str
    name: str
    action: Action
    differences: tuple[Difference, ...] = ()
    unseen: tuple[str, ...] = ()
    why: str = ""
    method: str = "POST"
    path: str = ""
    body: JsonObject = {}

    def __repr__(self) -> str:
        return f"<Step {self.action} {self.kind} {self.name}>"


def server_steps(
    entries: Mapping[str, JsonObject], there: Sequence[JsonObject], *, with_secrets: bool
) -> Iterator[Step]:
    """`entries`: with their secrets. `there`: as `/v1/mcp/server` shows them to the admin. Raises ConfigError for an
    entry that is no server."""
    known = {str(one["server_name"]): one for one in there}
    for name, entry in entries.items():
        said: JsonObject = {"server_name": name, **entry}
        wanted, unseen = _shown(said), _unseen(entry)
        step = partial(Step, kind="mcp_server", name=name, unseen=unseen)
        found = known.get(name)
        if found is None:
            differences = _differences(_NOTHING, wanted, entry)
            yield step(action="add", differences=differences, path="/v1/mcp/server", body=said)
            continue
        if found["created_at"] is None:
            why = "it stands in the gateway's own configuration, and is changed there"
            yield Step(kind="mcp_server", name=name, action="refuse", why=why)
            continue
        differences = _differences(found, wanted, entry)
        if not differences and not (with_secrets and unseen):
            yield step(action="same")
            continue
        body = {"server_id": found["server_id"], **_unsaid(), **said}
        yield step(action="change", differences=differences, method="PUT", path="/v1/mcp/server", body=body)


def key_steps(entries: Mapping[str, JsonObject], there: Sequence[JsonObject]) -> Iterator[Step]:
    """`entries`: with the key's text as `key`, where one is given. `there`: as `/key/list` shows them."""
    known = {one["key_alias"]: one for one in there}
    for alias, entry in entries.items():
        found, wanted = known.get(alias), settings_of(entry)
        before = settings_of({} if found is None else found)
        differing = [name for name in KEY_FIELDS if before[name] != wanted[name]]
        differences = tuple(_difference(name, before[name], wanted[name]) for name in differing)
        unseen = tuple(name for name in entry if name not in KEY_FIELDS)
        step = partial(Step, kind="key", name=alias, differences=differences, unseen=unseen)
        if found is None:
            yield step(action="add", path="/key/generate", body={"key_alias": alias, **entry})
        elif differences:
            body = {"key": found["token"], **{name: wanted[name] for name in differing}}
            yield step(action="change", path="/key/update", body=body)
        else:
            yield step(action="same")


def _shown(said: JsonObject) -> JsonObject:
    """As a gateway would show it. Nothing is asked, and nothing started."""
    for field, value in said.items():
        if names_variables(str(value)) and field in {*SECRET_FIELDS, HEADERS, VARIABLES, "url"}:
            raise ConfigError(
                f"{said['server_name']}: {field}: `${{NAME}}` means nothing over the API: write os.environ/NAME"
            )
    try:
        server, _ = read_said(said)
        return shape(Upstream(definition(server, {}), HttpTransport(), {}), None, admin=True)
    except (ConfigError, ValueError) as error:
        raise ConfigError(f"{said['server_name']} is no MCP server: {error}") from error


def _differences(before: JsonObject, after: JsonObject, entry: JsonObject) -> tuple[Difference, ...]:
    """`entry`: who names no transport leaves it to the gateway, which shows the one that it found."""
    before, after = _without_its_name(before), _without_its_name(after)
    return tuple(
        _difference(name, before.get(name), value)
        for name, value in after.items()
        if name not in _NOT_COMPARED
        and before.get(name) != value
        and not (name == "transport" and "transport" not in entry)
    )


def _difference(field: str, before: Json, after: Json) -> Difference:
    shown = (without_secrets(field, value, lambda _: MASK) for value in (before, after))
    return Difference(field, *shown)


def _without_its_name(shown: JsonObject) -> JsonObject:
    """Which stands in every server's `mcp_info`."""
    info = {name: value for name, value in (shown["mcp_info"] or {}).items() if name != "server_name"}
    return {**shown, "mcp_info": info or None}


def _unseen(entry: JsonObject) -> tuple[str, ...]:
    """What stands in the entry and cannot be compared: secrets, and what a gateway does not show."""
    return tuple(
        name for name in entry if name in SECRET_FIELDS or name in _VALUES or _shown_name(name) not in _NOTHING
    )


def _shown_name(field: str) -> str:
    return "mcp_access_groups" if field == "access_groups" else field


_VALUES = frozenset({HEADERS, VARIABLES, ARGUMENTS, "url"})


def _unsaid() -> dict[str, Any]:
    """All that a server can be told, taken away: null, and {} where null is `as it was`."""
    names = [key.name for key in MCP_SERVER.keys.values() if key.sort == "fills" and key.fills != "name"]
    return {**{name: {} if name in NEVER_SHOWN else None for name in names}, "credentials": {}}


_NOTHING: JsonObject = {**NOTHING, "transport": "http"}
