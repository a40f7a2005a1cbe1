"""One case: a few lines of a program that speaks to `litellm`, and what it saw, as plain JSON.

The same lines run under LiteLLM and under the shim. What differs from run to run (ids, times, ports) is not looked at,
or said as its type.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compat.litellm.comparison.upstream import Upstream

ASK = [{"role": "user", "content": "Hello"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "The sum of two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
WAIT_S = 5.0


@dataclass
class Site:
    """Where a case runs: a provider on the loopback, and an empty directory, which is the working directory."""

    upstream: Upstream
    directory: Path

    def at(self, behaviour: str = "ok", **parameters: Any) -> dict[str, Any]:
        """The parameters of a call to the provider, which behaves so."""
        return {"api_base": self.upstream.url(behaviour), "api_key": "sk-case", "max_retries": 0, **parameters}


Run = Callable[[Any, Site], Any]
CASES: dict[str, Run] = {}


def case(name: str) -> Callable[[Run], Run]:
    """`name`: LiteLLM's, dotted where it is a submodule's."""

    def keep(run: Run) -> Run:
        if name in CASES:
            raise ValueError(f"{name} has a case already")
        CASES[name] = run
        return run

    return keep


ERRORS = (
    *("UnsupportedParamsError", "ContextWindowExceededError", "ContentPolicyViolationError", "BudgetExceededError"),
    *("JSONSchemaValidationError", "AuthenticationError", "PermissionDeniedError", "NotFoundError", "Timeout"),
    *("UnprocessableEntityError", "RateLimitError", "BadGatewayError", "ServiceUnavailableError"),
    *("BadRequestError", "InternalServerError", "APIConnectionError", "APIResponseValidationError", "APIError"),
)
"""The names of LiteLLM's by which programs catch, the closest first."""


def caught_as(error: BaseException) -> str:
    """By which of LiteLLM's names a program would catch it; its own where by none."""
    known = sys.modules["litellm"].exceptions
    return next((name for name in ERRORS if isinstance(error, getattr(known, name))), type(error).__name__)


def raised(call: Callable[[], Any]) -> dict[str, Any]:
    """The exception of a call, as a program tells it apart; `{"raised": None}` where it gives something."""
    try:
        answer = call()
        if asyncio.iscoroutine(answer):
            answer = asyncio.run(answer)
    except Exception as error:  # noqa: BLE001  # whichever it is, is what is looked at
        found: dict[str, Any] = {"raised": caught_as(error)}
        for name in ("status_code", "llm_provider", "model"):
            if getattr(error, name, None) is not None:
                found[name] = getattr(error, name)
        return found
    return {"raised": None}


def told(call: Callable[[], Any]) -> Any:
    """What a call gives, or its exception, where one of the two programs may fail."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # whichever it is, is what is looked at
        return {"raised": caught_as(error)}


@contextmanager
def settings(litellm: Any, **values: Any) -> Iterator[None]:
    """Settings of the module, for as long as the block runs."""
    before = {name: getattr(litellm, name) for name in values}
    try:
        for name, value in values.items():
            setattr(litellm, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(litellm, name, value)


def until(seen: Callable[[], bool]) -> bool:
    """LiteLLM calls its callbacks in threads of their own, after the call returned."""
    ends = time.monotonic() + WAIT_S
    while not seen() and time.monotonic() < ends:
        time.sleep(0.01)
    return seen()


async def until_async(seen: Callable[[], bool]) -> bool:
    ends = time.monotonic() + WAIT_S
    while not seen() and time.monotonic() < ends:
        await asyncio.sleep(0.01)
    return seen()


def dump(value: Any) -> Any:
    """An answer as a program would write it down. None and what is empty say the same as nothing."""
    found = value.model_dump() if hasattr(value, "model_dump") else value
    return _filled(found)


def _filled(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return _filled(value.model_dump())
    if isinstance(value, Mapping):
        told = {name: _filled(one) for name, one in value.items()}
        return {name: one for name, one in told.items() if one not in (None, {}, [], "")}
    if isinstance(value, list | tuple):
        return [_filled(one) for one in value]
    return value
