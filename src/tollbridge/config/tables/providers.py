"""`providers:`: the operator's own rows for the table of providers. A list of rows, or a table of them by name."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.config.document import Array, Entry, Node, Scalar, Table
from tollbridge.config.document import table as make_table
from tollbridge.config.findings import Place
from tollbridge.config.kinds import At, anything, flag, list_of, literal, map_of, named, secret, text, texts
from tollbridge.config.schema import fills, read_section, section
from tollbridge.errors import ConfigError
from tollbridge.model.json import JsonObject
from tollbridge.providers.own_row import Doubt, doubts, row_from_config
from tollbridge.providers.row import Provider

PROVIDER = section(
    "providers",
    fills("name", named, "name", about="what stands before the `/` of a model's name; in a table it is the key"),
    fills(
        "wire",
        named,
        "wire",
        about="the format: `anthropic_messages`, `openai_responses`, `gemini` ... Absent: `openai_chat`",
    ),
    fills("base_url", literal, "base_url", "api_base", about="where it is; needed"),
    fills("base_url_env", list_of(named), "base_url_env", "api_base_env", about="variables that say another address"),
    fills(
        "auth",
        anything,
        "auth",
        about="how the key is sent: `bearer`, `none`, or `{header: NAME}`. Absent: as its `wire` does",
    ),
    fills("api_key", secret, "api_key", about="its key"),
    fills("api_key_env", list_of(named), "api_key_env", "key_env", about="variables that have the key"),
    fills("headers", map_of(literal), "headers", "extra_headers", about="sent with each request"),
    fills("drops", texts, "drops", about="fields of a body that it refuses"),
    fills("renames", map_of(text), "renames", about="fields that it knows by another name: `{theirs: its own}`"),
    fills("lacks", texts, "lacks", about="what it cannot do, such as `tools`, `images`, `files`"),
    fills("prefers", map_of(text), "prefers", about="spellings that it wants, as `{reasoning: thinking_type}`"),
    fills("chat_path", text, "chat_path", about="where chat requests go, below `base_url`"),
    fills("also", map_of(text), "also", about="other formats that it speaks, each with where: `{format: path or URL}`"),
    fills("needs_key", flag, "needs_key", about="whether a request without a key is refused before it is sent"),
    fills("source", text, "source", about="where these facts are from"),
    fills("checked", text, "checked", about="when they were looked at"),
)


class OwnProviders(msgspec.Struct, frozen=True):
    """`values`: the rows as written; `rows`: what was made of those without errors, by name."""

    values: tuple[JsonObject, ...] = ()
    rows: Mapping[str, Provider] = {}


def read_providers(node: Node, at: At) -> OwnProviders:
    all_values: list[JsonObject] = []
    rows: dict[str, Provider] = {}
    names: dict[str, Node] = {}
    for row, at_row in _rows(node, at):
        filled = read_section(row, PROVIDER, at_row)
        values = {field: found[-1].value for field, found in filled.items()}
        made = _made(row, values, at_row)
        if made is not None:
            rows[made.name] = made
        name = values.get("name", "")
        if name in names:
            at_row.error(row.place, f"{name!r} is already a provider (line {names[name].place.line})")
        elif "/" in name or "*" in name:
            at_row.error(row.place, f"{name!r} cannot be a provider's name: it stands before the / of a model's")
        names[name] = row
        all_values.append(values)
    return OwnProviders(tuple(all_values), rows)


def _made(row: Node, values: JsonObject, at: At) -> Provider | None:
    """The provider, where one can be made: the table of providers knows best what it needs."""
    if not isinstance(row, Table):
        return None
    for needed in ("name", "base_url"):
        if needed not in values:
            at.error(row.place, f"lacks `{needed}`")
            return None
    found = list(doubts(values))
    for doubt in found:
        place = _place_of(row, doubt)
        (at.key(doubt.field).error if doubt.fatal else at.key(doubt.field).warning)(place, doubt.message)
    if any(doubt.fatal for doubt in found):
        return None
    try:
        return row_from_config(values)
    except ConfigError as error:
        at.error(row.place, error.message.partition(f"{values['name']}: ")[2] or error.message)
        return None


def _place_of(row: Table, doubt: Doubt) -> Place:
    """Of the word itself, where it stands in a list or a table."""
    entry = next(entry for name, entry in row.entries.items() if _fills(name) == doubt.field)
    match entry.node:
        case Array(items):
            words = [(item.text, item.place) for item in items if isinstance(item, Scalar)]
        case Table(entries):
            words = [(name, one.place) for name, one in entries.items()]
            words += [(one.node.text, one.node.place) for one in entries.values() if isinstance(one.node, Scalar)]
        case _:
            words = []
    return next((place for word, place in words if word == doubt.word), entry.node.place)


def _fills(name: str) -> str:
    key = PROVIDER.key(name)
    return "" if key is None else key.fills


def _rows(node: Node, at: At) -> list[tuple[Node, At]]:
    match node:
        case Array(items):
            return [(item, at.item(index)) for index, item in enumerate(items)]
        case Table(entries):
            return [(_with_name(name, entry), at.key(name)) for name, entry in entries.items()]
    at.expected("a list of providers", node)
    return []


def _with_name(name: str, entry: Entry) -> Node:
    row = entry.node
    if not isinstance(row, Table) or "name" in row.entries:
        return row
    named_entry = Entry(entry.place, Scalar(name, name, entry.place))
    return make_table({"name": named_entry, **row.entries}, row.place)
