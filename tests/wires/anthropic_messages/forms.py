"""The normal forms of the Messages format: every difference that the laws forgive here."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.wires.laws import NormalForm


def _arguments_as_json(answer: dict[str, Any]) -> dict[str, Any]:
    for choice in answer["choices"]:
        for part in choice["parts"]:
            if part["type"] == "tool_call":
                part["arguments"] = msgspec.json.decode(part["arguments"] or "{}")
    return answer


FORMS = (
    NormalForm(
        "arguments_as_json",
        "a stream gives a call's arguments as JSON text, a whole answer as an object: white space is no difference",
        answer=_arguments_as_json,
    ),
)
