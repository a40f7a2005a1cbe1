"""The servers come on stdin as JSON; each answer goes to stdout as one line: how many tools a client was told of, and
what one of them answered.

    {url, key, person, servers: [{name, path, tool, arguments, oauth}]}
    {name, tools, text}   or   {name, error}
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

asked = json.load(sys.stdin)
HEADERS = {"x-litellm-api-key": asked["key"]}

Told = tuple[int, str]


Use = Callable[[str, str, dict[str, Any]], Awaitable[Told]]


def each(use: Use, by_oauth: Use | None = None) -> None:
    """`use(url, tool, arguments)` lists the tools there and calls one; what it raises is what it says. `by_oauth`: the
    same without a key."""
    for server in asked["servers"]:
        chosen = by_oauth if server["oauth"] else use
        if chosen is None:
            continue
        try:
            tools, text = asyncio.run(chosen(asked["url"] + server["path"], server["tool"], server["arguments"]))
            told: dict[str, Any] = {"tools": tools, "text": text}
        except Exception as error:  # noqa: BLE001  # whatever a client raises is what it says
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": server["name"], **told}), flush=True)
