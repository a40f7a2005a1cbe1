"""What the headers of `general_settings.pass_through_endpoints` mean to LiteLLM beyond what any value does.

- A variable may stand within a value: `Authorization: "bearer os.environ/COHERE_API_KEY"`.
- `LANGFUSE_PUBLIC_KEY` and `LANGFUSE_SECRET_KEY` are no headers: both together are one, `Authorization: Basic ...`.

Source: `set_env_variables_in_header` of LiteLLM 1.110 and docs.litellm.ai/docs/proxy/pass_through, seen 2026-11-28.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping

from tollbridge.config.document import Array, Entry, Node, Scalar, Table, array, table
from tollbridge.config.environment import PREFIX
from tollbridge.config.kinds import At
from tollbridge.secret import Secret

_WITHIN = re.compile(re.escape(PREFIX) + r"([A-Za-z_][A-Za-z0-9_]*)")
_PUBLIC, _SECRET = "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"


def with_variables(top: Node, environ: Mapping[str, str]) -> Node:
    """The file, with the variables within those headers in their places. Where one is not set its header is marked
    `missing`."""
    return _changed(top, ("general_settings", "pass_through_endpoints", "headers"), environ)


def _changed(node: Node, path: tuple[str, ...], environ: Mapping[str, str]) -> Node:
    match node:
        case Array(items, place):
            return array([_changed(item, path, environ) for item in items], place)
        case Table(entries, place) if path:
            entry = entries.get(path[0])
            if entry is None:
                return node
            return table({**entries, path[0]: Entry(entry.place, _changed(entry.node, path[1:], environ))}, place)
        case Table(entries, place):
            return table({name: Entry(one.place, _filled(one.node, environ)) for name, one in entries.items()}, place)
    return node


def _filled(node: Node, environ: Mapping[str, str]) -> Node:
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or node.value.startswith(PREFIX):
        return node
    names = _WITHIN.findall(node.value)
    if not names:
        return node
    for name in names:
        if not environ.get(name):
            return Scalar(None, node.text, node.place, variable=name, missing=True)
    value = _WITHIN.sub(lambda found: environ[found[1]], node.value)
    return Scalar(value, value, node.place, variable=names[0])


def with_langfuse(headers: Mapping[str, Secret], node: Node, at: At) -> Mapping[str, Secret]:
    """The headers as they are sent."""
    keys = [headers[name] for name in (_PUBLIC, _SECRET) if name in headers]
    if not keys:
        return headers
    if len(keys) == 1:
        at.error(node.place, f"{_PUBLIC} and {_SECRET} make one header together, and one of them is missing")
    basic = b64encode(":".join(key.reveal() for key in keys).encode()).decode()
    others = {name: value for name, value in headers.items() if name not in (_PUBLIC, _SECRET)}
    return {**others, "Authorization": Secret(f"Basic {basic}")}
