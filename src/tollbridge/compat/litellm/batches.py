"""Many calls at once: `batch_completion` and its like."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tollbridge.compat.litellm.calls import acompletion
from tollbridge.errors import BadRequestError
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.race import first_of

AT_ONCE = 100


async def abatch_completion(
    model: str, messages: Sequence[Any], max_workers: int = AT_ONCE, **parameters: Any
) -> list[Any]:
    """One answer, or one exception, for each list of messages, in their order."""
    gate = asyncio.Semaphore(max_workers)

    async def one(said: Any) -> Any:
        async with gate:
            return await acompletion(model=model, messages=said, **parameters)

    return await asyncio.gather(*(one(said) for said in messages), return_exceptions=True)


def batch_completion(
    model: str, messages: Sequence[Any] = (), max_workers: int = AT_ONCE, **parameters: Any
) -> list[Any]:
    """`abatch_completion` for a program without async."""
    return BACKGROUND.run(abatch_completion(model, messages, max_workers, **parameters))


def batch_completion_models(*, messages: Sequence[Any], models: Sequence[str], **parameters: Any) -> Any:
    """The answer of the model that is the first to give one; the others are cancelled. Where all fail, the error of the
    first in the list."""
    calls = [acompletion(model=one, messages=messages, **parameters) for one in _list_of(models)]
    return BACKGROUND.run(first_of(calls))


def batch_completion_models_all_responses(
    *, messages: Sequence[Any], models: Sequence[str], **parameters: Any
) -> list[Any]:
    """The answers of all models that gave one, in the order of the list. Where all fail, the error of the first."""
    return BACKGROUND.run(_all(_list_of(models), messages, parameters))


def _list_of(models: Sequence[str]) -> list[str]:
    found = [models] if isinstance(models, str) else list(models)
    if not found:
        raise BadRequestError("`models` is empty.", param="models")
    return found


async def _all(models: list[str], messages: Sequence[Any], parameters: dict[str, Any]) -> list[Any]:
    asked = (acompletion(model=one, messages=messages, **parameters) for one in models)
    told = await asyncio.gather(*asked, return_exceptions=True)
    answers = [one for one in told if not isinstance(one, BaseException)]
    if not answers:
        raise next(one for one in told if isinstance(one, BaseException))
    return answers
