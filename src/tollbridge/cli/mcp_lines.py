"""How the commands of `tollbridge mcp` show what they found."""

from __future__ import annotations

from collections.abc import Sequence

from tollbridge.cli import screen
from tollbridge.cli.columns import printable
from tollbridge.model.json import Json, JsonObject

DESCRIPTION_MAX = 70
NO_SERVER = "There is no MCP server. Add one: tollbridge mcp add time --config config.yaml -- uvx mcp-server-time"


def servers(found: Sequence[JsonObject]) -> str:
    if not found:
        return NO_SERVER
    rows = [
        [
            _text(one.get("server_name")),
            _text(one.get("transport")),
            _text(one.get("url") or _command(one)),
            ", ".join(map(_text, one.get("mcp_access_groups") or []))
            or ("all keys" if one.get("allow_all_keys") else ""),
            _text(one.get("health_check_error") or one.get("description"))[:DESCRIPTION_MAX],
        ]
        for one in found
    ]
    return _table(["SERVER", "TRANSPORT", "WHERE", "GROUPS", ""], rows)


def tools(found: Sequence[JsonObject]) -> str:
    if not found:
        return "There is no tool."
    rows = []
    for tool in found:
        description = _text(tool.get("title") or tool.get("description") or "").split("\n")[0]
        flags = tool["mcp_info"].get("flags") or []
        rows.append(
            [
                _text(tool["mcp_info"]["server_name"]),
                _text(tool["name"]),
                _signature(tool),
                "; ".join(map(_text, ["SUSPICIOUS", *flags])) if flags else description[:DESCRIPTION_MAX],
            ]
        )
    return _table(["SERVER", "TOOL", "ARGUMENTS", ""], rows)


def logins(found: Sequence[JsonObject]) -> str:
    if not found:
        return "Nobody is signed in at an MCP server."
    fields = ("server_id", "owner", "issuer", "signed_in_at")
    return _table(["SERVER", "KEY", "ISSUER", "SINCE"], [[_text(one.get(field)) for field in fields] for one in found])


def standings(found: Sequence[JsonObject]) -> str:
    """What waits for an approval: the flags, and how each changed."""
    if not found:
        return "Nothing waits for an approval."
    lines: list[str] = []
    for one in found:
        name = (
            f"{_text(one['server'])} {_text(one['tool'])}".rstrip()
            if one["tool"]
            else f"{_text(one['server'])}, its instructions"
        )
        lines.append(f"{name}: {one['state']}{', quarantined' if one['quarantined'] else ''}")
        lines += [f"  {_text(flag)}" for flag in one["flags"]]
        lines += [f"  {_text(line)}" for line in one["diff"]]
    return "\n".join(lines)


def result(told: JsonObject) -> str:
    """What a tool said, as text: of what is no text its kind and size are told."""
    blocks = told.get("content")
    lines = [_block(block) for block in blocks] if isinstance(blocks, list) else []
    return "\n".join(lines)


def diagnosis(found: JsonObject) -> str:
    """One server, a line for each thing."""
    info = found.get("server_info") or {}
    said = " ".join(_text(info[name]) for name in ("name", "version") if info.get(name))
    parts = ("well" if well(found) else "NOT WELL", _text(found.get("transport")), said)
    lines = [_text(found["server_name"]), "  " + ", ".join(part for part in parts if part)]
    if found.get("revisions"):
        lines.append(f"  speaks        {', '.join(found['revisions'])}")
        lines.append(f"  capabilities  {', '.join(map(_text, found.get('capabilities') or [])) or 'none'}")
        lines.append(f"  greeted in    {found.get('latency_ms', 0):g} ms")
    if found.get("tools") is not None:
        lines.append(f"  tools         {found['tools']}, listed in {found.get('listing_ms', 0):g} ms")
    lines += [f"  left out      {_text(one)}" for one in found.get("left_out") or []]
    lines += [
        f"  wrong         {_text(one)}"
        for one in (found.get("health_check_error"), *(found.get("problems") or []))
        if one
    ]
    return "\n".join(lines)


def well(found: JsonObject) -> bool:
    return found.get("status") == "healthy" and not found.get("problems") and not found.get("left_out")


def _signature(tool: JsonObject) -> str:
    """`customer_id priority?`: the names of its arguments."""
    schema = tool.get("inputSchema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict):
        return ""
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    return " ".join(_text(name) + ("" if name in needed else "?") for name in properties)


def _command(one: JsonObject) -> str:
    return f"{one['command']} ..." if one.get("command") else ""


def _block(block: Json) -> str:
    if not isinstance(block, dict):
        return printable(str(block))
    kind = block.get("type")
    if kind == "text":
        return "\n".join(map(printable, str(block.get("text")).split("\n")))
    if kind == "resource_link":
        return f"[{_text(block.get('uri'))}]"
    resource = block.get("resource")
    if kind == "resource" and isinstance(resource, dict):
        return _text(resource["text"]) if "text" in resource else f"[{_text(resource.get('uri'))}]"
    return f"[{_text(kind)}, {_text(block.get('mimeType'))}, {len(str(block.get('data') or ''))} characters of base64]"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return screen.table(head, rows, len(head))


def _text(value: Json) -> str:
    return "" if value is None else printable(str(value))
