"""`general_settings.pass_through_endpoints`: paths of the operator's own."""

from __future__ import annotations

import re

from tollbridge.config.document import Node, Table
from tollbridge.config.kinds import At, flag, list_of, map_of, named, number, seconds, secret, text, texts
from tollbridge.config.own_headers import with_langfuse
from tollbridge.config.schema import fills, guards, later, moot, section, values_of
from tollbridge.config.settings import OwnPath
from tollbridge.transport.egress import split_url

OWN_PATH = section(
    "general_settings.pass_through_endpoints",
    fills("path", named, "path", about="as clients write it, below none of ours; needed"),
    fills("target", secret, "target", about="the URL that answers; needed"),
    fills(
        "headers",
        map_of(secret),
        "headers",
        about="sent along, credentials among them; `os.environ/NAME` may stand within a value",
    ),
    fills("below", flag, "include_subpath", about="longer paths lead there too"),
    fills("forwards", flag, "forward_headers", about="the client's headers go along, but for those about credentials"),
    fills("methods", texts, "methods", about="that are taken. Absent: all"),
    fills("query", map_of(text), "default_query_params", about="added to the query"),
    fills("cost", number, "cost_per_request", about="dollars. Absent: not known"),
    fills("timeout_s", seconds, "timeout", about="seconds for a request"),
    fills("auth", flag, "auth", about="always true: who takes this path needs a key"),
    guards("guardrails"),
    later("merge_query_params", "custom_auth_parser"),
    moot("id", "is_from_config"),
)
RESERVED = frozenset({"v1", "v1beta", "key", "mcp", "sse", "health", "healthz", "readyz", "metrics", "spend", "global"})
PASSED_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})


def own_paths(node: Node, at: At) -> tuple[OwnPath, ...]:
    found: dict[str, OwnPath] = {}
    for path in list_of(own_path, "a list of endpoints")(node, at):
        if path is not None and path.path in found:
            at.error(node.place, f"{path.path} stands twice")
        elif path is not None:
            found[path.path] = path
    return tuple(found.values())


def own_path(node: Node, at: At) -> OwnPath | None:
    """One that LiteLLM would let anybody take (`auth` is false there unless it is said) needs a key here."""
    values = values_of(node, OWN_PATH, at)
    if not isinstance(node, Table) or not {"path", "target"} <= values.keys():
        at.error(node.place, "needs a `path` and a `target`")
        return None
    path = values["path"] = values["path"].rstrip("/")
    _examine(path, node, at.key("path"))
    if "headers" in values:
        values["headers"] = with_langfuse(values["headers"], node.entries["headers"].node, at.key("headers"))
    try:
        split_url(values["target"].reveal())
    except ValueError as error:
        at.key("target").error(node.place, str(error))
    methods = values["methods"] = tuple(method.upper() for method in values.get("methods", ()))
    if not PASSED_METHODS.issuperset(methods):
        at.key("methods").error(node.place, f"can be {', '.join(sorted(PASSED_METHODS))}")
    if values.pop("auth", True) is False:
        at.key("auth").warning(node.place, "nothing is open here: who takes this path needs a key")
    return OwnPath(**values, where=str(node.place))


def _examine(path: str, node: Table, at: At) -> None:
    place = node.entries["path"].node.place
    if not re.fullmatch(r"(?:/[A-Za-z0-9_.~-]+)+", path):
        at.error(place, f"{path!r} is no path: it begins with `/`, and has letters, digits and `_.~-` between slashes")
        return
    first = path.split("/")[1]
    if first in RESERVED:
        instead = f"/own/{path.rpartition('/')[2]}"
        at.error(place, f"all below `/{first}` is the gateway's own; another path will do, such as `{instead}`")
