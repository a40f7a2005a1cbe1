"""A call that a custom provider's handler may answer: who is asked, one after another.

1. The engine knows no handlers. Where one stands behind the model or a fallback, each is a turn of its own; all else
   is the engine's, with its own retries.
2. A handler is asked again as `num_retries` says, 0 where nothing does: after what may pass, and after an exception
   that does not say. What a fallback is asked follows `sdk.call`; `context_window_fallback_dict` holds here too.
3. Where all fail, the error is that of the model asked for. A stream's first piece is read before it is handed out:
   what breaks later is neither retried nor fallen back from.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from typing import Any, NamedTuple

from tollbridge.compat.litellm import custom_llm
from tollbridge.errors import APIError, BadRequestError, ContextWindowExceededError, NotBuilt
from tollbridge.routing.plan import Policy, backoff_s
from tollbridge.sdk.call import fallbacks_of, inherited, provider_name, retries_of
from tollbridge.sdk.order import is_mocked, table
from tollbridge.sdk.parameters import WHO

LARGER = "context_window_fallback_dict"


class Turn(NamedTuple):
    """`handler`: a custom provider's, with the model's name there; None where the engine asks."""

    model: str
    said: Mapping[str, Any]
    handler: tuple[Any, str] | None

    @property
    def retries(self) -> int:
        return (retries_of(self.said) or 0) if self.handler else 0


class Turns(NamedTuple):
    """`larger`: whom to ask where a model's window is too small."""

    turns: tuple[Turn, ...]
    larger: Mapping[str, Turn]

    def __iter__(self) -> Iterator[Turn]:  # type: ignore[override]
        yield from self.turns
        yield from self.larger.values()


class Answered(NamedTuple):
    value: Any


Plan = Generator[Turn | float, Answered | Exception | None, Any]
"""Yields whom to ask, or seconds to wait; is sent what came of it."""


def turns_of(providers: Any, model: str, said: Mapping[str, Any]) -> Turns | None:
    """None where no handler has to do with it. Raises BadRequestError that names the parameter."""
    if not providers:
        return None
    listed = fallbacks_of(said)
    larger = table(said, LARGER)
    alone = {name: value for name, value in said.items() if name not in ("fallbacks", LARGER)}
    first = _turn(providers, model, alone)
    found = Turns(
        (first, *(_fallback(providers, item, first) for item in listed)),
        {small: _fallback(providers, large, first) for small, large in larger.items()},
    )
    return found if any(turn.handler for turn in found) else None


def _turn(providers: Any, model: str, said: Mapping[str, Any]) -> Turn:
    return Turn(model, said, None if is_mocked(said) else custom_llm.found(providers, model, said))


def _fallback(providers: Any, item: Any, first: Turn) -> Turn:
    said_here = item if isinstance(item, Mapping) else {"model": item}
    own = {name: value for name, value in said_here.items() if value is not None}
    model = own.pop("model", None) or first.model
    if not isinstance(model, str):
        raise BadRequestError("`fallbacks` must be a list of names or dictionaries.", param="fallbacks")
    named = _whose(providers, model, {})
    shares = not any(name in own for name in WHO) and named in ("", _whose(providers, first.model, first.said))
    return _turn(providers, model, {**inherited(first.said, shares), **own})


def _whose(providers: Any, model: str, said: Mapping[str, Any]) -> str:
    provider: str | None = said.get("custom_llm_provider")
    if custom_llm.found(providers, model, said) is not None:
        return provider or model.partition("/")[0]
    return provider_name(model, provider, said.get("api_base"))


def plan(turns: Turns) -> Plan:
    waiting = list(turns.turns)
    first: Exception | None = None
    asked: set[str] = set()
    while waiting:
        turn = waiting.pop(0)
        asked.add(turn.model)
        outcome = yield from _retried(turn)
        if isinstance(outcome, Answered):
            return outcome.value
        first = first or outcome
        larger = turns.larger.get(turn.model) if isinstance(outcome, ContextWindowExceededError) else None
        if larger is not None and larger.model not in asked:
            waiting.insert(0, larger)
    raise first or BadRequestError("Nobody is asked.")


def _retried(turn: Turn) -> Generator[Turn | float, Answered | Exception | None, Answered | Exception]:
    failures = 0
    while True:
        outcome = yield turn
        if not isinstance(outcome, Exception):
            return outcome or Answered(None)
        failures += 1
        if failures > turn.retries or not _may_pass(outcome):
            return outcome
        after = outcome.retry_after_s if isinstance(outcome, APIError) else None
        yield backoff_s(after or 0.0, failures, Policy(), random.random())


def _may_pass(error: Exception) -> bool:
    if isinstance(error, APIError):
        return error.retryable
    status = getattr(error, "status_code", None)
    return not isinstance(status, int) or status in (408, 409, 429) or status >= 500


def _next(steps: Plan, sent: Answered | Exception | None) -> Turn | float | Answered:
    """What to do now; the answer at the end."""
    try:
        return steps.send(sent)
    except StopIteration as end:
        return Answered(end.value)


def ask(turns: Turns, custom: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """`custom`: asks a handler. `function`: has the engine ask."""
    steps = plan(turns)
    sent: Answered | Exception | None = None
    while True:
        step = _next(steps, sent)
        if isinstance(step, Answered):
            return step.value
        if isinstance(step, float):
            time.sleep(step)
            sent = None
            continue
        try:
            sent = Answered(_asked(step, custom, function))
        except NotBuilt:
            raise
        except Exception as error:  # noqa: BLE001 a handler raises what it will; the plan raises it again
            sent = error


def _asked(turn: Turn, custom: Callable[..., Any], function: Callable[..., Any]) -> Any:
    if turn.handler is None:
        return function(model=turn.model, **turn.said)
    answer = custom(*turn.handler, turn.said)
    if isinstance(answer, custom_llm.Chunks):
        answer.begin()
    return _named(answer, turn)


async def aask(turns: Turns, custom: Callable[..., Awaitable[Any]], function: Callable[..., Awaitable[Any]]) -> Any:
    steps = plan(turns)
    sent: Answered | Exception | None = None
    while True:
        step = _next(steps, sent)
        if isinstance(step, Answered):
            return step.value
        if isinstance(step, float):
            await asyncio.sleep(step)
            sent = None
            continue
        try:
            sent = Answered(await _awaited(step, custom, function))
        except NotBuilt:
            raise
        except Exception as error:  # noqa: BLE001 as above
            sent = error


async def _awaited(turn: Turn, custom: Callable[..., Awaitable[Any]], function: Callable[..., Awaitable[Any]]) -> Any:
    if turn.handler is None:
        return await function(model=turn.model, **turn.said)
    answer = await custom(*turn.handler, turn.said)
    if isinstance(answer, custom_llm.AsyncChunks):
        await answer.begin()
    return _named(answer, turn)


def _named(answer: Any, turn: Turn) -> Any:
    """Whose it is, for callbacks and for who reads `_hidden_params`."""
    hidden = getattr(answer, "_hidden_params", None)
    if isinstance(hidden, dict) and turn.handler is not None:
        provider = turn.said.get("custom_llm_provider") or turn.model.partition("/")[0]
        hidden.update(custom_llm_provider=provider, model=turn.handler[1])
    return answer
