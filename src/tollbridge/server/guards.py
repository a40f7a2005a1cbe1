"""Guards that a request asks for by name: there are none here."""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject

GUARDS = "guardrails"


def check_guards(value: Json, where: str) -> None:
    """LiteLLM's ways to choose guards: a list of names, some with parameters (`{"name": {"extra_body": {}}}`), or
    switches (`{"name": true}`). Raises BadRequestError."""
    listed = value if isinstance(value, list) else [value]
    switched = isinstance(value, dict) and True in value.values()
    if switched or any(isinstance(one, str) or (isinstance(one, dict) and _with_parameters(one)) for one in listed):
        raise BadRequestError(
            f"There are no guards here, and nothing would be checked - at `$.{where}`. Leave it out.",
            param=where,
            code="guards_not_built",
        )


def _with_parameters(guard: JsonObject) -> bool:
    return any(isinstance(said, dict) and "extra_body" in said for said in guard.values())
