"""The cases come on stdin as JSON; each answer goes to stdout as one line: what the client's own objects hold. See
cases.mjs beside for the shapes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

asked = json.load(sys.stdin)
URL, KEY, QUESTION = asked["url"], asked["key"], asked["question"]
PROVIDER = sys.argv[1] if len(sys.argv) > 1 else ""

Answer = tuple[str, list[tuple[str, Any]]]


def each(answer: Callable[[dict[str, Any]], Answer]) -> None:
    """`answer(case)` gives (text, calls); what it raises is the case's error."""
    for case in asked["cases"]:
        try:
            text, calls = answer(case)
            told = {"text": text, "calls": calls}
        except Exception as error:  # noqa: BLE001  # whatever a client raises is what it says
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": case["name"], **told}), flush=True)


def as_function(tool: dict[str, Any]) -> dict[str, Any]:
    said = {"name": tool["name"], "description": tool["description"], "parameters": tool["schema"]}
    return {"type": "function", "function": said}
